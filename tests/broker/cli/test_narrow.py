"""`narrow`: an agency stops sending or receiving, at once and by itself."""

from pathlib import Path

from tests.broker.cli.files import concern, involvement, written
from tests.support.commands import COLUMNS, Commands

COUNCIL, SCHOOL = "eastshire-council", "st-brannocks-school"


def test_a_narrowing_holds_and_lifting_it_releases(eastshire: Commands, tmp_path: Path) -> None:
    # given a school that has stopped sending to the council
    said = eastshire.json(
        "narrow", SCHOOL, "sending", "--with", COUNCIL, "--reason", "a wrong address book"
    )
    eastshire("publish", COUNCIL, written(tmp_path, "l.json", involvement(COUNCIL, "allocated")))
    eastshire(
        "publish", SCHOOL, written(tmp_path, "c.json", involvement(SCHOOL, "on-roll"), concern())
    )
    eastshire("route")

    # then nothing of it comes to the council, and the list shows why
    assert eastshire.json("inbox", COUNCIL)["deliveries"] == []
    (listed,) = eastshire.json("narrow", SCHOOL, "--list")
    assert listed["id"] == said["narrowing"]
    assert (listed["direction"], listed["with"]) == ("sending", COUNCIL)
    assert listed["until"] is None
    assert "address book" in eastshire("narrow", SCHOOL, "--list").out

    # when it is lifted, then the record arrives
    assert "is lifted" in eastshire("narrow", SCHOOL, "--lift", said["narrowing"]).out
    eastshire("route")
    assert eastshire.json("inbox", COUNCIL)["deliveries"] != []
    assert "Nothing is narrowed." in eastshire("narrow", SCHOOL, "--list").out


def test_a_narrowing_may_end_by_itself(eastshire: Commands) -> None:
    # given one that ends after six hours, of one type by one clause
    words = ("receiving", "--type", "concern", "--clause", "4.6", "--hours", "6")
    assert "is in force" in eastshire("narrow", COUNCIL, *words).out
    (listed,) = eastshire.json("narrow", COUNCIL, "--list")
    assert listed["until"] == "2026-03-04T18:00:00Z"

    # when the time has passed, then it is no longer in force
    eastshire.later(7)
    assert eastshire.json("narrow", COUNCIL, "--list") == []


def test_what_the_protocol_does_not_know_cannot_be_narrowed(eastshire: Commands) -> None:
    # given names that the protocol lacks, when they are narrowed, then it says which
    for option, said in (("--with", "westshire"), ("--type", "gossip"), ("--clause", "9.9")):
        answer = eastshire("narrow", SCHOOL, "sending", option, said, "--json", code=2)
        assert answer.document["error"]["where"] == said
    assert eastshire("narrow", SCHOOL, "--json", code=2).error == "usage.narrow"
    absent = eastshire("narrow", SCHOOL, "--lift", "N999", "--json", code=2)
    assert absent.error == "protocol.narrowing.absent"


def test_only_its_own_narrowing_is_an_agencys_to_lift(eastshire: Commands) -> None:
    # given the school's narrowing, when the council lifts it, then it stays
    said = eastshire.json("narrow", SCHOOL, "sending")["narrowing"]
    eastshire("narrow", COUNCIL, "--lift", said, code=2)
    assert len(eastshire.json("narrow", SCHOOL, "--list")) == 1


def test_receiving_is_narrowed_for_one_counterpart(eastshire: Commands, tmp_path: Path) -> None:
    # given a council that has stopped receiving from the school for a day
    words = (
        "narrow",
        COUNCIL,
        "receiving",
        "--with",
        SCHOOL,
        "--hours",
        "24",
        "--reason",
        "moving",
    )
    said = eastshire.json(*words)["narrowing"]
    eastshire("publish", COUNCIL, written(tmp_path, "l.json", involvement(COUNCIL, "allocated")))
    eastshire("publish", SCHOOL, written(tmp_path, "c.json", concern()))
    eastshire("route")
    assert eastshire.json("inbox", COUNCIL)["deliveries"] == []

    # when it is listed, then a person reads all of it within a screen
    out = eastshire("narrow", COUNCIL, "--list").out
    assert max(map(len, out.splitlines())) <= COLUMNS
    for word in (said, "receiving", "moving"):
        assert word in out

    # and when it is lifted early, a program learns which
    assert eastshire.json("narrow", COUNCIL, "--lift", said) == {"lifted": said}
    again = eastshire("narrow", COUNCIL, "--lift", said, "--json", code=2)
    assert again.error == "protocol.narrowing.absent"
    eastshire("route")
    assert eastshire.json("inbox", COUNCIL)["deliveries"] != []


def test_a_time_and_a_way_that_there_are_not_are_wrong_usage(eastshire: Commands) -> None:
    # given a narrowing of no hours, or of no known way, when it is asked for, then none is made
    eastshire("narrow", SCHOOL, "sending", "--hours", "0", code=2)
    eastshire("narrow", SCHOOL, "sideways", code=2)
    assert eastshire.json("narrow", SCHOOL, "--list") == []
