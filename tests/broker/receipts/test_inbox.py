"""The inbox: what came is kept once and sealed, and what people did with it is kept beside it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.parts import ProtocolPlace, Told, ToldObligation, ToldTask
from broker.access_log.ports import DeliveryId
from broker.backends.sqlite.store import Store
from broker.clock import DAY, HOUR, MINUTE, Instant
from broker.lanes import Message
from broker.receipts.inbox import INBOX, NOTHING_DONE, Done, InboxRow, Item
from broker.records.errors import RecordRefused
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.embedded import open_broker
from broker.runtimes.layout import Layout
from broker.runtimes.publishing import publish_files
from broker.runtimes.receiving import GROUP, inbox, note_done, receive
from broker.settings import Settings
from tests.broker.cli.files import concern, involvement, written
from tests.broker.receipts.logged import QUARANTINE, TOPIC, Logged
from tests.support.county import COUNCIL, NOON, POLICE, SCHOOL
from tests.support.statements import high_risk, involved, later

ID = DeliveryId(b"d" * 16)
TOLD = Told(
    kind="delivery",
    consumer=SCHOOL,
    outcome="content",
    slots=(),
    clauses=("2.1",),
    obligations=(),
    revision=None,
    protocol=ProtocolPlace(3, bytes(32)),
)
TASK = ToldTask(b"t" * 16, "refer", later(60), (COUNCIL,), ("5.2",))


def row(*spans: str, task: ToldTask | None = None) -> InboxRow:
    """Return a row that came at noon and is to be acknowledged within some spans."""
    duties = [ToldObligation("acknowledge-by", span) for span in spans]
    other = ToldObligation("do-not-forward")
    kind = "delivery" if task is None else "task"
    told = replace(TOLD, kind=kind, obligations=(*duties, other), task=task)
    return InboxRow(ID, NOON, 7, b"", told)


# ---------------------------------------------------------------- rows


async def test_a_row_holds_all_of_a_delivery() -> None:
    # given a verified delivery of a record, and a quarantined message
    logged = Logged()
    county = logged.rig.county
    logged.rig.tell(SCHOOL, involved(county))
    logged.rig.tell(POLICE, county.say("missing-episode", **high_risk()))
    spoilt = replace(county.message(POLICE, county.say("missing-episode")), value=b"spoilt")
    logged.rig.route(logged.rig.sent(spoilt))
    await logged.log()
    (value,) = logged.deliveries[TOPIC]
    found = logged.verifier(SCHOOL).verify(value, TOPIC)

    # when its row is written and read again
    kept = InboxRow.of(found, NOON)
    again = InboxRow.decode(found.id, kept.encode())

    # then nothing is lost, and the record opens as it was verified
    assert again == kept
    assert (again.id, again.index, again.told, again.at) == (
        found.id,
        found.index,
        found.told,
        NOON,
    )
    assert again.record == found.record

    # and a quarantined message is kept as it came: it is no record
    topic = QUARANTINE
    (back,) = logged.deliveries[topic]
    quarantined = InboxRow.of(logged.verifier(POLICE).verify(back, topic), NOON)
    assert (quarantined.record, quarantined.minimised) == (None, b"spoilt")


def test_the_shortest_obligation_says_when_to_acknowledge() -> None:
    # given a delivery with several spans, one, or none, when it is asked, then the shortest counts
    assert row("P1D", "PT30M", "PT1H").acknowledge_by() == NOON + 30 * MINUTE
    assert row("P1D").acknowledge_by() == NOON + DAY
    assert row().acknowledge_by() is None


def test_a_delivery_is_overdue_until_somebody_takes_it_on() -> None:
    # given a delivery to be acknowledged within the hour
    item = Item(row("PT1H"))
    due = Instant(NOON + HOUR)

    # when that hour has passed, then it is overdue, not a moment before
    assert not item.overdue(due)
    assert item.overdue(Instant(due + 1))

    # and not once it is acknowledged; opening it is not enough
    opened = item.opened(later(5))
    assert opened.overdue(Instant(due + 1))
    taken = replace(opened, done=replace(opened.done, acknowledged=later(9)))
    assert not taken.overdue(Instant(due + 1))

    # and one that nobody must acknowledge never is
    assert not Item(row()).overdue(Instant(NOON + 100 * DAY))


def test_a_task_is_overdue_until_it_is_answered() -> None:
    # given a task with a deadline, when that has passed, then it is overdue until answered
    item = Item(row(task=TASK))
    assert not item.overdue(TASK.deadline)
    assert item.overdue(Instant(TASK.deadline + 1))
    acknowledged = replace(item, done=Done(acknowledged=later(1)))
    assert acknowledged.overdue(Instant(TASK.deadline + 1))
    assert not replace(item, done=Done(answered="refuse")).overdue(Instant(TASK.deadline + 1))


def test_the_first_opening_stands() -> None:
    # given a delivery that nobody has opened, when it is opened twice, then the first time is kept
    item = Item(row())
    assert item.done == NOTHING_DONE
    assert item.opened(later(1)).opened(later(2)).done.opened == later(1)


INSTANTS = st.integers(0, 2**53 - 1).map(Instant)


@given(
    done=st.builds(
        Done,
        opened=st.none() | INSTANTS,
        acknowledged=st.none() | INSTANTS,
        actions=st.lists(st.tuples(st.text(), INSTANTS)).map(tuple),
        answered=st.none() | st.sampled_from(("share", "refuse")),
        retried=st.none() | INSTANTS,
    )
)
def test_what_was_done_comes_back_as_it_was(done: Done) -> None:
    assert Done.decode(done.encode()) == done


# ---------------------------------------------------------------- in a folder


@pytest.fixture
async def released(founded: Path, tmp_path: Path) -> Layout:
    """Eastshire, where the school's concern has been released to others."""
    layout = Layout(Path(shutil.copytree(founded, tmp_path / "county")))
    clock = SetClock(NOON)
    known = written(tmp_path, "known.json", involvement(COUNCIL, "allocated"))
    async with agency_side(layout, COUNCIL, clock) as side:
        await publish_files(side, [known])
    forms = written(tmp_path, "c.json", involvement(SCHOOL, "on-roll"), concern())
    async with agency_side(layout, SCHOOL, clock) as side:
        await publish_files(side, [forms])
    async with open_broker(layout, clock, Settings(dir=layout.root), inline=True) as broker:
        await broker.run()
    return layout


