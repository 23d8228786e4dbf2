"""`log ask` and `log rerun`: what is asked again and again, and whether it still comes so."""

import asyncio
import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broker.access_log.query import Found
from broker.backends.sqlite.record_keys import SqliteRecordKeys
from broker.clock import Instant
from broker.protocol.decisions import Decision
from broker.protocol.errors import NO_REVISION, ProtocolError
from broker.protocol.published import PublishedProtocol
from broker.records.names import RecordDigest
from broker.runtimes import rerunning
from broker.runtimes.keystore import BrokerSecrets
from broker.runtimes.layout import Layout
from broker.runtimes.saved import QUESTIONS
from tests.support.commands import Commands

SCHOOL = "st-brannocks-school"
DEFAULT = "default-withholds-undecided"


def asked(commands: Commands, *words: str) -> list[dict[str, Any]]:
    """Return what answers a saved question."""
    lines: list[dict[str, Any]] = commands.json("log", "ask", *words)["lines"]
    return lines


def test_the_questions_are_listed(week: Commands) -> None:
    # given nobody who knows their names, when asked, then each is there with its sentence
    listed = week.bare("log", "ask", "--json").document["questions"]
    assert {one["name"] for one in listed} == set(QUESTIONS)
    assert "stale-grants" in week.bare("log", "ask").out
    assert week("log", "ask", "gossip", "--json", code=2).error == "usage.question"
    assert week("log", "ask", "looks", "--as", "nobody", "--json", code=2).error == "usage.unknown"


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_has_an_answer_for_people_and_for_programs(
    week: Commands, name: str
) -> None:
    # given a week, when a question is asked, then its lines have its columns, also for one agency
    lines = asked(week, name)
    assert all(set(QUESTIONS[name].columns) <= line.keys() for line in lines)
    assert QUESTIONS[name].sentence.split()[0] in week("log", "ask", name).out
    for line in asked(week, name, "--as", SCHOOL):
        named = {line.get("source"), line.get("agency"), str(line.get("consumer")).split("/")[0]}
        assert SCHOOL in named or name == "stale-grants"
    assert asked(week, name, "--to", "2020-01-01") == [] or name == "stale-grants"


def test_a_decision_that_was_owed_is_no_longer_asked_about(own_week: Commands) -> None:
    # given a record that waits for somebody at its source, when it is answered, then it is gone
    before = asked(own_week, DEFAULT)
    source = before[0]["source"]
    tasks = own_week.json("tasks", source)["tasks"]
    task = next(one["task"] for one in tasks if one["why"] == "default-withhold")
    own_week("tasks", "answer", source, task, "refuse", "--reason", "Not needed by anybody")
    own_week("route")
    assert len(asked(own_week, DEFAULT)) == len(before) - 1

    # and that a person said no is found
    whys = {one["why"] for one in asked(own_week, "refusals-and-overrides")}
    assert any("refused by a person at the source" in why for why in whys)


def test_what_is_opened_and_acted_upon_is_no_longer_asked_about(own_week: Commands) -> None:
    # given a delivery that was taken on without action, when an action is told, then it is gone
    idle = asked(own_week, "acknowledged-without-action", "--as", "eastshire-council")
    mine = next(one for one in idle if one["consumer"].startswith("eastshire-council"))
    own_week("action", "eastshire-council", mine["delivery"], "section-47")
    own_week("route")
    left = asked(own_week, "acknowledged-without-action", "--as", "eastshire-council")
    assert mine["delivery"] not in {one["delivery"] for one in left}


def test_lines_go_into_a_file(week: Commands, tmp_path: Path) -> None:
    # given a question whose answer is to be a table, when written, then times are times
    said = week("log", "ask", "unusual-volume", "-o", tmp_path / "days.csv").out
    with (tmp_path / "days.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert f"{len(rows)} rows written" in said
    assert rows[0]["day"].endswith("T00:00:00Z")


def test_entries_are_decided_again(week: Commands) -> None:
    # given a log, when an entry or a range is decided again, then it comes out the same
    document = week.json("log", "rerun", "0", "--to", "250")
    assert set(document["counts"]) == {"same", "decides nothing"}
    assert len(document["entries"]) == 251
    said = week("log", "rerun", "0", "--to", "40").out
    assert "Nothing differs, and nothing is missing." in said
    same = next(one["entry"] for one in document["entries"] if one["result"] == "same")
    assert "outcome" in week("log", "rerun", str(same)).out


@pytest.mark.parametrize("words", [("999999",), ("5", "--to", "3")])
def test_entries_that_there_are_not(week: Commands, words: tuple[str, ...]) -> None:
    assert week("log", "rerun", *words, "--json", code=2).error == "usage.entry"


def some_decision(commands: Commands) -> tuple[str, str]:
    """Return number and record of an entry that grants something."""
    found = commands.json("log", "search", "--outcome", "content", "--limit", "1")["entries"][0]
    return str(found["entry"]), found["record_digest"]


def test_what_differs_is_named(week: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a rule that closes every slot, when an entry is decided again, then slots differ
    entry, _ = some_decision(week)

    def closing(decision: Decision, *_: object) -> Decision:
        return replace(decision, slots=(), valid_until=Instant(1))

    monkeypatch.setattr(rerunning, "narrow", closing)
    (one,) = week("log", "rerun", entry, "--json", code=1).document["entries"]
    assert (one["result"], one["what"]) == ("differs", ["slots", "valid_until"])
    said = week("log", "rerun", entry, "--to", entry, code=1).out
    assert "slots: logged" in said
    assert "valid_until" in said


def test_what_is_missing_is_named(own_week: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a revision that is not there, when an entry is decided again, then that is said
    entry, record = some_decision(own_week)

    def absent(*_: object) -> None:
        raise ProtocolError(NO_REVISION)

    with monkeypatch.context() as patched:
        patched.setattr(PublishedProtocol, "revision", absent)
        assert "the revision that decided" in own_week("log", "rerun", entry, code=1).out
    with monkeypatch.context() as patched:
        patched.setattr(PublishedProtocol, "head", bytes(32))
        assert "is not the published one" in own_week("log", "rerun", entry, code=1).out

    # and given a record that was erased, then what was asked is missing
    layout = Layout(own_week.root)
    secrets = BrokerSecrets.load(layout.broker_secrets)
    with SqliteRecordKeys.open(layout.record_keys, secrets.record_keys) as keys:
        asyncio.run(keys.destroy([RecordDigest(bytes.fromhex(record))], own_week.at))
    (one,) = own_week("log", "rerun", entry, "--json", code=1).document["entries"]
    assert (one["result"], one["what"]) == ("missing", ["question"])


def test_what_was_altered_is_not_decided_by(
    week: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given what no longer fits what the log committed to, when decided again, then that is said
    entry, _ = some_decision(week)
    whole = rerunning._Again.entry

    async def altered(again: rerunning._Again, found: Found, **_: object) -> rerunning.Rerun:
        return await whole(again, found, fits=False)

    monkeypatch.setattr(rerunning._Again, "entry", altered)
    assert "not what the log committed to" in " ".join(
        week("log", "rerun", entry, code=1).out.split()
    )
