"""`init`, `route` and `doctor`."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import apsw
import pytest

from broker.backends.files.store import FileTileStore
from broker.backends.sqlite.lock import exclusive
from broker.backends.sqlite.store import Store
from broker.backends.sqlite.streams import SqliteStreams
from broker.clock import DAY, Instant
from broker.errors import Code
from broker.lanes import Message
from broker.protocol.errors import ProtocolError
from broker.records.keys import KeyRegistry
from broker.runtimes import health
from broker.runtimes.clock import SystemClock
from broker.runtimes.layout import Layout
from broker.runtimes.topics import STREAM, TOPOLOGY
from tests.broker.cli.files import concern, involvement, written
from tests.journeys.steps import NOON
from tests.support.commands import COLUMNS, Commands

SCHOOL, COUNCIL, STRANGER = "st-brannocks-school", "eastshire-council", "westshire-police"
NO_MODULE = Code("store.of-a-test", "The module does not load.", "Build it again.")


def checks(commands: Commands, code: int = 0) -> dict[str, dict[str, Any]]:
    """Return what the doctor looked at, by name."""
    document = commands.json("doctor", code=code)
    assert document["good"] == (code == 0)
    return {one["name"]: one for one in document["checks"]}


def test_a_county_is_founded_in_an_empty_folder(eastshire: Commands, tmp_path: Path) -> None:
    # given an empty folder, when a county is founded in it
    new = tmp_path / "new"
    said = eastshire.bare("init", "--dir", new).out

    # then it says what was made, and that it is a demonstration
    assert "Founded: " in said
    assert "eastshire-police" in said
    assert "This is a demonstration" in said
    assert eastshire.bare("route", "--dir", new).code == 0


def test_a_program_learns_what_was_founded(eastshire: Commands, tmp_path: Path) -> None:
    # given an empty folder, when a program founds a county, then it gets all that it needs
    document = eastshire.bare("init", "--dir", tmp_path / "new", "--json").document
    assert list(document) == ["dir", "partnership", "revision", "clauses", "agencies"]
    assert len(document["revision"]) == 64
    assert SCHOOL in document["agencies"]


def test_a_second_founding_is_refused(eastshire: Commands) -> None:
    # given a founded county, when somebody founds it again, then it is left as it is
    assert eastshire("init", "--json", code=2).error == "installation.exists"


def test_routing_nothing_says_so(eastshire: Commands) -> None:
    # given a county where nothing was published, when it routes, then it says that nothing was done
    assert eastshire.json("route")["deliveries"] == 0
    again = eastshire("route").out
    assert "0 messages: nothing." in again
    assert "0 log entries, 0 deliveries released." in again


def test_what_was_routed_is_counted(eastshire: Commands, tmp_path: Path) -> None:
    # given a school's concern about a child whom the council works with, when it is routed
    eastshire("route")
    eastshire("publish", COUNCIL, written(tmp_path, "l.json", involvement(COUNCIL, "allocated")))
    eastshire("publish", SCHOOL, written(tmp_path, "c.json", concern()))
    counts = eastshire.json("route")

    # then each outcome is counted, and each delivery
    assert counts["messages"] == counts["accepted"] == 2
    assert counts["content"] >= 1
    assert counts["deliveries"] >= counts["content"]


def test_two_brokers_at_once_are_refused(eastshire: Commands) -> None:
    # given a broker that is running, when another is started, then it is refused at once
    with exclusive(Layout(eastshire.root).broker_lock):
        refused = eastshire("route", "--json", code=3)
        assert refused.error == "lane.unavailable"
        assert "Another process holds it" in eastshire("route", code=3).errors
    assert eastshire.json("route")["messages"] > 0


def test_an_error_of_the_log_is_reported_as_such(
    eastshire: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a log that cannot be written, when it routes, then the command says so as ever
    async def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "tile")

    monkeypatch.setattr(FileTileStore, "create", full)
    answer = eastshire("route", "--json", code=3)
    assert answer.error
    assert "Traceback" not in answer.errors


def test_following_ends_with_ctrl_c_and_says_what_was_done(eastshire: Commands) -> None:
    # given a broker that follows, in a terminal's foreground
    words = (sys.executable, "-c", "from broker.cli.app import main; main()", "route", "--follow")
    with subprocess.Popen(
        [*words, "--dir", str(eastshire.root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        # when it has routed what there is, and somebody presses Ctrl-C there
        wait_for_checkpoint(eastshire.root)
        os.killpg(running.pid, signal.SIGINT)
        out, errors = running.communicate(timeout=30)

    # then it ends well, says how much it did, and complains of nothing
    assert running.returncode == 0, errors
    assert "protocol entries" in out
    assert errors == ""
    # and what it did not do any more is done the next time
    eastshire.at = Instant(int(time.time() * 1000))
    eastshire("route")
    assert eastshire.json("log", "verify")["verified"]


def wait_for_checkpoint(root: Path) -> None:
    """Wait until a broker has published what it logged."""
    for _ in range(300):
        with sqlite3.connect(root / "stream" / "stream.sqlite") as database:
            (found,) = database.execute(
                "SELECT count(*) FROM messages WHERE topic = "
                "(SELECT id FROM topics WHERE name = 'checkpoints')"
            ).fetchone()
        database.close()
        if found:
            return
        time.sleep(0.1)
    pytest.fail("nothing was routed")


def test_the_doctor_finds_a_county_in_order(week: Commands) -> None:
    # given a county after its week, when it is examined, then all is well, within a screen
    said = week("doctor").out
    assert "BAD" not in said
    assert "eastshire-police" in said
    assert max(map(len, said.splitlines())) <= COLUMNS
    assert {"Python", "SQLite", "packages", "policy engine", "access log"} <= set(checks(week))


def test_the_doctor_says_whom_to_ring(eastshire: Commands) -> None:
    # given a county, when it is examined, then each desk's telephone is there, by day and by night
    telephones = eastshire.json("doctor")["telephones"]
    assert list(telephones[0]) == ["agency", "desk", "hours", "telephone", "out_of_hours"]
    assert all(one["telephone"].startswith("01632") for one in telephones)
    assert "01632" in eastshire("doctor").out


def test_the_doctor_names_an_absent_folder(eastshire: Commands, tmp_path: Path) -> None:
    # given no installation there, when it is examined, then it says where and what to do
    answer = eastshire.bare("doctor", "--dir", tmp_path / "nowhere", code=3)
    assert "nowhere" in answer.out
    assert "ring 999" in answer.out


def test_the_doctor_warns_before_the_protocol_ends_and_after(eastshire: Commands) -> None:
    # given a protocol that ends soon, when the county is examined, then it is well, with a warning
    days = int(checks(eastshire)["revision in force"]["said"].split(", ")[1].split()[0])
    eastshire.later(24 * (days - 30))
    assert checks(eastshire)["end of the protocol"]["said"] == "in 30 days: renew it in time"

    # given that it has ended, when it is examined, then that is bad, and whom to ring still stands
    eastshire.later(24 * 40)
    bad = checks(eastshire, code=3)["revision in force"]
    assert not bad["good"]
    assert "ended 10 days ago" in bad["said"]
    assert "nothing but the floor is released" in bad["fix"]
    assert eastshire.json("doctor", code=3)["telephones"]


def test_the_doctor_finds_no_revision_before_the_first(eastshire: Commands) -> None:
    # given a clock that is wrong by years, when the county is examined, then none is in force
    eastshire.at = Instant(NOON - 400 * DAY)
    assert not checks(eastshire, code=3)["revision in force"]["good"]
    assert eastshire.json("doctor", code=3)["telephones"] == []


def test_the_doctor_finds_a_strangers_folder(eastshire: Commands) -> None:
    # given a folder of an agency that did not sign, when it is examined, then it is named
    (eastshire.root / "agencies" / STRANGER).mkdir()
    assert STRANGER in checks(eastshire, code=3)["agencies"]["fix"]
    assert "BAD" in eastshire("doctor", code=3).out


def test_the_doctor_says_that_officers_keys_lie_there(eastshire: Commands) -> None:
    # given officers' keys in the folder, when it is examined, then it says that they prove nothing;
    # and nothing is said where they are not
    assert "prove nothing" in checks(eastshire)["officers' keys"]["said"]
    Layout(eastshire.root).officers.unlink()
    assert "officers' keys" not in checks(eastshire)


def test_the_doctor_finds_a_log_that_cannot_be_read(eastshire: Commands) -> None:
    # given a log whose commit record was altered, when it is examined, then that is bad
    eastshire("route")
    commit = eastshire.root / "broker" / "log" / "commit"
    data = commit.read_bytes()
    commit.chmod(0o644)
    commit.write_bytes(data[:4] + bytes((data[4] ^ 1,)) + data[5:])
    assert not checks(eastshire, code=3)["access log"]["good"]


def test_the_doctor_finds_what_does_not_count_in_the_protocol(eastshire: Commands) -> None:
    # given an entry in the protocol's topic that nobody signed, when it is examined
    layout = Layout(eastshire.root)

    async def publish() -> None:
        with Store.open(layout.stream) as stream:
            streams = SqliteStreams(dict.fromkeys(STREAM, stream), stream, SystemClock(), TOPOLOGY)
            await streams.publish([Message("protocol", bytes(8), b"of nobody")])

    asyncio.run(publish())

    # then it is named with its code, and everything before it counts
    found = checks(eastshire, code=3)
    assert "entry " in found["protocol entries"]["said"]
    assert "tell the signatories" in found["protocol entries"]["fix"]
    assert found["revision in force"]["good"]


def test_the_doctor_finds_a_module_that_does_not_load(
    eastshire: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a policy module that the machine cannot run, when it is examined, then it says so
    def broken(_: object) -> None:
        raise ProtocolError(NO_MODULE, "engine")

    monkeypatch.setattr(health, "module_point", broken)
    bad = checks(eastshire, code=3)["policy engine"]
    assert bad["said"] == "The module does not load. (engine)"
    assert bad["fix"] == "Build it again."


def test_the_doctor_finds_an_agency_that_nothing_can_be_sealed_to(
    eastshire: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given an agency without a sealing key, when it is examined, then it is named
    monkeypatch.setattr(KeyRegistry, "can_receive", lambda _, agency: agency != SCHOOL)
    assert not checks(eastshire, code=3)[f"keys of {SCHOOL}"]["good"]


def test_the_doctor_finds_an_unfit_environment(
    eastshire: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given an SQLite that can lose data, and packages that are not ours, when it is examined
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.40.1")
    monkeypatch.setattr(metadata, "version", absent)

    # then both are bad, and what to do is said
    found = checks(eastshire, code=3)
    assert "apsw" in found["SQLite"]["fix"]
    assert not found["packages"]["good"]
