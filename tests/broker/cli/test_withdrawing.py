"""Wrong records through the commands: withdrawn, corrected, un-filed, followed, and incidents."""

from pathlib import Path
from typing import Any

import pytest

from broker.cli.show import Exit
from tests.broker.cli.files import concern, involvement, written
from tests.support.commands import COLUMNS, Commands

COUNCIL, SCHOOL = "eastshire-council", "st-brannocks-school"
HUB = f"{COUNCIL}/mash"
WORDS = "Tired in class, for the third time this week."


@pytest.fixture
def told(eastshire: Commands, tmp_path: Path) -> Commands:
    """A county where a school's concern has come to the council and its hub."""
    eastshire("publish", COUNCIL, written(tmp_path, "l.json", involvement(COUNCIL, "allocated")))
    eastshire("publish", SCHOOL, written(tmp_path, "c.json", concern()))
    eastshire("route")
    return eastshire


def received(told: Commands, kind: str, consumer: str = HUB) -> dict[str, Any]:
    """Return what of a kind the school has sent to a desk of the council: one delivery."""
    found = told.json("inbox", COUNCIL, "--all")["deliveries"]
    (one,) = (one for one in found if one["consumer"] == consumer and one["kind"] == kind)
    return dict(one)


def withdraw(told: Commands, reason: str = "wrong-person", *more: str) -> dict[str, Any]:
    """Let the school withdraw its concern, and route."""
    record = received(told, "record")["record"]
    said = told.json("retract", SCHOOL, record, "--reason", reason, "--role", "DSL", *more)
    told("route")
    return dict(said)


def listed(told: Commands) -> dict[str, dict[str, Any]]:
    """Return the recipients of the school's one retraction, by name."""
    (one,) = told.json("retractions", SCHOOL)["retractions"]
    return {recipient["consumer"]: recipient for recipient in one["recipients"]}


# ------------------------------------------------------------------ withdrawing


def test_a_withdrawn_record_says_so_and_no_more_what_it_said(told: Commands) -> None:
    # given a concern that the hub has read
    before = received(told, "record")["delivery"]
    assert WORDS in told("inbox", COUNCIL, "--open", before).out

    # when the school withdraws it
    withdraw(told, "wrong-person", "--note", "It was another girl.")

    # then the inbox says what it is, why, what to do and by when; what it said is not shown
    out = told("inbox", COUNCIL).out
    assert "WITHDRAWN:" in out
    assert max(map(len, out.splitlines())) <= COLUMNS
    opened = told("inbox", COUNCIL, "--open", before).out
    assert "WITHDRAWN by st-brannocks-school: wrong-person" in opened
    assert "You must: take it out of the file, and destroy every copy" in opened
    assert "They say: It was another girl." in opened
    assert "By: 2026-03-05 12:00, then say so: concordat unfile" in opened
    assert WORDS not in opened
    (document,) = told.json("inbox", COUNCIL, "--open", before)["deliveries"]
    assert "content" not in document
    assert document["withdrawn"]["reason"] == "wrong-person"

    # but on demand it is
    assert WORDS in told("inbox", COUNCIL, "--open", before, "--withdrawn").out
    asked = told.json("inbox", COUNCIL, "--open", before, "--withdrawn")["deliveries"][0]
    assert asked["content"]["shareable_summary"] == WORDS

    # and the retraction itself says the same
    said = told("inbox", COUNCIL, "--open", received(told, "retraction")["delivery"]).out
    assert "reason wrong-person" in said
    assert "You must: take it out of the file, and destroy every copy" in said


def test_a_record_is_named_by_enough_of_its_beginning(told: Commands) -> None:
    # given a record, when it is withdrawn by twelve digits of its id, then that one is
    record = received(told, "record")["record"]
    words = ("--reason", "unfounded", "--role", "DSL")
    out = told("retract", SCHOOL, record[:12].upper(), *words).out
    assert f"Record {record[:12]} is withdrawn: unfounded." in out
    assert "incident" not in out

    # and until the broker has seen it, nobody is known to hold it
    out = told("retractions", SCHOOL).out
    assert "nobody so far" in out
    assert "0 have yet to un-file" in out

    # and an agency withdraws its own records only
    for name in (record, ""):
        failed = told("retract", COUNCIL, name, *words, "--json", code=Exit.USAGE)
        assert failed.error == "outbox.absent"


