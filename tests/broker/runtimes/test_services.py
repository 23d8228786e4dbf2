"""What a part does when something goes wrong: it begins anew, stands by, or ends."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from types import SimpleNamespace

import pytest

from broker.access_log.errors import DEAD, LogError
from broker.errors import ConcordatError
from broker.lanes import LaneLost, Message, OutcomeUnknown, Unavailable
from broker.routing.host import CoreFailed
from broker.runtimes import serving
from broker.runtimes.clock import SetClock
from broker.runtimes.exchange import exchange_of
from broker.runtimes.layout import InstallationError, Layout
from broker.runtimes.serving import Service, serve_agency, serve_bundle, serve_log, serve_router
from broker.settings import Settings
from tests.journeys.steps import NOON
from tests.support.county import COUNCIL

PATIENCE_S = 15.0
GOES_ON, RETURNS, HANGS = "goes on", "returns", "hangs"


class Turn:
    """A turn that a test gives and takes."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    @property
    def mine(self) -> bool:
        return not self.over.is_set()

    async def ends(self) -> None:
        await self.over.wait()


@dataclass
class Stage:
    """A broker whose work a test writes; in place of exchange, router and log.

    Attributes:
        service: the part.
        acts: what the work does, opening by opening; it goes on after the last.
        said: what the part said.
        tidied: agencies whose topics were tidied.
        turn: of this process.
    """

    service: Service
    acts: list[ConcordatError | str]
    said: list[tuple[str, str]]
    tidied: list[tuple[str, ...]] = field(default_factory=list)
    turn: Turn = field(default_factory=Turn)

    def exchange(self) -> SimpleNamespace:
        """Return what stands for the exchange."""
        return SimpleNamespace(turn=self.at_turn, broker=self.opened)

    @asynccontextmanager
    async def at_turn(self, *_: object) -> AsyncIterator[Turn]:
        yield self.turn

    @asynccontextmanager
    async def opened(self, *_: object, **__: object) -> AsyncIterator[SimpleNamespace]:
        yield SimpleNamespace(
            keeper=self,
            agencies=(COUNCIL,),
            sequencer=SimpleNamespace(size=40),
            run=self.run,
            forget_seen=self.forget,
        )

    async def run(
        self,
        counts: Counter[str],
        told: Callable[[Counter[str]], None],
        last: asyncio.Event | None = None,
        *,
        follow: bool = True,
        over: Callable[[], bool] = lambda: False,
    ) -> None:
        """Do the next act."""
        assert follow
        act = self.acts.pop(0) if self.acts else GOES_ON
        if isinstance(act, ConcordatError):
            raise act
        if act == HANGS:
            await asyncio.sleep(60)
        told(counts)
        while act == GOES_ON and not (over() or (last and last.is_set())):  # noqa: ASYNC110 - asked
            await asyncio.sleep(0.01)
        counts["finished"] += 1

    async def tidy(self, agencies: tuple[str, ...], at: int) -> int:
        assert at == NOON
        self.tidied.append(agencies)
        return 3

    async def forget(self) -> int:
        return 4

    async def until(self, what: str, times: int = 1) -> None:
        """Wait until the part has said something so often."""
        async with asyncio.timeout(PATIENCE_S):
            while [one for one, _ in self.said].count(what) < times:  # noqa: ASYNC110 - its own task
                await asyncio.sleep(0.01)


@pytest.fixture
def layout(founded: Path, tmp_path: Path) -> Layout:
    """Eastshire, where nothing has happened yet, on files."""
    return Layout(Path(copytree(founded, tmp_path / "county")))


@pytest.fixture
def stage(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A part of Eastshire's broker, before its work."""
    said: list[tuple[str, str]] = []
    service = Service(
        layout, SetClock(NOON), Settings(dir=layout.root), lambda *one: said.append(one)
    )
    made = Stage(service, [], said)
    monkeypatch.setattr(serving, "AGAIN_S", 0.02)
    monkeypatch.setattr(serving, "exchange_of", lambda _layout: made.exchange())
    monkeypatch.setattr(serving, "open_routing", made.opened)
    monkeypatch.setattr(serving, "open_logging", made.opened)
    return made


PARTS = pytest.mark.parametrize(
    ("serve", "name", "works"), [(serve_router, "router", "routes"), (serve_log, "log", "logs")]
)
Serve = Callable[[Service], asyncio.Future[None]]


@PARTS
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (LaneLost("router, shard 0"), "lane.lost router, shard 0"),
        (Unavailable("a:9092: KafkaConnectionError"), "lane.unavailable a:9092"),
        (OutcomeUnknown(), "lane.outcome-unknown"),
        (CoreFailed("decide"), "decide"),
    ],
)
async def test_a_part_begins_anew_after_a_fault_and_says_which(
    stage: Stage, serve: Serve, name: str, works: str, error: ConcordatError, told: str
) -> None:
    # given work that fails twice
    stage.acts = [error, error]
    running = asyncio.ensure_future(serve(stage.service))

    # when it has begun for the third time, then it goes on until it is told to stop
    await stage.until(works, 3)
    assert serving.heartbeat(stage.service.layout, name).exists()
    stage.service.stop.set()
    await running
    faults = [why for what, why in stage.said if what == "begins anew"]
    assert len(faults) == stage.service.counts["begun anew"] == 2
    assert all(told in why and why == why.strip() for why in faults)
    assert stage.service.counts["finished"] == 1


