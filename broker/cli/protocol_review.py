"""`protocol check` and `protocol diff`: a protocol's text before anybody signs it."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from broker.cli.place import layout_for
from broker.cli.show import Dir, Exit, Json, reporting, say, say_json, table
from broker.protocol.difference import Change
from broker.protocol.reach import Reach
from broker.protocol.revision import Revision
from broker.runtimes import explaining, reviewing
from broker.runtimes.clock import SystemClock
from broker.runtimes.founding import COUNTY, protocol_folder, read_county

REACHES = {
    Reach.SAME: "as before",
    Reach.MORE: "MORE can be released",
    Reach.LESS: "less can be released",
    Reach.EITHER: "MORE or less can be released",
}

TextArgument = Annotated[
    str, typer.Argument(metavar="PROTOCOL", help="Its folder, or the name of a shipped one.")
]


def check(protocol: TextArgument = COUNTY, as_json: Json = False) -> None:
    """Check a protocol's text: contradictions, clauses that can never apply, cases that fail."""
    with reporting(as_json=as_json):
        found = reviewing.review(protocol_folder(protocol))
    if as_json:
        say_json(
            {
                "digest": found.digest.hex(),
                "clauses": found.clauses,
                "cases": found.cases,
                "findings": [
                    {
                        "fault": one.fault,
                        "kind": one.kind,
                        "clause": one.clause or None,
                        "text": one.text,
                        "fix": one.fix,
                    }
                    for one in found.findings
                ],
            }
        )
    else:
        table(
            "",
            ("", "clause", "what"),
            [
                ("fault" if one.fault else "note", one.clause or "-", f"{one.text}\n{one.fix}")
                for one in found.findings
            ],
            "Nothing is wrong in the text.",
        )
        say(f"{found.clauses} clauses, {found.cases} cases decided.")
        say(f"Digest: {found.digest.hex()}")
    raise typer.Exit(Exit.DONE if found.sound else Exit.REJECTED)


def diff(
    protocol: TextArgument,
    before: Annotated[
        str | None,
        typer.Option(
            "--before",
            metavar="PROTOCOL",
            help="The text that it is compared with; else the newest revision of the installation.",
        ),
    ] = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Say clause by clause what is different in a protocol, and whether it opens more."""
    with reporting(as_json=as_json):
        after = read_county(folder=protocol_folder(protocol))
        former = _newest(folder) if before is None else read_county(folder=protocol_folder(before))
        found = reviewing.compare(former, after)
    if as_json:
        say_json(
            {
                "before": found.before.hex(),
                "after": found.after.hex(),
                "reach": found.reach.value,
                "agreement": [_document(one) for one in found.agreement],
                "clauses": [_document(one) for one in found.clauses],
                "cases": found.cases,
            }
        )
        return
    for heading, changes in (("Agreement", found.agreement), ("Clauses", found.clauses)):
        if changes:
            say(f"[bold]{heading}[/]")
        for one in changes:
            _tell(one)
    if found.cases:
        say(f"{found.cases} decision cases came, went or say something else.")
    if found.before == found.after:
        say("Nothing is different.")
    else:
        say(f"Taken together: {REACHES[found.reach]}.")


def _newest(folder: Path | None) -> Revision:
    protocol = asyncio.run(explaining.published(layout_for(folder), SystemClock()))
    return protocol.revisions[-1]


def _document(one: Change) -> dict[str, object]:
    return {
        "about": one.about,
        "was": one.was or None,
        "what": one.what.value,
        "reach": one.reach.value,
        "lines": list(one.lines),
    }


def _tell(one: Change) -> None:
    say(f"[bold]{escape(one.about)}[/] {one.what.value}: {REACHES[one.reach]}")
    for line in one.lines:
        say(f"  {escape(line)}")