def test_many_that_begin_alike_are_none(eastshire: Commands, tmp_path: Path) -> None:
    # given a school with more records than there are digits
    many = [concern(number, account=f"Number {number}.") for number in range(17)]
    report = eastshire.json("publish", SCHOOL, written(tmp_path, "many.json", *many))
    first = [one["record"][0] for one in report["published"]]

    # when one is named by a digit that several begin with, then it says so
    digit = next(one for one in first if first.count(one) > 1)
    words = ("--reason", "false", "--role", "x", "--json")
    refused = eastshire("retract", SCHOOL, digit, *words, code=Exit.USAGE)
    assert refused.error == "outbox.ambiguous"


def test_what_was_withdrawn_is_not_withdrawn_again(told: Commands) -> None:
    # given a concern that was withdrawn, when it is again, or the retraction is, then it is refused
    said = withdraw(told)
    again = ("--reason", "false", "--role", "DSL", "--json")
    refused = told("retract", SCHOOL, said["record"], *again, code=Exit.REJECTED)
    assert refused.error == "retraction.already"
    refused = told("retract", SCHOOL, said["retraction"], *again, code=Exit.REJECTED)
    assert refused.error == "retraction.subject"


def test_nothing_is_found_out_in_the_future(told: Commands) -> None:
    # given a day that has not come, or is none, when it is given, then the command says so
    record = received(told, "record")["record"]
    for day in ("2026-03-05", "yesterday", "1969-12-31"):
        words = ("--reason", "false", "--role", "DSL", "--found", day, "--json")
        refused = told("retract", SCHOOL, record, *words, code=Exit.USAGE)
        assert refused.error == "usage.found"


# ------------------------------------------------------------------ un-filing, and who has


def test_the_source_sees_who_has_yet_to_unfile(told: Commands) -> None:
    # given a concern that council and hub hold, and that is withdrawn
    withdraw(told)
    assert listed(told).keys() == {COUNCIL, HUB}

    # when the hub confirms, and all is routed
    told.later(2)
    words = ("--role", "MASH manager", "--note", "Shredded.")
    done = told.json("unfile", COUNCIL, received(told, "retraction")["delivery"], *words)
    assert done["done"] == "destroyed"
    told("route")

    # then the school reads when, by whom and how; the council itself has yet to do it
    found = listed(told)
    hub, council = found[HUB], found[COUNCIL]
    assert (hub["unfiled"], hub["role"]) == ("2026-03-04T14:00:00Z", "MASH manager")
    assert (hub["done"], hub["note"], hub["overdue"]) == ("destroyed", "Shredded.", False)
    assert (council["unfiled"], council["overdue"]) == (None, False)
    assert "destroyed by MASH manager" in told("inbox", SCHOOL).out

    # and a day later it knows whom to ring
    told.later(23)
    council = listed(told)[COUNCIL]
    assert (council["overdue"], council["telephone"]) == (True, "01632 960201")
    out = told("retractions", SCHOOL).out
    assert "1 have yet to un-file, 1 of them overdue." in out
    assert "OVERDUE" in out
    assert "01632 960201" in out
    assert "MASH manager" in out
    assert max(map(len, out.splitlines())) <= COLUMNS


def test_what_was_destroyed_is_gone_from_the_inbox_as_well(told: Commands) -> None:
    # given a withdrawn concern, when the hub says, by the concern itself, that it is destroyed
    concerned = received(told, "record")["delivery"]
    withdraw(told)
    said = told("unfile", COUNCIL, concerned[:16], "--role", "MASH manager").out
    assert "Noted: destroyed. st-brannocks-school will hear of it." in said

    # then nothing of what it said is left, not even on demand; what the council holds itself is
    out = told("inbox", COUNCIL, "--open", concerned, "--withdrawn").out
    assert "Un-filed here: 2026-03-04 12:00" in out
    assert WORDS not in out
    council = received(told, "record", COUNCIL)["delivery"]
    opened = told.json("inbox", COUNCIL, "--open", council, "--withdrawn")["deliveries"][0]
    assert opened["content"]

    # and it stands in the list no more, but with all
    short = concerned[:12]
    assert short not in told("inbox", COUNCIL).out
    everything = told("inbox", COUNCIL, "--all").out
    assert short in everything
    assert "done 2026-03-04 12:00" in everything


