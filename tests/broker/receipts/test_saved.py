"""Saved questions over made-up entries."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.parts import ToldTask
from broker.clock import DAY, HOUR, Instant
from broker.protocol.decisions import Decision, Grant, Outcome, Refusal
from broker.receipts.saved import (
    AT_LEAST,
    TIMES,
    Receipts,
    Seen,
    counted,
    never_opened,
    refusals_and_overrides,
    stale,
    undecided,
    unreviewed,
    unusual,
    without_action,
)

NOW = Instant(100 * DAY)
DECIDED = Decision(
    Outcome.CONTENT,
    (0, 8),
    (Grant("2.1", (8,), floor=True),),
    (),
    (),
    (),
    (),
    None,
    Outcome.CONTENT,
    (0, 8),
    bytes(32),
    Instant(0),
    NOW,
)
DELIVERED = Seen(
    1, NOW, "decision", "police", "school/dsl", "concern", delivery="aa", decision=DECIDED
)


def receipt(delivery: str, event: str, at: int = NOW) -> Seen:
    """Return the entry of a receipt."""
    said = {"delivery_id": delivery, "event": event}
    return Seen(2, Instant(at), "receipt", "school", type="receipt", content={"receipt": said})


def test_who_said_no_and_who_said_yes() -> None:
    # given decisions of each kind, when asked for, then each says why, and the plain one is left
    refused = replace(DECIDED, refusals=(Refusal("6.1", (9,)),), narrowings=("N7",))
    by_source = replace(DECIDED, outcome=Outcome.WITHHOLD, reasons=("refused-by-source",))
    entries = [
        DELIVERED,
        replace(DELIVERED, decision=None),
        replace(DELIVERED, decision=refused),
        replace(DELIVERED, decision=by_source),
        replace(DELIVERED, answer="share"),
    ]
    assert [line["why"] for line in refusals_and_overrides(entries)] == [
        "refused by clause 6.1; narrowed by N7; the floor went all the same",
        "refused by a person at the source",
        "shared by a person at the source",
    ]


def test_what_nobody_has_reviewed() -> None:
    # given two records that were sent past the broker, of which one was reviewed
    sent = Seen(
        3,
        Instant(NOW - 2 * DAY),
        "decision",
        "police",
        type="break-glass",
        record_id="r1",
        content={"emergency": {"to": "council/edt"}},
    )
    other = replace(sent, index=4, record_id="r2")
    review = replace(sent, index=5, record_id="r3", content={"review": {"x": 1}}, concerns="r2")

    # when asked for, then the other one comes, once, with when it is due
    (line,) = unreviewed([review, other, sent, sent], DAY, NOW)
    assert (line["record_id"], line["consumer"], line["overdue"]) == ("r1", "council/edt", True)
    assert line["due_ms"] == NOW - DAY
    (line,) = unreviewed([sent], None, NOW)
    assert (line["due_ms"], line["overdue"]) == (None, False)


events = st.sampled_from(("opened", "acknowledged", "action"))
names = st.sampled_from(("aa", "bb", "cc"))


@given(told=st.lists(st.tuples(names, events), max_size=6))
def test_deliveries_and_what_became_of_them(told: list[tuple[str, str]]) -> None:
    """Given any receipts, when deliveries are asked for, then those come that lack them."""
    receipts = Receipts.of([receipt(*one) for one in told] + [DELIVERED])
    deliveries = [replace(DELIVERED, delivery=name) for name in ("aa", "bb", "cc")]
    unread = {name for name in ("aa", "bb", "cc") if not any(one == name for one, _ in told)}
    assert {line["delivery"] for line in never_opened(deliveries, receipts)} == unread
    idle = {
        name
        for name in ("aa", "bb", "cc")
        if (name, "acknowledged") in told and (name, "action") not in told
    }
    assert {line["delivery"] for line in without_action(deliveries, receipts, NOW)} == idle


def test_some_deliveries_ask_for_nothing() -> None:
    # given a receipt's own delivery, an alert that was taken on, and an entry that released nothing
    receipts = Receipts.of([receipt("aa", "acknowledged", NOW - 2 * DAY)])
    nothing = replace(DELIVERED, delivery="")
    assert list(never_opened([replace(DELIVERED, type="receipt"), nothing], Receipts())) == []
    alert = replace(DELIVERED, type="alert")
    assert list(without_action([alert, nothing], receipts, NOW)) == []

    # and one that was taken on two days ago is overdue
    (line,) = without_action([DELIVERED], receipts, NOW)
    assert line["overdue"]


def test_tasks_that_nobody_has_answered() -> None:
    # given tasks for two reasons, one of them twice, and an answer to another
    def task(number: int, why: str = "default-withhold") -> Seen:
        asked = ToldTask(bytes([number]) * 16, why, Instant(NOW - HOUR), ("school",), ())
        return Seen(number, NOW, "task", "police", "police", "concern", task=asked)

    answer = Seen(9, NOW, "receipt", "police", content={"answer": {"task": "02" * 16}})
    tasks = [task(1), task(1), task(2), task(3, "refer"), replace(task(4), task=None)]
    (line,) = undecided(tasks, [answer, DELIVERED], NOW)
    assert (line["entry"], line["for"], line["overdue"]) == (1, ["school"], True)


@given(st.dictionaries(st.integers(0, 9), st.integers(1, 60), min_size=1))
def test_unusual_days_stand_out(days: dict[int, int]) -> None:
    """Given any days, when looked through, then those come that the rule names, no others."""
    counts = Counter({("got", "school", day): number for day, number in days.items()})
    found = sorted(days.values())
    middle = len(found) // 2
    usual = found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2
    expected = {
        day * DAY
        for day, number in days.items()
        if number > TIMES * usual and number >= usual + AT_LEAST
    }
    assert {line["day_ms"] for line in unusual(counts)} == expected


def test_a_desk_counts_for_its_agency() -> None:
    assert counted("got", "school/dsl", Instant(2 * DAY + 5)) == ("got", "school", 2)


def test_clauses_that_grant_nothing() -> None:
    clauses = [("2.1", "Missing", True), ("3.1", "Plans", False)]
    assert list(stale(clauses, {"2.1"})) == [{"clause": "3.1", "title": "Plans", "floor": False}]
