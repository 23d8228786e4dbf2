"""`quarantine`: messages that were not accepted, opened by their source and sent again."""

from pathlib import Path

import pytest

from broker.backends.sqlite.outbox import SqliteOutbox
from broker.records.errors import SCHEMA_UNKNOWN, RecordRefused
from broker.records.schemas import RecordSchema, SchemaSet
from broker.runtimes import publishing
from broker.runtimes.agency import AgencySide
from tests.broker.cli.files import concern, involvement, written
from tests.support.commands import COLUMNS, Commands, alter_last

SCHOOL, COUNCIL = "st-brannocks-school", "eastshire-council"


@pytest.fixture
def altered(eastshire: Commands, tmp_path: Path) -> Commands:
    """A county where one of a school's messages was changed on its way."""
    eastshire(
        "publish", SCHOOL, written(tmp_path, "c.json", involvement(SCHOOL, "on-roll"), concern())
    )
    alter_last(eastshire.root / "stream" / "stream.sqlite", f"records.{SCHOOL}")
    eastshire("route")
    return eastshire


def test_an_altered_message_is_listed_with_code_and_fix(altered: Commands) -> None:
    # given a message that was altered, when its source lists the quarantine, then it is there
    (one,) = altered.json("quarantine", "list", SCHOOL)["quarantined"]
    assert one["code"] == "record.seal"
    assert one["received_at"].endswith("Z")
    assert one["retried_at"] is None
    out = altered("quarantine", "list", SCHOOL).out
    assert "record.seal" in "".join(out.split())
    assert max(map(len, out.splitlines())) <= COLUMNS
    assert altered.json("quarantine", "list", "eastshire-police")["quarantined"] == []


def test_it_opens_as_far_as_it_opens(altered: Commands) -> None:
    # given a message that does not open, when it is shown, then its size is all there is
    (one,) = altered.json("quarantine", "list", SCHOOL)["quarantined"]
    assert altered.json("quarantine", "show", SCHOOL, one["message"])["content"]["bytes"] > 0
    assert "code: record.seal" in altered("quarantine", "show", SCHOOL, one["message"]).out


def test_sent_again_it_goes_through(altered: Commands) -> None:
    # given a quarantined message, when its source sends it again
    (one,) = altered.json("quarantine", "list", SCHOOL)["quarantined"]
    assert "Signed anew" in altered("quarantine", "retry", SCHOOL, one["message"]).out
    assert altered.json("route")["entries"] > 0

    # then it is marked as retried, and nothing new is in quarantine
    (again,) = altered.json("quarantine", "list", SCHOOL)["quarantined"]
    assert again["retried_at"].endswith("Z")
    assert "Sent again" in altered("quarantine", "list", SCHOOL).out
    answer = altered("quarantine", "retry", SCHOOL, one["message"], "--json", code=1)
    assert answer.error == "quarantine.retried"


def test_all_that_was_refused_for_one_reason_is_sent_again_at_once(altered: Commands) -> None:
    # given a quarantined message, when all of another reason are sent again, then it stays
    none = altered.json("quarantine", "retry", SCHOOL, "--code", "record.issued.future")
    assert none == {"records": [], "left": 0}
    # when all of its own are, then it goes
    out = altered("quarantine", "retry", SCHOOL, "--code", "record.seal").out
    assert "1 signed anew and sent" in out
    assert altered.json("route")["entries"] > 0
    # and is not sent a second time
    assert altered.json("quarantine", "retry", SCHOOL, "--code", "record.seal")["records"] == []


def test_either_one_message_or_a_reason_is_named(altered: Commands) -> None:
    for words in ((), ("abcdef", "--code", "record.seal")):
        answer = altered("quarantine", "retry", SCHOOL, *words, "--json", code=2)
        assert answer.error == "usage.retry"


def test_one_that_is_not_there_is_wrong_usage(altered: Commands) -> None:
    # given no such message, when it is shown or sent again, then it says so
    for command in ("show", "retry"):
        answer = altered("quarantine", command, SCHOOL, "ffffffffffff", "--json", code=2)
        assert answer.error == "inbox.absent"


