"""An OPA server for tests, and the service that it fetches its policy from."""

import asyncio
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from broker.backends.opa_server.service import BundleService, Current
from broker.protocol.revision import Engine, Revision
from broker.runtimes.founding import engine_files
from tests.support.kafka import free_port
from tests.support.services import Missing, do_without, opa

START_S = 60
LONG_POLL_S = 30
NAMED = "CONCORDAT_OPA_SERVER"


class Server:
    """One OPA server; it can be killed and started again on the same port."""

    def __init__(self, binary: Path, bundle_url: str = "") -> None:
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
        self._command = [str(binary), "run", "--server", "--addr", f"127.0.0.1:{self.port}", *quiet]
        for one in settings if bundle_url else ():
            self._command += ["--set", one]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it listens and, if it can be had, has a bundle."""
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + START_S
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
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


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
    binary = opa()
    if isinstance(binary, Missing):
        do_without(binary)
    server = Server(binary, bundle_url)
    server.start()
    try:
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
