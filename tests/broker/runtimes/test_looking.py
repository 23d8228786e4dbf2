"""Cursors of searches: opaque, of one search alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.ports import NEWEST, Cursor, LogQuery
from broker.runtimes.layout import InstallationError
from broker.runtimes.looking import Asked, Looker, cursor_text, read_cursor
from broker.runtimes.searching import Wanted

asks = st.builds(
    Asked,
    st.builds(
        LogQuery,
        source=st.none() | st.text(max_size=3),
        clause=st.none() | st.text(max_size=3),
        no_clause=st.booleans(),
    ),
    st.builds(
        Wanted, nhs_number=st.none() | st.just("9990000018"), record=st.none() | st.just("f")
    ),
    st.builds(Looker, st.sampled_from(("", "eastshire-police"))),
)


@given(place=st.integers(0, NEWEST).map(Cursor), asked=asks, other=asks)
def test_a_cursor_goes_with_its_own_search(place: Cursor, asked: Asked, other: Asked) -> None:
    """Given a cursor, when read with its search it is the place; with another it is refused."""
    text = cursor_text(place, asked)
    assert read_cursor(text, asked) == place
    if other != asked:
        with pytest.raises(InstallationError, match="begin anew"):
            read_cursor(text, other)


@given(text=st.text(max_size=30), asked=asks)
def test_other_texts_are_no_cursors(text: str, asked: Asked) -> None:
    with pytest.raises(InstallationError, match="begin anew"):
        read_cursor(text, asked)
    assert read_cursor(None, asked) == NEWEST
