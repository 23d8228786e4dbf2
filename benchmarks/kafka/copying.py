"""Contestant (a): two hops that copy, each in a transaction and a process: what Kafka costs.

Messages are as many and as large as Concordat's: the sealed record comes in; what its router writes
goes to `mid` (and its rows of tables to `rows`); the deliveries go to one topic an agency.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict

from benchmarks.kafka.contestants import KEY_OCTETS, Fed, Place, Pooled, dealt, key_of
from benchmarks.kafka.load import Load
from benchmarks.kafka.processes import Worker, program
from benchmarks.kafka.relay import Hop

WORKER = "benchmarks.kafka.copy_worker"


class Copying:
    """See the module."""

    name = "(a) copy"
    on = (
        "two transactional hops, each a process; messages as many and as large as Concordat's",
        "off: signatures, seals, policy, log, tables",
    )

    def prepare(self, load: Load) -> None:
        """Keep the load."""
        self._load = load

    @contextmanager
    def course(self, place: Place) -> Iterator["CopyCourse"]:
        """Start both hops on topics of their own."""
        course = CopyCourse(self._load, place)
        with ExitStack() as stack:
            place.kafka.make(course.topics)
            for worker in course.workers:
                worker.start()
                stack.callback(worker.stop)
            yield course
        place.kafka.drop(course.topics)


class CopyCourse(Pooled):
    """One run; see `contestants.Course`."""

    def __init__(self, load: Load, place: Place) -> None:
        """Write the plans of both hops."""
        self._load = load
        self._in, self._mid, self._rows = (place.prefix + name for name in ("in", "mid", "rows"))
        self.outputs = [f"{place.prefix}out.{number}" for number in range(place.shape.agencies)]
        self.topics = (self._in, self._mid, self._rows, *self.outputs)
        plans = (
            ("hop1", self._in, [self._middle(one) for one in range(len(load.records))]),
            ("hop2", self._mid, self._out(place.shape.agencies)),
        )
        self.workers = tuple(
            _hop(place, name, topic, becomes, load.batch) for name, topic, becomes in plans
        )

    def _middle(self, number: int) -> list[tuple[str, int]]:
        record = self._load.records[number]
        rows = [(self._rows, max(0, size - KEY_OCTETS)) for size in record.rows]
        return [(self._mid, record.decided), *rows]

    def _out(self, agencies: int) -> list[list[tuple[str, int]]]:
        """Return the deliveries of each record in turn, dealt out among all agencies."""
        load = self._load
        turns = max(1, agencies // len(load.agencies))
        return [
            [
                (self.outputs[dealt(load.agencies, agency, turn, agencies)], size)
                for agency, size in record.deliveries
            ]
            for turn, record in ((turn, one) for turn in range(turns) for one in load.records)
        ]

    def fed(self, number: int) -> Fed:
        """Return a sealed record, as its agency publishes it."""
        records = self._load.records
        return Fed(self._in, key_of(number), records[number % len(records)].sealed)

    def deliveries(self, number: int) -> int:
        """Return how many messages the second hop sends for a record."""
        records = self._load.records
        return len(records[number % len(records)].deliveries)

    def processes(self) -> Mapping[str, int]:
        """Return both hops."""
        return {worker.name: worker.pid for worker in self.workers}

    def kill(self) -> None:
        """Kill the first hop."""
        self.workers[0].kill()

    def restart(self) -> None:
        """Start the first hop again."""
        self.workers[0].start()


def _hop(
    place: Place, name: str, topic: str, becomes: Sequence[Sequence[tuple[str, int]]], batch: int
) -> Worker:
    hop = Hop(place.kafka.address, topic, place.prefix + name, batch)
    plan = place.folder / f"{name}.json"
    plan.write_text(json.dumps({"hop": asdict(hop), "becomes": becomes}), encoding="utf-8")
    return Worker(name, program(WORKER, plan), place.folder / f"{name}.log")
