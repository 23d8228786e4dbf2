"""The core in a process of its own: one that hangs, dies or fails is found out, and replaced."""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker.lanes import Message, Received
from broker.routing.host import CORE_FAILED, CoreFailed, CoreHost, Needs, Outputs, Recalled
from broker.runtimes.core import CoreParts, core_maker
from broker.runtimes.worker import InlineHost, WorkerHost, _serve
from tests.broker.runtimes.cores import EXIT, HANG, RAISE, never, troubled
from tests.support.county import MEMO_SIZE, NOON, POLICE, County

LIMIT_S = 10.0
"""Long enough for a process to start on a busy machine."""

SHORT_S = 0.3


def received(value: bytes) -> Received:
    return Received(Message("records.police", b"k" * 8, value), 0, 1, NOON)


@contextmanager
def worker(limit_s: float = LIMIT_S) -> Iterator[WorkerHost]:
    with closing(WorkerHost(troubled(), limit_s)) as host:
        yield host


@pytest.fixture(params=["inline", "worker"])
async def host(request: pytest.FixtureRequest) -> AsyncIterator[CoreHost]:
    """A core here, and one in a process of its own."""
    if request.param == "inline":
        yield InlineHost(troubled())
        return
    with worker() as made:
        yield made


async def process(host: CoreHost) -> int:
    """Return the process that the core runs in."""
    return (await host.decide(Recalled())).counts["process"]


async def failure(host: CoreHost, value: bytes) -> str:
    """Return what is said of a core that fails on a message."""
    with pytest.raises(CoreFailed) as caught:
        await host.open([received(value)])
    assert caught.value.code is CORE_FAILED
    return caught.value.where


async def test_every_call_reaches_the_core_and_its_answer_comes_back(host: CoreHost) -> None:
    # given a core that was taught three things
    one = received(b"fine")
    await host.learn([one, one], [one])

    # when everything is asked of it
    needs = await host.open([one])
    decided = await host.decide(Recalled({("seen", b"key"): b"row"}))
    given_up = await host.give_up(one)
    back = await host.look_back()
    swept = await host.sweep(Recalled({("held", b"key"): b"row"}), NOON)

    # then each answer is the core's own
    assert needs == Needs(rows={"seen": frozenset({b"k" * 8})})
    assert decided.messages == (Message("seen", b"key", b"row"),)
    assert decided.counts["learnt"] == 3
    assert given_up == Outputs((one.message,))
    assert back == Needs(prefixes={"held": frozenset({b""})})
    assert swept.counts == {"rows": 1, "at": NOON}


async def test_a_core_that_raises_is_named_by_what_it_raised_only(host: CoreHost) -> None:
    # given a core that fails with a message that might hold values
    said = await failure(host, RAISE)

    # then the failure names the step, and nothing of that message
    assert "open" in said
    assert "secret" not in said


async def test_a_restarted_core_knows_nothing(host: CoreHost) -> None:
    # given a core that was taught something and failed
    await host.learn([received(b"fine")], [])
    await failure(host, RAISE)

    # when it is restarted, then it is empty and works
    await host.restart()
    assert (await host.decide(Recalled())).counts["learnt"] == 0
    assert (await host.open([received(b"fine")])).rows


async def test_a_core_runs_here_or_in_a_process_of_its_own() -> None:
    assert await process(InlineHost(troubled())) == os.getpid()
    with worker() as host:
        assert await process(host) != os.getpid()


async def test_a_core_that_hangs_is_given_up_at_the_limit_and_killed() -> None:
    # given a core that is at work
    with worker(SHORT_S) as host:
        host._limit_s = LIMIT_S  # while its process starts
        before = await process(host)
        host._limit_s = SHORT_S

        # when it hangs on a message, then that is said soon after the limit
        begun = time.monotonic()
        assert await failure(host, HANG) == "open: longer than 0.3 s"
        assert SHORT_S <= time.monotonic() - begun < 3

        # and a restart kills its process and starts another
        await host.restart()
        host._limit_s = LIMIT_S
        assert await process(host) != before
        assert ended(before)


async def test_others_work_while_a_core_hangs() -> None:
    # given a core that hangs, when it is waited for, then the loop goes on meanwhile
    with worker(SHORT_S) as host:
        waiting = asyncio.create_task(failure(host, HANG))
        turns = 0
        while not waiting.done():
            await asyncio.sleep(0.01)
            turns += 1
        assert turns > 3
        assert "longer than" in await waiting


async def test_a_core_whose_process_ends_is_gone_until_it_is_restarted() -> None:
    # given a core whose process ends on a message
    with worker() as host:
        assert await failure(host, EXIT) == "open: the process ended"

        # when it is asked again, then it is still gone
        assert await failure(host, b"fine") == "open: the process ended"

        # and a restart brings another one
        await host.restart()
        assert (await host.open([received(b"fine")])).rows


async def test_a_core_that_is_killed_from_outside_is_found_out() -> None:
    # given a core whose process somebody kills, when it is asked, then the failure says so
    with worker() as host:
        os.kill(await process(host), signal.SIGKILL)
        assert await failure(host, b"fine") == "open: the process ended"


async def test_a_core_that_cannot_be_built_is_a_core_that_failed() -> None:
    # given what ends before it has made a core, when it is asked, then the failure says so
    with closing(WorkerHost(never, LIMIT_S)) as host:
        assert await failure(host, b"fine") == "open: the process ended"


async def test_a_closed_worker_leaves_no_process_behind() -> None:
    # given a worker at work, when it is closed, then its process is gone and nothing is answered
    with worker() as host:
        number = await process(host)
    assert ended(number)
    with pytest.raises(CoreFailed):
        await host.open([])


async def test_the_workers_side_answers_until_the_pipe_closes() -> None:
    # given the side that runs in the worker
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    serving = asyncio.create_task(asyncio.to_thread(_serve, theirs, troubled()))

    # when it is asked what works and what fails, then it answers both
    ours.send(("open", ([received(b"fine")],)))
    done, needs = await asyncio.to_thread(ours.recv)
    assert (done, needs.rows) == (True, {"seen": frozenset({b"k" * 8})})
    ours.send(("open", ([received(RAISE)],)))
    assert await asyncio.to_thread(ours.recv) == (False, "LookupError")

    # and when the pipe closes, then it ends by itself
    ours.close()
    await asyncio.wait_for(serving, LIMIT_S)
    theirs.close()


async def test_a_real_core_decides_in_a_process_of_its_own_as_it_does_here() -> None:
    # given a county's core, here and in another process, and a record about a child
    county = County()
    secrets = county.secrets
    facts = X25519PrivateKey.from_private_bytes(secrets.facts).public_key().public_bytes_raw()
    parts = CoreParts(
        secrets.first_root,
        (secrets.router,),
        facts,
        secrets.state,
        secrets.seen,
        secrets.tokens,
        MEMO_SIZE,
    )
    record = Received(county.message(POLICE, county.say("missing-episode")), 0, 1, NOON)
    with closing(WorkerHost(core_maker(parts), 60)) as theirs:
        hosts: tuple[CoreHost, ...] = (InlineHost(core_maker(parts)), theirs)
        counts = []
        for host in hosts:
            # when both learn the protocol and decide it
            await host.learn(county.entries, [])
            needs = await host.open([record])
            assert needs.rows
            outputs = await host.decide(Recalled())
            assert len(outputs.keys) == 1
            counts.append(outputs.counts)

    # then both do the same
    assert counts[0] == counts[1]


def ended(number: int) -> bool:
    """Tell whether a process of ours is gone."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    return False
