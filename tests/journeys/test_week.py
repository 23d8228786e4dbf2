"""The demonstration's week, looked at from every side: who got what, and that nothing is lost."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from broker.runtimes.demonstration import DemoReport, run_demo
from broker.settings import Settings

WRONG_SCHOOL = "harbour-academy"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> DemoReport:
    """The week, decided in this process."""
    root = tmp_path_factory.mktemp("here") / "county"
    root.mkdir()
    settings = Settings(dir=root, batch_count=7, memo_size=0)
    return asyncio.run(run_demo(root, settings, lambda _what, _done, _total: None, inline=True))


def told(report: DemoReport) -> Counter[tuple[str, ...]]:
    """Return what the log says of the story's girl, without what is random in it."""
    return Counter(
        (one.row.row.kind, one.row.row.source, one.row.row.consumer, one.row.row.outcome)
        for one in report.story
    )


def test_where_and_how_it_is_decided_makes_no_difference(
    here: DemoReport, demonstrated: tuple[Path, DemoReport]
) -> None:
    # given the same week, decided in a process of its own in large batches with a memory, and here
    # in small batches without one, then all counts and all outcomes are the same
    there = demonstrated[1]
    assert here.counts == there.counts
    assert here.received == there.received
    assert told(here) == told(there)
    assert here.refused == there.refused == 0


def test_every_item_of_every_file_is_accounted_for(here: DemoReport) -> None:
    # given the manifest of what was written, when each file's account is compared, then it agrees
    sheets = [one for one in here.manifest["files"] if one["publish"]]
    assert len(sheets) == len(here.published)
    for sheet, report in zip(sheets, here.published, strict=True):
        (account,) = report.files
        expected = sheet["expected"]
        assert account.read == account.mapped + len(account.rejected) + account.context
        assert (account.read, account.mapped) == (expected["read"], expected["mapped"]), sheet
        assert Counter(one.code for one in account.rejected) == expected["rejected"], sheet


def test_the_log_of_the_week_is_sound(here: DemoReport) -> None:
    # given the week's log, when it is verified, then each delivery is logged and each one allowed
    assert here.verification is not None
    assert here.verification.sound
    assert here.verification.deliveries is not None
    assert here.verification.deliveries.absent == 0
    assert here.verification.decisions > 1000


def test_the_wrong_school_is_told_nothing(here: DemoReport) -> None:
    # given everything about the girl, when who was told is looked at, then never the school that
    # she does not go to
    assert all(WRONG_SCHOOL not in one.row.row.consumer for one in here.story)
    assert {one.row.row.outcome for one in here.story} >= {
        "content",
        "existence",
        "refer",
        "withhold",
    }
