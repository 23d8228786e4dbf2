"""The core in a process of its own, so that it can be stopped when it hangs or crashes.

A thread that hangs cannot be stopped; a process can. The two sides speak through a pipe, with
pickled values of this project's own classes; nobody else can write to it.
"""

import asyncio
import multiprocessing
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Protocol

from broker.clock import Instant
from broker.lanes import Received
from broker.routing.host import CoreFailed, Needs, Outputs, Recalled
from broker.runtimes.garbage import look_seldom

STOP_S = 5.0
"""How long a worker may take to end by itself before it is killed, in seconds."""


class CoreCalls(Protocol):
    """What the worker calls on its core: the methods of `CoreHost`, without waiting."""

    def learn(self, protocol: Sequence[Received], registers: Sequence[Received]) -> None:
        """See `CoreHost.learn`."""
        ...

    def open(self, messages: Sequence[Received]) -> Needs:
        """See `CoreHost.open`."""
        ...

    def decide(self, recalled: Recalled) -> Outputs:
        """See `CoreHost.decide`."""
        ...

    def give_up(self, message: Received) -> Outputs:
        """See `CoreHost.give_up`."""
        ...

    def look_back(self) -> Needs:
        """See `CoreHost.look_back`."""
        ...

    def sweep(self, recalled: Recalled, at: Instant) -> Outputs:
        """See `CoreHost.sweep`."""
        ...


MakeCore = Callable[[], CoreCalls]
"""Builds a core; pickled once to the worker, so a `functools.partial` of a module's function."""


class InlineHost:
    """A core in this process: for the simulated backend and tests. Cannot stop one that hangs."""

    def __init__(self, make: MakeCore) -> None:
        """Build the first core."""
        self._make = make
        self._core = make()

    async def learn(self, protocol: Sequence[Received], registers: Sequence[Received]) -> None:
        """See `CoreHost`."""
        self._run("learn", protocol, registers)

    async def open(self, messages: Sequence[Received]) -> Needs:
        """See `CoreHost`."""
        needs: Needs = self._run("open", messages)
        return needs

    async def decide(self, recalled: Recalled) -> Outputs:
        """See `CoreHost`."""
        outputs: Outputs = self._run("decide", recalled)
        return outputs

    async def give_up(self, message: Received) -> Outputs:
        """See `CoreHost`."""
        outputs: Outputs = self._run("give_up", message)
        return outputs

    async def look_back(self) -> Needs:
        """See `CoreHost`."""
        needs: Needs = self._run("look_back")
        return needs

    async def sweep(self, recalled: Recalled, at: Instant) -> Outputs:
        """See `CoreHost`."""
        outputs: Outputs = self._run("sweep", recalled, at)
        return outputs

    async def restart(self) -> None:
        """See `CoreHost`."""
        self._core = self._make()

    def _run(self, name: str, *arguments: object) -> Any:  # noqa: ANN401 - the callers name the type
        try:
            return getattr(self._core, name)(*arguments)
        except Exception as error:
            raise CoreFailed(name) from error


class WorkerHost:
    """A core in a process of its own, with a limit on every call."""

    def __init__(self, make: MakeCore, limit_s: float) -> None:
        """Start the process; every call may take `limit_s` seconds."""
        self._make = make
        self._limit_s = limit_s
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._make), daemon=True)
        self._process.start()
        theirs.close()

    async def learn(self, protocol: Sequence[Received], registers: Sequence[Received]) -> None:
        """See `CoreHost`."""
        await self._call("learn", protocol, registers)

    async def open(self, messages: Sequence[Received]) -> Needs:
        """See `CoreHost`."""
        needs: Needs = await self._call("open", messages)
        return needs

    async def decide(self, recalled: Recalled) -> Outputs:
        """See `CoreHost`."""
        outputs: Outputs = await self._call("decide", recalled)
        return outputs

    async def give_up(self, message: Received) -> Outputs:
        """See `CoreHost`."""
        outputs: Outputs = await self._call("give_up", message)
        return outputs

    async def look_back(self) -> Needs:
        """See `CoreHost`."""
        needs: Needs = await self._call("look_back")
        return needs

    async def sweep(self, recalled: Recalled, at: Instant) -> Outputs:
        """See `CoreHost`."""
        outputs: Outputs = await self._call("sweep", recalled, at)
        return outputs

    async def restart(self) -> None:
        """Kill the process and start another."""
        await asyncio.to_thread(self._end)
        self._start()

    def close(self) -> None:
        """End the process."""
        self._end()

    def _end(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.join(STOP_S)

    async def _call(self, name: str, *arguments: object) -> Any:  # noqa: ANN401 - see the callers
        return await asyncio.to_thread(self._ask, name, arguments)

    def _ask(self, name: str, arguments: tuple[object, ...]) -> Any:  # noqa: ANN401 - as above
        try:
            self._pipe.send((name, arguments))
            if not self._pipe.poll(self._limit_s):
                raise CoreFailed(f"{name}: longer than {self._limit_s:g} s")
            done, result = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise CoreFailed(f"{name}: the process ended") from error
        if not done:
            raise CoreFailed(f"{name}: {result}")
        return result


def _serve(pipe: Connection, make: MakeCore) -> None:
    """Run in the worker: answer calls until the pipe closes."""
    look_seldom()
    core = make()
    with suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            name, arguments = pipe.recv()
            try:
                answer: tuple[bool, object] = (True, getattr(core, name)(*arguments))
            except Exception as error:  # noqa: BLE001 - told to the router, which bisects; only the type's name: a message might hold values
                answer = (False, type(error).__name__)
            pipe.send(answer)
