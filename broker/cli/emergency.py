"""`break-glass`: when a child is in danger and the broker does not answer."""

from pathlib import Path
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
from broker.receipts.errors import GLASS_SHAPE, EmergencyRefused
from broker.receipts.inbox import InboxRow
from broker.runtimes import emergency
from broker.runtimes.agency import AgencySide
from broker.runtimes.card import card_of
from broker.runtimes.emergency import Broken, Finding, Sent

Role = Annotated[str, typer.Option(help="Role, as the protocol's list names it.")]
Person = Annotated[str, typer.Option(help="Name of the person.")]
Reason = Annotated[str, typer.Option(help="Why; it is part of the signed entry.")]


def send(
    agency: AgencyName,
    record: Annotated[str, typer.Argument(metavar="RECORD", help="Its id, or the beginning.")],
    to: Annotated[str, typer.Option("--to", help="The desk that gets it: AGENCY/DESK.")],
    role: Role,
    person: Person,
    reason: Reason,
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the sealed file goes.")],
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Send one record of your own past the broker: to one duty desk, for some hours."""

    async def work(side: AgencySide) -> Sent:
        return await emergency.break_glass(
            side, record, to, role=role, person=person, reason=reason
        )

    with reporting(as_json=as_json):
        sent = at_agency(agency, folder, work, receive=False, by_copy=True)
        output.write_bytes(sent.file)
    if as_json:
        say_json(
            {
                "entry": sent.record,
                "to": sent.to,
                "until": iso(sent.until),
                "file": str(output),
                "waits_to_be_logged": sent.waits,
                "protocol_from_copy": sent.from_copy,
            }
        )
        return
    say(f"Sealed for {sent.to}, until {when(sent.until)} UTC: {output}. Bring it there, and ring.")
    if sent.from_copy:
        say("The list is that of the protocol as this machine has last read it.")
    if sent.waits:
        say("The broker cannot be reached: the entry waits, and is logged with the next publish.")


def take(
    agency: AgencyName,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What was brought.")],
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Take what was sent past the broker: verify it, and put it into the inbox."""

    async def work(side: AgencySide) -> InboxRow:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise EmergencyRefused(GLASS_SHAPE, str(file)) from error
        return await emergency.take(side, data)

    with reporting(as_json=as_json):
        row = at_agency(agency, folder, work, receive=False, by_copy=True)
    if as_json:
        say_json({"delivery": row.id.hex(), "consumer": row.told.consumer, "logged": False})
    else:
        say(f"Taken: delivery {row.id.hex()[:SHOWN_HEX]}, for {row.told.consumer}.")
        say("It is verified, but not logged yet; it is gone after its hours.")


def list_broken(agency: AgencyName, folder: Dir = None, as_json: Json = False) -> None:
    """List what an agency has sent past the broker, and what is not reviewed yet."""
    with reporting(as_json=as_json):
        found = at_agency(agency, folder, emergency.broken, receive=False, by_copy=True)
    if as_json:
        say_json({"emergencies": [broken_document(one) for one in found]})
        return
    table(
        "Sent past the broker",
        ("entry", "when", "to", "by", "review"),
        [
            (
                one.record[:SHOWN_HEX],
                when(Instant(one.entry["at"])),
                str(one.entry["to"]),
                f"{one.why['person']}\n{one.entry['role']}",
                "OPEN" if one.review is None else str(one.review["finding"]),
            )
            for one in found
        ],
        "The glass was never broken.",
        whole=("entry", "when", "review"),
    )


def broken_document(one: Broken) -> dict[str, Any]:
    """Return an emergency as JSON shows it."""
    return {
        "entry": one.record,
        "record": one.entry["record_id"],
        "to": one.entry["to"],
        "role": one.entry["role"],
        "at": iso(Instant(one.entry["at"])),
        "until": iso(Instant(one.entry["until"])),
        "person": one.why["person"],
        "reason": one.why["reason"],
        "review": None if one.review is None else one.review["finding"],
    }


def review(
    agency: AgencyName,
    entry: Annotated[str, typer.Argument(metavar="ENTRY", help="Its id, or the beginning.")],
    finding: Annotated[Finding, typer.Option(help="What the second person found.")],
    role: Annotated[str, typer.Option(help="Role of the person who reviews.")],
    person: Person,
    reason: Reason,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Review what was sent past the broker: by another person than whoever sent it."""

    async def work(side: AgencySide) -> Broken:
        return await emergency.review(side, entry, finding, role=role, person=person, reason=reason)

    with reporting(as_json=as_json):
        found = at_agency(agency, folder, work, receive=False, by_copy=True)
    if as_json:
        say_json(broken_document(found))
    else:
        say(f"Reviewed: {finding.value}. The duty desks hear of it with the next route.")


def card(
    agency: AgencyName,
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the page goes.")],
    folder: Dir = None,
) -> None:
    """Write an agency's emergency card, to be printed: who may, how, and whom to ring."""

    async def work(side: AgencySide) -> str:
        return card_of(side.agreement, side.agency)

    with reporting(as_json=False):
        page = at_agency(agency, folder, work, receive=False, by_copy=True)
        output.write_text(page, encoding="utf-8")
    say(f"Written: {output}. Print it, and hang it where people work at night.")
