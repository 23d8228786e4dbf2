"""The routers' sealing keys: a new one a day; an old one opens as long as it may be needed."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from broker.backends.simulated.clock import VirtualClock
from broker.clock import DAY, HOUR, Instant
from broker.lanes import Message, Received, Unavailable
from broker.protocol.published import PublishedProtocol
from broker.records.check import RECORD_PURPOSE, ROUTER
from broker.records.errors import RecordRefused
from broker.records.sealing import Opener, Sealer, Way
from broker.routing.intake import PROTOCOL
from broker.runtimes import rotation
from broker.runtimes.rotation import (
    DESTROY_AFTER,
    ROTATE_AFTER,
    RouterKey,
    due,
    fresh_key,
    load_router_keys,
    rotate,
    save_router_keys,
)
from tests.support.county import FOUNDED, POLICE, County

WAY = Way(RECORD_PURPOSE, POLICE, ROUTER, f"records.{POLICE}")


class Cut(BaseException):
    """Stands for the death of the process."""


class ProtocolTopic:
    """Streams that hold the `protocol` topic: what is published is read back with it.

    Attributes:
        cut: when the process dies: `before` a publication, `after` it, or never.
        lost: whether the store is out of reach.
    """

    def __init__(self, county: County) -> None:
        self.county = county
        self.clock = VirtualClock(FOUNDED)
        self.cut = ""
        self.lost = False
        self.calls = 0

    async def publish(self, messages: Sequence[Message]) -> None:
        self.calls += 1
        if self.lost:
            raise Unavailable("stream")
        if self.cut == "before":
            raise Cut
        for message in messages:
            assert (message.topic, message.key) == (PROTOCOL, bytes(8))
            self.county.publish(message.value, self.clock.now())
        if self.cut == "after":
            raise Cut


class Routers:
    """A county's routers: their file of keys, and the protocol that names them."""

    def __init__(self, folder: Path) -> None:
        self.county = County()
        self.path = folder / "router-keys.json"
        self.topic = ProtocolTopic(self.county)
        private = X25519PrivateKey.from_private_bytes(self.county.secrets.router)
        self.first = RouterKey(private, FOUNDED)
        save_router_keys(self.path, [self.first])
        self._protocol = PublishedProtocol(self.county.partnership)

    @property
    def protocol(self) -> PublishedProtocol:
        """The protocol as it is published now."""
        for entry in self.county.entries[self._protocol.position :]:
            self._protocol.apply(entry)
        return self._protocol

    @property
    def named(self) -> bytes:
        """The key that agencies seal to now."""
        return self.protocol.registry.sealing_key(ROUTER).public_bytes_raw()

    @property
    def entries(self) -> list[Received]:
        return self.county.entries

    async def rotate(self, at: Instant) -> tuple[RouterKey, ...]:
        """Rotate as a broker that starts at an instant does."""
        self.topic.clock.advance(at - self.topic.clock.now())
        streams = self.topic
        return await rotate(
            self.path,
            self.protocol,
            streams,  # type: ignore[arg-type]  # a stand-in
            self.county.operator,
            at,
        )

    def sealed(self, at: Instant) -> bytes:
        """Return what an agency seals now."""
        to = X25519PublicKey.from_public_bytes(self.named)
        sealer = Sealer(self.county.partnership, lambda size: b"r" * size)
        return sealer.seal(b"a child", WAY, to, at)

    def opens(self, sealed: bytes) -> bool:
        """Tell whether a router that starts now can open something."""
        keys = tuple(one.private for one in load_router_keys(self.path))
        try:
            return Opener(self.county.partnership, keys).open(sealed, WAY) == b"a child"
        except RecordRefused:
            return False


def on(day: float) -> Instant:
    """Return an instant so many days after the founding."""
    return Instant(FOUNDED + int(day * DAY))


@pytest.fixture
def routers(tmp_path: Path) -> Routers:
    return Routers(tmp_path)


def test_a_key_is_due_after_a_day(routers: Routers) -> None:
    # given the first key, when a day has passed, then it is due, not a moment before
    keys = [routers.first]
    assert not due(keys, Instant(FOUNDED + ROTATE_AFTER - 1))
    assert due(keys, Instant(FOUNDED + ROTATE_AFTER))


def test_a_key_that_was_retired_long_ago_makes_it_due_as_well() -> None:
    # given a fresh key, and one that was retired
    retired = RouterKey(X25519PrivateKey.generate(), FOUNDED, on(1))
    gone = Instant(on(1) + DESTROY_AFTER)
    keys = [fresh_key(gone), retired]

    # when its time has come, then there is something to do
    assert not due(keys, Instant(gone - 1))
    assert due(keys, gone)


async def test_a_day_later_agencies_seal_to_a_new_key_and_the_old_one_still_opens(
    routers: Routers,
) -> None:
    # given something sealed to the first key
    before = routers.sealed(on(0.9))

    # when a day has passed and the broker starts
    keys = await routers.rotate(on(1))

    # then agencies are told to use a new one, and the old one is retired
    assert routers.named == keys[0].public != routers.first.public
    assert [(one.made, one.retired) for one in keys] == [(on(1), None), (FOUNDED, on(1))]
    assert [one.public for one in load_router_keys(routers.path)] == [one.public for one in keys]

    # and what was sealed to either is opened
    assert routers.opens(before)
    assert routers.opens(routers.sealed(on(1)))


