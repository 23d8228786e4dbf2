"""A Kafka broker for tests: one node, started from jars, with its data in a temporary folder."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.support.services import Missing, do_without, found_by

START_S = 60

SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{control}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{control}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.retention.minutes=525600
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=16777216
"""

JAVA = ("java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
QUIET = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


@cache
def jars() -> Path | Missing:
    """Return the folder of Kafka's jars, if they can be had."""
    return found_by("Kafka", "kafka", "broker/backends/kafka")


class Broker:
    """One broker; it can be killed and started again on the same port and data."""

    def __init__(self, libs: Path, folder: Path, settings: str = SETTINGS) -> None:
        self._classpath = f"{libs}/*"
        self._folder = folder
        self.port = free_port()
        self._settings = folder / "server.properties"
        text = settings.format(port=self.port, control=free_port(), folder=folder)
        self._settings.write_text(text, encoding="ascii")
        self._process: subprocess.Popen[bytes] | None = None
        format_ = ("kafka.tools.StorageTool", "format", "-t", "concordat-tests-000000")
        subprocess.run(
            (*JAVA, QUIET, "-cp", self._classpath, *format_, "-c", str(self._settings)),
            check=True,
            capture_output=True,
        )

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self._folder / "broker.log").open("ab") as log:
            command = (*JAVA, QUIET, "-cp", self._classpath, "kafka.Kafka", str(self._settings))
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise TimeoutError((self._folder / "broker.log").read_text("utf-8", "replace")[-2000:])

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@contextmanager
def broker(libs: Path, folder: Path, settings: str = SETTINGS) -> Iterator[Broker]:
    """Run a broker; `settings` are formatted with its ports and folder."""
    made = Broker(libs, folder, settings)
    try:
        made.start()
        yield made
    finally:
        made.kill()


@pytest.fixture(scope="session")
def kafka_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a broker listens that all tests share; each has names of its own there."""
    named = os.environ.get("CONCORDAT_KAFKA")
    if named:
        yield named
        return
    libs = jars()
    if isinstance(libs, Missing):
        do_without(libs)
    with broker(libs, tmp_path_factory.mktemp("kafka")) as running:
        yield running.address
