"""`publish --dry-run`: what would leave and who would get what, before anything does."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from broker.access_log.ports import NEWEST, LogQuery
from broker.protocol.decision_codec import decode_decision
from broker.protocol.wording import slot_words
from broker.runtimes.layout import Layout
from broker.runtimes.searching import Wanted, search
from tests.broker.cli.files import concern, involvement, written
from tests.broker.protocol.county import county
from tests.support.commands import Commands

COUNCIL, SCHOOL, OTHER = "eastshire-council", "st-brannocks-school", "harbour-academy"


def state_of(root: Path) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def decided(commands: Commands, record: str) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Yield consumer, outcome, slots and clauses of each decision about a record."""
    layout = Layout(commands.root)
    page = asyncio.run(search(layout, LogQuery(), Wanted(record=record), NEWEST, 100))
    for one in page.found:
        facts, personal = one.entry.facts, one.entry.personal
        if facts is None or not facts.decision or personal is None or personal.question is None:
            continue
        decision = decode_decision(facts.decision)
        names = county().data["schemas"][_schema(personal.question)]["slots"]
        yield (
            one.row.row.consumer,
            decision.outcome.value,
            slot_words(decision.slots, names),
            (*decision.clauses, *decision.referrals),
        )


def _schema(question: bytes) -> str:
    return question.partition(b'"schema":"')[2][:64].decode()


def shares(said: Any, record_type: str) -> dict[tuple[str, bool], tuple[str, str, tuple[str, ...]]]:  # noqa: ANN401 - a JSON document
    """Return (consumer, if involved) → outcome, slots, clauses."""
    return {
        (consumer, one["if_involved"]): (one["outcome"], one["gets"], tuple(one["clauses"]))
        for one in said["would_be_received"]
        if one["type"] == record_type
        for consumer in one["consumers"]
    }


def test_what_it_says_comes_true(eastshire: Commands, tmp_path: Path) -> None:
    # given a girl with whom the council works, and a school's concern about her
    eastshire("publish", COUNCIL, written(tmp_path, "l.json", involvement(COUNCIL, "allocated")))
    eastshire("publish", SCHOOL, written(tmp_path, "i.json", involvement(SCHOOL, "on-roll")))
    eastshire("publish", OTHER, written(tmp_path, "o.json", involvement(OTHER, "on-roll")))
    eastshire("route")
    file = written(tmp_path, "c.json", concern())
    before = state_of(eastshire.root)

    # when the school looks ahead
    said = eastshire.json("publish", SCHOOL, file, "--dry-run")

    # then nothing has changed, whatever it was told
    assert state_of(eastshire.root) == before
    assert (said["dry_run"], said["already"], said["kept_back"]) == (True, 0, [])
    assert [one["type"] for one in said["would_be_published"]] == ["concern"]

    # and when it is published, each who is asked gets what was foretold
    told = shares(said, "concern")
    (published,) = eastshire.json("publish", SCHOOL, file)["published"]
    assert published["record"] == said["would_be_published"][0]["record"]
    eastshire("route")
    found = list(decided(eastshire, published["record"]))
    assert {COUNCIL, OTHER} <= {consumer for consumer, *_ in found}
    for consumer, *got in found:
        assert told.get((consumer, True), told.get((consumer, False))) == tuple(got)

    # and looking ahead once more, it is there already
    again = eastshire.json("publish", SCHOOL, file, "--dry-run")
    assert (again["already"], again["would_be_published"], again["would_be_received"]) == (
        1,
        [],
        [],
    )
    assert "Nobody would receive anything." in eastshire("publish", SCHOOL, file, "--dry-run").out


def test_it_tells_nobody_who_is_involved(eastshire: Commands, tmp_path: Path) -> None:
    # given a file about a girl of whom the hub knows nothing
    file = written(tmp_path, "c.json", concern())
    unknown = eastshire.json("publish", SCHOOL, file, "--dry-run")

    # when others come to work with her, then looking ahead says the same
    eastshire("publish", COUNCIL, written(tmp_path, "l.json", involvement(COUNCIL, "allocated")))
    eastshire("route")
    assert eastshire.json("publish", SCHOOL, file, "--dry-run") == unknown


def test_what_two_files_tell_would_leave_once(eastshire: Commands, tmp_path: Path) -> None:
    # given the same concern in two files, and one that no rule lets out
    files = [
        written(tmp_path, "a.json", concern(), concern(2, decidedBy=None)),
        written(tmp_path, "b.json", concern(), concern(3, urgency="whenever")),
    ]

    # when both would be published
    said = eastshire.json("publish", SCHOOL, *files, "--dry-run", code=1)

    # then it counts once, and the others are told of as by `publish`
    assert len(said["would_be_published"]) == 1
    assert said["already"] == 1
    assert [one["rule"] for one in said["kept_back"]] != []
    assert [one["code"] for one in said["rejected"]] == ["field.code"]
    assert {one["records"] for one in said["would_be_received"]} == {1}


def test_people_read_who_gets_what_and_what_is_assumed(eastshire: Commands, tmp_path: Path) -> None:
    # given a concern, and a school that has stopped sending to the council
    file = written(tmp_path, "c.json", concern())
    out = " ".join(eastshire("publish", SCHOOL, file, "--dry-run").out.split())
    assert "1 records would be published" in out
    assert "if involved with the child" in out
    assert "no alert or court order is in force" in out
    assert "Nothing was signed, kept or sent." in out

    # then what is narrowed shows
    words = ("sending", "--with", COUNCIL, "--reason", "a wrong address book")
    eastshire("narrow", SCHOOL, *words)
    told = shares(eastshire.json("publish", SCHOOL, file, "--dry-run"), "concern")
    assert told[COUNCIL, True][1] == "nothing"


def test_a_record_about_no_child_depends_on_nobodys_involvement(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given a place that a school is worried about
    form = {
        "form": "place-of-concern",
        "agency": SCHOOL,
        "reference": "P-1",
        "on": "2026-03-01",
        "about": "trafficking",
        "kind": "hotel",
        "information": "Rooms by the hour.",
        "place": {"name": "Sample Hotel"},
        "decidedBy": "Safeguarding lead",
    }

    # when it looks ahead, then whom the protocol names gets it, and nobody else comes into it
    said = eastshire.json("publish", SCHOOL, written(tmp_path, "p.json", form), "--dry-run")
    assert len(said["would_be_published"]) == 1
    assert not any(one["if_involved"] for one in said["would_be_received"])
