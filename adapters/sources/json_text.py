"""Strict JSON: what is ambiguous or endless is refused (RFC 8259; duplicate members are ours)."""

import json
from typing import NoReturn

from adapters.errors import BAD_JSON, JSON_TWICE, InputRefused
from adapters.sources.text import decode


def parse(data: bytes, encoding: str | None = None) -> object:
    """Return what a JSON file says.

    Raises:
        InputRefused: `input.json`, `input.json.duplicate`, or `input.encoding`.
    """
    text = decode(data, encoding)
    try:
        value: object = json.loads(text, object_pairs_hook=_once, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        # ValueError: not JSON, cut short, or a number of thousands of digits.
        raise InputRefused(BAD_JSON, "file") from error
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InputRefused(JSON_TWICE, "file")
    return members


def _constant(_name: str) -> NoReturn:
    # NaN and the infinities are no JSON; json.loads would take them.
    raise InputRefused(BAD_JSON, "file")
