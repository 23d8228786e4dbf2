"""Looks as the log keeps them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.errors import LogError
from broker.access_log.looks import Look
from broker.clock import Instant

LOOK = Look(bytes(16), Instant(1), "eastshire-police", "auditor", "why", ("clause",), (bytes(16),))
texts = st.text(st.characters(codec="utf-8"), max_size=5)
looks = st.builds(
    Look,
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**53 - 1).map(Instant),
    texts,
    texts,
    texts,
    st.lists(texts, max_size=2).map(tuple),
    st.lists(st.binary(min_size=16, max_size=16), max_size=2).map(tuple),
)


@given(looks)
def test_a_look_has_one_encoding(look: Look) -> None:
    """Given a look, when encoded and read, then it is the same, with spaces it is none."""
    assert Look.decode(look.encode()) == look
    with pytest.raises(LogError):
        Look.decode(look.encode() + b" ")


@pytest.mark.parametrize(
    ("field", "value"),
    [("id", "00"), ("tokens", ["00"]), ("tokens", [1]), ("at", None), ("asked", 3), ("id", 3)],
)
def test_other_shapes_are_refused(field: str, value: object) -> None:
    fields = json.loads(LOOK.encode()) | {field: value}
    with pytest.raises(LogError):
        Look.decode(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(LogError):
        Look.decode(data)
