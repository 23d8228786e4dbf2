"""Bytes to YAML as a form may use it: plain maps, lists and scalars, each key once."""

from datetime import date

from adapters.errors import BAD_YAML, InputRefused
from adapters.sources.text import decode
from broker.protocol.documents import Spot, read_document
from broker.protocol.errors import ProtocolTextError


def parse_yaml(data: bytes, encoding: str | None = None) -> object:
    """Return what a YAML text holds, in the types that JSON has; days are ISO 8601 texts.

    Raises:
        InputRefused: `input.yaml`, `input.encoding`, `input.empty`.
    """
    text = decode(data, encoding)
    try:
        return _plain(read_document(text.encode(), "file"))
    except ProtocolTextError as error:
        line = error.where.split(":")[1:2]
        raise InputRefused(BAD_YAML, f"line {line[0]}" if line else "file") from error


def _plain(spot: Spot) -> object:
    value = spot.value
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value
