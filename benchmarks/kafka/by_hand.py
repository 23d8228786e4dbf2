"""Contestant (c): the pipeline one would write by hand; its program is `hand_worker.py`.

The same records by the same policy: the shipped Rego and the county's clauses, in a real OPA
server. Every record is signed by its agency; policy is asked for each record and consumer.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.kafka.clauses import grown
from benchmarks.kafka.contestants import Fed, Place, Pooled, dealt, key_of
from benchmarks.kafka.hand_worker import CONNECTIONS, RECORD, encoded
from benchmarks.kafka.load import Load, Record
from benchmarks.kafka.processes import Worker, program
from benchmarks.kafka.relay import Hop
from benchmarks.kafka.services import OpaServer

WORKER = "benchmarks.kafka.hand_worker"


class ByHand:
    """See the module."""

    name = "(c) by hand"
    on = (
        "a signature a record (Ed25519), Avro in and out, one transaction a batch",
        f"a call of the OPA server for each record and consumer, {CONNECTIONS} connections",
        "off: seals, log, proofs, memory of decisions and of seen records, TLS",
        "registers are a dictionary",
    )

    def prepare(self, load: Load) -> None:
        """Sign every record as its agency would."""
        self.load = load
        private = {agency: Ed25519PrivateKey.generate() for agency in load.agencies}
        self.keys = {
            agency: key.public_key().public_bytes_raw().hex() for agency, key in private.items()
        }
        self.messages = [_signed(one, private[one.said["agency"]]) for one in load.records]

    @contextmanager
    def course(self, place: Place) -> Iterator["HandCourse"]:
        """Start OPA and the pipeline on topics of their own."""
        course = HandCourse(self, place)
        with ExitStack() as stack:
            place.kafka.make(course.topics)
            stack.callback(course.opa.worker.stop)
            course.opa.start()
            stack.callback(course.worker.stop)
            course.worker.start()
            yield course
        place.kafka.drop(course.topics)


class HandCourse(Pooled):
    """One run; see `contestants.Course`."""

    def __init__(self, contestant: ByHand, place: Place) -> None:
        """Write the settings of OPA and of the pipeline."""
        self._messages = contestant.messages
        self._load = load = contestant.load
        self._in = place.prefix + "in"
        count = place.shape.agencies
        self.outputs = [f"{place.prefix}out.{number}" for number in range(count)]
        self.refused = place.prefix + "refused"
        self.topics = (self._in, self.refused, *self.outputs)
        data = place.folder / "data.json"
        policy = grown(load.policy, place.shape.clauses)
        data.write_text(json.dumps({"protocol": policy, "revision": load.revision}), "utf-8")
        self.opa = OpaServer(data, place.folder)
        settings = place.folder / "pipeline.json"
        settings.write_text(json.dumps(self._settings(place, contestant.keys)), "utf-8")
        self.worker = Worker("worker", program(WORKER, settings), place.folder / "pipeline.log")

    def _settings(self, place: Place, keys: Mapping[str, str]) -> dict[str, Any]:
        load, count = self._load, place.shape.agencies
        turns = range(max(1, count // len(load.agencies)))
        hop = Hop(place.kafka.address, self._in, place.prefix + "pipeline", load.batch)
        return {
            "hop": asdict(hop),
            "opa": self.opa.address,
            "at": load.at,
            "keys": keys,
            "registers": {one.said["record_id"].hex(): one.registers for one in load.records},
            "outputs": {
                agency: [self.outputs[dealt(load.agencies, agency, n, count)] for n in turns]
                for agency in load.agencies
            },
            "refused": self.refused,
            "turns": len(load.records),
        }

    def fed(self, number: int) -> Fed:
        """Return a signed record."""
        return Fed(self._in, key_of(number), self._messages[number % len(self._messages)])

    def deliveries(self, number: int) -> int:
        """Return how many deliveries come of a record: as many as in Concordat."""
        return len(self._load.records[number % len(self._load.records)].deliveries)

    def processes(self) -> Mapping[str, int]:
        """Return the pipeline and OPA."""
        return {"worker": self.worker.pid, "opa": self.opa.worker.pid}

    def kill(self) -> None:
        """Kill the pipeline; OPA stays."""
        self.worker.kill()

    def restart(self) -> None:
        """Start the pipeline again."""
        self.worker.start()


def _signed(record: Record, key: Ed25519PrivateKey) -> bytes:
    body = encoded(RECORD, {**record.said, "labels": record.labels})
    return key.sign(body) + body