def test_the_weeks_misfiled_records_open_for_their_source(week: Commands) -> None:
    # given a week with nothing in quarantine at the council, when it is listed, then it says so
    assert "Nothing is in quarantine." in week("quarantine", "list", "eastshire-council").out


@pytest.fixture
def late(eastshire: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """A county where a concern was signed, and left the school only a fortnight later."""
    file = written(tmp_path, "c.json", concern(account="Said [/] and [bold]so[/bold]."))

    async def switched_off(_: AgencySide) -> int:
        return 0

    with monkeypatch.context() as off:
        off.setattr(publishing, "send_waiting", switched_off)
        signed = eastshire.json("publish", SCHOOL, file)
    assert len(signed["published"]) == 1
    eastshire("publish", COUNCIL, written(tmp_path, "l.json", involvement(COUNCIL, "allocated")))
    eastshire("route")
    eastshire.later(24 * 15)
    sent = eastshire.json("publish", SCHOOL, file)
    assert (sent["published"], sent["already"]) == ([], 1)
    eastshire("route")
    return eastshire


def test_a_late_record_opens_for_its_source_to_the_letter(late: Commands) -> None:
    # given a record that came too late, when its source opens it, then all that it says is there
    (one,) = late.json("quarantine", "list", SCHOOL)["quarantined"]
    assert one["code"] == "record.issued.old"
    shown = late.json("quarantine", "show", SCHOOL, one["message"][:12])
    assert {name: shown[name] for name in one} == one
    assert shown["content"]["identity"]["given"] == "Robin"
    out = late("quarantine", "show", SCHOOL, one["message"]).out
    assert "account: Said [/] and [bold]so[/bold]." in out
    assert "What to do" not in out
    assert f"fix: {one['fix']}" in out
    assert "None" not in out.replace("concerns None", "")


def test_sent_again_it_arrives_under_the_same_id(late: Commands) -> None:
    # given a record that came too late, when it is sent again, then it is the same record
    (one,) = late.json("quarantine", "list", SCHOOL)["quarantined"]
    assert late.json("quarantine", "retry", SCHOOL, one["message"]) == {"record": one["record"]}
    counts = late.json("route")
    assert counts["accepted"] == 1

    # and it arrives where it should have
    arrived = late.json("inbox", COUNCIL)["deliveries"]
    assert {found["record"] for found in arrived} == {one["record"]}
    assert len(late.json("quarantine", "list", SCHOOL)["quarantined"]) == 1


def test_what_the_outbox_does_not_know_is_not_sent_again(late: Commands) -> None:
    # given a school whose outbox was lost
    (one,) = late.json("quarantine", "list", SCHOOL)["quarantined"]
    for file in (late.root / "agencies" / SCHOOL).glob("outbox.sqlite*"):
        file.unlink()

    # when it sends the message again, then nothing is signed that it does not hold itself
    answer = late("quarantine", "retry", SCHOOL, one["message"], "--json", code=1)
    assert answer.error == "quarantine.unknown"
    assert late.json("route")["messages"] == 0


def test_a_schema_that_nobody_knows_any_more_is_said(
    late: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a message that names a schema which the protocol does not have
    (one,) = late.json("quarantine", "list", SCHOOL)["quarantined"]

    def unknown(_: object, __: bytes) -> RecordSchema:
        raise RecordRefused(SCHEMA_UNKNOWN, "schema")

    monkeypatch.setattr(SchemaSet, "by_digest", unknown)

    # when it is opened, then it says that it cannot be read, and why
    shown = late.json("quarantine", "show", SCHOOL, one["message"])
    assert shown["content"] == {"unreadable": "record.schema.unknown"}


def test_what_the_outbox_never_sent_is_left(
    altered: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a message that somebody else sent in the school's name
    async def never(_self: SqliteOutbox, _message: bytes) -> None:
        return None

    monkeypatch.setattr(SqliteOutbox, "sent_as", never)
    out = altered("quarantine", "retry", SCHOOL, "--code", "record.seal").out
    assert "1 are none that this agency's outbox has sent." in out
