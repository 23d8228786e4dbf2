"""What a schema may do to its predecessor of the same major version: add, and nothing else.

A minor version may add slots, and add optional fields at the end of a record inside a slot. Prose
(`doc`) may change. Anything else breaks a party that knows the older version, or changes what a
clause meant when it was signed: a slot that moves, a slot that stops being marked as revealing a
place, a code that nobody has mapped.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""Whatever `json.loads` returns."""

PROSE = frozenset({"doc"})
_TYPE = frozenset({"fields", "items", "type"})


def breaks(old: Json, new: Json) -> list[str]:
    """Return what in `new` a minor version may not do, as sentences that name the place."""
    return list(_schema(old, new))


def _schema(old: dict[str, Json], new: dict[str, Json]) -> Iterator[str]:
    yield from _attributes(old, new, "schema", frozenset({"fields"}))
    before = {field["slot"]: field for field in old["fields"]}
    after = {field["slot"]: field for field in new["fields"]}
    for number, field in before.items():
        if number not in after:
            yield f"slot {number} is gone"
            continue
        yield from _attributes(field, after[number], f"slot {number}", frozenset({"type"}))
        yield from _type(field["type"], after[number]["type"], f"slot {number}")
    for number in sorted(after.keys() - before.keys()):
        if not _optional(after[number]):
            yield f"slot {number} is new and not optional"


def _attributes(
    old: dict[str, Json], new: dict[str, Json], place: str, apart: frozenset[str]
) -> Iterator[str]:
    for name in sorted((old.keys() | new.keys()) - PROSE - apart):
        if old.get(name) != new.get(name):
            yield f"{place}: {name} has changed"


def _type(old: Json, new: Json, place: str) -> Iterator[str]:
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for one, other in zip(old, new, strict=True):
            yield from _type(one, other, place)
    elif isinstance(old, dict) and isinstance(new, dict):
        yield from _attributes(old, new, place, _TYPE)
        if isinstance(old.get("fields"), list) and isinstance(new.get("fields"), list):
            yield from _fields(old["fields"], new["fields"], place)
        for part in ("items", "type"):
            if part in old and part in new:
                yield from _type(old[part], new[part], place)
    elif old != new:
        yield f"{place}: the type has changed"


def _fields(old: list[Json], new: list[Json], place: str) -> Iterator[str]:
    if [field["name"] for field in new[: len(old)]] != [field["name"] for field in old]:
        yield f"{place}: fields are gone, renamed or in another order"
        return
    for before, after in zip(old, new, strict=False):
        inside = f"{place}.{before['name']}"
        yield from _attributes(before, after, inside, frozenset({"type"}))
        yield from _type(before["type"], after["type"], inside)
    for field in new[len(old) :]:
        if not _optional(field):
            yield f"{place}.{field['name']} is new and not optional"


def _optional(field: dict[str, Json]) -> bool:
    kind = field["type"]
    return isinstance(kind, list) and kind[0] == "null" and field.get("default", "") is None
