"""Values as people write them in YAML, made into what a slot of a record holds.

A day is written `2026-03-04`, an instant `2026-03-04 22:30` (UTC). What may be empty may be left
out; there is no word for nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Any

from broker.clock import DAY, SECOND, Instant
from broker.protocol.documents import Spot
from broker.runtimes.scenarios.errors import KEY, VALUE

FIRST_YEAR = 1971
"""Times are counted from 1970, and what holds before the first step from 30 days before that."""


def moment(spot: Spot) -> Instant:
    """Return an instant: a day and a time of day, or a day alone, which begins at 00:00.

    Raises:
        ProtocolTextError: `scenario.value`.
    """
    if isinstance(spot.value, date):
        return spot.day()
    try:
        at = datetime.strptime(spot.text(), "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    except ValueError:
        spot.refuse(VALUE, "must be a time", "Write it as 2026-03-04 22:30; it is UTC.")
    if at.year < FIRST_YEAR:
        spot.refuse(VALUE, "must be a time", f"Choose one of {FIRST_YEAR} or later.")
    return Instant(int(at.timestamp()) * SECOND)


def plain(spot: Spot) -> Any:  # noqa: ANN401 - any JSON value
    """Return what stands in a place as JSON values; days as ISO 8601 writes them."""
    value = spot.value
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def slot_value(
    spot: Spot,
    kind: Any,  # noqa: ANN401 - Avro
    unit: str = "",
    codes: Sequence[str] = (),
) -> Any:  # noqa: ANN401 - a value of it
    """Return what is written in a place, as a value of an Avro type.

    Args:
        spot: the place.
        kind: the type, as the schema gives it.
        unit: `day` or `instant` for integers that are one.
        codes: the texts that it may be; any if empty.

    Raises:
        ProtocolTextError: `scenario.key`, `scenario.value`.
    """
    if isinstance(kind, list):
        (kind,) = [one for one in kind if one != "null"]
    if isinstance(kind, dict) and kind["type"] == "record":
        return _record(spot, kind["fields"])
    if isinstance(kind, dict) and kind["type"] == "array":
        return [slot_value(one, kind["items"], unit, codes) for one in spot.items()]
    if unit == "day":
        return moment(spot) // DAY
    if unit == "instant":
        return moment(spot)
    value = plain(spot)
    if not isinstance(
        value, int if kind in {"int", "long"} else bool if kind == "boolean" else str
    ):
        spot.refuse(VALUE, f"must be of the kind {kind}")
    if codes:
        coded(spot, codes)
    return value


def coded(spot: Spot, codes: Iterable[str]) -> str:
    """Return a text that is one of some codes.

    Raises:
        ProtocolTextError: `scenario.value`.
    """
    said, known = spot.text(), sorted(codes)
    if said not in known:
        near = get_close_matches(said, known, n=1)
        fix = f"Use one of: {', '.join(known)}."
        meant = f"Did you mean {near[0]}? " if near else ""
        spot.refuse(VALUE, f"{said} is not a known code", meant + fix)
    return said


def _record(spot: Spot, fields: list[dict[str, Any]]) -> dict[str, Any]:
    given = spot.map()
    for name, one in given.items():
        if name not in {field["name"] for field in fields}:
            known = ", ".join(sorted(field["name"] for field in fields))
            one.refuse(KEY, "unknown key", f"Use one of: {known}.")
    values: dict[str, Any] = {}
    for field in fields:
        name, kind = field["name"], field["type"]
        if name in given:
            unit, codes = field.get("unit", ""), field.get("codes", ())
            values[name] = slot_value(given[name], kind, unit, codes)
        elif isinstance(kind, list):
            values[name] = None
        elif isinstance(kind, dict) and kind["type"] == "array":
            values[name] = []
        else:
            spot.refuse(KEY, f"lacks {name}", f"Add {name}: {field.get('doc', '')}")
    return values
