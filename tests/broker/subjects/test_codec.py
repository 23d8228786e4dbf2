"""Register entries as bytes: what goes in comes out."""

from hypothesis import given
from hypothesis import strategies as st

from broker.records.names import AgencyId, RecordDigest, RecordId
from broker.subjects.codec import Placed, decode_entry, encode_entry
from broker.subjects.registers import Entry
from broker.subjects.states import Alert, Involvement, Order, Staff
from broker.subjects.tokens import STRONG, Tokens

IDS = st.binary(min_size=16, max_size=16)
DAYS = st.integers(-(2**31), 2**31 - 1)
TEXT = st.text(max_size=20)
STATES = st.one_of(
    st.none(),
    st.builds(Involvement, TEXT, DAYS, st.none() | DAYS, st.none() | TEXT),
    st.builds(Alert, TEXT, DAYS, st.none() | DAYS, st.lists(TEXT, max_size=3).map(tuple)),
    st.builds(Order, TEXT, st.none() | TEXT, DAYS, st.none() | DAYS),
    st.builds(Staff, st.lists(st.tuples(IDS, st.none() | IDS), max_size=3).map(tuple)),
)
STRONGS = st.lists(st.tuples(st.sampled_from(STRONG), IDS), max_size=3).map(tuple)
ENTRIES = st.builds(
    Entry,
    st.binary(min_size=32, max_size=32).map(RecordDigest),
    IDS.map(RecordId),
    IDS.map(RecordId),
    TEXT.map(AgencyId),
    st.builds(Tokens, STRONGS, st.none() | IDS, st.none() | IDS),
    STATES,
    st.none() | IDS.map(RecordId),
)
PLACES = st.integers(0, 2**31 - 1)


@given(st.builds(Placed, ENTRIES, PLACES, PLACES, PLACES))
def test_an_entry_comes_back_as_it_was_written(placed: Placed) -> None:
    assert decode_entry(encode_entry(placed)) == placed
