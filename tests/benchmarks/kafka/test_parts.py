"""What the benchmark is put together from: series, processes, the command line."""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.kafka.__main__ import LONG, contestants, numbers, planned
from benchmarks.kafka.clauses import grown
from benchmarks.kafka.contestants import dealt, key_of, number_of
from benchmarks.kafka.copy_worker import Copier
from benchmarks.kafka.processes import (
    Ended,
    Worker,
    command,
    cpu_seconds,
    machine_seconds,
    peak_mib,
    tree,
)

AGENCIES = ("council", "hospital", "police", "school")


def policy() -> dict[str, Any]:
    return {
        "clauses": {
            "1": {"effect": "grant", "when": [{"path": ["kind"]}]},
            "2": {"effect": "refuse", "when": []},
        },
        "index": {"": {"grant": ["1"], "refuse": ["2"]}, "alert": {"grant": [], "refuse": ["2"]}},
    }


def test_clauses_are_added_that_nobody_meets() -> None:
    # given two clauses, one of which grants
    before = policy()

    # when there are to be five
    made = grown(before, 5)

    # then three grants came, each with one condition more, where the first one is looked up
    assert len(made["clauses"]) == 5
    added = made["clauses"].keys() - {"1", "2"}
    assert {one["effect"] for one in made["clauses"].values()} == {"grant", "refuse"}
    assert all(made["clauses"][name]["when"][0] == {"path": ["kind"]} for name in added)
    assert all(
        made["clauses"][name]["when"][1]["values"] == ["an-agency-of-elsewhere"] for name in added
    )
    assert made["index"][""]["grant"] == sorted({"1"} | added)
    assert made["index"]["alert"] == {"grant": [], "refuse": ["2"]}

    # and what was given is as it was
    assert before == policy()


@pytest.mark.parametrize("count", [None, 1, 2])
def test_clauses_are_never_taken_away(count: int | None) -> None:
    # given two clauses; when no more are asked for; then they stay
    assert grown(policy(), count) == policy()


@pytest.mark.parametrize(
    ("count", "expected"), [(2, {0, 1}), (4, {0, 1, 2, 3}), (8, set(range(8)))]
)
def test_records_are_dealt_out_among_all_agencies(count: int, expected: set[int]) -> None:
    # given a county of four agencies; when there are fewer or more; then each has its part
    found = {dealt(AGENCIES, agency, turn, count) for agency in AGENCIES for turn in range(4)}
    assert found == expected


def test_the_key_of_a_message_is_its_record() -> None:
    # given a record's number; when its key is read back; then it is the number
    assert number_of(key_of(300_000)) == 300_000

    # and any other key is none
    for key in (None, "text", b"short"):
        with pytest.raises(ValueError, match="number"):
            number_of(key)


async def test_a_copier_sends_the_sizes_of_its_plan() -> None:
    # given a plan for two records
    class Taken:
        def __init__(self, number: int) -> None:
            self.key = key_of(number)

    copier = Copier({"becomes": [[["mid", 30], ["rows", 5]], [["mid", 7]]]})

    # when three come
    outs = await copier.work([Taken(0), Taken(1), Taken(2)])

    # then each becomes messages of its sizes, under its key, and the plan begins anew
    assert [(out.topic, int.from_bytes(out.key, "big"), len(out.value)) for out in outs] == [
        ("mid", 0, 30),
        ("rows", 0, 5),
        ("mid", 1, 7),
        ("mid", 2, 30),
        ("rows", 2, 5),
    ]


def worker(folder: Path, program: str) -> Worker:
    return Worker("worker", (sys.executable, "-c", program), folder / "said")


BUSY = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"


def test_what_a_process_uses_counts_its_children(tmp_path: Path) -> None:
    # given a process that does nothing, but for a child that is busy
    busy = worker(tmp_path, BUSY)
    before = machine_seconds()
    busy.start()
    pid = busy.pid
    try:
        until = time.monotonic() + 10
        while cpu_seconds(pid) < 0.5 and time.monotonic() < until:
            time.sleep(0.05)

        # when it is asked what it uses, then the child is in it, and in the machine's
        assert cpu_seconds(pid) >= 0.5
        assert machine_seconds() - before >= 0.4
        assert len(tree(pid)) == 2
        assert peak_mib(pid) > 5
    finally:
        busy.kill()

    # and once it is killed, the child is gone too
    until = time.monotonic() + 5
    while tree(pid) and time.monotonic() < until:
        time.sleep(0.01)
    assert tree(pid) == []
    assert cpu_seconds(pid) == peak_mib(pid) == 0


