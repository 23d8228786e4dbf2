"""Wrong records: withdraw or correct them, un-file them, and see who has and who has not."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from broker.cli.place import at_agency
from broker.cli.publish import show_publish
from broker.cli.show import (
    SHOWN_HEX,
    AgencyName,
    Dir,
    Exit,
    Json,
    iso,
    reporting,
    say,
    say_json,
    table,
    when,
)
from broker.clock import Instant
from broker.protocol.roster import Roster
from broker.receipts.errors import TOO_EARLY, WithdrawalError
from broker.receipts.incidents import BREACHES, Incident, Retraction
from broker.receipts.withdrawn import DONE, Recipient, Withdrawal
from broker.runtimes import withdrawing
from broker.runtimes.agency import AgencySide
from broker.runtimes.publishing import PublishReport
from broker.runtimes.reading import EPOCH
from broker.runtimes.withdrawing import Followed, Reason, Why

RecordName = Annotated[
    str, typer.Argument(metavar="RECORD", help="An own record's id, or its beginning.")
]
Coded = Annotated[Reason, typer.Option(help="Why, coded.")]
ByRole = Annotated[str, typer.Option(help="Role of the person who decides.")]
Note = Annotated[
    str | None, typer.Option(help="What was wrong, written for those who hold the record.")
]
Found = Annotated[
    str | None,
    typer.Option("--found", metavar="DATE", help="Day on which it was found out; today else."),
]


def _day(said: str | None) -> int | None:
    try:
        return None if said is None else (date.fromisoformat(said) - EPOCH).days
    except ValueError:
        raise WithdrawalError(TOO_EARLY) from None


def retract(
    agency: AgencyName,
    record: RecordName,
    reason: Coded,
    role: ByRole,
    note: Note = None,
    found: Found = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Withdraw a record: all who hold it are told the reason, and must un-file it."""

    async def work(side: AgencySide) -> Retraction:
        why = Why(reason, role, note, _day(found))
        return await withdrawing.retract(side, record, why)

    with reporting(as_json=as_json):
        retraction = at_agency(agency, folder, work, receive=False)
    if as_json:
        say_json(retraction_document(retraction))
    else:
        _show_retraction(agency, retraction)


