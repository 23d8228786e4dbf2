"""`inbox`, `ack` and `action`: what came, who took it on, what was done, and its sender hears."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.backends.sqlite.store import Store
from broker.backends.sqlite.streams import SqliteStreams
from broker.clock import DAY
from broker.runtimes.clock import SystemClock
from broker.runtimes.layout import Layout
from broker.runtimes.topics import STREAM, TOPOLOGY
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
    own_week("ack", SCHOOL, "all")
    assert own_week.json("ack", SCHOOL, "all") == {"acknowledged": []}
    assert own_week("ack", SCHOOL, "all").out.startswith("0 acknowledged")
    assert own_week.json("inbox", SCHOOL)["deliveries"] == []


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


@pytest.fixture
def told(eastshire: Commands, tmp_path: Path) -> Commands:
    """A county where a school's concern has come to the council and its hub."""
    council = written(tmp_path, "links.json", involvement(COUNCIL, "allocated"))
    eastshire("publish", COUNCIL, council)
    words = "Said [/] and [bold]so[/bold]."
    eastshire("publish", SCHOOL, written(tmp_path, "c.json", concern(account=words)))
    eastshire("route")
    return eastshire


def test_what_waits_is_listed_with_its_deadline_first(told: Commands) -> None:
    # given a concern that the hub must acknowledge within a day, and the council when it likes
    out = told("inbox", COUNCIL).out

    # when the inbox is listed, then source, desk, clauses and deadline are there, within a screen
    assert out.startswith("2 new.")
    assert "for desk mash" in out
    assert "(clause 3.1, 4.6)" in out
    assert "by   2026-03-05 12:00" in out
    assert "OVERDUE" not in out
    assert "`concordat ack` takes it on" in out
    assert max(map(len, out.splitlines())) <= COLUMNS
    rows = [line.split()[0] for line in out.splitlines() if "came 2026" in line]
    hub = next(
        one
        for one in told.json("inbox", COUNCIL)["deliveries"]
        if one["consumer"] == f"{COUNCIL}/mash"
    )
    assert rows[0] == hub["delivery"][:12]
    assert hub["acknowledge_by_ms"] == hub["received_at_ms"] + DAY

    # and when the deadline has passed, it is overdue, until somebody takes it on
    told.later(25)
    assert "OVERDUE" in told("inbox", COUNCIL).out
    assert told.json("ack", COUNCIL, rows[0])["acknowledged"] == [hub["delivery"]]
    assert "OVERDUE" not in told("inbox", COUNCIL, "--all").out


def test_words_that_look_like_markup_stand_as_they_were_written(told: Commands) -> None:
    # given an account with brackets in it, when it is opened, then it is shown to the letter
    found = told.json("inbox", COUNCIL)["deliveries"]
    hub = next(one for one in found if one["consumer"] == f"{COUNCIL}/mash")
    out = told("inbox", COUNCIL, "--open", hub["delivery"]).out
    assert "account: Said [/] and [bold]so[/bold]." in out
    assert "You must: acknowledge-by P1D" in out


def test_its_sender_hears_once_that_it_was_opened(told: Commands) -> None:
    # given a delivery that is opened twice, and all is routed
    found = told.json("inbox", COUNCIL)["deliveries"][0]["delivery"]
    first = told.json("inbox", COUNCIL, "--open", found)["deliveries"][0]
    told.later(1)
    second = told.json("inbox", COUNCIL, "--open", found.upper())["deliveries"][0]
    assert first["opened_at_ms"] == second["opened_at_ms"]
    told("route")

    # then its sender reads of it once
    out = told("inbox", SCHOOL).out
    assert out.count("opened by reader, 2026-03-04") == 1
    assert max(map(len, out.splitlines())) <= COLUMNS

    # and taking the receipt on tells nobody anything: it would never end
    (receipt,) = told.json("inbox", SCHOOL)["deliveries"]
    opened = told("inbox", SCHOOL, "--open", receipt["delivery"]).out
    assert "event opened" in opened
    assert "at 2026-03-04 12:00" in opened
    assert "Your own number" not in opened
    told("ack", SCHOOL, receipt["delivery"])
    assert told.json("route")["messages"] == 0


