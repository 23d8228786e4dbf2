# ruff: noqa: INP001 - run as a program
"""Make policies/capabilities.json: what the policies may use of OPA, from OPA's own list.

    "$(scripts/opa)" capabilities --current | python deploy/capabilities.py >
    policies/capabilities.json

A builtin is let in if OPA compiles it into the WebAssembly module itself, so that module and server
run the same code for it, and if its answer depends on its arguments alone. So nothing here reads
the clock, draws at random, looks at the host or asks the network; nothing is left to a host
function that each runtime would have to write again (`sprintf`, `yaml.*`, `crypto.*`), and nothing
prints. `tests/policies/test_capabilities.py` keeps the file equal to what this program makes.
"""

import json
import sys
from typing import Any

# fmt: off
BUILTINS = frozenset(
    {
        "abs", "all", "and", "any", "array.concat", "array.flatten", "array.reverse",
        "array.slice", "assign", "base64.decode", "base64.encode", "base64.is_valid",
        "base64url.decode", "base64url.encode", "bits.and", "bits.lsh", "bits.negate", "bits.or",
        "bits.rsh", "bits.xor", "ceil", "concat", "contains", "count", "div", "endswith", "eq",
        "equal", "floor", "format_int", "gt", "gte", "indexof", "internal.member_2",
        "internal.member_3", "internal.test_case", "intersection", "is_array", "is_boolean",
        "is_null", "is_number", "is_object", "is_set", "is_string", "lower", "lt", "lte", "max",
        "min", "minus", "mul", "neq", "numbers.range", "object.filter", "object.get",
        "object.keys", "object.remove", "object.union", "object.union_n", "or", "plus", "product",
        "rem", "replace", "round", "set_diff", "sort", "split", "startswith", "strings.replace_n",
        "strings.reverse", "substring", "sum", "to_number", "trim", "trim_left", "trim_prefix",
        "trim_right", "trim_space", "trim_suffix", "type_name", "union", "upper",
    }
)
# fmt: on
"""`internal.test_case` serves `opa test` alone; everything else is native to the module."""


def restricted(own: dict[str, Any]) -> dict[str, Any]:
    """Return OPA's own capabilities without what policies may not use.

    Raises:
        KeyError: this OPA has not all of `BUILTINS`.
    """
    kept = [one for one in own["builtins"] if one["name"] in BUILTINS]
    missing = BUILTINS - {one["name"] for one in kept}
    if missing:
        raise KeyError(*sorted(missing))
    return {**own, "builtins": kept, "allow_net": []}


if __name__ == "__main__":
    json.dump(restricted(json.load(sys.stdin)), sys.stdout, indent=2)
    sys.stdout.write("\n")
