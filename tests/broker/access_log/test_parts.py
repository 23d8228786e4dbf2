"""Facts, Personal and Told: read as they were written, and no other way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.errors import SHAPE, LogError
from broker.access_log.parts import (
    KINDS,
    Facts,
    Personal,
    ProtocolPlace,
    RegistersPlace,
    Told,
    ToldObligation,
    ToldTask,
)
from broker.clock import Instant
from broker.records.names import AgencyId, RecordDigest, RecordId

hashes = st.binary(min_size=32, max_size=32)
ids = st.binary(min_size=16, max_size=16)
texts = st.text(max_size=12)
lists = st.lists(texts, max_size=3).map(tuple)
instants = st.integers(0, 2**53).map(Instant)
places = st.builds(ProtocolPlace, st.integers(0, 2**40), hashes)
facts = st.builds(
    Facts,
    kind=st.sampled_from(KINDS),
    at=instants,
    source=texts.map(AgencyId),
    consumer=texts,
    cause=hashes,
    decision=st.binary(max_size=50),
    revision=st.none() | hashes,
    protocol=places,
    registers=st.builds(RegistersPlace, st.integers(0, 2**40), hashes, st.integers(0, 2**31 - 1)),
    code=st.none() | texts,
)
personals = st.builds(
    Personal,
    record=hashes.map(RecordDigest),
    question=st.none() | st.binary(max_size=50),
    registers=st.lists(hashes.map(RecordDigest), max_size=3).map(tuple),
    link=texts,
    tokens=st.lists(ids, max_size=3).map(tuple),
    holds=st.lists(ids.map(RecordId), max_size=3).map(tuple),
)
tolds = st.builds(
    Told,
    kind=texts,
    consumer=texts,
    outcome=texts,
    slots=st.lists(st.integers(0, 31), max_size=5).map(tuple),
    clauses=lists,
    obligations=st.lists(st.builds(ToldObligation, texts, texts), max_size=2).map(tuple),
    revision=st.none() | hashes,
    protocol=places,
    desk=texts,
    own_identifier=st.none() | texts,
    task=st.none() | st.builds(ToldTask, ids, texts, instants, lists, lists),
    code=st.none() | texts,
    holds=st.lists(ids.map(RecordId), max_size=3).map(tuple),
)
parts = facts | personals | tolds


@given(parts)
def test_parts_are_read_as_they_were_written(part: Facts | Personal | Told) -> None:
    assert type(part).decode(part.encode()) == part


@given(parts, st.binary(min_size=1, max_size=3))
def test_bytes_left_over_are_refused(part: Facts | Personal | Told, more: bytes) -> None:
    with pytest.raises(LogError) as refused:
        type(part).decode(part.encode() + more)
    assert refused.value.code is SHAPE


def test_no_part_passes_for_another_one() -> None:
    place = ProtocolPlace(0, bytes(32))
    told = Told("delivery", "c", "content", (0,), (), (), None, place)
    with pytest.raises(LogError):
        Facts.decode(told.encode())
    with pytest.raises(LogError):
        Personal.decode(told.encode())
