"""The protocol in plain words: why a record went where it went, and whether one may share."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from broker.cli.place import layout_for
from broker.cli.show import Dir, Json, Refused, iso, reporting, say, say_json, when
from broker.errors import Code
from broker.protocol.explain import Line, as_text
from broker.runtimes import adopting, explaining
from broker.runtimes.clock import SystemClock
from broker.runtimes.founding import protocol_folder

LABEL_SHAPE = Code(
    "usage.label", "A label is not written as name=value.", "Write --label facts=missing:high-risk."
)


def explain(
    record: Annotated[
        str, typer.Argument(metavar="RECORD", help="A record's id, or its beginning.")
    ],
    agency: Annotated[str, typer.Option("--for", help="Agency, or agency/desk.")],
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Say why an agency got a record, or did not: every clause considered, in plain words."""
    with reporting(as_json=as_json):
        found = asyncio.run(
            explaining.explain_record(layout_for(folder), SystemClock(), record, agency)
        )
    if as_json:
        say_json(
            [
                {
                    "consumer": one.consumer,
                    "at": None if one.at == 0 else iso(one.at),
                    "outcome": one.outcome or None,
                    "lines": [_line(line) for line in one.lines],
                }
                for one in found
            ]
        )
        return
    for one in found:
        head = one.consumer if one.at == 0 else f"{one.consumer}, {when(one.at)}"
        say(f"[bold]{escape(head)}[/]")
        say(escape(as_text(one.lines)))


def may_i_share(
    sender: Annotated[str, typer.Argument(metavar="FROM", help="Agency, or type of agency.")],
    to: Annotated[
        str, typer.Argument(metavar="TO", help="Agency, agency/desk, or type of agency.")
    ],
    record_type: Annotated[str, typer.Option("--type", help="Record type.")],
    label: Annotated[
        list[str] | None, typer.Option(help="What the record says: name=value; may be repeated.")
    ] = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Ask the protocol before there is a record: may this go to them, and on what terms?"""
    with reporting(as_json=as_json):
        labels: dict[str, str] = {}
        for one in label or ():
            name, equals, value = one.partition("=")
            if not equals:
                raise Refused(LABEL_SHAPE, "--label")
            labels[name] = value
        answer = asyncio.run(
            explaining.ask_first(layout_for(folder), SystemClock(), sender, to, record_type, labels)
        )
    if as_json:
        say_json(
            {
                "verdict": answer.verdict.value,
                "outcome": answer.decision.outcome.value,
                "clauses": list(answer.decision.clauses),
                "lines": [_line(line) for line in answer.lines],
            }
        )
    else:
        say(escape(as_text(answer.lines)))


def adopt(
    protocol: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="With protocol, clauses and cases in YAML.")
    ],
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Put another protocol in force in a demonstration: its officers' keys lie there, and sign.

    What runs goes on running; agencies that the protocol adds get keys, stores and topics.
    """
    with reporting(as_json=as_json):
        found = asyncio.run(
            adopting.adopt(layout_for(folder), SystemClock(), protocol_folder(str(protocol)))
        )
    if as_json:
        say_json(
            {
                "revision": found.number,
                "digest": found.digest.hex(),
                "in_force": iso(found.in_force),
                "joined": list(found.joined),
            }
        )
        return
    say(
        f"Revision {found.number} is signed and published; its first day is {when(found.in_force)}."
    )
    for agency in found.joined:
        say(f"{escape(agency)} has joined: its folder holds its keys and its publication rule.")


def _line(line: Line) -> dict[str, str]:
    return {"mark": line.mark.value, "clause": line.clause, "text": line.text}
