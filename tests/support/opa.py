"""An OPA server for tests, and the service that it fetches its policy from."""

import asyncio
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import requests

from broker.backends.opa_server.service import BundleService, Current
from broker.protocol.revision import Engine, Revision
from broker.runtimes.founding import engine_files
from tests.support import containers
from tests.support.kafka import free_port
from tests.support.services import Missing, do_without, in_order, opa

SERVICE = "OPA"
START_S = 60
REACH_S = 10
"""How long a server in a container may take until it is clear that it is not reached from here."""

LONG_POLL_S = 30
NAMED = "CONCORDAT_OPA_SERVER"


class Running(NamedTuple):
    """A program that runs.

    Attributes:
        kill: ends it, as a power cut would.
    """

    kill: Callable[[], object]


Starter = Callable[[list[str]], Running]
"""Starts OPA with arguments."""


def by_program(binary: Path, arguments: list[str]) -> Running:
    """Start OPA as a process."""
    process = subprocess.Popen(
        [binary, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def kill() -> None:
        process.kill()
        process.wait()

    return Running(kill)


def by_container(image: str, arguments: list[str]) -> Running:
    """Start OPA in a container.

    It shares this machine's network: it fetches its policy from a test, which listens to nobody
    outside.
    """
    made = containers.container(image, network_mode="host").with_command(arguments)
    made.start()
    return Running(made.stop)


class Server:
    """One OPA server; it can be killed and started again on the same port."""

    def __init__(self, starter: Starter, bundle_url: str = "") -> None:
        self.port = free_port()
        service, _, resource = bundle_url.rpartition("/")
        settings = (
            f"services.concordat.url={service}",
            "bundles.concordat.service=concordat",
            f"bundles.concordat.resource=/{resource}",
            "bundles.concordat.polling.min_delay_seconds=1",
            "bundles.concordat.polling.max_delay_seconds=1",
            f"bundles.concordat.polling.long_polling_timeout_seconds={LONG_POLL_S}",
        )
        quiet = ("--log-level", "error", "--skip-version-check", "--shutdown-grace-period", "0")
        self._starter = starter
        self._command = ["run", "--server", "--addr", f"127.0.0.1:{self.port}", *quiet]
        for one in settings if bundle_url else ():
            self._command += ["--set", one]
        self._running: Running | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, within_s: float = START_S) -> None:
        """Start it, and wait until it listens."""
        self._running = self._starter(self._command)
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if self.answers("/health"):
                return
            time.sleep(0.05)
        raise TimeoutError(self.address)

    def wait_for_bundle(self) -> None:
        """Wait until it has one."""
        until = time.monotonic() + START_S
        while not self.answers("/health?bundles"):
            if time.monotonic() > until:
                raise TimeoutError(self.address)
            time.sleep(0.05)

    def answers(self, path: str) -> bool:
        """Tell whether a page answers well."""
        try:
            return requests.get(self.address + path, timeout=5).ok
        except requests.RequestException:
            return False

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        if self._running is not None:
            self._running.kill()
            self._running = None


def in_docker() -> Starter | Missing:
    """Return what starts OPA in a container, if the image can be had and the server is reached.

    Where the daemon runs on another machine or in a virtual one, it isn't.
    """
    image = containers.found("opa", SERVICE)
    if isinstance(image, Missing):
        return image
    starter = partial(by_container, image)
    trial = Server(starter)
    try:
        trial.start(REACH_S)
    except TimeoutError:
        return Missing(SERVICE, "its container is not reached on this machine's network.")
    finally:
        trial.kill()
    return starter


def from_program() -> Starter | Missing:
    """Return what starts the OPA that the policies are built with, if it can be had."""
    binary = opa()
    return binary if isinstance(binary, Missing) else partial(by_program, binary)


@cache
def find() -> Starter | Missing:
    """Return what starts OPA on this machine."""
    return in_order(in_docker, from_program)


@contextmanager
def bundle_service(current: Current, engine: Engine | None = None) -> Iterator[str]:
    """Serve bundles from a thread with a loop of its own; yield their URL."""
    started: list[str] = []
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with BundleService(current, engine or engine_files()).serving() as url:
            started.append(url)
            ready.set()
            await stop.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(START_S)
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


@contextmanager
def own_server(bundle_url: str = "") -> Iterator[Server]:
    """Run a server that fetches its policy from a URL, or has none; skip if OPA cannot be had."""
    starter = find()
    if isinstance(starter, Missing):
        do_without(starter)
    server = Server(starter, bundle_url)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@contextmanager
def loaded(revision: Revision) -> Iterator[str]:
    """Yield the address of a server that decides by a revision.

    One that the environment names is given its policy by hand; it has no bundles.
    """
    named = os.environ.get(NAMED)
    if named:
        _fill(named.rstrip("/"), revision)
        yield named
        return
    with bundle_service(lambda: revision) as url, own_server(url) as server:
        server.wait_for_bundle()
        yield server.address


def _fill(address: str, revision: Revision) -> None:
    """Put policy and data into a server; what a file calls must be there before it."""
    left = {path.removesuffix(".rego"): rego for path, rego in engine_files().rego.items()}
    while left:
        taken = [
            path
            for path, rego in left.items()
            if _put(f"{address}/v1/policies/{path}", rego, "text/plain").ok
        ]
        assert taken, sorted(left)
        left = {path: rego for path, rego in left.items() if path not in taken}
    for name, value in (("protocol", dict(revision.data)), ("revision", revision.digest.hex())):
        document = json.dumps(value).encode()
        _put(f"{address}/v1/data/{name}", document, "application/json").raise_for_status()


def _put(url: str, body: bytes, kind: str) -> requests.Response:
    return requests.put(url, body, headers={"Content-Type": kind}, timeout=30)