@PARTS
async def test_a_log_that_does_not_add_up_ends_a_part(
    stage: Stage, serve: Serve, name: str, works: str
) -> None:
    # given work that ends with an error of the log, when it is served, then that ends it: it is
    # not begun anew
    stage.acts = [LogError(DEAD, "a tile")]
    with pytest.raises(LogError) as ended:
        await serve(stage.service)
    assert ended.value.code is DEAD
    assert [what for what, _ in stage.said] == ["stands by", works]
    assert stage.said[0] == ("stands by", name)


@PARTS
async def test_a_part_whose_turn_is_over_stands_by_until_it_comes_again(
    stage: Stage, serve: Serve, name: str, works: str
) -> None:
    # given a part that stands by
    stage.turn.over.set()
    running = asyncio.ensure_future(serve(stage.service))
    await stage.until("stands by")
    await asyncio.sleep(0.15)
    assert stage.said == [("stands by", name)]
    assert serving.heartbeat(stage.service.layout, name).exists()

    # when its turn comes, then it works; when it goes, then it finishes, and no fault is told
    stage.turn.over.clear()
    await stage.until(works)
    stage.turn.over.set()
    async with asyncio.timeout(PATIENCE_S):
        while not stage.service.counts["finished"]:  # noqa: ASYNC110 - the part's own task
            await asyncio.sleep(0.01)
    assert not running.done()

    # and again
    stage.turn.over.clear()
    await stage.until(works, 2)
    stage.service.stop.set()
    await running
    assert stage.service.counts == {"finished": 2}
    assert stage.tidied == []


async def test_a_router_tidies_when_its_day_is_over_and_goes_on(stage: Stage) -> None:
    # given a router whose key is a day old, so that its work returns
    stage.acts = [RETURNS]
    running = asyncio.ensure_future(serve_router(stage.service))

    # when it is opened again, then it has tidied, and said how much went
    await stage.until("routes", 2)
    stage.service.stop.set()
    await running
    assert stage.tidied == [(COUNCIL,)]
    assert ("tidied", "7 messages") in stage.said
    assert ("routes", COUNCIL) in stage.said


async def test_a_log_that_is_held_up_is_left_when_it_is_to_stop(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a log whose store does not answer
    monkeypatch.setattr(serving, "LAST_S", 0.05)
    stage.acts = [HANGS]
    running = asyncio.ensure_future(serve_log(stage.service))
    await stage.until("logs")
    assert ("logs", "from entry 40") in stage.said

    # when it is told to stop, then it does, after what it may take to finish
    stage.service.stop.set()
    async with asyncio.timeout(PATIENCE_S):
        await running
    assert stage.service.counts == {}


async def test_a_part_that_waits_to_begin_anew_can_be_stopped(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a part whose store is away, and a long pause
    monkeypatch.setattr(serving, "AGAIN_S", 600.0)
    stage.acts = [Unavailable()]
    running = asyncio.ensure_future(serve_router(stage.service))
    await stage.until("begins anew")

    # when it is told to stop, then it does so at once
    began = time.monotonic()
    stage.service.stop.set()
    await running
    assert time.monotonic() - began < PATIENCE_S


async def test_a_heartbeat_is_touched_once_a_second_at_most(stage: Stage) -> None:
    beat = serving.heartbeat(stage.service.layout, COUNCIL)
    stage.service.alive(COUNCIL)
    beat.unlink()
    stage.service.alive(COUNCIL)
    assert not beat.exists()
    stage.service.touched -= serving.TOUCH_S
    stage.service.alive(COUNCIL)
    assert beat.exists()


# ---------------------------------------------------------------- agency and bundle, on files


async def test_an_agency_is_told_what_it_refuses_and_goes_on(layout: Layout) -> None:
    # given an agency whose part runs
    said: list[tuple[str, str]] = []
    clock = SetClock(NOON)
    service = Service(layout, clock, Settings(dir=layout.root), lambda *one: said.append(one))
    running = asyncio.ensure_future(serve_agency(service, COUNCIL))
    async with exchange_of(layout).agency(layout.agencies()[0], clock) as streams:
        # when something comes that is no delivery
        garbage = Message(f"deliveries.{COUNCIL}", bytes(8), b"garbage")
        await streams.stream.publish([garbage])
        async with asyncio.timeout(PATIENCE_S):
            while not service.counts["refused"]:  # noqa: ASYNC110 - the part's own task
                await asyncio.sleep(0.05)

    # then it says which message, and why, once, and runs on
    await asyncio.sleep(0.3)
    assert not running.done()
    service.stop.set()
    await running
    refused = [why for what, why in said if what == "refused"]
    assert len(refused) == service.counts["refused"] == 1
    assert refused[0] == f"deliveries.{COUNCIL}, offset 0: delivery.shape"
    assert service.counts["received"] == 0


async def test_an_agency_that_is_not_here_has_no_part(layout: Layout) -> None:
    service = Service(layout, SetClock(NOON), Settings(dir=layout.root), lambda *_: None)
    with pytest.raises(InstallationError):
        await serve_agency(service, "nobody")


async def test_a_bundle_without_its_extra_says_what_to_install(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "broker.backends.opa_server.service", None)
    service = Service(layout, SetClock(NOON), Settings(dir=layout.root), lambda *_: None)
    with pytest.raises(InstallationError) as refused:
        await serve_bundle(service, "127.0.0.1", 0)
    assert refused.value.code.name == "installation.opa-client"
    assert "concordat-broker[opa]" in refused.value.fix