def test_an_acknowledged_retraction_waits_until_it_is_unfiled(told: Commands) -> None:
    # given a retraction that somebody has taken on
    withdraw(told)
    told("ack", COUNCIL, "all")
    short = received(told, "retraction")["delivery"][:12]

    # when its day has passed, then it is still there, and late: to take it on is not to un-file
    told.later(25)
    assert short in told("inbox", COUNCIL).out
    late = told.json("tasks", COUNCIL)["overdue"]
    assert short in {one["delivery"][:12] for one in late}
    assert "OVERDUE" in told("inbox", COUNCIL, "--open", short).out


def test_nobody_unfiles_twice_or_what_stands(told: Commands) -> None:
    # given a concern that stands, when it is un-filed, then that is refused
    concerned = received(told, "record")["delivery"]
    unfile = ("unfile", COUNCIL, concerned, "--role", "x", "--json")
    assert told(*unfile, code=Exit.USAGE).error == "inbox.not-withdrawn"

    # and once it is withdrawn, it is un-filed once
    withdraw(told)
    told(*unfile)
    assert told(*unfile, code=Exit.REJECTED).error == "inbox.unfiled"


def test_who_holds_a_record_is_no_task_to_answer(told: Commands) -> None:
    # given a retraction, of which the school is told who held the record
    withdraw(told)
    told.later(30)

    # when its tasks are listed, then that is none of them, nor can it be answered
    assert told.json("retractions", SCHOOL)["retractions"][0]["type"] == "concern"
    assert told.json("tasks", SCHOOL) == {"tasks": [], "overdue": []}
    words = ("share", "--reason", "x", "--json")
    for digit in "0123456789abcdef":
        refused = told("tasks", "answer", SCHOOL, digit, *words, code=Exit.USAGE)
        assert refused.error == "inbox.absent"


def test_an_agency_that_withdrew_nothing_has_nothing_to_see(eastshire: Commands) -> None:
    # given a county where nothing has happened, when the lists are asked for, then they are empty
    assert eastshire("retractions", SCHOOL).out == "Nothing was withdrawn.\n"
    assert eastshire("incidents", SCHOOL).out == "No incidents.\n"
    assert eastshire.json("incidents", SCHOOL) == {"incidents": []}


# ------------------------------------------------------------------ corrections


def test_a_correction_reaches_all_who_hold_what_was_wrong(told: Commands, tmp_path: Path) -> None:
    # given a concern that council and hub hold, when the school exports it anew and corrects it
    former = received(told, "record")
    right = written(tmp_path, "right.json", concern(shareableSummary="Tired once."))
    words = ("--role", "DSL", "--reason", "factually-wrong", "--note", "It was once.")
    said = told.json("correct", SCHOOL, former["record"], right, *words)
    told("route")

    # then the hub gets what is right, as a correction, and hears of the former one what was wrong
    anew = received(told, "correction")
    assert [anew["record"]] == said["published"]
    opened = told.json("inbox", COUNCIL, "--open", anew["delivery"])["deliveries"][0]
    assert opened["content"]["shareable_summary"] == "Tired once."
    notice = received(told, "retraction")
    gone = notice["takes_back"]
    assert (gone["records"], gone["reason"]) == ([former["record"]], "factually-wrong")
    assert (gone["tell"], gone["note"]) == ("mark-as-corrected", "It was once.")

    # and when the same export is published once more, then nothing is new
    report = told.json("publish", SCHOOL, right)
    assert (report["published"], report["already"]) == ([], 1)

    # and marked is what a person says of the former one, which can still be read on demand
    done = told.json("unfile", COUNCIL, notice["delivery"], "--role", "x")
    assert done["done"] == "marked"
    assert WORDS in told("inbox", COUNCIL, "--open", former["delivery"], "--withdrawn").out


