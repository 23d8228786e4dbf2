"""Router and log of two versions side by side: the older form is read, a newer one is waited for.

The frozen file holds a message as the first form writes it. Whoever changes the form leaves that
file alone, names the first form as the one before, and these tests show that it is still read.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.access_log import decided
from broker.access_log.codec import Codec
from broker.access_log.decided import DECIDED, Handed, Kept
from broker.access_log.errors import FORM, LogError
from broker.backends.files.store import FileTileStore
from broker.lanes import Message
from tests.broker.access_log.world import World, drain
from tests.support.restoring import FileCounty

FROZEN = bytes.fromhex((Path(__file__).parent / "decided-first-form.hex").read_text("ascii"))


def next_form() -> Codec:
    """Return a form with one more field, which the present one comes before."""
    schema: dict[str, Any] = dict(DECIDED.schema)
    schema["fields"] = [*schema["fields"], {"name": "reason", "type": "string"}]
    return Codec(schema, unknown=FORM, before=(DECIDED, lambda fields: {**fields, "reason": ""}))


def newer(value: bytes) -> bytes:
    """Return a message as a router of the next version would write it."""
    return next_form().encode({**DECIDED.decode(value), "reason": "because"})


@pytest.fixture
def updated() -> Iterator[pytest.MonkeyPatch]:
    """What makes this process one of the next version."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_the_first_form_is_read() -> None:
    # given a message that was written in the first form, when it is read, then all is there
    handed = Handed.decode(FROZEN)
    kept = Kept.decode(handed.kept)
    assert len(kept.entries) == 2
    assert kept.encode() == handed.kept


async def test_a_newer_log_takes_in_what_older_and_newer_routers_wrote(
    updated: pytest.MonkeyPatch,
) -> None:
    # given messages in the older form, and in the newer one
    world = World(messages=3)
    for value in [one.value for one in world.topic.shards[0]]:
        assert Handed.decode(value).kept
    last = world.topic.shards[0][-1]
    world.topic.shards[0][-1] = Message(last.topic, last.key, newer(last.value))

    # when a log of the next version sequences them, then it holds all of them
    updated.setattr(decided, "DECIDED", next_form())
    await drain(await world.open())
    await world.check()


async def test_an_older_log_stops_before_a_newer_form_and_loses_nothing(
    updated: pytest.MonkeyPatch,
) -> None:
    # given a log of this version, and a message of the next
    world = World(messages=3)
    await drain(await world.open())
    world.put(1)
    last = world.topic.shards[0][-1]
    world.topic.shards[0][-1] = Message(last.topic, last.key, newer(last.value))
    before, position = world.store.record, world.topic.positions["sequencer", 0]

    # when it comes to that message, then it stops, says why, and is not past it
    sequencer = await world.open()
    with pytest.raises(LogError) as refused:
        await sequencer.run_once()
    assert refused.value.code is FORM
    assert "version" in refused.value.fix
    assert before is not None
    assert len(world.store.record or b"") == len(before)
    assert world.topic.positions["sequencer", 0] == position

    # when it is brought to the next version, then it goes on
    updated.setattr(decided, "DECIDED", next_form())
    await drain(await world.open())
    await world.check()


@pytest.mark.slow
async def test_an_installation_that_is_brought_to_the_next_version_loses_nothing(
    tmp_path: Path, updated: pytest.MonkeyPatch
) -> None:
    # given an installation of this version, and another one's router: its messages are newer
    county = await FileCounty.found(tmp_path)
    await county.work(2)
    await county.county.publish_concerns(2)
    with pytest.MonkeyPatch.context() as router:
        router.setattr(decided, "DECIDED", next_form())
        router.setattr(decided.Decided, "encode", newer_encode())
        router.setattr(Handed, "decode", _stop)
        with pytest.raises(InterruptedError):
            await county.route()
    tiles = FileTileStore(county.county.layout.log)
    before = await tiles.current()

    # when the log is still of this version, then it stops before them, and says why
    with pytest.raises(LogError) as refused:
        await county.route()
    assert refused.value.code is FORM
    assert len(await tiles.current() or b"") == len(before or b"")

    # when it is of the next version, too, then everything comes through, once
    updated.setattr(decided, "DECIDED", next_form())
    updated.setattr(decided.Decided, "encode", newer_encode())
    await county.work(2)
    received = await county.county.concerns_received()
    assert len(received) == len(set(received)) == county.county.published
    verification = await county.county.verified()
    assert verification.sound, [str(one) for one in verification.findings]
    assert verification.deliveries is not None
    assert verification.deliveries.absent == 0


def _stop(_data: bytes) -> Handed:
    """Stand for the end of a log: what is decided stays there."""
    raise InterruptedError


FIRST_ENCODE = decided.Decided.encode


def newer_encode() -> Callable[[decided.Decided], bytes]:
    """Return what a router of the next version writes with."""

    def encode(message: decided.Decided) -> bytes:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decided, "DECIDED", DECIDED)
            return newer(FIRST_ENCODE(message))

    return encode
