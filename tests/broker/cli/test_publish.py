"""`publish`: an agency's own files in, every item accounted for."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from adapters.demo_week.week import write_week
from broker.records.errors import VALUE, StatementRefused
from broker.records.signing import Prepared, prepare
from broker.records.statement import Statement
from broker.runtimes import publishing
from tests.broker.cli.files import GIRL, concern, involvement, written
from tests.support.commands import COLUMNS, Commands

SCHOOL = "st-brannocks-school"


def test_good_forms_are_published_once(eastshire: Commands, tmp_path: Path) -> None:
    # given a file with two concerns and what links the child to the school
    file = written(tmp_path, "monday.json", concern(1), concern(2), involvement(SCHOOL, "on-roll"))

    # when it is published twice
    first = eastshire.json("publish", SCHOOL, file)
    second = eastshire.json("publish", SCHOOL, file)

    # then all records went out the first time, and none the second
    assert (first["read"], first["mapped"], first["rejected"]) == (3, 3, [])
    assert sorted(one["type"] for one in first["published"]) == [
        "concern",
        "concern",
        "involvement",
    ]
    assert (second["published"], second["already"]) == ([], 3)


def test_a_bad_form_is_named_and_the_good_ones_go_through(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given a file with a good form among bad ones
    file = written(
        tmp_path,
        "monday.json",
        concern(1),
        concern(2, on="2026-02-30"),
        concern(3, urgency="whenever"),
        concern(4, child={**GIRL, "nhsNumber": "9990000019", "dateOfBirth": None}),
        "not a form",
    )

    # when it is published
    done = eastshire.json("publish", SCHOOL, file, code=1)

    # then one is published, and each of the others is named with place, reason and what to do
    assert len(done["published"]) == 1
    assert (done["read"], done["mapped"], done["context"]) == (5, 1, 0)
    assert len(done["rejected"]) == 4
    assert {one["file"] for one in done["rejected"]} == {"monday.json"}
    assert all(one["item"] and one["reason"] and one["fix"] for one in done["rejected"])
    codes = {one["code"] for one in done["rejected"]}
    assert {"field.date", "field.code", "field.type"} <= codes


def test_people_get_a_table_that_fits_and_each_reason_once(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given a file with many equal faults, when it is published, then a person reads one line of it
    forms = [concern(number, urgency="whenever") for number in range(9)]
    answer = eastshire("publish", SCHOOL, written(tmp_path, "monday.json", *forms), code=1)
    assert "Rejected: 9" in answer.out
    assert "and 4 more" in answer.out
    assert "[field.code]" in answer.out
    table = answer.out.splitlines()[:2]
    assert all(len(line) <= COLUMNS for line in table)
    assert "whenever" not in answer.out


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "input.empty"),
        (b'{"forms": [', "input.json"),
        ('{"forms": ["Zoë"]}'.encode("latin-1"), "input.encoding"),
    ],
)
def test_a_file_that_is_none_is_refused_whole_and_others_go_through(
    eastshire: Commands, tmp_path: Path, content: bytes, code: str
) -> None:
    # given a broken file beside a good one
    bad, good = tmp_path / "bad.json", written(tmp_path, "good.json", concern())
    bad.write_bytes(content)

    # when both are published, then the broken one is named and the good one is out
    done = eastshire.json("publish", SCHOOL, bad, good, code=1)
    assert [one["code"] for one in done["rejected"]] == [code]
    assert len(done["published"]) == 1


def test_another_agencys_file_is_refused(eastshire: Commands, tmp_path: Path) -> None:
    # given the school's file, when another agency publishes it, then nothing of it goes out
    file = written(tmp_path, "monday.json", concern())
    done = eastshire.json("publish", "harbour-academy", file, code=1)
    assert done["published"] == []
    assert [one["code"] for one in done["rejected"]] == ["input.other-agency"]


def test_what_the_rule_keeps_is_said_with_its_reason(eastshire: Commands, tmp_path: Path) -> None:
    # given a concern that nobody decided to share
    file = written(tmp_path, "monday.json", concern(decidedBy=None))

    # when it is published, then it stays, and the rule that keeps it is named
    done = eastshire.json("publish", SCHOOL, file)
    assert done["published"] == []
    assert done["kept_back"][0]["rule"]
    assert "kept back by" in eastshire("publish", SCHOOL, file).out


def test_a_file_that_is_not_there_is_rejected_by_name(eastshire: Commands, tmp_path: Path) -> None:
    # given no such file, when it is published, then it says which, and nothing about the broker
    answer = eastshire("publish", SCHOOL, tmp_path / "nowhere.json", code=1)
    assert "nowhere.json" in answer.out
    assert "installation" not in answer.out + answer.errors


def test_an_unknown_format_is_wrong_usage(eastshire: Commands, tmp_path: Path) -> None:
    # given a format that there is not, when it is named, then those that there are are listed
    file = written(tmp_path, "monday.json", concern())
    assert eastshire("publish", SCHOOL, file, "--format", "xls", "--json", code=2).error


@pytest.mark.parametrize("agency", ["westshire-police", "../broker", ""])
def test_an_unknown_agency_is_wrong_usage(eastshire: Commands, tmp_path: Path, agency: str) -> None:
    # given an agency that there is not, when it publishes, then it is told so
    file = written(tmp_path, "monday.json", concern())
    assert eastshire("publish", agency, file, "--json", code=2).error == "installation.agency"


def test_no_installation_is_wrong_usage(eastshire: Commands, tmp_path: Path) -> None:
    # given a folder without an installation, when a file is published, then it says how to make one
    file = written(tmp_path, "monday.json", concern())
    answer = eastshire.bare("publish", SCHOOL, file, "--dir", tmp_path, code=2)
    assert "concordat init" in answer.errors


def test_a_rule_that_cannot_be_read_lets_nothing_out(eastshire: Commands, tmp_path: Path) -> None:
    # given a publication rule that is none
    rule = eastshire.root / "agencies" / SCHOOL / "publication.yaml"
    rule.write_text("rules: [", encoding="utf-8")

    # when a file is published, then it is refused: without the rule nobody may let anything out
    file = written(tmp_path, "monday.json", concern())
    assert eastshire("publish", SCHOOL, file, "--json", code=3).error.startswith("protocol.")


def test_a_changed_form_supersedes_the_one_before(eastshire: Commands, tmp_path: Path) -> None:
    # given a concern that was published, when it is published with other words, then it goes out
    # as a new version
    eastshire("publish", SCHOOL, written(tmp_path, "monday.json", concern(1)))
    changed = written(tmp_path, "tuesday.json", concern(1, account="Fell asleep twice."))
    assert len(eastshire.json("publish", SCHOOL, changed)["published"]) == 1


def test_a_dirty_week_is_accounted_for_row_by_row(eastshire: Commands, tmp_path: Path) -> None:
    # given a week of exports in each agency's own format, with known faults among them
    eastshire.later(24 * 5)
    sheets = [one for one in write_week(tmp_path, count=40)["files"] if one["publish"]]
    assert len({one["agency"] for one in sheets}) == 8
    for agency in {one["agency"] for one in sheets}:
        own = [one for one in sheets if one["agency"] == agency]
        expected = [one["expected"] for one in own]
        faulty = any(one["rejected"] for one in expected)

        # when an agency publishes all of it, then what is reported is what was put in
        words = ("publish", agency, *(tmp_path / one["path"] for one in own))
        done = eastshire.json(*words, code=int(faulty))
        for name in ("read", "mapped", "context"):
            assert done[name] == sum(one[name] for one in expected), (agency, name)
        for name, said in (("rejected", "rejected"), ("warnings", "warned")):
            codes = Counter(one["code"] for one in done[name])
            assert codes == sum((Counter(one[said]) for one in expected), Counter()), agency
        assert done["records"] >= len(done["published"]) > 0

        # and its newest file, given again, publishes nothing, though it reports the same faults
        newest = own[-1]["expected"]
        again = eastshire.json(*words[:2], words[-1], code=int(bool(newest["rejected"])))
        assert again["published"] == []
        assert again["already"] + len(again["kept_back"]) == newest["records"]
        assert Counter(one["code"] for one in again["rejected"]) == Counter(newest["rejected"])


def test_wrong_numbers_are_told_and_left_out(eastshire: Commands, tmp_path: Path) -> None:
    # given a child whose NHS number and pupil number are wrong beside full name and date of birth
    wrong = {**GIRL, "nhsNumber": "9990000019", "upn": "B999999999999"}
    file = written(tmp_path, "monday.json", concern(child=wrong))

    # when the concern is published, then it goes out without them, and a person reads of both
    done = eastshire.json("publish", SCHOOL, file)
    assert len(done["published"]) == 1
    assert {one["code"] for one in done["warnings"]} == {"identity.nhs-number", "identity.upn"}
    out = eastshire("publish", SCHOOL, file).out
    assert "Published, but look at it: 2" in out
    assert "9990000019" not in out


def test_the_same_form_twice_in_a_file_is_one_record(eastshire: Commands, tmp_path: Path) -> None:
    # given a file in which a form stands twice, when it is published, then one record goes out
    done = eastshire.json("publish", SCHOOL, written(tmp_path, "m.json", concern(1), concern(1)))
    assert (done["mapped"], len(done["published"]), done["already"]) == (2, 1, 1)


def test_an_old_systems_encoding_counts_if_a_person_vouches_for_it(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given a file in an old encoding, whose refusal says what to do
    file = tmp_path / "old.json"
    form = concern(shareableSummary="Zo\u00eb's sister was tired.")
    file.write_bytes(json.dumps({"forms": [form]}, ensure_ascii=False).encode("cp1252"))
    assert "--encoding cp1252" in eastshire("publish", SCHOOL, file, code=1).out

    # when a person does that, then it goes out; and an encoding that nobody knows is refused
    words = ("publish", SCHOOL, file, "--encoding")
    refused = eastshire.json(*words, "ebcdic", code=1)
    assert [one["code"] for one in refused["rejected"]] == ["input.encoding.unknown"]
    assert len(eastshire.json(*words, "cp1252")["published"]) == 1


def test_what_no_record_has_a_place_for_is_said(eastshire: Commands, tmp_path: Path) -> None:
    # given a form with a field that no record has, when it is published, then the field is named
    file = written(tmp_path, "monday.json", concern(favouriteColour="green"))
    assert eastshire.json("publish", SCHOOL, file)["files"][0]["not_mapped"]
    out = eastshire("publish", SCHOOL, file).out
    assert "no record type has a place for it: " in out
    assert "green" not in out


def test_a_record_that_does_not_fit_its_schema_stops_no_other(
    eastshire: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given that one of two mapped forms does not fit its schema
    def strict(statement: Statement, *others: Any) -> Prepared:  # noqa: ANN401 - handed on
        if statement.natural_id.endswith("C2"):
            raise StatementRefused(VALUE, "concern.urgency")
        return prepare(statement, *others)

    monkeypatch.setattr(publishing, "prepare", strict)

    # when the file is published, then it is named with its field, and the other is out
    done = eastshire.json(
        "publish", SCHOOL, written(tmp_path, "m.json", concern(1), concern(2)), code=1
    )
    assert [(one["code"], one["field"]) for one in done["rejected"]] == [
        (VALUE.name, "concern.urgency")
    ]
    assert len(done["published"]) == 1


def test_a_lost_rule_lets_nothing_out(eastshire: Commands, tmp_path: Path) -> None:
    # given an agency whose publication rule is gone
    rule = eastshire.root / "agencies" / SCHOOL / "publication.yaml"
    rule.unlink()

    # when it publishes, then it is refused, and a person reads which file of the installation
    file = written(tmp_path, "monday.json", concern())
    answer = eastshire("publish", SCHOOL, file, code=3)
    assert "Where: publication.yaml: No such file" in answer.errors
    assert str(eastshire.root) not in answer.errors


def test_a_desk_that_the_roster_lacks_is_named_without_telephone(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given a rule behind which a desk stands that the protocol's roster does not have
    rule = eastshire.root / "agencies" / SCHOOL / "publication.yaml"
    said = rule.read_text(encoding="utf-8")
    rule.write_text(said.replace("desk: dsl", "desk: annexe"), encoding="utf-8")

    # when a concern goes out and arrives, then it names role and desk, and no telephone
    council = "eastshire-council"
    eastshire("publish", council, written(tmp_path, "l.json", involvement(council, "allocated")))
    eastshire("publish", SCHOOL, written(tmp_path, "c.json", concern()))
    eastshire("route")
    found = eastshire.json("inbox", council)["deliveries"][0]["delivery"]
    opened = eastshire.json("inbox", council, "--open", found)["deliveries"][0]
    contact = opened["content"]["contact"]
    assert contact["role"] == "Designated safeguarding lead"
    assert (contact["desk"], contact["telephone"]) == ("annexe", "")


@pytest.mark.parametrize(
    ("file", "code"),
    [("1.root.json", "protocol.root"), (f"agencies/{SCHOOL}/keys.json", "installation.damaged")],
)
def test_nothing_is_done_on_a_damaged_ground(
    eastshire: Commands, tmp_path: Path, file: str, code: str
) -> None:
    # given an installation whose root, or whose agency's keys, cannot be read
    (eastshire.root / file).chmod(0o600)
    (eastshire.root / file).write_bytes(b"{")

    # when the agency publishes or looks, then every command refuses, and says what is missing
    export = written(tmp_path, "monday.json", concern())
    for words in (
        ("publish", SCHOOL, export),
        ("inbox", SCHOOL),
        ("tasks", SCHOOL),
        ("quarantine", "list", SCHOOL),
        ("narrow", SCHOOL, "--list"),
    ):
        assert eastshire(*words, "--json", code=3).error == code


def test_the_demonstrations_alerts_are_one_record_each(eastshire: Commands, tmp_path: Path) -> None:
    # given the week's alerts, two of them about one child
    council = "eastshire-council"
    sheets = write_week(tmp_path, count=40)["files"]
    file = next(tmp_path / one["path"] for one in sheets if one["path"].endswith("02-alerts.json"))

    # when they are published twice, then none takes the place of another, and none goes out again
    first = eastshire.json("publish", council, file, code=1)
    assert len(first["published"]) == 3
    again = eastshire.json("publish", council, file, code=1)
    assert (again["published"], again["already"]) == ([], 3)