def correct(
    agency: AgencyName,
    record: RecordName,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Exports that are right.")],
    role: ByRole,
    reason: Coded = Reason.SUPERSEDED,
    note: Note = None,
    found: Found = None,
    format_name: Annotated[
        str | None, typer.Option("--format", help="Name the format instead of recognising it.")
    ] = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Publish a corrected record, and tell all who hold the former version that it is wrong."""

    async def work(side: AgencySide) -> tuple[PublishReport, Retraction]:
        why = Why(reason, role, note, _day(found))
        return await withdrawing.correct(side, record, why, files, format_name)

    with reporting(as_json=as_json):
        report, retraction = at_agency(agency, folder, work, receive=False)
    if as_json:
        published = [one.record_id.hex() for one in report.published]
        say_json({"published": published, **retraction_document(retraction)})
    else:
        show_publish(report)
        _show_retraction(agency, retraction)
    raise typer.Exit(Exit.DONE if report.clean else Exit.REJECTED)


def _show_retraction(agency: str, one: Retraction) -> None:
    say(f"Record {one.concerns.hex()[:SHOWN_HEX]} is withdrawn: {one.reason}.")
    say("All who hold it are told with the next `concordat route`, and must un-file it.")
    say(f"`concordat retractions {agency}` shows who has and who has not.")
    if one.reason in BREACHES:
        say(
            f"[bold]This is an incident.[/] Decide by {when(Incident(one).due)} UTC whether the "
            f"Information Commissioner must be told: `concordat incidents close {agency} "
            f"{one.id.hex()[:SHOWN_HEX]} …`."
        )


def retraction_document(one: Retraction) -> dict[str, Any]:
    """Return a retraction as JSON shows it."""
    return {
        "retraction": one.id.hex(),
        "record": one.concerns.hex(),
        "reason": one.reason,
        "tell": one.tell or None,
        "role": one.role or None,
        "note": one.note,
        "found": iso(one.found),
        "incident_due": iso(Incident(one).due) if one.reason in BREACHES else None,
    }


def unfile(
    agency: AgencyName,
    delivery: Annotated[
        str,
        typer.Argument(
            metavar="DELIVERY", help="The retraction's delivery or the record's, or its beginning."
        ),
    ],
    role: Annotated[str, typer.Option(help="Role of the person who has un-filed it.")],
    note: Annotated[str | None, typer.Option(help="What else there is to say.")] = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Say that a withdrawn record is un-filed here as its source asks. Its source hears of it."""

    async def work(side: AgencySide) -> Withdrawal:
        return await withdrawing.unfile(side, delivery, role, note)

    with reporting(as_json=as_json):
        done = at_agency(agency, folder, work)
    if as_json:
        say_json(
            {
                "delivery": done.item.row.id.hex(),
                "records": [one.hex() for one in done.records],
                "done": DONE[done.tell],
            }
        )
    else:
        say(f"Noted: {DONE[done.tell]}. {done.source} will hear of it.")


def retractions(agency: AgencyName, folder: Dir = None, as_json: Json = False) -> None:
    """List what an agency has withdrawn: who has un-filed it, who has not, and whom to ring."""

    async def work(side: AgencySide) -> tuple[list[Followed], Roster, Instant]:
        return await withdrawing.followed(side), side.agreement.roster, side.clock.now()

    with reporting(as_json=as_json):
        found, roster, now = at_agency(agency, folder, work)
    if as_json:
        say_json({"retractions": [followed_document(one, roster, now) for one in found]})
        return
    rows = [(one, recipient) for one in found for recipient in (one.recipients or (None,))]
    table(
        "Withdrawn",
        ("record", "why", "who holds it", "un-filed", "whom to ring"),
        [
            (
                one.retraction.concerns.hex()[:SHOWN_HEX],
                f"{one.retraction.reason or 'no reason given'}\n{one.type}".rstrip(),
                "nobody so far" if recipient is None else recipient.consumer,
                "" if recipient is None else _state(recipient, now),
                "" if recipient is None else _ring(recipient, roster, now),
            )
            for one, recipient in rows
        ],
        "Nothing was withdrawn.",
        whole=("record", "un-filed"),
    )
    waiting = [one for _, one in rows if one is not None and one.unfiled is None]
    if found:
        late = sum(one.overdue(now) for one in waiting)
        say(f"{len(waiting)} have yet to un-file, {late} of them overdue. Times are UTC.")


def _state(one: Recipient, now: Instant) -> str:
    told = f"told {when(one.told)}"
    if one.unfiled is not None:
        return f"{told}\ndone {when(one.unfiled)}\n{one.how} by\n{one.role}"
    return f"{told}\nby   {when(one.due)}" + ("\n     OVERDUE" if one.overdue(now) else "")


def _ring(one: Recipient, roster: Roster, now: Instant) -> str:
    manager, telephone = _whom(one, roster, now)
    return f"{manager}\n{telephone}".strip() if one.overdue(now) else ""


def _whom(one: Recipient, roster: Roster, now: Instant) -> tuple[str, str]:
    desk = roster.desk(one.consumer)
    return ("", "") if desk is None else (desk.manager, desk.telephone_at(now))


def followed_document(one: Followed, roster: Roster, now: Instant) -> dict[str, Any]:
    """Return a retraction with those who held the record, as JSON shows it."""
    recipients = []
    for recipient in one.recipients:
        manager, telephone = _whom(recipient, roster, now)
        recipients.append(
            {
                "consumer": recipient.consumer,
                "told": iso(recipient.told),
                "due": iso(recipient.due),
                "unfiled": None if recipient.unfiled is None else iso(recipient.unfiled),
                "done": recipient.how or None,
                "role": recipient.role or None,
                "note": recipient.note,
                "overdue": recipient.overdue(now),
                "manager": manager,
                "telephone": telephone,
            }
        )
    return {
        **retraction_document(one.retraction),
        "type": one.type or None,
        "recipients": recipients,
    }