def test_who_may_not_have_what_is_right_still_hears_that_it_was_wrong(
    told: Commands, tmp_path: Path
) -> None:
    # given a concern that the council holds because it works with the child, and no more does
    former = received(told, "record", COUNCIL)["record"]
    ended = {**involvement(COUNCIL, "allocated"), "until": "2026-03-03"}
    told("publish", COUNCIL, written(tmp_path, "ended.json", ended))
    told("route")

    # when it is corrected
    right = written(tmp_path, "right.json", concern(shareableSummary="Tired once."))
    out = told("correct", SCHOOL, former[:12], right, "--role", "DSL").out
    assert "1 records published" in out
    assert f"Record {former[:12]} is withdrawn: superseded." in out
    told("route")

    # then it is told that the former version stands no more, and nothing of the new one
    found = [
        one["kind"]
        for one in told.json("inbox", COUNCIL)["deliveries"]
        if one["consumer"] == COUNCIL and one["source"] == SCHOOL
    ]
    assert sorted(found) == ["record", "retraction"]
    assert received(told, "retraction", COUNCIL)["takes_back"]["reason"] == "superseded"


def test_a_correction_needs_something_else_to_say(told: Commands, tmp_path: Path) -> None:
    # given the same export as before, when it is to correct, then nothing is withdrawn
    former = received(told, "record")["record"]
    words = ("--role", "DSL", "--json")
    same = written(tmp_path, "same.json", concern())
    refused = told("correct", SCHOOL, former, same, *words, code=Exit.REJECTED)
    assert refused.error == "retraction.uncorrected"
    assert told.json("retractions", SCHOOL) == {"retractions": []}

    # and what is withdrawn is not corrected
    withdraw(told, "unfounded")
    right = written(tmp_path, "right.json", concern(shareableSummary="Tired once."))
    refused = told("correct", SCHOOL, former, right, *words, code=Exit.REJECTED)
    assert refused.error == "retraction.already"


# ------------------------------------------------------------------ incidents


def test_the_wrong_person_is_an_incident_with_a_clock(told: Commands) -> None:
    # given a concern about the wrong girl, found out the day before
    record = received(told, "record")["record"]
    words = ("--reason", "wrong-person", "--role", "DSL", "--found", "2026-03-03")
    out = told("retract", SCHOOL, record, *words).out
    assert "This is an incident." in out
    assert "Decide by 2026-03-06 00:00 UTC" in out

    # when incidents are listed, then it is there, due 72 hours after that day began
    (one,) = told.json("incidents", SCHOOL)["incidents"]
    assert (one["record"], one["due"], one["overdue"]) == (record, "2026-03-06T00:00:00Z", False)
    assert one["decision"] is None

    # and after that it is overdue, until somebody decides
    told.later(48)
    out = told("incidents", SCHOOL).out
    assert "OVERDUE" in out
    assert "72 hours to report" in out
    assert max(map(len, out.splitlines())) <= COLUMNS

    # and a decision is signed with its reason; that it was late stays
    close = ("incidents", "close", SCHOOL, record[:12], "--decision", "reported")
    said = told(*close, "--reason", "Another family read it.", "--role", "Headteacher").out
    assert "Decided: reported." in said
    assert "Later than 72 hours" in said
    (done,) = told.json("incidents", "list", SCHOOL)["incidents"]
    assert (done["decision"], done["role"]) == ("reported", "Headteacher")
    assert (done["why"], done["overdue"]) == ("Another family read it.", True)
    out = told("incidents", SCHOOL).out
    assert "reported," in out
    assert "Headteacher" in out


def test_an_incident_is_closed_once(told: Commands) -> None:
    # given an incident about which it was decided in time
    said = withdraw(told, "sent-to-wrong-recipient")
    assert said["incident_due"] == "2026-03-07T12:00:00Z"
    words = ("--decision", "not-reportable", "--reason", "Destroyed unread.", "--role", "Head")
    close = ("incidents", "close", SCHOOL)
    done = told.json(*close, said["retraction"][:14], *words)
    assert (done["decision"], done["overdue"]) == ("not-reportable", False)

    # when it is closed again, or none is named, then the command says so
    again = told(*close, said["record"], *words, "--json", code=Exit.REJECTED)
    assert again.error == "incident.closed"
    none = told(*close, "ffffffffffff", *words, "--json", code=Exit.USAGE)
    assert none.error == "incident.absent"
