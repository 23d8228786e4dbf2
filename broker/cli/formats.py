"""`formats`: what `publish` reads."""

from typing import Annotated

import typer
from rich.markup import escape

from adapters.described import Described, described
from adapters.registry import named
from broker.cli.show import Json, reporting, say, say_json, table


def formats(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One format, whole.")] = None,
    as_json: Json = False,
) -> None:
    """List the formats that are read, or tell what one of them is."""
    found = described()
    with reporting(as_json=as_json):
        if name is not None:
            known = named(name).name
            found = tuple(one for one in found if one.name == known)
    if as_json:
        say_json({"formats": [_document(one) for one in found]})
    elif name is not None:
        _tell(found[0])
    else:
        rows = [(one.name, one.agency_type or "any", one.title) for one in found]
        table("", ("format", "agencies", "what it is"), rows, whole=("format",))
        say("A file is recognised by what is in it; `--format NAME` names its format instead.")


def _document(one: Described) -> dict[str, str | None]:
    return {
        "name": one.name,
        "agency_type": one.agency_type,
        "title": one.title,
        "text": one.text,
    }


def _tell(one: Described) -> None:
    say(f"[bold]{escape(one.name)}[/]: {escape(one.title)}.")
    if one.text:
        say()
        say(escape(one.text))
    say()
    say("Element by element: docs/mappings.md, under the same name.")
