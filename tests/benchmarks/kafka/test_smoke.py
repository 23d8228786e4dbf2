"""Twenty records through the bare copy and the pipeline by hand, on a real Kafka and a real OPA."""

import os
import time
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from confluent_kafka import Consumer, TopicPartition
from fastavro import schemaless_reader

from benchmarks.kafka.by_hand import ByHand, HandCourse
from benchmarks.kafka.contestants import Contestant, Shape, key_of, number_of
from benchmarks.kafka.copying import Copying
from benchmarks.kafka.hand_worker import DELIVERY, Pipeline
from benchmarks.kafka.load import Load
from benchmarks.kafka.measuring import WARM, Bench
from benchmarks.kafka.processes import tree
from benchmarks.kafka.services import Kafka
from benchmarks.kafka.summaries import DRIVER

pytestmark = pytest.mark.bench

RECORDS = 20
SHAPE = Shape(8)


@pytest.fixture
def bench(broker: Kafka, tmp_path: Path) -> Bench:
    return Bench.at(broker, tmp_path, lambda _line: None, lambda _line: None)


def messages(broker: Kafka, topics: list[str], count: int) -> list[tuple[str, bytes, bytes]]:
    """Return so many messages of some topics, and whatever else is there by then."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker.address,
            "group.id": "not used",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0) for topic in topics])
    found: list[tuple[str, bytes, bytes]] = []
    until = time.monotonic() + 10
    while len(found) < count and time.monotonic() < until:
        for one in consumer.consume(1000, 0.2):
            key, value = one.key(), one.value()
            assert isinstance(key, bytes)
            assert isinstance(value, bytes)
            found.append((one.topic() or "", key, value))
    consumer.close()
    return found


def test_the_load_is_what_concordat_makes_of_the_records(load: Load) -> None:
    # given the county's records; when they were routed
    # then each has its message, its entry for the log and its questions with their answers
    assert len(load.records) == RECORDS
    assert load.octets > 1000
    for record in load.records:
        assert record.topic.startswith(("records.", "urgent."))
        assert record.decided > 0
        assert len(record.questions) == len(record.outcomes) == len(record.registers["asked"])
        released = [one for one in record.outcomes if one in {"existence", "content"}]
        assert len(released) <= len(record.deliveries)

    # and some of it is released, and not everything
    outcomes = Counter(one for record in load.records for one in record.outcomes)
    assert outcomes["content"] > 0
    assert outcomes["withhold"] > 0


@pytest.mark.parametrize(
    ("contestant", "processes"),
    [(Copying(), {"hop1", "hop2"}), (ByHand(), {"worker", "opa"})],
    ids=["copy", "by hand"],
)
def test_twenty_records_are_delivered(
    bench: Bench, load: Load, opa_binary: Path, contestant: Contestant, processes: set[str]
) -> None:
    # given a contestant
    assert opa_binary.exists()
    contestant.prepare(load)
    before = set(tree(os.getpid()))

    # when twenty records are measured
    run = bench.run(contestant, SHAPE, RECORDS)

    # then all that Concordat would release was delivered, and nothing was counted twice
    assert run.records == RECORDS
    assert run.deliveries == sum(len(record.deliveries) for record in load.records)
    assert 0 < run.seconds < 30

    # and each process has its figures
    own = processes | {DRIVER} | ({"kafka"} if bench.kafka.pid else set())
    assert set(run.cpu) == own
    assert all(run.peak[name] > 10 for name in processes)

    # and no process is left behind
    assert set(tree(os.getpid())) == before


def test_by_hand_releases_what_concordat_releases(
    bench: Bench, load: Load, opa_binary: Path
) -> None:
    # given the pipeline by hand, with more agencies than the county has
    assert opa_binary.exists()
    by_hand = ByHand()
    by_hand.prepare(load)

    # when all records went through it
    with bench.running(by_hand, Shape(16)) as (course, driver):
        assert isinstance(course, HandCourse)
        found = messages(bench.kafka, course.outputs, driver.expected)
        refused = messages(bench.kafka, [course.refused], 0)

    # then each agency got of each record what policy opens to it, by the same decisions
    expected: Counter[tuple[int, str]] = Counter()
    for number in range(WARM):
        record = load.records[number % RECORDS]
        expected.update((number, agency) for agency, _ in record.deliveries)
    got: Counter[tuple[int, str]] = Counter()
    for _, key, value in found:
        delivery: Any = schemaless_reader(BytesIO(value), DELIVERY, None)
        got[number_of(key), delivery["consumer"]] += 1
    assert got == expected
    assert refused == []

    # and the records were dealt out among sixteen agencies, as far as twenty records go
    assert 8 < len({topic for topic, _, _ in found}) <= 16


async def test_by_hand_refuses_what_is_not_signed(load: Load) -> None:
    # given the pipeline, and a record whose signature does not fit
    by_hand = ByHand()
    by_hand.prepare(load)
    message = by_hand.messages[0]
    settings = {
        "opa": "http://127.0.0.1:1",
        "at": load.at,
        "keys": by_hand.keys,
        "registers": {},
        "outputs": {},
        "refused": "refused",
        "turns": 1,
    }

    class Taken:
        key = key_of(7)
        value = message[:-1] + bytes([message[-1] ^ 1])

    # when it comes
    async with aiohttp.ClientSession() as session:
        outs = await Pipeline(settings, session).work([Taken()])

    # then it goes aside as it is, and nobody is asked
    assert outs == [("refused", key_of(7), Taken.value)]


def test_a_killed_worker_delivers_everything_in_the_end(bench: Bench, load: Load) -> None:
    # given the bare copy
    copying = Copying()
    copying.prepare(load)

    # when its first hop is killed under load, and started again
    latency = bench.latency(copying, SHAPE, 50.0, 1.5)

    # then everything was delivered (else it would not have ended), later than before
    assert latency.steady.count > 0
    assert latency.killed.count > 0
    assert latency.killed.most > latency.steady.p50
    assert 0 < latency.recovered < 20
