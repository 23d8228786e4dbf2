"""The servers that contestants share: a Kafka broker, real or named, and what is asked of it."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import urllib3
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from benchmarks.figures import ROOT
from benchmarks.kafka.processes import Worker, tree
from tests.support import kafka, services

NAMED = "CONCORDAT_KAFKA"
MOST_OCTETS = 4 * 1024 * 1024
WAIT_S = 30.0
OPA_FLAGS = (
    "--skip-version-check",
    "--log-level=error",
    "--optimize-store-for-read-speed",  # a fifth faster here; an optimised bundle is not
)
SHIPPED = ROOT / "policies"


class NotHere(RuntimeError):  # noqa: N818 - what is the matter
    """A service cannot be had on this machine; why."""


@dataclass(frozen=True, slots=True)
class Kafka:
    """A broker.

    Attributes:
        address: `host:port`.
        pid: its process, if we have started it.
    """

    address: str
    pid: int | None

    @property
    def on(self) -> str:
        """What can be said of its settings."""
        if self.pid is None:
            return f"the one that {NAMED} names: its settings, memory and processor are its own"
        return (
            "one node in KRaft mode, one replica, flush settings as shipped (no fsync at a commit),"
            " 512 MiB of heap, Java's quick compiler alone; acks=all, transactions, read_committed,"
            " no compression; TLS no"
        )

    def make(self, topics: Sequence[str]) -> None:
        """Make topics of one partition each, and wait until they are there.

        Raises:
            KafkaException: it does not allow that.
        """
        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 3})
        config = {"max.message.bytes": str(MOST_OCTETS), "message.timestamp.type": "LogAppendTime"}
        wanted = [NewTopic(name, num_partitions=1, config=config) for name in topics]
        for future in admin.create_topics(wanted).values():
            future.result(WAIT_S)
        until = time.monotonic() + WAIT_S
        while not set(topics) <= admin.list_topics(timeout=WAIT_S).topics.keys():
            if time.monotonic() > until:
                raise NotHere("Kafka does not show the topics that were made.")
            time.sleep(0.02)

    def drop(self, topics: Sequence[str]) -> None:
        """Delete topics: what the next run finds on the disk is as little as this one found."""
        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 3})
        for future in admin.delete_topics(list(topics)).values() if topics else ():
            with suppress(KafkaException):
                future.result(WAIT_S)


def end_of(consumer: Consumer, topic: str) -> int:
    """Return where a topic's one partition ends; one that was just made has no leader yet.

    Raises:
        KafkaException: Kafka does not tell.
    """
    until = time.monotonic() + WAIT_S
    while True:
        try:
            _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=WAIT_S)
        except KafkaException:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return int(end)


@contextmanager
def running_kafka(folder: Path) -> Iterator[Kafka]:
    """Use the broker that the environment names, else run one.

    Raises:
        NotHere: there is neither.
    """
    named = os.environ.get(NAMED)
    if named:
        yield Kafka(named, None)
        return
    libs = kafka.jars()
    if isinstance(libs, services.Missing):
        raise NotHere(f"Kafka: {libs.why}")
    before = set(tree(os.getpid()))
    made = kafka.Broker(libs, folder)
    try:
        made.start()
        (pid,) = set(tree(os.getpid())) - before
        yield Kafka(made.address, pid)
    finally:
        made.kill()


class OpaServer:
    """OPA with the shipped Rego and one county's clauses, behind its REST interface."""

    def __init__(self, data: Path, folder: Path) -> None:
        """Say what it decides by.

        Args:
            data: file with `protocol` and `revision`.
            folder: for what it says.

        Raises:
            NotHere: there is no OPA.
        """
        opa = services.opa()
        if isinstance(opa, services.Missing):
            raise NotHere(f"OPA: {opa.why}")
        self.address = f"http://127.0.0.1:{kafka.free_port()}"
        rego = [folder_ for name in ("engine", "special") if (folder_ := SHIPPED / name).is_dir()]
        command = (opa, "run", "--server", *OPA_FLAGS)
        where = ("--addr", self.address.removeprefix("http://"), "--ignore", "*_test.rego")
        self.worker = Worker("OPA", (*command, *where, *rego, data), folder / "opa.log")

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            Ended: it does not like its policies.
            NotHere: it does not answer.
        """
        self.worker.start()
        until = time.monotonic() + WAIT_S
        with urllib3.PoolManager(retries=False) as pool:
            while time.monotonic() < until:
                self.worker.check()
                with suppress(urllib3.exceptions.HTTPError):
                    if pool.request("GET", f"{self.address}/health").status == 200:  # noqa: PLR2004 - OK, in HTTP
                        return
                time.sleep(0.05)
        raise NotHere("OPA does not answer.")
