"""A host's clock against what the message store stamps, and the way on for what it has signed."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner

from broker.access_log.published import CHECKPOINTS
from broker.cli.app import app
from broker.clock import HOUR, MINUTE, SECOND, Instant
from broker.lanes import Message, Received, Streams
from broker.records.names import AgencyId
from broker.runtimes.adapter import Adapter
from broker.runtimes.agency import side_with
from broker.runtimes.clock import SetClock, SystemClock
from broker.runtimes.clock_check import BOUND_MS, ClockCheck, difference, words
from broker.runtimes.exchange import exchange_of
from broker.runtimes.layout import Layout
from broker.runtimes.publishing import publish_files
from broker.runtimes.serving import heartbeat
from broker.runtimes.watching import Watch
from tests.broker.cli.files import concern, involvement, written
from tests.support.commands import Commands

AT = Instant(1_772_625_600_000)
SCHOOL, COUNCIL = "st-brannocks-school", "eastshire-council"


@pytest.mark.parametrize(
    ("stamped_after", "gap", "off"),
    [
        (BOUND_MS, None, 0),
        (3 * HOUR, None, -3 * HOUR),
        (3 * HOUR, SECOND, -3 * HOUR),
        (-3 * HOUR, None, 0),
        (-3 * HOUR, SECOND, 3 * HOUR - SECOND),
        (-3 * HOUR, 3 * HOUR, 0),
        (-BOUND_MS, 0, 0),
    ],
)
def test_difference(stamped_after: int, gap: int | None, off: int) -> None:
    # Given when a checkpoint was stamped, and how long ago it can have come
    # Then only what is sure counts.
    assert difference(Instant(AT + stamped_after), AT, gap) == off


def test_words() -> None:
    assert words(0) == "agrees with what the parties exchange"
    assert words(3 * HOUR).startswith("about 180 minutes ahead of")
    assert words(-7 * MINUTE).startswith("about 7 minutes behind")


@dataclass
class Store:
    """What is looked at of `Streams`: checkpoints, stamped by a clock that is right."""

    stamps: list[Instant] = field(default_factory=list)

    async def end(self, topic: str) -> int:
        assert topic == CHECKPOINTS
        return 2 * len(self.stamps)  # behind each lies a mark

    async def read(self, topic: str, after: int, limit: int = 1000) -> list[Received]:
        message = Message(topic, b"", b"")
        rows = [Received(message, 0, 2 * place, at) for place, at in enumerate(self.stamps)]
        return [row for row in rows if row.offset >= after][:limit]


class Looks:
    """Looks at a store, a second after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, clock: SystemClock | SetClock) -> None:
        self.seconds = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.seconds)
        self.store = Store()
        self.check = ClockCheck(clock)

    async def look(self, *stamps: int) -> bool:
        self.store.stamps += [Instant(one) for one in stamps]
        self.seconds += 1
        store: Streams = self.store  # type: ignore[assignment]  # what is looked at of it
        return await self.check.look(store)


async def test_a_slow_clock_is_noticed_at_once_and_so_is_its_mending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SetClock(AT)
    looks = Looks(monkeypatch, clock)
    assert not await looks.look()
    assert await looks.look(AT + 3 * HOUR)
    assert looks.check.off_ms == -3 * HOUR
    assert "time server" in looks.check.said
    assert not await looks.look()
    clock.set(Instant(AT + 3 * HOUR))
    assert await looks.look()
    assert looks.check.said == words(0)


async def test_a_fast_clock_is_noticed_when_a_checkpoint_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = Looks(monkeypatch, SetClock(AT))
    # Given a checkpoint that may be old, then nothing is said
    assert not await looks.look(AT - 3 * HOUR)
    # When one comes that the store stamps hours ago, then it is, and stays so
    assert await looks.look(AT - 3 * HOUR + SECOND)
    assert looks.check.off_ms == 3 * HOUR - 2 * SECOND
    assert not await looks.look()
    assert looks.check.off_ms > 0
    # and is taken back when another one agrees.
    assert await looks.look(AT)
    assert looks.check.off_ms == 0
    # Between two looks lies a second.
    looks.seconds += 0.5
    assert not await looks.check.look(looks.store)  # type: ignore[arg-type]  # as above


