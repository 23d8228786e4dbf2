"""Feeds a course with records and reads its deliveries, like all agencies together.

It runs on librdkafka, whose threads take little of the processor from those that are measured.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.cimpl import KafkaError

from benchmarks.kafka.contestants import Course, number_of
from benchmarks.kafka.services import end_of

READ_AT_ONCE = 2000
READ_S = 0.02
STALLED_S = 120.0
"""Seconds without a delivery after which a course counts as stuck."""

TICK_S = 0.004
"""How often records that are due are fed, in seconds."""

LOOK_S = 0.05
"""How often it is looked whether all has come; when it came is noted as it comes."""

Progress = Callable[[int, int], None]
"""Told how many deliveries there are, of how many."""


class Stalled(RuntimeError):  # noqa: N818 - what happened
    """No delivery comes any more, though some are missing."""


class Deliveries:
    """What has been read so far: for each delivery its record's number, and when."""

    def __init__(self, address: str, topics: Sequence[str]) -> None:
        """Read topics of one partition each, from where they end now."""
        self._consumer = Consumer(
            {
                "bootstrap.servers": address,
                "group.id": "not used",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 50,
            }
        )
        ends = [TopicPartition(one, 0, end_of(self._consumer, one)) for one in topics]
        self._consumer.assign(ends)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self.read: list[tuple[int, float]] = []
        self.octets = 0
        self._failed: Exception | None = None

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """End reading."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        self._consumer.close()

    def check(self) -> None:
        """Make sure that reading goes on.

        Raises:
            KafkaException, ValueError: it has failed.
        """
        if self._failed is not None:
            raise self._failed

    def _read(self) -> None:
        try:
            while not self._ending.is_set():
                found = self._consumer.consume(READ_AT_ONCE, READ_S)
                now = time.monotonic()
                for message in found:
                    self._take(message.error(), message.key(), message.value(), now)
        except (KafkaException, ValueError) as error:
            self._failed = error

    def _take(
        self,
        error: KafkaError | None,
        key: str | bytes | None,
        value: str | bytes | None,
        at: float,
    ) -> None:
        if error is not None:
            raise KafkaException(error)
        self.read.append((number_of(key), at))
        self.octets += len(value or b"")


class Driver:
    """Feeds one course; its records are numbered from 0."""

    def __init__(self, address: str, course: Course) -> None:
        """Take a course that has begun."""
        self._course = course
        self._producer = Producer(
            {
                "bootstrap.servers": address,
                "acks": "all",
                "linger.ms": 2,
                "log_level": 3,
                "queue.buffering.max.messages": 1_000_000,
                "queue.buffering.max.kbytes": 1_000_000,
            }
        )
        self.deliveries = Deliveries(address, course.outputs)
        self.fed = 0
        self.expected = 0

    def ready(self, count: int) -> None:
        """Have the next records at hand."""
        self._course.ready(self.fed + count)

    def feed(self, count: int) -> None:
        """Feed the next records, as fast as Kafka takes them."""
        for number in range(self.fed, self.fed + count):
            self._feed_one(number)
        self.fed += count

    def feed_evenly(
        self, rate: float, seconds: float, at: float, acting: Callable[[], None]
    ) -> tuple[dict[int, float], float]:
        """Feed so many records a second, each when it is due, whatever becomes of those before.

        Args:
            rate: records a second.
            seconds: how long.
            at: seconds from the start at which to act.
            acting: what is then done; feeding goes on beside it.

        Returns:
            Number of a record → when it was due; and when it was acted.
        """
        begun = time.monotonic()
        due: dict[int, float] = {}
        thread: threading.Thread | None = None
        acted = begun
        while (now := time.monotonic()) < begun + seconds:
            if thread is None and now >= begun + at:
                acted = now
                thread = threading.Thread(target=acting)
                thread.start()
            while begun + len(due) / rate <= now:
                due[self.fed] = begun + len(due) / rate
                self._feed_one(self.fed)
                self.fed += 1
            self._producer.poll(0)
            time.sleep(TICK_S)
        if thread is not None:
            thread.join()
        return due, acted

    def wait(self, told: Progress) -> float:
        """Wait until everything has been delivered; return when the last was read.

        What was fed is handed over to Kafka first.

        Raises:
            Stalled: nothing comes any more.
            Ended: a process of the course has ended.
        """
        read = self.deliveries.read
        before, since = -1, time.monotonic()
        while self._producer.flush(LOOK_S):
            told(len(read), self.expected)
        while len(read) < self.expected or not self._course.through():
            self.deliveries.check()
            self._course.processes()
            self._producer.poll(0)
            told(len(read), self.expected)
            if len(read) != before:
                before, since = len(read), time.monotonic()
            elif time.monotonic() > since + STALLED_S:
                raise Stalled(f"{len(read)} of {self.expected} deliveries, and no more")
            time.sleep(LOOK_S)
        return read[-1][1] if read else time.monotonic()

    def _feed_one(self, number: int) -> None:
        fed = self._course.fed(number)
        while True:
            try:
                self._producer.produce(fed.topic, fed.value, fed.key, partition=0)
                break
            except BufferError:
                self._producer.poll(0.05)
        self.expected += self._course.deliveries(number)

    def close(self) -> None:
        """End reading, and drop what was not fed yet."""
        self.deliveries.close()
        self._producer.purge()
        self._producer.flush(1)


@contextmanager
def driving(address: str, course: Course) -> Iterator[Driver]:
    """Read a course's deliveries while the context lasts."""
    driver = Driver(address, course)
    driver.deliveries.start()
    try:
        yield driver
    finally:
        driver.close()
