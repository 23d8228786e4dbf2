"""`explain` and `may-i-share`: what the protocol says, in plain words."""

import json
from pathlib import Path

import pytest

from tests.broker.cli.files import concern, involvement, written
from tests.support.commands import Commands
from tests.support.joining import CLINIC, with_clinic

POLICE, SCHOOL, COUNCIL = "eastshire-police", "st-brannocks-school", "eastshire-council"
OTHER_SCHOOL = "harbour-academy"
RISK = "facts=missing:high-risk"


def a_record(week: Commands, outcome: str) -> str:
    """Return the id of a record of the police that the school got so."""
    found = week.json("inbox", SCHOOL, "--all")["deliveries"]
    return next(
        str(one["record"]) for one in found if one["source"] == POLICE and one["outcome"] == outcome
    )


@pytest.mark.parametrize("outcome", ["content", "existence"])
def test_a_decision_is_explained_clause_by_clause(week: Commands, outcome: str) -> None:
    # given a record that the school got, when it is explained, then every clause is considered
    record = a_record(week, outcome)
    (one,) = week.json("explain", record, "--for", SCHOOL)
    assert one["outcome"] == outcome
    assert one["at"].endswith("Z")
    assert {line["mark"] for line in one["lines"]} >= {"outcome", "opens", "does-not", "elsewhere"}
    assert len({line["clause"] for line in one["lines"]}) > 8
    out = week("explain", record[:12], "--for", SCHOOL).out
    assert "Gateway: " in out
    assert SCHOOL in out


def test_desks_are_explained_one_by_one(week: Commands) -> None:
    # given an agency with desks, when a record is explained for it, then for each of them
    found = week.json("explain", a_record(week, "content"), "--for", COUNCIL)
    assert len(found) > 1
    assert {one["consumer"].partition("/")[0] for one in found} == {COUNCIL}


def test_who_was_never_asked_is_told_why(week: Commands) -> None:
    # given an agency that has nothing to do with the child, or that is the source
    record = a_record(week, "content")
    (other,) = week.json("explain", record, "--for", OTHER_SCHOOL)
    (source,) = week.json("explain", record, "--for", POLICE)

    # then it says that nobody asked, or that it holds the original
    assert "not even that there is one" in other["lines"][0]["text"]
    assert "holds the original" in source["lines"][0]["text"]
    assert other["at"] is None
    assert OTHER_SCHOOL in week("explain", record, "--for", OTHER_SCHOOL).out


def test_a_narrowing_is_explained_with_whom_to_ring(eastshire: Commands, tmp_path: Path) -> None:
    # given a school that has stopped sending, when its next record is explained
    eastshire("narrow", SCHOOL, "sending", "--reason", "a wrong address book")
    eastshire("publish", COUNCIL, written(tmp_path, "l.json", involvement(COUNCIL, "allocated")))
    file = written(tmp_path, "c.json", involvement(SCHOOL, "on-roll"), concern())
    published = eastshire.json("publish", SCHOOL, file)["published"]
    eastshire("route")
    record = next(one["record"] for one in published if one["type"] == "concern")

    # then it says who has stopped it, why, and whom to ring
    out = eastshire("explain", record, "--for", COUNCIL).out
    assert f"{SCHOOL} has stopped the sending" in out
    assert "a wrong address book. Ring 01632" in out


def test_what_is_not_there_is_wrong_usage(week: Commands) -> None:
    # given no such record or agency, when it is explained, then it says so
    absent = week("explain", "f" * 32, "--for", SCHOOL, "--json", code=2)
    assert absent.error == "log.record.absent"
    nobody = week("explain", "f" * 32, "--for", "westshire", "--json", code=2)
    assert nobody.error == "installation.agency"


def test_one_may_ask_before_there_is_a_record(week: Commands) -> None:
    # given a question about a child at high risk, when it is asked, then the clauses answer
    answer = week.json(
        "may-i-share",
        POLICE,
        SCHOOL,
        "--type",
        "missing-episode",
        "--label",
        "facts=missing:high-risk",
    )
    assert answer["verdict"] == "depends"
    text = " ".join(line["text"] for line in answer["lines"] if line["mark"] == "depends")
    assert "Clause 2.2" in text
    assert "must work with the child" in text
    assert week("may-i-share", "police", "education", "--type", "missing-episode").out


def test_a_question_that_cannot_be_asked_is_wrong_usage(week: Commands) -> None:
    # given labels, types or parties that there are not, when it is asked, then it says which
    words = ("may-i-share", POLICE, SCHOOL, "--type")
    week(*words, "gossip", code=2)
    week(*words, "concern", "--label", "novalue", code=2)
    week(*words, "concern", "--label", "shoe-size=4", code=2)
    week("may-i-share", "westshire", SCHOOL, "--type", "concern", code=2)


def test_another_protocol_is_put_in_force_and_a_clinic_joins(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given a protocol with one party more, when it is put in force, then the party is there
    folder = str(with_clinic(tmp_path / "protocol"))
    found = eastshire.json("protocol", "adopt", folder)
    assert (found["revision"], found["joined"]) == (2, [CLINIC])
    assert CLINIC in eastshire("doctor").out

    # and once more it is refused in plain words
    refused = eastshire("protocol", "adopt", folder, code=3)
    assert "protocol.adopt.same" in refused.out + refused.errors


def test_a_clinic_that_joins_is_told_of_in_plain_words(eastshire: Commands, tmp_path: Path) -> None:
    out = eastshire("protocol", "adopt", str(with_clinic(tmp_path / "protocol"))).out
    assert "Revision 2 is signed and published" in out
    assert f"{CLINIC} has joined" in out


def test_a_policy_on_sharing_becomes_drafts_for_people(eastshire: Commands, tmp_path: Path) -> None:
    # given a directory of which one rule cannot be read
    rule = {
        "effect": "allow",
        "modes": ["CONTENT"],
        "recordTypes": ["education.details"],
        "destOrgTypes": ["POLICE", "HOUSING"],
        "purposes": ["SAFEGUARDING"],
    }
    policy = {"defaults": [rule, {**rule, "effect": "maybe"}, {**rule, "destOrgTypes": []}]}
    file, out = tmp_path / "directory.json", tmp_path / "drafts.yaml"
    said = {"orgId": "SCHOOL-1", "orgName": "Brook School", "orgType": "EDUCATION"}
    file.write_text(json.dumps({"organisations": [{**said, "dsaPolicy": policy}]}))

    # when drafts are made of it, then each rule comes to a draft, a sentence or an error
    words = ("protocol", "draft", file, "-o", out)
    shown = eastshire.bare(*words, code=1).out
    assert "Nobody in this protocol is of the type HOUSING." in " ".join(shown.split())
    assert "It does not say to whom." in shown
    assert "defaults[1]" in shown
    assert "write gateway" in shown
    # and what somebody has begun to complete stays
    assert eastshire.bare(*words, "--json", code=2).error == "usage.draft-exists"
    out.unlink()
    who = ("--is", "SCHOOL-1=st-brannocks-school")
    told = eastshire.bare(*words, *who, "--json", code=1).document
    assert [one["effect"] for one in told["clauses"]] == ["content"]
    assert "source.agency: st-brannocks-school" in out.read_text()
    out.unlink()
    for wrong in ("SCHOOL-1", "SCHOOL-1=nobody"):
        answer = eastshire.bare(*words, "--is", wrong, "--json", code=2)
        assert answer.error == "usage.organisation"
    assert not out.exists()