def test_what_a_fast_clock_signed_goes_through_after_it_is_mended(
    eastshire: Commands, tmp_path: Path
) -> None:
    # Given a school whose host is three hours ahead of the store
    file = written(tmp_path, "c.json", involvement(SCHOOL, "on-roll"), concern())
    asyncio.run(publish_ahead(eastshire, file))
    # Then what it signs is refused as issued in the future, and nothing of it is lost
    eastshire("route")
    lying = eastshire.json("quarantine", "list", SCHOOL)["quarantined"]
    assert [one["code"] for one in lying] == ["record.issued.future"] * 2
    assert "time server" in lying[0]["fix"] or "clock" in lying[0]["fix"]

    # When the clock is right and each is sent again, then all are accepted, under the same ids
    again = [eastshire.json("quarantine", "retry", SCHOOL, one["message"]) for one in lying]
    assert {one["record"] for one in again} == {one["record"] for one in lying}
    assert eastshire.json("route")["accepted"] == 2
    assert len(eastshire.json("quarantine", "list", SCHOOL)["quarantined"]) == 2


async def publish_ahead(county: Commands, file: Path) -> None:
    """Publish by a clock that is three hours ahead, to a store whose clock is right."""
    layout, ahead = Layout(county.root), SetClock(Instant(county.at + 3 * HOUR))
    name = AgencyId(SCHOOL)
    async with (
        exchange_of(layout).agency(name, SetClock(county.at)) as streams,
        side_with(layout, name, ahead, streams) as side,
    ):
        report = await publish_files(side, [file])
        assert len(report.published) == 2


def test_doctor_and_adapter_say_that_the_clock_is_slow(own_week: Commands, tmp_path: Path) -> None:
    # Given a council with a week behind it, whose host's clock falls back by a day
    Layout(own_week.root).adapter_settings(COUNCIL).write_text(f"folders: [{{path: {tmp_path}}}]")
    assert looked(own_week)["good"]
    own_week.later(-24 * 30)
    # Then the doctor says so, and so does the adapter.
    found = looked(own_week)
    assert not found["good"]
    assert "minutes behind" in str(found["said"])
    said = own_week.json("adapter", COUNCIL, "--once", code=1)["said"]
    assert any(one.startswith("clock: about") for one in said)


def looked(county: Commands) -> dict[str, object]:
    """What the doctor says of the clock."""
    done = CliRunner().invoke(app, ["doctor", "--json", "--dir", str(county.root)])
    (found,) = [one for one in json.loads(done.stdout)["checks"] if one["name"] == "clock"]
    return dict(found)


def test_status_tells_of_a_wrong_clock(own_week: Commands, tmp_path: Path) -> None:
    # Given an adapter that runs and has noticed that its host's clock is ahead
    layout = Layout(own_week.root)
    layout.adapter_settings(COUNCIL).write_text(f"folders: [{{path: {tmp_path}}}]")
    heartbeat(layout, COUNCIL).touch()
    Adapter(Watch((), lambda *_: None, 1.0)).note_status(layout, COUNCIL, 3 * HOUR)
    # Then status says so, with what to do, and the doctor does, too.
    assert own_week.json("adapter", COUNCIL, "--status", code=1)["clock_off_ms"] == 3 * HOUR
    out = " ".join(own_week("adapter", COUNCIL, "--status", code=1).out.split())
    assert "about 180 minutes ahead of" in out
    assert "quarantine retry" in out
    done = CliRunner().invoke(app, ["doctor", "--json", "--dir", str(own_week.root)])
    assert "its clock is about 180 minutes ahead" in done.stdout
