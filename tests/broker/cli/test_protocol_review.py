"""`protocol check` and `protocol diff`: a text before anybody signs it."""

import asyncio
import shutil
from pathlib import Path

import pytest

from broker.backends.sqlite.record_keys import SqliteRecordKeys
from broker.records.names import RecordDigest
from broker.runtimes.founding import county_folder
from broker.runtimes.keystore import BrokerSecrets
from broker.runtimes.layout import Layout
from tests.support.commands import Commands


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A partnership's own copy of Eastshire's text."""
    return shutil.copytree(county_folder("eastshire"), tmp_path / "protocol")


def edited(folder: Path, file: str, old: str, new: str) -> Path:
    path = folder / file
    said = path.read_text(encoding="utf-8")
    assert old in said
    path.write_text(said.replace(old, new, 1), encoding="utf-8")
    return folder


def test_a_sound_text_has_no_findings(eastshire: Commands) -> None:
    for name in ("eastshire", "eastbridge"):
        assert "Nothing is wrong in the text." in eastshire.bare("protocol", "check", name).out
    found = eastshire.bare("protocol", "check", "--json").document
    assert (found["findings"], found["clauses"], found["cases"]) == ([], 55, 182)


def test_what_is_wrong_in_a_text_is_told_with_what_to_do(eastshire: Commands, text: Path) -> None:
    # given a text whose last day is a Saturday, and a case that expects something else
    edited(text, "protocol.yaml", "last_day: 2028-12-29", "last_day: 2028-12-30")
    edited(text, "cases.yaml", "outcome: content", "outcome: existence")
    out = eastshire.bare("protocol", "check", text, code=1).out
    assert "30 December 2028" in out
    assert "comes out otherwise" in out
    found = eastshire.bare("protocol", "check", text, "--json", code=1).document["findings"]
    assert [(one["kind"], one["fault"]) for one in found] == [
        ("case-fails", True),
        ("last-day", True),
    ]


def test_a_text_that_cannot_be_read_is_refused_with_its_line(
    eastshire: Commands, text: Path
) -> None:
    edited(text, "clauses.yaml", "effect: content", "effect: contend")
    answer = eastshire.bare("protocol", "check", text, "--json", code=3)
    assert "clauses.yaml:" in answer.document["error"]["where"]


def test_a_changed_text_is_told_clause_by_clause(eastshire: Commands, text: Path) -> None:
    # given a text like the one in force, then nothing is different
    assert "Nothing is different." in eastshire("protocol", "diff", text).out

    # when somebody opens more to somebody else, then it is said, and that it is more
    edited(text, "protocol.yaml", "review: 2027-06-30", "review: 2027-06-29")
    edited(text, "clauses.yaml", "labels.facts: {any: [missing:high-risk]}\n", "\n")
    out = eastshire("protocol", "diff", text).out
    assert "29 June 2027, not on 30 June 2027" in out
    assert "It asks no longer: the record must say: the risk was assessed as high." in out
    assert "Taken together: MORE" in out
    found = eastshire("protocol", "diff", text, "--json").document
    assert {one["what"] for one in found["clauses"]} == {"changed"}
    assert found["before"] != found["after"]


def test_two_texts_are_compared_without_an_installation(eastshire: Commands) -> None:
    words = ("protocol", "diff", "eastbridge", "--before", "eastshire")
    found = eastshire.bare(*words, "--json").document
    assert found["reach"] == "either"
    assert found["cases"] > 200
    assert "decision cases came, went" in eastshire.bare(*words).out
    assert eastshire.bare("protocol", "diff", "nowhere", "--json", code=2).error == "usage.protocol"


def test_what_another_text_would_have_decided_is_counted(week: Commands, text: Path) -> None:
    # given a week's log, then the same text decides the same
    out = week("protocol", "impact", text).out
    assert "Nothing would have turned out otherwise." in out

    # when a clause for high risk holds for every missing child, then desks get what they did not
    edited(text, "clauses.yaml", "labels.facts: {any: [missing:high-risk]}\n", "\n")
    found = week.json("protocol", "impact", text)
    assert found["decisions"] > found["questions"] > 100
    kinds = {(one["consumer"], one["turns_out"]) for one in found["impact"]}
    assert ("eastshire-council/edt", "newly released") in kinds
    assert any(one["decisions"] is None and one["fewer_than"] == 5 for one in found["impact"])
    assert "→" in week("protocol", "impact", text).out

    # and an agency counts its own, and a time without decisions has none
    own = week.json("protocol", "impact", text, "--as", "eastshire-police")["impact"]
    assert all(one["decisions"] is not None for one in own)
    empty = week.json("protocol", "impact", text, "--to", "2020-01-01")
    assert empty["decisions"] == 0
    assert {one["decisions"] for one in empty["impact"]} == {0}


def test_what_was_erased_cannot_be_decided_again(own_week: Commands, text: Path) -> None:
    # given a decision whose record is erased
    (entry,) = own_week.json("log", "search", "--kind", "decision", "--limit", "1")["entries"]
    record = RecordDigest(bytes.fromhex(entry["record_digest"]))
    layout = Layout(own_week.root)
    secrets = BrokerSecrets.load(layout.broker_secrets)

    async def erase() -> None:
        with SqliteRecordKeys.open(layout.record_keys, secrets.record_keys) as keys:
            await keys.destroy([record], own_week.at)

    asyncio.run(erase())
    # then what was asked about it is counted as that
    assert own_week.json("protocol", "impact", text)["erased"] > 0
    assert "their records were erased" in own_week("protocol", "impact", text).out
