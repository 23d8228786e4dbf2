"""`adapter`: once by a timer, day and night in a process of its own, and how it does."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from broker.faults import SINK_POINTS
from broker.protocol.clauses import Kind
from broker.runtimes.layout import Layout
from tests.broker.cli.files import concern, written
from tests.support.commands import Commands

COUNCIL, SCHOOL = "eastshire-council", "st-brannocks-school"
EVERY = f"[{', '.join(Kind)}]"
PROGRAM = "from broker.cli import main; main()"


def settings(commands: Commands, agency: str, text: str) -> None:
    Layout(commands.root).adapter_settings(agency).write_text(text, encoding="utf-8")


def status(commands: Commands, agency: str, code: int = 1) -> Any:  # noqa: ANN401 - a JSON document
    return commands.json("adapter", agency, "--status", code=code)


def test_once_takes_sends_receives_and_hands_over(own_week: Commands, tmp_path: Path) -> None:
    # given a council with a week's deliveries, a folder to drop into and one to hand over to
    drop, out = tmp_path / "drop", tmp_path / "out"
    drop.mkdir()
    settings(
        own_week,
        COUNCIL,
        f"folders: [{{path: {drop}}}]\n"
        f"sinks: [{{kind: folder, name: case, path: {out}, honours: {EVERY}}}]\n"
        "listeners: [{kind: mllp, name: adt}]\n",
    )
    written(drop, "c.json", {**concern(), "agency": COUNCIL})

    # when its adapter runs once
    first = own_week.json("adapter", COUNCIL, "--once")

    # then the file was taken, and each delivery is a file of its own
    assert [one["place"] for one in first["files"]] == ["done"]
    handed = {one.stem for one in out.iterdir()}
    assert len(handed) == first["handed_over"] > 20
    inbox = own_week.json("inbox", COUNCIL, "--all")["deliveries"]
    assert handed <= {one["delivery"] for one in inbox}

    # and once more hands nothing over again
    again = own_week("adapter", COUNCIL, "--once")
    assert "0 deliveries received, 0 handed over" in again.out

    # and its status says so, to people and to programs
    said = status(own_week, COUNCIL)
    assert (said["runs"], said["folders"][0]["done"]) == (False, 1)
    assert said["sinks"][0]["handed_over"] == first["handed_over"]
    assert said["listeners"] == [{"name": "adt", "address": "", "counts": {}}]
    shown = own_week("adapter", COUNCIL, "--status", code=1).out
    assert "It does not run." in shown
    assert "case" in shown


def test_what_was_not_handed_over_is_shown_and_goes_when_it_may(
    own_week: Commands, tmp_path: Path
) -> None:
    # given a sink that honours nothing
    out = tmp_path / "out"
    text = f"sinks: [{{kind: folder, name: case, path: {out}, honours: %s}}]"
    settings(own_week, COUNCIL, text % "[]")
    own_week("adapter", COUNCIL, "--once", code=1)
    (sink,) = status(own_week, COUNCIL)["sinks"]
    assert {one["code"] for one in sink["refused"]} == {"sink.obligation"}
    shown = own_week("adapter", COUNCIL, "--status", code=1).out
    assert "case will not take" in shown
    doctor = own_week("doctor", code=3).out
    assert "BAD  adapter of" in doctor

    # when it honours what they bear, and a person lets them go again
    settings(own_week, COUNCIL, text % EVERY)
    told = own_week.json("adapter", COUNCIL, "--again", "case")
    assert told == {"sink": "case", "waiting_again": len(sink["refused"])}
    own_week("adapter", COUNCIL, "--once")

    # then all are there
    (sink,) = status(own_week, COUNCIL)["sinks"]
    assert (sink["refused"], sink["waiting"]) == ([], 0)
    assert len(list(out.iterdir())) == sink["handed_over"]
    assert "0 deliveries wait for case again" in own_week("adapter", COUNCIL, "--again", "case").out
    refused = own_week("adapter", COUNCIL, "--again", "another", "--json", code=3)
    assert refused.error == "installation.no-sink"


def test_doctor_looks_at_the_adapters_settings(eastshire: Commands) -> None:
    settings(eastshire, SCHOOL, "sinks: [{kind: pigeon, name: a}]")
    said = eastshire.json("doctor", code=3)
    (check,) = [one for one in said["checks"] if one["name"] == f"adapter of {SCHOOL}"]
    assert not check["good"]


@pytest.mark.slow
def test_day_and_night_it_listens_and_says_what_it_does(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given an adapter in a process of its own
    drop = tmp_path / "drop"
    drop.mkdir()
    settings(
        eastshire,
        SCHOOL,
        f"folders: [{{path: {drop}}}]\nlisteners: [{{kind: mllp, name: adt}}]\n",
    )
    command = [sys.executable, "-c", PROGRAM, "adapter", SCHOOL, "--dir", str(eastshire.root)]
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
        try:
            # when a file is dropped, then it is taken
            written(drop, "c.json", concern())
            until = time.monotonic() + 60
            while not (drop / "done" / "c.json").exists():
                assert time.monotonic() < until, (tmp_path / "said").read_text()
                time.sleep(0.1)
            found = status(eastshire, SCHOOL, code=0)
            assert found["runs"]
            assert found["listeners"][0]["address"].startswith("127.0.0.1:")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    told = (tmp_path / "said").read_text()
    assert "listens: adt: 127.0.0.1:" in told
    assert "done: c.json: 1 items, 1 mapped, 0 rejected, 1 records new" in told
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("point", SINK_POINTS)
def test_whenever_it_dies_handing_over_nothing_is_lost(
    own_week: Commands, tmp_path: Path, point: str
) -> None:
    # given a council's adapter that dies at its third delivery
    out = tmp_path / "out"
    text = f"sinks: [{{kind: folder, name: case, path: {out}, honours: {EVERY}}}]"
    settings(own_week, COUNCIL, text)
    command = [sys.executable, "-c", PROGRAM, "adapter", COUNCIL, "--once", "--json"]
    command += ["--dir", str(own_week.root)]
    died = subprocess.run(
        command,
        env=os.environ | {"CONCORDAT_CRASH_AT": f"{point}:3"},
        check=False,
        capture_output=True,
    )
    assert died.returncode == -signal.SIGKILL

    # when another one goes on, then every delivery is there
    done = subprocess.run(command, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    (sink,) = status(own_week, COUNCIL)["sinks"]
    assert sink["handed_over"] == len(list(out.iterdir())) > 20
    assert json.loads(done.stdout)["handed_over"] == sink["handed_over"] - 2
