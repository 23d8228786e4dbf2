"""Protocols of more clauses than Eastshire's, which decide the same."""

from collections.abc import Mapping
from copy import deepcopy
from itertools import cycle
from typing import Any

ELSEWHERE = {"path": ["consumer", "agency"], "test": "in", "values": ["an-agency-of-elsewhere"]}
"""A condition that no consumer meets. It stands last, so that the others are looked at."""


def grown(policy: Mapping[str, Any], count: int | None) -> Mapping[str, Any]:
    """Return policy data of so many clauses: copies of its grants, for an agency that is not there.

    Args:
        policy: what the Rego reads as `data.protocol`.
        count: of clauses, at least; None: as they are.
    """
    if count is None or count <= len(policy["clauses"]):
        return policy
    made: dict[str, Any] = deepcopy(dict(policy))
    clauses, index = made["clauses"], made["index"]
    grants = [name for name, one in clauses.items() if one["effect"] == "grant"]
    for number, name in enumerate(cycle(grants)):
        if len(clauses) >= count:
            break
        copy = f"{name}-{number}"
        clauses[copy] = deepcopy(clauses[name])
        clauses[copy]["when"].append(ELSEWHERE)
        for effects in index.values():
            if name in effects["grant"]:
                effects["grant"].append(copy)
    for effects in index.values():
        effects["grant"].sort()
    return made
