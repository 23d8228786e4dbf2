"""Incidents: two reasons open one, a clock runs, a signed decision ends it, none is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import DAY, HOUR, Instant
from broker.errors import Code
from broker.receipts.errors import NO_INCIDENT, SEVERAL, WithdrawalError
from broker.receipts.incidents import (
    BREACHES,
    CLOCK,
    Closing,
    Incident,
    Retraction,
    incident_named,
    incidents,
)
from broker.receipts.withdrawn import TELL
from broker.records.names import RecordId
from tests.support.county import NOON, TODAY


def taken(
    number: int = 1, reason: str | None = "wrong-person", on: int | None = TODAY
) -> Retraction:
    """Return a retraction that was signed at noon."""
    own, of = RecordId(bytes((number,)) * 16), RecordId(bytes((0x80 + number,)) * 16)
    return Retraction(own, of, reason, "un-file", on, "lead", None, NOON)


def closed(number: int = 1, hours: int = 1, decision: str = "reported") -> Closing:
    """Return a decision about the incident of a retraction, some hours after noon."""
    at = Instant(NOON + hours * HOUR)
    return Closing(RecordId(bytes((number,)) * 16), decision, "Made up.", "head", at)


@pytest.mark.parametrize(
    ("on", "found"),
    [
        (TODAY, NOON),
        (TODAY - 2, Instant((TODAY - 2) * DAY)),
        (TODAY + 1, NOON),
        (None, NOON),
    ],
)
def test_the_clock_begins_when_it_was_found_out(on: int | None, found: Instant) -> None:
    # given a day on which it was found out, when the clock is asked, then it runs 72 hours from
    # that day's beginning; from the signature, if that is the same day, or no earlier one is named
    incident = Incident(taken(on=on))
    assert incident.retraction.found == found
    assert incident.due == found + 72 * HOUR
    assert not incident.overdue(incident.due)
    assert incident.overdue(Instant(incident.due + 1))


def test_a_decision_in_time_ends_it_and_one_too_late_stays_late() -> None:
    # given decisions before and after the clock has run out, when they are looked at a year later
    year = Instant(NOON + 365 * DAY)
    in_time, late = Incident(taken(), closed(hours=72)), Incident(taken(), closed(hours=73))

    # then only the late one is overdue
    assert (in_time.overdue(year), late.overdue(year)) == (False, True)


def test_the_first_decision_stands() -> None:
    # given two decisions, when they come in any order, then the earlier one counts
    both = [closed(hours=5, decision="not-reportable"), closed(hours=2)]
    for given_ones in (both, both[::-1]):
        (one,) = incidents([taken()], given_ones)
        assert one.closing is not None
        assert one.closing.decision == "reported"


def test_open_ones_come_first_by_their_clock() -> None:
    # given three incidents, of which one is closed, when they are listed, then it comes last
    older = taken(2, on=TODAY - 1)
    found = incidents([taken(1), taken(3, on=TODAY - 2), older], [closed(3)])
    assert [one.id[0] for one in found] == [2, 1, 3]


@given(
    st.lists(
        st.tuples(st.integers(1, 60), st.sampled_from([*TELL, None])), unique_by=lambda x: x[0]
    ),
    st.lists(st.integers(1, 60)),
)
def test_every_breach_is_on_the_list_and_nothing_else(
    said: list[tuple[int, str | None]], ended: list[int]
) -> None:
    # given any retractions and decisions, when incidents are listed, then it is all breaches, and
    # open are those about which nobody has decided
    found = incidents([taken(*one) for one in said], [closed(number) for number in ended])
    assert {one.id[0] for one in found} == {n for n, reason in said if reason in BREACHES}
    still = {one.id[0] for one in found if one.closing is None}
    assert still == {one.id[0] for one in found} - set(ended)
    late = Instant(NOON + CLOCK + 1)
    assert all(one.overdue(late) for one in found if one.closing is None)


@pytest.mark.parametrize(
    ("name", "code"),
    [("", NO_INCIDENT), ("77", NO_INCIDENT), ("0", SEVERAL), ("8", SEVERAL)],
)
def test_a_name_that_fits_none_or_several_is_refused(name: str, code: Code) -> None:
    # given two incidents, when one is named that is none, or is both, then it is refused
    found = incidents([taken(1), taken(2)], [])
    with pytest.raises(WithdrawalError) as refused:
        incident_named(found, name)
    assert refused.value.code is code


@pytest.mark.parametrize("name", ["0202", "82", "8282"])
def test_it_is_named_by_its_id_or_its_record_s(name: str) -> None:
    # given two incidents, when one is named by the beginning of either id, then it is that one
    assert incident_named(incidents([taken(1), taken(2)], []), name).id[0] == 2
