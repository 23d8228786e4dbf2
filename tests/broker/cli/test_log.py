"""`log search` and `log verify`: what an auditor asks, and what is found after tampering."""

import csv
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from broker.runtimes.demonstration import DemoReport
from broker.runtimes.looks import MOST_IN_AN_HOUR
from tests.support.commands import COLUMNS, Commands, alter_last

POLICE, SCHOOL = "eastshire-police", "st-brannocks-school"
WHY = ("--because", "A complaint about who was told, file 12")
GIRL = "9990000018"
VERIFIED = "released ⊆ logged ⊆ allowed: verified"


def found(commands: Commands, *words: str) -> list[dict[str, Any]]:
    """Return what a search finds."""
    entries: list[dict[str, Any]] = commands.json("log", "search", *words)["entries"]
    return entries


def test_a_search_by_each_criterion(week: Commands) -> None:
    # given a week's log, when it is searched, then every entry found meets what was asked
    assert {one["source"] for one in found(week, "--source", POLICE)} == {POLICE}
    assert {one["consumer"] for one in found(week, "--consumer", SCHOOL)} == {SCHOOL}
    assert {one["outcome"] for one in found(week, "--outcome", "existence")} == {"existence"}
    assert {one["type"] for one in found(week, "--type", "concern")} == {"concern"}
    assert all("4.1" in one["clauses"] for one in found(week, "--clause", "4.1"))
    assert {one["kind"] for one in found(week, "--kind", "task")} == {"task"}
    assert found(week, "--since", "2026-03-30") == []
    early = found(week, "--until", "2026-03-02T12:00")
    assert early
    assert all(one["at_ms"] < 1_772_452_800_000 for one in early)


def test_a_search_goes_on_where_it_ended(week: Commands) -> None:
    # given more entries than fit, when it goes on from its cursor, then each comes once
    first = week.json("log", "search", "--limit", "5")
    second = week.json("log", "search", "--limit", "5", "--cursor", str(first["cursor"]))
    places = [one["entry"] for page in (first, second) for one in page["entries"]]
    assert places == sorted(set(places), reverse=True)
    assert "--cursor" in week("log", "search", "--limit", "5").out


def test_an_auditor_of_an_agency_sees_what_names_it(week: Commands) -> None:
    # given a school's auditor, when everything is asked for, then every entry names the school
    hers = found(week, "--as", SCHOOL, "--limit", "1000")
    assert hers
    assert all(SCHOOL in {one["source"], one["consumer"].split("/")[0]} for one in hers)
    assert hers == found(week, "--agency", SCHOOL, "--limit", "1000")

    # and what it shares with another agency is what names both
    both = found(week, "--as", SCHOOL, "--agency", POLICE, "--limit", "1000")
    assert both == [one for one in hers if POLICE in {one["source"], one["consumer"].split("/")[0]}]


