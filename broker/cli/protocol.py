"""The protocol in plain words: why a record went where it went, and whether one may share."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from adapters.sources.files import load
from broker.cli.place import layout_for
from broker.cli.show import (
    Dir,
    Exit,
    Json,
    Refused,
    iso,
    reporting,
    say,
    say_json,
    table,
    when,
)
from broker.errors import Code
from broker.protocol.clause_text import Vocabulary
from broker.protocol.explain import Line, as_text
from broker.runtimes import adopting, explaining
from broker.runtimes.clause_drafts import WORDS, Drafts, as_yaml
from broker.runtimes.clock import SystemClock
from broker.runtimes.dsa_policy import draft_clauses
from broker.runtimes.founding import COUNTY, protocol_folder, read_vocabulary

LABEL_SHAPE = Code(
    "usage.label", "A label is not written as name=value.", "Write --label facts=missing:high-risk."
)

WHO_IS = Code(
    "usage.organisation",
    "That does not say which agency of the protocol an organisation is.",
    "Write --is LOCAL-AUTHORITY-01=eastshire-council, with an agency of the protocol.",
)
DRAFT_EXISTS = Code(
    "usage.draft-exists",
    "There is a file of that name already.",
    "Name another one: drafts that somebody has begun to complete are never overwritten.",
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


def draft(
    policy: Annotated[
        Path, typer.Argument(metavar="FILE", help="A directory with dsaPolicy objects, or one.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file of drafts to write.")],
    protocol: Annotated[
        str,
        typer.Option("--protocol", help="The protocol that they are for, or its folder."),
    ] = COUNTY,
    known: Annotated[
        list[str] | None,
        typer.Option("--is", help="Who an organisation is: ORG-ID=AGENCY; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make drafts of clauses from a dsaPolicy, for people to complete and to review."""
    with reporting(as_json=as_json):
        vocabulary = read_vocabulary(protocol_folder(protocol))
        drafts = draft_clauses(load(policy), vocabulary, _organisations(known or (), vocabulary))
        if output.exists():
            raise Refused(DRAFT_EXISTS, output.name)
        output.write_text(as_yaml(drafts), encoding="utf-8")
    if as_json:
        say_json(
            {
                "clauses": [
                    {"id": one.id, "effect": one.effect, "title": one.title, "notes": one.notes}
                    for one in drafts.clauses
                ],
                "left": [{"where": where, "why": why} for where, why in drafts.left],
                "refused": [
                    {"where": where, "field": error.where, "code": error.code.name}
                    for where, error in drafts.refused
                ],
                "to_be_written": list(WORDS),
            }
        )
    else:
        _tell_drafts(drafts, output)
    raise typer.Exit(Exit.REJECTED if drafts.refused else Exit.DONE)


def _organisations(known: Sequence[str], vocabulary: Vocabulary) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in known:
        organisation, equals, agency = one.partition("=")
        if not equals or agency not in vocabulary.agreement.roster.agencies:
            raise Refused(WHO_IS, "--is")
        found[organisation] = agency
    return found


def _tell_drafts(drafts: Drafts, output: Path) -> None:
    table(
        "",
        ("clause", "effect", "what"),
        [(one.id, one.effect, "\n".join((one.title, *one.notes))) for one in drafts.clauses],
        "No rule of it can be drafted.",
    )
    for where, why in drafts.left:
        say(f"No clause for {escape(where)}: {escape(why)}")
    for where, error in drafts.refused:
        say(f"[bold]{escape(where)}[/]: {escape(error.where)}: {escape(error.code.sentence)}")
        say(f"  What to do: {escape(error.fix)}")
    say(f"{len(drafts.clauses)} drafts in {escape(str(output))}. They are no protocol yet:")
    for name, what in WORDS.items():
        say(f"  write {name}: {what}")


def _line(line: Line) -> dict[str, str]:
    return {"mark": line.mark.value, "clause": line.clause, "text": line.text}
