"""The embedded broker as a whole: how long it goes on, and what ends it."""

from collections import Counter
from pathlib import Path
from shutil import copytree

import pytest

from broker.access_log.errors import LogError
from broker.access_log.sequencer import Sequencer
from broker.backends.sqlite.lock import exclusive
from broker.clock import MINUTE, Instant
from broker.errors import Code
from broker.lanes import Unavailable
from broker.routing.router import Router
from broker.runtimes.clock import SetClock
from broker.runtimes.embedded import open_broker
from broker.runtimes.layout import InstallationError, Layout
from broker.runtimes.rotation import ROTATE_AFTER
from broker.settings import Settings
from tests.journeys.steps import NOON

BROKEN = Code("log.of-a-test", "The log does not add up.", "Verify it.")


@pytest.fixture
def layout(founded: Path, tmp_path: Path) -> Layout:
    """Eastshire, where nothing has happened yet."""
    return Layout(Path(copytree(founded, tmp_path / "county")))


def settings(layout: Layout) -> Settings:
    """Return the settings of an installation."""
    return Settings(dir=layout.root)


async def test_a_broker_that_follows_sweeps_and_ends_with_its_key(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a broker that follows, and a clock that goes on by four hours with each step
    clock = SetClock(NOON)
    swept: list[Instant] = []
    real = Router.sweep

    async def sweep(router: Router, lane: object, at: Instant) -> None:
        swept.append(at)
        await real(router, lane, at)  # type: ignore[arg-type]  # a stand-in

    def told(_: Counter[str]) -> None:
        clock.set(Instant(clock.now() + 240 * MINUTE))

    monkeypatch.setattr(Router, "sweep", sweep)

    # when it runs, then it looks again and again what time has freed, and ends when a new key is
    # due, with everything logged
    async with open_broker(layout, clock, settings(layout), inline=True) as broker:
        counts = await broker.run(told, follow=True)
        assert broker.rotates == NOON + ROTATE_AFTER
        assert clock.now() >= broker.rotates
    assert len(swept) > 2
    assert swept == sorted(swept)
    assert counts["messages"] == counts["protocol entries"] == counts["entries"] > 0


async def test_an_error_of_one_half_stops_the_other_and_comes_as_it_is(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a log that does not add up, while the router would go on for ever
    async def broken(*_: object) -> None:
        raise LogError(BROKEN, "a tile")

    monkeypatch.setattr(Sequencer, "run_once", broken)

    # when the broker runs, then it ends with that error and no other
    async with open_broker(layout, SetClock(NOON), settings(layout), inline=True) as broker:
        with pytest.raises(LogError) as caught:
            await broker.run(follow=True)
    assert caught.value.code is BROKEN


async def test_what_is_not_there_or_held_is_not_opened(layout: Layout, tmp_path: Path) -> None:
    # given a folder without an installation, or a broker that is running, when another opens it,
    # then that is refused
    clock = SetClock(NOON)
    absent = Layout(tmp_path / "nowhere")
    with pytest.raises(InstallationError):
        async with open_broker(absent, clock, settings(absent), inline=True):
            pass
    with exclusive(layout.broker_lock), pytest.raises(Unavailable):
        async with open_broker(layout, clock, settings(layout), inline=True):
            pass