def test_a_search_by_revision_and_days(week: Commands) -> None:
    # given the revision of any decision, when it is searched by, then its decisions are found
    revision = found(week, "--outcome", "refer")[0]["revision"]
    some = week.json("log", "search", "--revision", revision[:8], "--limit", "300")
    assert {one["revision"] for one in some["entries"]} == {revision}
    words = ("log", "search", "--revision", revision[:8], "--limit", "300")
    more = week.json(*words, "--cursor", some["cursor"])["entries"]
    assert more[0]["entry"] < some["entries"][-1]["entry"]

    # and a day is whole, from its first to its last millisecond
    day = found(week, "--from", "2026-03-04", "--to", "2026-03-04", "--limit", "1000")
    assert day == found(week, "--since", "2026-03-04", "--until", "2026-03-05", "--limit", "1000")
    assert {one["at_ms"] // 86_400_000 for one in day} == {20_516}


def test_a_search_for_a_person_is_logged(own_week: Commands, tmp_path: Path) -> None:
    # given somebody who searches for a child, as whom and why
    who = ("--as", SCHOOL, "--role", "data protection lead")
    own_week("log", "search", "--nhs-number", GIRL, *who, *WHY)

    # when the router has run, then that stands in the log once, and it verifies
    for _ in range(2):
        own_week("route")
    (look,) = found(own_week, "--kind", "look")
    assert (look["source"], look["look"]["role"]) == (SCHOOL, "data protection lead")
    assert look["look"]["because"] == WHY[1]
    assert look["look"]["asked"] == ["nhs_number", "party"]
    assert own_week.json("log", "verify")["verified"]

    # and it can be given as evidence
    own_week("log", "evidence", "--entry", str(look["entry"]), "-o", tmp_path / "look.zip")
    assert (
        "The evidence holds." in own_week.bare("log", "verify-evidence", tmp_path / "look.zip").out
    )

    # and whoever searches for her finds that, too
    hers = found(own_week, "--nhs-number", GIRL, "--kind", "look", *WHY)
    assert [one["entry"] for one in hers] == [look["entry"]]


def test_a_broken_file_of_looks_holds_no_record_up(own_week: Commands) -> None:
    # given a file of looks that somebody has overwritten
    (own_week.root / "broker" / "looks.sqlite").write_bytes(b"no database" * 1000)

    # when records are routed, then they are; whoever searches for a person is refused
    own_week("route")
    own_week("log", "search", "--nhs-number", GIRL, *WHY, code=3)


def test_persons_cannot_be_searched_for_without_end(own_week: Commands) -> None:
    # given somebody who has searched for as many persons as may be in an hour
    words = ("log", "search", "--nhs-number", GIRL, "--limit", "1", *WHY)
    for _ in range(MOST_IN_AN_HOUR):
        own_week(*words)

    # when they go on, then they find nothing; somebody else does, and they do an hour later
    assert own_week(*words, "--json", code=2).error == "usage.look-limit"
    own_week(*words, "--as", SCHOOL)
    own_week.later(1.01)
    own_week(*words)


def test_what_is_found_goes_into_a_file(week: Commands, tmp_path: Path) -> None:
    # given a search whose finds are to be a table, and lines
    for name in ("found.csv", "found.jsonl"):
        done = week.json("log", "search", "--type", "concern", "-o", tmp_path / name)
        assert done["rows"] > 0

    # then both hold what the screen would show, page after page
    with (tmp_path / "found.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = (tmp_path / "found.jsonl").read_text("utf-8").splitlines()
    shown = found(week, "--type", "concern", "--limit", "1000")
    assert [int(row["entry"]) for row in rows] == [one["entry"] for one in shown]
    assert [json.loads(line)["entry"] for line in lines] == [one["entry"] for one in shown]
    said = week("log", "search", "-o", tmp_path / "all.CSV", "--until", "2026-03-02").out
    assert "rows written" in said
    assert sorted(one.name for one in tmp_path.iterdir()) == ["all.CSV", "found.csv", "found.jsonl"]


def test_a_childs_entries_are_found_by_her_number_whoever_named_her(
    own_week: Commands, demonstrated: tuple[Path, DemoReport]
) -> None:
    # given a child whom agencies know by different numbers, when one is searched, then all come
    number = demonstrated[1].manifest["story"]["nhs_number"]
    spaced = f"{number[:3]} {number[3:6]} {number[6:]}"
    hers = found(own_week, "--nhs-number", spaced, "--limit", "200", *WHY)
    assert {POLICE, SCHOOL, "eastshire-hospitals"} <= {one["source"] for one in hers}
    assert number not in own_week("log", "search", "--nhs-number", number, *WHY).out


def test_a_record_is_found_by_the_beginning_of_its_id(week: Commands) -> None:
    # given a delivery, when its record is searched by id or digest, then its entries are found
    record = week.json("inbox", SCHOOL, "--all")["deliveries"][0]["record"]
    hers = found(week, "--record", record[:16])
    assert {one["kind"] for one in hers} >= {"decision"}
    assert found(week, "--record", hers[0]["record_digest"][:16]) == hers
    assert found(week, "--record", "f" * 32) == []
    assert "No entry meets this." in week("log", "search", "--record", "f" * 32).out


def test_people_see_entries_within_their_screen(week: Commands) -> None:
    # given a search, when a person reads it, then nothing is cut
    out = week("log", "search", "--type", "concern").out
    assert max(map(len, out.splitlines())) <= COLUMNS
    assert "→ " in out


@pytest.mark.parametrize(
    "words",
    [
        ("--source", "westshire-police"),
        ("--consumer", "nobody"),
        ("--type", "gossip"),
        ("--nhs-number", "9990000019", *WHY),
        ("--nhs-number", "9990000018"),
        ("--nhs-number", "9990000018", "--because", "nosy"),
        ("--agency", "westshire-police"),
        ("--as", "westshire-police"),
        ("--clause", "99.9"),
        ("--revision", "0123456789"),
        ("--revision", "xyz"),
        ("--cursor", "AAAA"),
        ("--cursor", "ä"),
        ("--to", "2026-03-07T10:00"),
        ("-o", "found.parquet"),
        ("--record", "xyz"),
        ("--since", "yesterday"),
    ],
)
def test_a_slip_of_the_pen_does_not_look_like_nobody(
    week: Commands, words: tuple[str, ...]
) -> None:
    # given a name that there is not, when it is searched, then that is wrong usage, not "none"
    week("log", "search", *words, code=2)


def test_a_sound_log_says_so(week: Commands) -> None:
    # given a week, when its log is verified, then all three are shown
    out = week("log", "verify").out
    assert VERIFIED in out
    document = week.json("log", "verify")
    assert document["verified"]
    assert document["decisions_made_again"] > 1000
    assert document["deliveries"] > 1000
    assert document["findings"] == []


def flip(file: Path, at: int) -> None:
    """Change one byte of a file."""
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.chmod(0o644)
    file.write_bytes(data)


@pytest.mark.parametrize("pattern", ["tile/0/*", "tile/entries/*", "commit", "openings/*"])
def test_a_byte_changed_in_the_log_is_found(own_week: Commands, pattern: str) -> None:
    # given a log of which somebody changed a byte of one file
    log = own_week.root / "broker" / "log"
    files = sorted(file for file in log.glob(pattern) if file.is_file())
    assert files
    flip(files[0], len(files[0].read_bytes()) // 2)

    # when it is verified, then it is not, and what is wrong is said
    answer = own_week("log", "verify", code=1)
    assert "NOT verified" in answer.out
    assert "Wrong" in answer.out


def test_a_delivery_that_is_not_in_the_log_is_found(own_week: Commands) -> None:
    # given a delivery that somebody put on a topic once more
    stream = own_week.root / "stream" / "stream.sqlite"
    with sqlite3.connect(stream) as database:
        database.execute(
            "INSERT INTO messages (topic, shard, place, at, key, value) "
            "SELECT topic, shard, place + 1, at, key, value FROM messages "
            "WHERE topic = (SELECT id FROM topics WHERE name = ?) ORDER BY place DESC LIMIT 1",
            (f"deliveries.{SCHOOL}",),
        )
        database.execute(
            "UPDATE ends SET next = next + 1 WHERE topic = (SELECT id FROM topics WHERE name = ?)",
            (f"deliveries.{SCHOOL}",),
        )
    database.close()

    # when the log is verified, then it is found
    document = own_week("log", "verify", "--json", code=1).document
    assert not document["verified"]
    assert document["findings"]


def test_a_delivery_with_an_altered_proof_is_found(own_week: Commands) -> None:
    # given a delivery of whose proof a byte was changed, when the log is verified, then it is found
    alter_last(own_week.root / "stream" / "stream.sqlite", f"deliveries.{SCHOOL}", -20)
    document = own_week("log", "verify", "--json", code=1).document
    assert document["findings"]


def test_a_log_that_is_gone_is_found(own_week: Commands) -> None:
    # given a log whose files somebody deleted, when it is searched or verified, then it is refused
    shutil.rmtree(own_week.root / "broker" / "log")
    assert own_week("log", "search", "--json", code=3).error
    assert "NOT verified" in own_week("log", "verify", code=1).out


def test_a_delivery_that_is_gone_from_its_topic_is_counted(own_week: Commands) -> None:
    # given a delivery that is no longer on its topic, when the log is verified, then what was
    # logged without being there is counted: it is no release that was not allowed
    with sqlite3.connect(own_week.root / "stream" / "stream.sqlite") as database:
        database.execute(
            "DELETE FROM messages WHERE rowid = (SELECT m.rowid FROM messages m "
            "JOIN topics t ON t.id = m.topic WHERE t.name = ? ORDER BY m.place DESC LIMIT 1)",
            (f"deliveries.{SCHOOL}",),
        )
    database.close()
    said = own_week("log", "verify").out
    assert "1 deliveries are not on their topics: not released yet, or deleted since" in said
    assert VERIFIED in said


def test_entries_that_no_key_opens_are_not_verified(own_week: Commands) -> None:
    # given a log and record keys of which one is gone, when it is verified, then the tree still
    # stands, and it says how many entries could not be looked into
    with sqlite3.connect(own_week.root / "broker" / "record-keys.sqlite") as database:
        database.execute("DELETE FROM keys WHERE record = (SELECT min(record) FROM keys)")
    database.close()
    answer = own_week("log", "verify", code=1)
    assert "could not be opened for want of a key" in answer.out
    assert "NOT verified" in answer.out


def test_what_was_not_accepted_is_found_with_its_code(week: Commands) -> None:
    # given a message that was altered on its way, when what is in quarantine is searched, then it
    # stands there with why
    (one,) = found(week, "--kind", "quarantine")
    assert (one["source"], one["code"]) == (SCHOOL, "record.seal")
    out = week("log", "search", "--kind", "quarantine").out
    assert "record.seal" in out
    assert "protocol" in week("log", "search", "--kind", "protocol").out


def test_a_search_shows_nothing_that_was_altered(own_week: Commands) -> None:
    # given openings of which a byte was changed, when entries are searched, then nothing is shown
    # of them: the file that is to be restored is named
    log = own_week.root / "broker" / "log"
    for file in sorted(one for one in log.glob("openings/**/*") if one.is_file()):
        flip(file, len(file.read_bytes()) // 2)
    assert own_week("log", "search", "--json", code=3).error == "log.openings.digest"
    answer = own_week("log", "search", code=3)
    assert answer.out == ""
    assert "openings/" in answer.errors


def test_an_empty_log_is_verified_as_such(eastshire: Commands) -> None:
    # given a county that nothing went through, when its log is searched, then nothing is found
    assert found(eastshire) == []