def test_a_process_that_ended_says_why(tmp_path: Path) -> None:
    # given a program that fails
    failing = worker(tmp_path, "import sys; sys.exit('no such policy')")
    with pytest.raises(Ended, match="not started"):
        _ = failing.pid
    failing.start()

    # when somebody needs it once it has ended
    until = time.monotonic() + 10
    while "policy" not in (tmp_path / "said").read_text("utf-8") and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.2)
    with pytest.raises(Ended, match="no such policy"):
        failing.check()

    # then its own last words are told; and to stop it again harms nobody
    failing.stop()


def test_a_process_that_does_not_listen_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a program that ignores a request to end
    monkeypatch.setattr("benchmarks.kafka.processes.END_S", 0.2)
    deaf = worker(
        tmp_path,
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        " print('deaf', flush=True); time.sleep(60)",
    )
    deaf.start()
    pid = deaf.pid
    until = time.monotonic() + 10
    while "deaf" not in (tmp_path / "said").read_text("utf-8") and time.monotonic() < until:
        time.sleep(0.01)

    # when it is stopped; then it is gone
    deaf.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_command_line_asks_for_series() -> None:
    # given series; when the command line is read; then the first number is that of the comparison
    plan = planned(["--records", "1000,10_000", "--agencies", "4,16", "--clauses", "30"])
    assert (plan.records, plan.agencies, plan.clauses) == ((1000, 10_000), (4, 16), (30,))
    assert plan.repeats == 3


def test_a_long_run_is_one_run() -> None:
    # given --long; when the command line is read; then each runs once, with many records
    plan = planned(["--long"])
    assert (plan.records, plan.repeats) == ((LONG,), 1)


def test_without_options_each_takes_as_many_records_as_it_can() -> None:
    # given nothing; when the command line is read; then no number of records is set
    plan = planned([])
    assert (plan.records, plan.agencies, plan.clauses) == ((), (), ())
    assert [one.name for one in contestants(plan.only)] == [
        "(a) copy",
        "(b) Concordat",
        "(c) by hand",
    ]


@pytest.mark.parametrize("text", ["", "none", "1,,2", "0"])
def test_numbers_are_numbers(text: str) -> None:
    # given anything else; when it is read; then it is refused
    with pytest.raises(argparse.ArgumentTypeError, match="number"):
        numbers(text)


@pytest.mark.parametrize("letters", ["", "d", "abd"])
def test_only_contestants_that_there_are_take_part(
    letters: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # given letters of which one is nobody's; when they are asked for; then that is said
    with pytest.raises(SystemExit):
        planned(["--only", letters])
    assert "letters of a, b and c" in capsys.readouterr().err


def test_concordat_can_be_measured_alone() -> None:
    # given its letter; when it is asked for; then nobody else takes part
    plan = planned(["--only", "b"])
    assert [one.name for one in contestants(plan.only)] == ["(b) Concordat"]


def test_a_process_with_figures_of_its_own_is_not_counted_twice(tmp_path: Path) -> None:
    # given a process whose child has figures of its own
    busy = worker(tmp_path, BUSY)
    busy.start()
    try:
        until = time.monotonic() + 10
        while len(tree(busy.pid)) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        parent, child = tree(busy.pid)
        while cpu_seconds(child) < 0.5 and time.monotonic() < until:
            time.sleep(0.05)

        # when the parent is asked for its own; then the child's time and memory are not in it
        assert tree(parent, [child]) == [parent]
        assert cpu_seconds(parent, [child]) < 0.5 <= cpu_seconds(child)
        assert peak_mib(parent, [child]) < peak_mib(parent)
        assert "while True" in command(child)
    finally:
        busy.kill()
    assert command(parent) == ""
