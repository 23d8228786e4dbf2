"""Personal data breaches: the 72 hours in which somebody must decide who has to be told."""

from typing import Annotated, Any

import typer

from broker.cli.place import at_agency
from broker.cli.show import (
    SHOWN_HEX,
    AgencyName,
    Dir,
    Json,
    iso,
    reporting,
    say,
    say_json,
    table,
    when,
)
from broker.clock import Instant
from broker.receipts.incidents import Incident
from broker.runtimes import withdrawing
from broker.runtimes.agency import AgencySide
from broker.runtimes.withdrawing import Decided


def list_incidents(agency: AgencyName, folder: Dir = None, as_json: Json = False) -> None:
    """List personal data breaches of an agency, with the 72 hours to report them."""

    async def work(side: AgencySide) -> tuple[tuple[Incident, ...], Instant]:
        return await withdrawing.incidents_of(side), side.clock.now()

    with reporting(as_json=as_json):
        found, now = at_agency(agency, folder, work, receive=False)
    if as_json:
        say_json({"incidents": [incident_document(one, now) for one in found]})
        return
    table(
        "Incidents",
        ("incident", "record", "what", "decide by", "decided"),
        [
            (
                one.id.hex()[:SHOWN_HEX],
                one.retraction.concerns.hex()[:SHOWN_HEX],
                f"{one.retraction.reason}\nfound {when(one.retraction.found)}",
                when(one.due) + ("\nOVERDUE" if one.overdue(now) else ""),
                _decided(one),
            )
            for one in found
        ],
        "No incidents.",
        whole=("incident", "record", "decide by"),
    )
    if any(one.closing is None for one in found):
        say("72 hours to report: UK GDPR Article 33; DPA 2018 s.67 for the police.")


def _decided(one: Incident) -> str:
    said = one.closing
    if said is None:
        return ""
    return f"{said.decision}, {when(said.at)}\n{said.role}: {said.reason}"


def incident_document(one: Incident, now: Instant) -> dict[str, Any]:
    """Return an incident as JSON shows it."""
    closing = one.closing
    return {
        "incident": one.id.hex(),
        "record": one.retraction.concerns.hex(),
        "reason": one.retraction.reason,
        "found": iso(one.retraction.found),
        "due": iso(one.due),
        "overdue": one.overdue(now),
        "decision": None if closing is None else closing.decision,
        "why": None if closing is None else closing.reason,
        "role": None if closing is None else closing.role,
        "decided": None if closing is None else iso(closing.at),
    }


def close_incident(
    agency: AgencyName,
    incident: Annotated[
        str, typer.Argument(metavar="ID", help="The incident's id or the record's, or a beginning.")
    ],
    decision: Annotated[Decided, typer.Option(help="What was decided.")],
    reason: Annotated[str, typer.Option(help="Why; it is part of the record.")],
    role: Annotated[str, typer.Option(help="Role of the person who decides.")],
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Decide about an incident: reported to the Information Commissioner, or why not."""

    async def work(side: AgencySide) -> tuple[Incident, Instant]:
        closed = await withdrawing.close(side, incident, decision, reason, role)
        return closed, side.clock.now()

    with reporting(as_json=as_json):
        done, now = at_agency(agency, folder, work, receive=False)
    if as_json:
        say_json(incident_document(done, now))
        return
    say(f"Decided: {decision.value}. It is signed, and goes into the log.")
    if done.overdue(now):
        say("[bold]Later than 72 hours[/]: a report must say why (Article 33(1)).")