def test_what_is_refused_is_said_also_where_another_is_opened(
    told: Commands, tmp_path: Path
) -> None:
    # given a delivery that was received, and a later one that was altered on its way
    found = told.json("inbox", COUNCIL)["deliveries"][0]["delivery"]
    told("publish", SCHOOL, written(tmp_path, "d.json", concern(2)))
    told("route")
    alter_last(told.root / "stream" / "stream.sqlite", f"deliveries.{COUNCIL}")

    # when the good one is opened, then it is shown, and what was refused is, too
    out = told("inbox", COUNCIL, "--open", found, code=1).out
    assert "sent concern (content)" in out
    assert f"Refused: deliveries.{COUNCIL}, message " in out
    assert "Nothing of it was taken in" in out


def test_agencies_see_nothing_of_each_other(own_week: Commands) -> None:
    # given a week, when each agency lists its inbox
    root = own_week.root / "agencies"
    names = sorted(one.name for one in root.iterdir())
    held = {
        name: {one["delivery"] for one in own_week.json("inbox", name, "--all")["deliveries"]}
        for name in names
    }

    # then no delivery is in two inboxes, and none opens for another agency
    assert sum(map(len, held.values())) == len(set().union(*held.values()))
    some = min(held[COUNCIL])
    for command in (("inbox", SCHOOL, "--open"), ("ack", SCHOOL)):
        assert own_week(*command, some, "--json", code=2).error == "inbox.absent"
    assert own_week("action", SCHOOL, some, "section-47", "--json", code=2).error == "inbox.absent"

    # and no agency's folder holds a private key of another, nor does anybody else's file
    for name in names:
        for key in secrets_in(root / name / "keys.json"):
            holders = {
                file.relative_to(own_week.root)
                for file in own_week.root.rglob("*")
                if file.is_file() and key in file.read_bytes()
            }
            assert holders == {(root / name / "keys.json").relative_to(own_week.root)}


def secrets_in(file: Path) -> list[bytes]:
    """Return the long words of a file of keys, as they stand there."""
    found = [one.encode() for one in strings(json.loads(file.read_bytes())) if len(one) >= 32]
    assert len(found) >= 2
    return found


def strings(value: object) -> Iterator[str]:
    """Yield every word in a JSON document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings(one)


def test_an_action_that_the_guidance_lacks_is_wrong_usage(told: Commands) -> None:
    # given a delivery, when an action is noted that there is not, then nothing is noted
    found = told.json("inbox", COUNCIL)["deliveries"][0]["delivery"]
    told("action", COUNCIL, found, "shrugged", code=2)
    assert told.json("inbox", COUNCIL)["deliveries"][0]["actions"] == []

    # and one that there is takes it on as well
    done = told.json("action", COUNCIL, found, "early-help", "--role", "social worker")
    assert done["actions"] == [{"action": "early-help", "at": "2026-03-04T12:00:00Z"}]
    left = {one["delivery"] for one in told.json("inbox", COUNCIL)["deliveries"]}
    assert found not in left
    told("route")
    assert "early-help by social worker" in " ".join(told("inbox", SCHOOL).out.split())


def test_what_comes_twice_is_there_once(told: Commands) -> None:
    # given a council that has received, and a stream on which each of its deliveries comes again,
    # twice, as after a crash of the broker
    before = told.json("inbox", COUNCIL)
    topic, layout = f"deliveries.{COUNCIL}", Layout(told.root)

    async def again() -> None:
        with Store.open(layout.stream) as stream:
            streams = SqliteStreams(dict.fromkeys(STREAM, stream), stream, SystemClock(), TOPOLOGY)
            sent = [one.message for one in await streams.read(topic, 0, 10)]
            assert len(sent) == before["received"] == 2
            await streams.publish([*sent, *sent])

    asyncio.run(again())

    # when it receives, then nothing is new and nothing is refused
    after = told.json("inbox", COUNCIL)
    assert (after["received"], after["refused"]) == (0, [])
    assert after["deliveries"] == before["deliveries"]
