"""A Kafka broker for tests: one node, in a container, or from jars with its data in a folder.

Tests that look into a broker's folder, or give it settings and files of their own, start it from
jars; all others take what there is.
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Protocol

import pytest

from tests.support import containers
from tests.support.services import Missing, do_without, found_by, in_order

SERVICE = "Kafka"
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

CLUSTER = "concordat-tests-000000"

INSIDE = 9092
"""What it listens on in a container."""

ADVERTISED = "/tmp/advertised"  # noqa: S108 - in a container that nobody else is in
BEGIN = f"""\
until [ -s {ADVERTISED} ]; do sleep 0.1; done
export KAFKA_ADVERTISED_LISTENERS="PLAINTEXT://$(cat {ADVERTISED})"
exec /etc/kafka/docker/run
"""
"""A broker has to say where it is reached, which is only known when its container runs."""

JAVA = ("java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
QUIET = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


class Running(Protocol):
    """A broker that a test may kill."""

    @property
    def address(self) -> str:
        """Where it listens."""

    def start(self) -> None:
        """Start it again on the same port and data, and wait until it answers."""

    def kill(self) -> None:
        """Kill it, as a power cut would."""


Maker = Callable[[Path], AbstractContextManager[Running]]


@cache
def jars() -> Path | Missing:
    """Return the folder of Kafka's jars, if they can be had."""
    return found_by(SERVICE, "kafka", "broker/backends/kafka")


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
        format_ = ("kafka.tools.StorageTool", "format", "-t", CLUSTER)
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


class Contained:
    """One broker in a container."""

    def __init__(self, server: containers.Server) -> None:
        self._server = server
        self.address = server.place
        self.start = server.start
        self.kill = server.kill


def environment(settings: str) -> dict[str, str]:
    """Return settings as the image takes them."""
    lines = settings.format(port=INSIDE, control=INSIDE + 1, folder="/var/lib/kafka").splitlines()
    pairs = (line.split("=", 1) for line in lines)
    return {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in pairs}


@contextmanager
def contained(image: str, _folder: Path) -> Iterator[Running]:
    """Run a broker in a container, where its data are, too."""

    def tell(server: containers.Server) -> None:
        made.copy_into_container(server.place.encode(), ADVERTISED)

    told = environment(SETTINGS) | {
        "CLUSTER_ID": CLUSTER,
        "KAFKA_HEAP_OPTS": "-Xmx512m",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{INSIDE},CONTROLLER://127.0.0.1:{INSIDE + 1}",
    }
    made = containers.container(image).with_envs(**told).with_bind_ports(INSIDE, free_port())
    made.with_command(["bash", "-c", BEGIN])
    with containers.running(made, "kafka", INSIDE, tell) as server:
        yield Contained(server)


def in_docker() -> Maker | Missing:
    """Return what runs a broker in a container, if the image can be had."""
    image = containers.found("kafka", SERVICE)
    return image if isinstance(image, Missing) else partial(contained, image)


def from_jars() -> Maker | Missing:
    """Return what runs a broker from jars, if they can be had."""
    libs = jars()
    return libs if isinstance(libs, Missing) else partial(broker, libs)


@cache
def find() -> Maker | Missing:
    """Return what runs a broker on this machine."""
    return in_order(in_docker, from_jars)


def own_broker(folder: Path) -> AbstractContextManager[Running]:
    """Return a broker that a test may kill; its data may lie in that folder."""
    make = find()
    if isinstance(make, Missing):
        do_without(make)
    return make(folder)


@pytest.fixture(scope="session")
def kafka_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a broker listens that all tests share; each has names of its own there."""
    named = os.environ.get("CONCORDAT_KAFKA")
    if named:
        yield named
        return
    with own_broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running.address
