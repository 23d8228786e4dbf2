"""`inbox`, `ack` and `action`: what came, who took it on, what was done, and its sender hears."""

from pathlib import Path

from tests.broker.cli.files import concern, involvement, written
from tests.support.commands import COLUMNS, Commands, alter_last

COUNCIL, SCHOOL, POLICE = "eastshire-council", "st-brannocks-school", "eastshire-police"


def test_a_list_shows_what_came_and_what_is_owed(own_week: Commands) -> None:
    # given a week in which all was acknowledged, when an inbox is listed, then nothing waits
    waiting = own_week.json("inbox", SCHOOL)["deliveries"]
    assert {one["type"] for one in waiting} == {"receipt"}
    assert "No delivery waits" in own_week("inbox", SCHOOL).out

    # and with all, each is there with source, outcome and clauses, in a table that fits
    everything = own_week.json("inbox", SCHOOL, "--all")["deliveries"]
    assert len(everything) > 20
    assert {one["outcome"] for one in everything} >= {"content", "existence"}
    # only that there is a record, and whom to ask: not even by which clause
    assert {one["outcome"] for one in everything if not one["clauses"]} == {"existence"}
    told = own_week("inbox", SCHOOL, "--all").out
    assert "from eastshire-police" in told
    assert "ack." in told
    assert max(map(len, told.splitlines())) <= COLUMNS


def test_an_opened_delivery_says_what_and_why(own_week: Commands) -> None:
    # given a delivery with content
    found = own_week.json("inbox", SCHOOL, "--all")["deliveries"]
    wanted = next(
        one for one in found if one["outcome"] == "content" and one["type"] == "missing-episode"
    )

    # when it is opened by the beginning of its id
    told = own_week("inbox", SCHOOL, "--open", wanted["delivery"][:16]).out
    opened = own_week.json("inbox", SCHOOL, "--open", wanted["delivery"])["deliveries"][0]

    # then a person reads content and reason, and a program the same content
    assert f"{wanted['source']} sent missing-episode (content)" in told
    assert "Why you may see it:" in told
    assert "episode: " in told
    assert opened["content"]["episode"]["kind"]
    assert opened["opened_at_ms"]


def test_a_delivery_that_is_not_there_is_wrong_usage(own_week: Commands) -> None:
    # given ids that name none or many, when one is opened, then it says so
    for command in (("inbox", SCHOOL, "--open"), ("ack", SCHOOL)):
        assert own_week(*command, "ffffffffffff", "--json", code=2).error == "inbox.absent"
    ids = [one["delivery"] for one in own_week.json("inbox", SCHOOL, "--all")["deliveries"]]
    digit = next(d for d in "0123456789abcdef" if sum(one.startswith(d) for one in ids) > 1)
    assert own_week("ack", SCHOOL, digit, "--json", code=2).error == "inbox.ambiguous"


def test_an_action_reaches_the_sender(own_week: Commands) -> None:
    # given a delivery from the police
    found = own_week.json("inbox", COUNCIL, "--all")["deliveries"]
    wanted = next(one for one in found if one["source"] == POLICE and one["outcome"] == "content")

    # when the council says what it did about it, and all is routed
    done = own_week.json("action", COUNCIL, wanted["delivery"], "section-47")
    assert [one["action"] for one in done["actions"]] == ["section-47"]
    assert (
        "sender will hear"
        in own_week("action", COUNCIL, wanted["delivery"], "strategy-discussion").out
    )
    own_week("route")

    # then the police read it, and it owes them no acknowledgement
    news = [
        one
        for one in own_week.json("inbox", POLICE)["deliveries"]
        if one["type"] == "receipt" and wanted["record"] in one["concerns"]
    ]
    told = own_week("inbox", POLICE).out
    assert "section-47" in told
    assert len(news) <= 2


def test_acknowledging_takes_one_or_all(own_week: Commands) -> None:
    # given a delivery that is acknowledged already, when it is again, then nothing is wrong
    one = own_week.json("inbox", SCHOOL, "--all")["deliveries"][0]["delivery"]
    assert own_week.json("ack", SCHOOL, one)["acknowledged"] == [one]
    assert "0 acknowledged" in own_week("ack", SCHOOL, "all").out


def test_an_altered_delivery_is_refused_and_said(own_week: Commands, tmp_path: Path) -> None:
    # given a delivery whose bytes somebody changed who holds the stream
    file = written(tmp_path, "monday.json", concern(), involvement(SCHOOL, "on-roll"))
    council = written(tmp_path, "links.json", involvement(COUNCIL, "allocated"))
    own_week("publish", COUNCIL, council)
    own_week("publish", SCHOOL, file)
    own_week("route")
    alter_last(own_week.root / "stream" / "stream.sqlite", f"deliveries.{COUNCIL}")

    # when the council receives, then nothing of it is taken in, and the others are
    answer = own_week("inbox", COUNCIL, "--json", code=1).document
    assert [one["topic"] for one in answer["refused"]] == [f"deliveries.{COUNCIL}"]
    assert answer["refused"][0]["code"].startswith(("delivery.", "sealed."))
    assert answer["received"] > 0
    assert own_week.json("inbox", COUNCIL)["refused"] == []