async def test_a_delivery_that_comes_again_is_kept_once(released: Layout) -> None:
    # given an agency that has received what came
    async with agency_side(released, COUNCIL, SetClock(NOON)) as side:
        first = await receive(side)
        held = await inbox(side)
    assert first.received == len(held) > 0
    assert first.refused == []

    # when the same deliveries are put on its topic once more, later
    async with agency_side(released, COUNCIL, SetClock(later(60))) as side:
        old = await side.stream.read(f"deliveries.{COUNCIL}", 0)
        await side.stream.publish([one.message for one in old])
        again = await receive(side)

        # then nothing is new, and what was kept first stays
        assert (again.received, again.refused) == (0, [])
        assert await inbox(side) == held


async def test_the_inbox_and_what_was_done_outlive_the_process(released: Layout) -> None:
    # given a delivery that somebody opened and acknowledged
    async with agency_side(released, COUNCIL, SetClock(NOON)) as side:
        await receive(side)
        (first, *rest) = await inbox(side)
        done = Done(later(1), later(2), (("visited", later(3)),))
        await note_done(side, [replace(first, done=done)])
        await note_done(side, [])

    # when the store is opened again, then that stands, and the others are as they were
    async with agency_side(released, COUNCIL, SetClock(NOON)) as side:
        again = await inbox(side)
        assert again == [replace(first, done=done), *rest]
        assert {one.done for one in again[1:]} <= {NOTHING_DONE}
        assert [one.row.index for one in again] == sorted(one.row.index for one in again)
        assert (await receive(side)).received == 0
    with Store.open(released.agency_store(COUNCIL)) as store:
        assert (await store.positions(GROUP, 0))[f"deliveries.{COUNCIL}"] > 0


async def test_a_delivery_that_does_not_verify_is_refused_and_the_next_one_is_not(
    released: Layout,
) -> None:
    # given a topic on which somebody else has put something before anybody looked
    async with agency_side(released, COUNCIL, SetClock(NOON)) as side:
        topic = f"deliveries.{COUNCIL}"
        (true, *_) = await side.stream.read(topic, 0)
        end = await side.stream.end(topic)
        await side.stream.publish([Message(topic, true.message.key, b"planted"), true.message])

        # when the agency receives, then that one is named with its code and not in the inbox
        report = await receive(side)
        assert report.refused == [(topic, end, "delivery.shape")]
        assert report.received == end == len(await inbox(side))


async def test_rows_are_sealed_under_the_agencys_own_key(released: Layout) -> None:
    # given an agency's inbox, when another agency tries to open a row, then it cannot
    async with agency_side(released, COUNCIL, SetClock(NOON)) as side:
        await receive(side)
        (one, *_) = await side.own.read(INBOX, 0)
        plain = side.open_row(one.message.value)
        assert InboxRow.decode(DeliveryId(one.message.key), plain).told.kind == "delivery"
        assert plain not in one.message.value
    async with agency_side(released, POLICE, SetClock(NOON)) as other:
        with pytest.raises(RecordRefused):
            other.open_row(one.message.value)
