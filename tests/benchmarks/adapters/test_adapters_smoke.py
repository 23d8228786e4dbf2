"""A few records through each part of the adapters' benchmark, in processes as users start them."""

import asyncio
from pathlib import Path

import pytest

from benchmarks.adapters.__main__ import FAILURES, planned, publish
from benchmarks.adapters.acknowledging import BARE, CONCORDAT, acknowledging
from benchmarks.adapters.catalogue import SHAPES
from benchmarks.adapters.delivering import delivering
from benchmarks.adapters.formats import measure
from benchmarks.adapters.rendering import Report
from benchmarks.adapters.site import Site, concordat, running
from benchmarks.kafka.processes import Ended, Worker

pytestmark = pytest.mark.bench


def test_a_reader_in_a_process_of_its_own_tells_its_figures(tmp_path: Path) -> None:
    # given a format, when a file of it is measured
    (shape,) = (one for one in SHAPES if one.format == "social-care-cin-census")
    (found,) = measure(shape, (300,), tmp_path)

    # then all of it was read, and there is a figure for each
    assert (found.items, found.records, found.refused) == (300, 300, "")
    assert found.rate > 0
    assert found.cpu_times > 1


def test_a_file_is_published(tmp_path: Path) -> None:
    # given a plan with few rows, when they are published
    report = Report("", "")
    plan = planned(["--quick"])
    publish(plan, tmp_path, report, lambda _: None)

    # then every row is a record
    assert [one.records for one in report.published] == [1_000, 1_000]


def test_dropped_files_are_delivered_beside_exports(tmp_path: Path) -> None:
    # given an installation, when files are dropped
    with running(asyncio.run(Site.found(tmp_path / "county"))) as site:
        alone, beside = delivering(site, tmp_path / "folders", 3)

    # then each has come, by itself and beside an export
    assert (alone.drops, beside.drops) == (3, 3)
    assert 0 < alone.p50 <= alone.p99
    assert 0 < alone.taken_p50 <= alone.p50
    assert beside.bulk_files >= 1
    assert site.workers == {}


def test_messages_are_acknowledged_by_both_listeners(tmp_path: Path) -> None:
    # given both listeners, when two connections send
    with running(asyncio.run(Site.found(tmp_path / "county"))) as site:
        found = acknowledging(site, tmp_path, (2,), 10, lambda _: None)

    # then each message was acknowledged
    assert [one.who for one in found] == [CONCORDAT, BARE]
    assert {one.messages for one in found} == {10}


def test_a_part_that_ends_ends_the_benchmark_with_what_it_said(tmp_path: Path) -> None:
    # given a command that is refused
    worker = Worker("broker", concordat("route", "--dir", tmp_path / "nowhere"), tmp_path / "out")
    worker.start()
    assert worker._process is not None
    worker._process.wait(30)

    # then whoever looks is told
    with pytest.raises(Ended, match="nowhere"):
        worker.check()
    assert Ended in FAILURES
