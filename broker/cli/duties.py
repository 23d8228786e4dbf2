"""What an agency owes, by the clock, and whom to ring."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from broker.cli.place import at_agency, layout_for
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
from broker.receipts.duties import Duty, Level
from broker.receipts.inbox import Item
from broker.receipts.notices import Notice, document_of, subject_of, text_of
from broker.runtimes.adapter_settings import AdapterSettings, read_adapter_settings
from broker.runtimes.agency import AgencySide
from broker.runtimes.dues import all_owed
from broker.runtimes.notice_preview import previewed
from broker.runtimes.responding import Because, Result
from broker.runtimes.responding import respond as answer_request


def duties(
    agency: AgencyName,
    desk: Annotated[str, typer.Option("--desk", help="Of one desk alone: mash.")] = "",
    notices: Annotated[
        bool,
        typer.Option("--notices", help="Show what its people would be told now; nothing is sent."),
    ] = False,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """List what an agency owes: answers, acknowledgements, actions, handovers, interviews.

    Past its time each names the desk's manager, and the number that somebody answers now.
    """
    if notices:
        _show_notices(agency, desk, folder, as_json=as_json)
        return
    with reporting(as_json=as_json):
        every = at_agency(agency, folder, all_owed)
        found = [one for one in every if desk in {"", one.desk.partition("/")[2]}]
    if as_json:
        say_json({"duties": [duty_document(one) for one in found]})
        return
    table(
        "Duties",
        ("due", "what", "about", "whom to ring"),
        [(_due(one), f"{one.owed.value}\n{one.do}", _about(one), _ring(one)) for one in found],
        "Nothing is owed.",
        whole=("due", "about"),
    )
    late = sum(one.level is Level.ESCALATED for one in found)
    if found:
        say(f"{len(found)} duties, {late} past their time. Times are UTC.")


def _show_notices(agency: str, desk: str, folder: Path | None, *, as_json: bool) -> None:
    layout = layout_for(folder)
    with reporting(as_json=as_json):
        layout.require(agency)
        there = layout.adapter_settings(agency).is_file()
        settings = read_adapter_settings(layout, agency) if there else AdapterSettings()

        async def work(side: AgencySide) -> list[tuple[str, str | None, Notice]]:
            return await previewed(layout, side, settings)

        every = at_agency(agency, folder, work)
        found = [one for one in every if desk in {"", one[2].desk.partition("/")[2]}]
    if as_json:
        say_json(
            {
                "notices": [
                    {"channel": channel or None, "address": address, **document_of(one)}
                    for channel, address, one in found
                ]
            }
        )
        return
    for channel, address, one in found:
        way = f"{channel}: {address or 'as configured'}" if channel else "no channel is configured"
        say(f"[bold]{escape(f'To the {one.to.value} of {one.desk} ({way})')}[/]")
        say(escape(f"{subject_of(one)}\n\n{text_of(one)}"))
    say(f"{len(found)} notices would be sent. Nothing was.")


def _due(one: Duty) -> str:
    mark = {Level.ESCALATED: "OVERDUE", Level.REMINDER: "soon", Level.OPEN: ""}[one.level]
    return f"{when(one.due)}\n{mark}".rstrip()


def _about(one: Duty) -> str:
    if one.delivery:
        return f"delivery {one.delivery[:SHOWN_HEX]}"
    return f"record {one.record[:SHOWN_HEX]}"


def _ring(one: Duty) -> str:
    lines = [one.desk, one.telephone]
    if one.level is Level.ESCALATED:
        lines.insert(1, one.manager)
    return "\n".join(line for line in lines if line)


def duty_document(one: Duty) -> dict[str, Any]:
    """Return a duty as JSON shows it: ids in hex, times as ISO 8601 says and in ms since 1970."""
    return {
        "owed": one.owed.value,
        "level": one.level.value,
        "since": iso(one.since),
        "since_ms": one.since,
        "due": iso(one.due),
        "due_ms": one.due,
        "record": one.record,
        "type": one.type or None,
        "delivery": one.delivery or None,
        "desk": one.desk,
        "manager": one.manager,
        "telephone": one.telephone,
        "do": one.do,
    }


def respond(
    agency: AgencyName,
    request: Annotated[
        str, typer.Argument(metavar="DELIVERY", help="The delivery that asks, or its beginning.")
    ],
    result: Annotated[Result, typer.Option(help="What the answer is.")],
    because: Annotated[Because | None, typer.Option(help="Why it is refused.")] = None,
    text: Annotated[str, typer.Option(help="The answer, in words for whoever asked.")] = "",
    role: Annotated[str, typer.Option(help="Role of the person who answers.")] = "duty officer",
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Answer a request for information: to whoever asked, and to nobody else."""

    async def work(side: AgencySide) -> Item:
        return await answer_request(side, request, result, because, text, role)

    with reporting(as_json=as_json):
        delivery = at_agency(agency, folder, work).row.id.hex()
    if as_json:
        say_json({"delivery": delivery, "result": result.value})
    else:
        say(f"Answered: {result.value}. It goes to whoever asked with the next `concordat route`.")