async def test_what_is_not_due_changes_nothing(routers: Routers) -> None:
    # given a key of half a day, when it is rotated, then nothing is published and it stays
    entries = len(routers.entries)
    keys = await routers.rotate(on(0.5))
    assert [one.public for one in keys] == [routers.first.public]
    assert keys[0].retired is None
    assert (len(routers.entries), routers.topic.calls) == (entries, 0)


async def test_a_key_is_destroyed_when_no_message_may_need_it_any_more(routers: Routers) -> None:
    # given something sealed to the first key, which is retired after a day
    old = routers.sealed(on(0.9))
    await routers.rotate(on(1))

    # when fewer than sixteen days have passed since, then it still opens
    await routers.rotate(Instant(on(17) - HOUR))
    assert routers.opens(old)

    # and after that it is dark, for every router that starts; no file holds the key
    keys = await routers.rotate(on(17))
    assert not routers.opens(old)
    assert routers.first.public not in {one.public for one in keys}
    secret = routers.first.private.private_bytes_raw().hex()
    left = [path.read_text("ascii") for path in routers.path.parent.iterdir()]
    assert not [text for text in left if secret in text]


async def test_a_crash_before_the_entries_is_mended_by_the_next_run(routers: Routers) -> None:
    # given a broker that dies when its new key is on disk, and nobody has been told of it
    routers.topic.cut = "before"
    with pytest.raises(Cut):
        await routers.rotate(on(1))
    made = load_router_keys(routers.path)
    assert [one.retired for one in made] == [None, None]
    assert routers.named == routers.first.public
    sealed = routers.sealed(on(1))
    assert routers.opens(sealed)

    # when it starts again, then that very key is published and the old one retired
    routers.topic.cut = ""
    keys = await routers.rotate(on(1.1))
    assert routers.named == keys[0].public == made[0].public
    assert [one.retired for one in keys] == [None, on(1.1)]
    assert routers.opens(sealed)


async def test_a_crash_after_the_entries_is_mended_by_the_next_run(routers: Routers) -> None:
    # given a broker that dies when its new key is published, and not yet written as in use
    routers.topic.cut = "after"
    with pytest.raises(Cut):
        await routers.rotate(on(1))
    assert [one.retired for one in load_router_keys(routers.path)] == [None, None]
    entries = len(routers.entries)
    sealed = routers.sealed(on(1))

    # when it starts again, then nothing is published twice, and the old one is retired
    routers.topic.cut = ""
    keys = await routers.rotate(on(1.1))
    assert len(routers.entries) == entries
    assert routers.named == keys[0].public
    assert [one.retired for one in keys] == [None, on(1.1)]
    assert routers.opens(sealed)


async def test_a_crash_before_the_new_key_is_on_disk_leaves_the_old_one_in_use(
    routers: Routers, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a broker that dies before its new key is on disk
    def dies(*_: object) -> None:
        raise Cut

    monkeypatch.setattr(rotation, "save_router_keys", dies)
    with pytest.raises(Cut):
        await routers.rotate(on(1))
    monkeypatch.undo()

    # then nobody has been told of it, and the next run makes another
    assert routers.topic.calls == 0
    assert [one.public for one in load_router_keys(routers.path)] == [routers.first.public]
    assert routers.named == routers.first.public
    assert (await routers.rotate(on(1.1)))[0].public == routers.named != routers.first.public


async def test_a_key_that_waits_for_a_day_to_be_published_is_overtaken(routers: Routers) -> None:
    # given a stream that is out of reach for two days, while the broker is started twice
    entries = len(routers.entries)
    routers.topic.lost = True
    for day in (1, 2):
        with pytest.raises(Unavailable):
            await routers.rotate(on(day))
    assert len(load_router_keys(routers.path)) == 3

    # when it is back, then the newest is published and the first one retired
    routers.topic.lost = False
    keys = await routers.rotate(on(2.1))
    assert routers.named == keys[0].public
    assert [one.retired for one in keys] == [None, on(2.1), on(2.1)]

    # and nothing is said of the one that nobody was ever told of
    assert routers.protocol.refused == []
    assert len(routers.entries) == entries + 2


async def test_a_month_of_days_leaves_one_key_a_day_that_may_still_be_needed(
    routers: Routers,
) -> None:
    # given a broker that starts every day for a month, when it is over
    sealed = {}
    for day in range(1, 31):
        await routers.rotate(on(day))
        sealed[day] = routers.sealed(on(day))

    # then agencies seal to the newest, and of the others those of sixteen days are left
    keys = load_router_keys(routers.path)
    assert routers.protocol.refused == []
    assert routers.named == keys[0].public
    assert [one.made for one in keys] == [on(day) for day in range(30, 13, -1)]
    assert [day for day in sealed if routers.opens(sealed[day])] == list(range(14, 31))
