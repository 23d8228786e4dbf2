"""Concordat as a contestant: an installation's own parts on a real Kafka."""

import os
from pathlib import Path

import pytest

from benchmarks.kafka.concordat import Concordat
from benchmarks.kafka.contestants import Shape
from benchmarks.kafka.load import Load
from benchmarks.kafka.measuring import Bench
from benchmarks.kafka.narrowed import narrowing
from benchmarks.kafka.processes import tree
from benchmarks.kafka.services import Kafka
from benchmarks.kafka.summaries import DRIVER

pytestmark = pytest.mark.bench

RECORDS = 60


@pytest.fixture
def bench(broker: Kafka, tmp_path: Path) -> Bench:
    return Bench.at(broker, tmp_path, lambda _line: None, lambda _line: None)


def test_records_go_through_the_parts_of_an_installation(bench: Bench, load: Load) -> None:
    # given Concordat, in a county larger than Eastshire
    shape = Shape(16, 80)
    concordat = Concordat()
    concordat.prepare(load)
    before = set(tree(os.getpid()))

    # when some records are measured; none may be quarantined, or it would end with that
    run = bench.run(concordat, shape, RECORDS)

    # then deliveries came of them
    assert run.records == RECORDS
    assert RECORDS / 2 < run.deliveries < RECORDS * 6

    # and each of its processes has its figures
    own = {"router", "core", "log", DRIVER} | ({"kafka"} if bench.kafka.pid else set())
    assert set(run.cpu) == own
    assert all(run.peak[name] > 20 for name in ("router", "core", "log"))

    # and no process is left behind
    assert set(tree(os.getpid())) == before


def test_a_narrowing_stops_what_an_agency_sends(bench: Bench, load: Load) -> None:
    # given Concordat under a small load
    concordat = Concordat()
    concordat.prepare(load)

    # when an agency narrows all that it sends
    found = narrowing(bench, concordat, Shape(8), 60.0, 8.0)

    # then nothing of its later records is delivered
    assert found.stopped > 0
    assert 0 < found.published < 10
    assert 0 <= found.last < 10
