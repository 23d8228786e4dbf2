"""`quarantine`: messages that were not accepted, opened by their source and sent again."""

from pathlib import Path

import pytest

from tests.broker.cli.files import concern, involvement, written
from tests.support.commands import COLUMNS, Commands, alter_last

SCHOOL = "st-brannocks-school"


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


def test_one_that_is_not_there_is_wrong_usage(altered: Commands) -> None:
    # given no such message, when it is shown or sent again, then it says so
    for command in ("show", "retry"):
        answer = altered("quarantine", command, SCHOOL, "ffffffffffff", "--json", code=2)
        assert answer.error == "inbox.absent"


def test_the_weeks_misfiled_records_open_for_their_source(week: Commands) -> None:
    # given a week with nothing in quarantine at the council, when it is listed, then it says so
    assert "Nothing is in quarantine." in week("quarantine", "list", "eastshire-council").out
