"""Breaking the glass: without router and log, verified, for hours, told, logged later, reviewed."""

import json
from pathlib import Path
from typing import Any

import pytest

from broker.lanes import Unavailable
from broker.runtimes import publishing
from broker.runtimes.agency import AgencySide
from tests.broker.cli.files import concern, written
from tests.support.commands import Commands

POLICE, COUNCIL, SCHOOL = "eastshire-police", "eastshire-council", "st-brannocks-school"
EDT = f"{COUNCIL}/edt"
LEAD = "designated safeguarding lead"
SENDER = ("--role", LEAD, "--person", "Dana Price", "--reason", "In a car with him.")
REVIEWER = ("--role", "Headteacher", "--person", "Sam Holt", "--reason", "No other way.")


@pytest.fixture
def record(eastshire: Commands, tmp_path: Path) -> str:
    """A concern that the school has signed and that nobody has routed; its id in hex."""
    form = concern(persons=[{"role": "suspect", "name": "Mr X"}])
    (published,) = eastshire.json("publish", SCHOOL, written(tmp_path, "c.json", form))["published"]
    return str(published["record"])


def sent(commands: Commands, record: str, folder: Path, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = commands.json(
        "break-glass", "send", SCHOOL, record, "--to", EDT, *SENDER, "-o", folder / "e.json", *more
    )
    return found


def test_it_goes_without_router_and_log_and_is_logged_later(
    eastshire: Commands, record: str, tmp_path: Path
) -> None:
    # given a broker that does not run, when the school sends its concern to the duty team
    document = sent(eastshire, record[:12], tmp_path)
    assert (document["to"], document["waits_to_be_logged"]) == (EDT, False)
    file = (tmp_path / "e.json").read_text()
    assert "Robin" not in file
    assert "Tired" not in file

    # then the council takes it, and reads her name and the words, but no place and no other person
    taken = eastshire.json("break-glass", "take", COUNCIL, tmp_path / "e.json")
    assert taken == {"delivery": taken["delivery"], "consumer": EDT, "logged": False}
    (listed,) = eastshire.json("inbox", COUNCIL)["deliveries"]
    assert (listed["emergency"], listed["entry"], listed["type"]) == (True, None, "concern")
    assert "EMERGENCY" in eastshire("inbox", COUNCIL).out
    opened = eastshire("inbox", COUNCIL, "--open", taken["delivery"]).out
    assert "Robin" in opened
    assert "Fell asleep in class again." in opened
    assert "Mr X" not in opened
    assert "You must: delete-after P3D" in opened
    assert "clause 10.1" in opened

    # when the broker runs again, then the duty desks hear that it was done, nothing of the child
    eastshire("route")
    heard = [
        one
        for agency in (COUNCIL, POLICE)
        for one in eastshire.json("inbox", agency)["deliveries"]
        if one["type"] == "break-glass"
    ]
    assert sorted(one["consumer"] for one in heard) == [
        EDT,
        f"{COUNCIL}/mash",
        f"{POLICE}/public-protection",
    ]
    assert {tuple(one["clauses"]) for one in heard} == {("10.1",)}
    told = eastshire("inbox", POLICE, "--open", heard[-1]["delivery"]).out
    assert LEAD in told
    for secret in ("Robin", "Dana Price", "In a car", "Tired"):
        assert secret not in told

    # and the log has it, in order
    entries = eastshire.json("log", "search", "--type", "break-glass")["entries"]
    assert len(entries) == 3
    verified = eastshire("log", "verify").out
    assert "1 record was sent past the broker" in verified


def test_it_is_gone_after_its_hours(eastshire: Commands, record: str, tmp_path: Path) -> None:
    # given a disclosure that was taken
    sent(eastshire, record, tmp_path)
    eastshire("break-glass", "take", COUNCIL, tmp_path / "e.json")

    # when its hours have passed, then it is shown no more, and cannot be taken again
    eastshire.later(71)
    assert len(eastshire.json("inbox", COUNCIL)["deliveries"]) == 1
    eastshire.later(1)
    assert eastshire.json("inbox", COUNCIL)["deliveries"] == []
    late = eastshire("break-glass", "take", COUNCIL, tmp_path / "e.json", "--json", code=1)
    assert late.error == "emergency.late"


def test_it_works_when_the_protocol_has_lapsed(
    eastshire: Commands, record: str, tmp_path: Path
) -> None:
    eastshire.later(24 * 365 * 4)
    sent(eastshire, record, tmp_path)
    assert eastshire.json("break-glass", "take", COUNCIL, tmp_path / "e.json")["consumer"] == EDT


def test_the_entry_waits_while_the_stream_is_away(
    eastshire: Commands, record: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a stream that takes nothing
    async def away(_: AgencySide) -> int:
        raise Unavailable("stream")

    with monkeypatch.context() as patched:
        patched.setattr(publishing, "send_waiting", away)
        said = eastshire(
            "break-glass", "send", SCHOOL, record, "--to", EDT, *SENDER, "-o", tmp_path / "e.json"
        ).out
    assert "is logged with the next publish" in said
    eastshire("break-glass", "take", COUNCIL, tmp_path / "e.json")

    # when it is there again, then the entry goes with whatever is published next
    eastshire("publish", SCHOOL, written(tmp_path, "d.json", concern(2)))
    eastshire("route")
    assert eastshire.json("log", "search", "--type", "break-glass")["entries"]


def test_a_second_person_reviews_it_once(eastshire: Commands, record: str, tmp_path: Path) -> None:
    # given an emergency, then a review is owed within three days
    entry = sent(eastshire, record, tmp_path)["entry"]
    (duty,) = eastshire.json("duties", SCHOOL)["duties"]
    assert (duty["owed"], duty["record"]) == ("review", entry)
    assert "OPEN" in eastshire("break-glass", "list", SCHOOL).out

    # when whoever sent it reviews it, then that is none
    review = ("break-glass", "review", SCHOOL, entry[:10], "--finding", "justified")
    same = eastshire(*review, *SENDER, "--json", code=2)
    assert same.error == "emergency.review"

    # when somebody else does, then it is done, told, and not done again
    assert eastshire.json(*review, *REVIEWER)["review"] == "justified"
    assert eastshire.json("duties", SCHOOL)["duties"] == []
    (one,) = eastshire.json("break-glass", "list", SCHOOL)["emergencies"]
    assert (one["review"], one["person"], one["record"]) == ("justified", "Dana Price", record)
    assert eastshire(*review, *REVIEWER, "--json", code=2).error == "emergency.review"
    assert eastshire(*review[:3], "ff", *review[4:], *REVIEWER, "--json", code=2).error == (
        "emergency.record"
    )


def test_only_what_the_protocol_lists_may_be_sent(
    eastshire: Commands, record: str, tmp_path: Path
) -> None:
    send = ("break-glass", "send", SCHOOL)
    rest = ("-o", tmp_path / "e.json", "--json")

    # given a role or a desk that is not on the list, or a record of somebody else's
    def refused(*words: str | Path) -> str:
        return eastshire(*send, *words, *rest, code=2).error

    assert refused(record, "--to", "harbour-academy/dsl", *SENDER) == "emergency.list"
    assert refused(record, "--to", EDT, "--role", "teacher", *SENDER[2:]) == "emergency.list"
    assert refused("00ff", "--to", EDT, *SENDER) == "emergency.record"

    # then nothing was written
    assert not (tmp_path / "e.json").exists()


def test_the_card_names_every_desk_and_number(eastshire: Commands, tmp_path: Path) -> None:
    said = eastshire("break-glass", "card", SCHOOL, "-o", tmp_path / "card.html").out
    assert "Print it" in said
    page = (tmp_path / "card.html").read_text(encoding="utf-8")
    for words in ("ring 999", LEAD, "01632 960202", "72 hours", "places", "Clause 10.1"):
        assert words in page


def test_a_file_that_is_something_else_is_refused(eastshire: Commands, tmp_path: Path) -> None:
    for number, text in enumerate(("", "{}", '{"form": 1, "from": 2, "sealed": "!"}', "[1]")):
        file = tmp_path / f"{number}.json"
        file.write_text(text)
        answer = eastshire("break-glass", "take", COUNCIL, file, "--json", code=1)
        assert answer.error == "emergency.shape"
    missing = eastshire("break-glass", "take", COUNCIL, tmp_path / "no.json", "--json", code=1)
    assert missing.error == "emergency.shape"


def test_a_file_for_another_agency_does_not_open(
    eastshire: Commands, record: str, tmp_path: Path
) -> None:
    sent(eastshire, record, tmp_path)
    answer = eastshire("break-glass", "take", POLICE, tmp_path / "e.json", "--json", code=1)
    assert answer.error == "emergency.shape"
    file = json.loads((tmp_path / "e.json").read_text())
    file["from"] = POLICE
    (tmp_path / "e.json").write_text(json.dumps(file))
    answer = eastshire("break-glass", "take", COUNCIL, tmp_path / "e.json", "--json", code=1)
    assert answer.error == "emergency.shape"
