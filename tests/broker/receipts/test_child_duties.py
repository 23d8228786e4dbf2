"""Duties about one child: none silently handed over, none unasked, untold, or eighteen unprepared."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import DAY, HOUR, Instant
from broker.receipts.known import Known
from broker.receipts.owed import Level, Owed
from tests.broker.receipts.owing import GIRL, MASH, known, later, owed, received
from tests.support.county import COUNCIL, HOSPITALS, NOON, POLICE, SCHOOL, TODAY

NURSE = f"{HOSPITALS}/ward-safeguarding"


def midnight(day: int) -> Instant:
    return Instant(day * DAY)


# ------------------------------------------------------------------ a named professional


def post(
    record: str,
    first: int,
    last: int | None,
    to: str | None = None,
    **more: Any,  # noqa: ANN401 - fields of `Known`
) -> Known:
    said = {"role": "social worker", "from": first, "until": last, "handed_to": to}
    return known("named-professional", record, content={"post": said}, **more)


def test_no_gap_of_a_named_professional_without_a_duty() -> None:
    # given a social worker whose last day was yesterday, as was written down a week ago
    ended = post("aa", TODAY - 100, TODAY - 1, source=COUNCIL, at=later(-7 * DAY))
    (duty,) = owed(ended)
    assert (duty.owed, duty.due, duty.level) == (Owed.NAME, midnight(TODAY), Level.ESCALATED)

    # when another one begins at once, or is there already, then there is no gap
    assert owed(ended, post("bb", TODAY, None, source=COUNCIL)) == ()
    assert owed(ended, post("bb", TODAY - 50, TODAY + 50, source=HOSPITALS)) != ()
    assert [
        one.record for one in owed(ended, post("bb", TODAY - 50, TODAY + 50, source=COUNCIL))
    ] == ["bb"]

    # but one who left before, or comes in a week, fills none today
    assert len(owed(ended, post("bb", TODAY - 300, TODAY - 200, source=COUNCIL))) == 1
    awaited = post("bb", TODAY + 7, None, source=COUNCIL)
    assert len(owed(ended, awaited)) == 1
    assert owed(ended, awaited, at=midnight(TODAY + 7)) == ()


def test_an_end_is_a_duty_from_the_day_it_is_written_down() -> None:
    # given a last day in nine days, then it is open now, pressing later, escalated with the gap
    ends = post("aa", TODAY - 100, TODAY + 9, source=COUNCIL)
    levels = [owed(ends, at=later(days * DAY))[0].level for days in (0, 6, 10)]
    assert levels == [Level.OPEN, Level.REMINDER, Level.ESCALATED]

    # and who hears of an end afterwards has a day
    (late,) = owed(post("aa", TODAY - 100, TODAY - 20, source=COUNCIL))
    assert late.due == later(DAY)


def test_a_gap_is_known_to_the_hub_and_not_to_everybody() -> None:
    ended = post("aa", TODAY - 100, TODAY - 1, source=HOSPITALS, consumer=MASH, delivery="dd")
    assert [one.owed for one in owed(ended)] == [Owed.NAME]
    assert owed(replace(ended, consumer=SCHOOL), agency=SCHOOL) == ()

    # two posts that end on one day are one gap
    twin = post("bb", TODAY - 20, TODAY - 1, source=COUNCIL)
    assert [one.record for one in owed(ended, twin)] == ["aa"]


def test_a_handover_is_owed_from_its_announcement_until_it_is_taken_over() -> None:
    # given a child who is handed over to the hospital's nurse in nine days, as two desks are told
    told = post("aa", TODAY - 100, TODAY + 9, NURSE, consumer=NURSE, delivery="dd")
    also = replace(told, consumer=f"{HOSPITALS}/ed", delivery="ee")
    (duty,) = owed(told, also, agency=HOSPITALS)
    assert (duty.owed, duty.desk, duty.due) == (Owed.TAKE_OVER, NURSE, midnight(TODAY + 10))
    assert duty.level is Level.OPEN

    # when the council names somebody else, then the hospital still owes it; when itself does, not
    other = post("bb", TODAY + 10, None, consumer=NURSE, delivery="ff")
    assert len(owed(told, other, agency=HOSPITALS)) == 1
    assert owed(told, post("bb", TODAY + 10, None, source=HOSPITALS), agency=HOSPITALS) == ()

    # but a nurse who goes before that day takes nothing over
    leaves = post("bb", TODAY - 1, TODAY + 5, NURSE, source=HOSPITALS)
    found = {(one.owed, one.record) for one in owed(told, leaves, agency=HOSPITALS)}
    assert (Owed.TAKE_OVER, "aa") in found


def test_a_handover_without_a_last_day_is_to_be_taken_over_within_a_day() -> None:
    told = post("aa", TODAY - 100, None, NURSE, consumer=NURSE, delivery="dd")
    (duty,) = owed(told, agency=HOSPITALS)
    assert duty.due == later(DAY)
    assert owed(told, post("bb", TODAY - 300, TODAY, source=HOSPITALS), agency=HOSPITALS) != ()
    assert owed(told, post("bb", TODAY, None, source=HOSPITALS), agency=HOSPITALS) == ()


# ------------------------------------------------------------------ return interviews


def returned(
    record: str = "aa",
    back: Instant | None = None,
    **changes: Any,  # noqa: ANN401 - slots
) -> Known:
    at = later(-HOUR) if back is None else back
    episode = {"start": TODAY - 2, "end": at // DAY, "end_at": at}
    return received("missing-episode", record=record, content={"episode": episode, **changes})


def interview(
    accepted: str = "accepted",
    back: Instant | None = None,
    **changes: Any,  # noqa: ANN401 - fields of `Known`
) -> Known:
    said = {"accepted": accepted, "returned_at": back}
    return known("return-interview", "cc", COUNCIL, content={"interview": said}, **changes)


def test_a_return_interview_is_owed_within_72_hours_once_for_one_return() -> None:
    # given a child who came back an hour ago, as two agencies tell, minutes apart
    (duty,) = owed(returned(), returned("bb", later(-HOUR + 600_000)))
    assert (duty.owed, duty.due, duty.record) == (Owed.INTERVIEW, later(71 * HOUR), "aa")

    # when one was offered, whatever she said to it, then not; that none was offered is no offer
    for answer in ("accepted", "declined", "not-reached"):
        assert owed(returned(), interview(answer)) == ()
    assert len(owed(returned(), interview("not-offered"))) == 1
    assert owed(returned(return_interview={"offered": True})) == ()
    assert owed(returned(return_interview={"held": True})) == ()
    assert len(owed(returned(return_interview={"offered": False}))) == 1

    # and others than those whom the protocol names owe none, nor is any owed of who is missing yet
    assert owed(returned(), agency=SCHOOL) == ()
    assert owed(received("missing-episode", content={"episode": {"end_at": None}})) == ()
    assert owed(received("missing-episode")) == ()


def test_each_return_has_an_interview_of_its_own() -> None:
    # given a child who came back twice, and an interview about the first return, written later
    first, second = later(-50 * HOUR), later(-2 * HOUR)
    about_first = interview(back=first)
    found = owed(returned("aa", first), returned("bb", second), about_first)

    # then the second is still owed; and one that was written before a return is not about it
    assert [one.record for one in found] == ["bb"]
    early = interview(at=later(-3 * HOUR))
    assert [one.record for one in owed(returned("bb", second), early)] == ["bb"]
    assert owed(returned("aa", first), returned("bb", second), interview()) == ()

    # and what another missing episode says of its own interview is not about this one
    told = returned("aa", first, return_interview={"offered": True})
    assert [one.record for one in owed(told, returned("bb", second))] == ["bb"]


def test_a_return_without_a_time_is_a_return() -> None:
    # given a return of which the day is known, then the clock begins with that day
    day = received("missing-episode", content={"episode": {"end": TODAY, "end_at": None}})
    assert [one.due for one in owed(day)] == [midnight(TODAY + 3)]
    assert owed(day, interview(back=NOON)) == ()

    # and one of which only the fact is known begins with the day on which it was heard
    fact = received("missing-episode", content={"episode": {"returned": True}})
    assert [one.owed for one in owed(fact)] == [Owed.INTERVIEW]


# ------------------------------------------------------------------ telling her


def voice(
    told: dict[str, Any],
    record: str = "vv",
    **changes: Any,  # noqa: ANN401 - fields of `Known`
) -> Known:
    return known("voice", record, SCHOOL, content={"told": told}, **changes)


def opened(record: str, at: Instant = NOON) -> Known:
    said = {"receipt": {"record_id": record, "event": "opened", "at": at}}
    return Known(f"of-{record}", COUNCIL, "receipt", at, said, consumer=SCHOOL, delivery="dd")


@pytest.mark.parametrize(
    ("told", "count"),
    [
        ({"what_is_shared": True}, 0),
        ({"what_is_shared": False, "why_not": "would-add-risk"}, 0),
        ({"what_is_shared": False, "why_not": "too-young"}, 0),
        ({"what_is_shared": False, "why_not": "not-yet"}, 1),
        ({"what_is_shared": None, "why_not": None}, 1),
    ],
)
def test_a_child_who_was_not_told_is_told(told: dict[str, Any], count: int) -> None:
    assert [one.owed for one in owed(voice(told), agency=SCHOOL)] == [Owed.TELL] * count


def test_she_is_told_once_others_have_had_her_record() -> None:
    # given a concern of the school's that nobody has opened
    concern = known("concern", source=SCHOOL)
    assert owed(concern, agency=SCHOOL) == ()

    # when the council opens it, then the school owes her a word about it, within a week
    (duty,) = owed(concern, opened("aa", later(HOUR)), opened("aa"), agency=SCHOOL)
    assert (duty.owed, duty.record, duty.due) == (Owed.TELL, "aa", later(7 * DAY))

    # when she is told, by whomever, then not; what is opened later she has not been told of
    told = voice({"what_is_shared": True, "on": TODAY}, at=later(DAY))
    assert owed(concern, opened("aa"), told, agency=SCHOOL) == ()
    theirs = replace(told, source=HOSPITALS, consumer=SCHOOL, delivery="ee")
    assert owed(concern, opened("aa"), theirs, agency=SCHOOL) == ()
    more = known("concern", "bb", SCHOOL, at=later(2 * DAY))
    found = owed(concern, more, opened("aa"), opened("bb", later(3 * DAY)), told, agency=SCHOOL)
    assert [(one.record, one.since) for one in found] == [("bb", later(3 * DAY))]


def test_the_last_word_on_telling_counts() -> None:
    # given a girl who was not told yet, and then was, or for whom it would have been a danger
    not_yet = voice({"what_is_shared": False, "why_not": "not-yet"}, "v1")
    later_on = later(DAY)
    for told in ({"what_is_shared": True}, {"what_is_shared": False, "why_not": "would-add-risk"}):
        assert owed(not_yet, voice(told, "v2", at=later_on), agency=SCHOOL) == ()

    # but what another agency has not told her is that agency's to tell
    theirs = replace(not_yet, source=HOSPITALS, consumer=SCHOOL, delivery="ee")
    assert owed(theirs, agency=SCHOOL) == ()


def test_what_tells_nothing_of_her_need_not_be_told_and_a_telephone_call_must() -> None:
    link = known("involvement", source=SCHOOL)
    assert owed(link, opened("aa"), agency=SCHOOL) == ()
    said = known("verbal-disclosure", source=SCHOOL, content={"disclosure": {"at": later(-HOUR)}})
    assert [one.since for one in owed(said, agency=SCHOOL)] == [later(-HOUR)]
    assert owed(replace(said, content=GIRL), agency=SCHOOL) == ()


# ------------------------------------------------------------------ turning eighteen


def day(said: str) -> int:
    return (date.fromisoformat(said) - date(1970, 1, 1)).days


def link(born: str, **changes: Any) -> Known:  # noqa: ANN401 - members of the link
    who = {"identity": {**GIRL["identity"], "date_of_birth": born}}
    said = {"kind": "open-case", "from": TODAY - 900, "until": None, **changes}
    return known("involvement", source=COUNCIL, content={**who, "link": said})


@pytest.mark.parametrize(
    ("born", "since", "birthday"),
    [
        ("2008-09-25", "2026-03-25", "2026-09-25"),
        ("2008-02-29", "2025-09-01", "2026-03-01"),
        ("2008-08-31", "2026-02-28", "2026-08-31"),
    ],
)
def test_eighteen_is_prepared_from_seventeen_and_a_half(
    born: str, since: str, birthday: str
) -> None:
    # given a child with whom the council works
    first, last = midnight(day(since)), midnight(day(birthday))
    mine = link(born)

    # then it is owed from 17½ on, escalated at eighteen, and no more at twenty-five
    assert owed(mine, at=Instant(first - 1)) == ()
    (duty,) = owed(mine, at=first)
    assert (duty.owed, duty.due, duty.level) == (Owed.PREPARE, last, Level.OPEN)
    assert owed(mine, at=Instant(last - 1))[0].level is Level.REMINDER
    assert owed(mine, at=last)[0].level is Level.ESCALATED
    assert owed(mine, at=midnight(day(f"2033{birthday[4:]}"))) == ()

    # when somebody is named who stays, then not; one who goes, or was there long ago, is no plan
    at = Instant(first + DAY)
    stays = post("pp", day(since), None, source=COUNCIL, at=at)
    assert owed(mine, stays, at=at) == ()
    goes = replace(
        stays, content={**GIRL, "post": {**stays.content["post"], "until": day(birthday) - 1}}
    )
    assert Owed.PREPARE in {one.owed for one in owed(mine, goes, at=at)}
    before = replace(stays, at=Instant(first - DAY))
    assert [one.owed for one in owed(mine, before, at=at)] == [Owed.PREPARE]


def test_eighteen_is_prepared_by_who_works_with_her() -> None:
    at = midnight(day("2026-04-25"))
    for changes in ({"kind": "on-roll"}, {"kind": "registered"}, {"until": TODAY - 1}):
        assert owed(link("2008-09-25", **changes), at=at) == ()
    assert len(owed(link("2008-09-25", until=TODAY + 900), at=at)) == 1

    # and one who came to work with her when she was grown has nothing to prepare
    assert owed(link("2006-09-25", **{"from": TODAY}), at=at) == ()
    nameless = replace(link("2008-09-25"), content={**GIRL, "identity": {}, "link": {}})
    assert owed(nameless, at=at) == ()


# ------------------------------------------------------------------ properties

DAYS_LATER = st.integers(0, 30 * DAY).map(later)
REQUEST = {"request": {"needed_by": later(4 * HOUR)}}
ENDED = {"role": "nurse", "from": TODAY - 90, "until": TODAY - 3, "handed_to": None}

OWED = {
    (Owed.NAME, "n1"): known("named-professional", "n1", COUNCIL, content={"post": ENDED}),
    (Owed.INTERVIEW, "m1"): returned("m1"),
    (Owed.ACKNOWLEDGE, "c1"): received("concern", record="c1", acknowledge_by=later(HOUR)),
    (Owed.ACT, "c2"): received("concern", record="c2", acknowledged=NOON),
    (Owed.ANSWER, "r1"): received("information-request", record="r1", content=REQUEST),
    (Owed.TELL, "v1"): known("voice", "v1", COUNCIL, content={"told": {"why_not": "not-yet"}}),
}
ENDS = {
    (Owed.NAME, "n1"): post("n2", TODAY - 2, None, source=COUNCIL),
    (Owed.INTERVIEW, "m1"): interview(back=later(-HOUR)),
    (Owed.ANSWER, "r1"): known(
        "information-response", "r2", COUNCIL, content={"response": {"request": "r1"}}
    ),
    (Owed.TELL, "v1"): known(
        "voice", "v2", COUNCIL, content={"told": {"what_is_shared": True}}, at=later(1)
    ),
}
OTHERS = (
    known("risk-flags", "x1"),
    known("involvement", "x2", COUNCIL),
    known("return-interview", "x3", COUNCIL, content={"interview": {"accepted": "not-offered"}}),
    post("x4", TODAY - 400, TODAY - 200, source=POLICE),
    known("information-response", "x5", COUNCIL, content={"response": {"request": "other"}}),
    known("named-professional", "x6", POLICE),
)


@given(
    st.sets(st.sampled_from(sorted(OWED))),
    st.sets(st.sampled_from(sorted(ENDS))),
    st.sets(st.sampled_from(range(len(OTHERS)))),
    DAYS_LATER,
)
def test_a_duty_ends_only_by_what_it_asks_for(
    there: set[tuple[Owed, str]],
    ended: set[tuple[Owed, str]],
    beside: set[int],
    at: Instant,
) -> None:
    # given some duties, some records that end duties, and some that end none
    records = [OWED[one] for one in sorted(there)]
    records += [ENDS[one] for one in sorted(ended)]
    records += [OTHERS[one] for one in sorted(beside)]

    # then at any time those are owed whose end is not there, and no others
    found = owed(*records, at=at)
    assert {(one.owed, one.record) for one in found} == there - ended

    # and in whatever order the records are known
    assert owed(*reversed(records), at=at) == found


@given(st.sets(st.sampled_from(sorted(OWED)), min_size=1), DAYS_LATER, DAYS_LATER)
def test_a_duty_presses_more_as_time_goes_on(
    there: set[tuple[Owed, str]], one: Instant, other: Instant
) -> None:
    # given duties, when time goes on, then none gets less pressing, and none gets another time
    order = list(Level)
    first, second = sorted((one, other))
    records = [OWED[name] for name in sorted(there)]
    before = {(duty.owed, duty.record): duty for duty in owed(*records, at=first)}
    for duty in owed(*records, at=second):
        earlier = before[duty.owed, duty.record]
        assert order.index(earlier.level) <= order.index(duty.level)
        assert (earlier.since, earlier.due) == (duty.since, duty.due)
