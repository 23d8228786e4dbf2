"""An agency stops sending or receiving, at once and by itself; only more signatures could widen."""

import asyncio
from typing import Annotated

import typer

from broker.cli.place import layout_for
from broker.cli.show import (
    AgencyName,
    Dir,
    Json,
    Refused,
    iso,
    reporting,
    say,
    say_json,
    table,
    when,
)
from broker.clock import FOREVER
from broker.errors import Code
from broker.protocol.narrowing import Direction, Narrowing
from broker.runtimes import narrowing
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SystemClock

WHAT = Code(
    "usage.narrow",
    "It is not said what to narrow.",
    "Write `sending` or `receiving`, or use --lift or --list.",
)


def narrow(
    agency: AgencyName,
    direction: Annotated[
        Direction | None, typer.Argument(metavar="sending|receiving", help="Which way.")
    ] = None,
    counterpart: Annotated[
        str, typer.Option("--with", help="Only with this agency or desk; all if left out.")
    ] = "",
    record_type: Annotated[str, typer.Option("--type", help="Only this record type.")] = "",
    clause: Annotated[str, typer.Option(help="Only what this clause grants.")] = "",
    hours: Annotated[
        int | None, typer.Option(min=1, help="Ends by itself after so many hours.")
    ] = None,
    reason: Annotated[
        str, typer.Option(help="Why, without anything about a child: everybody may read it.")
    ] = "",
    lift: Annotated[str | None, typer.Option(help="End the narrowing of this id.")] = None,
    list_them: Annotated[bool, typer.Option("--list", help="List what is narrowed.")] = False,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Narrow an agency's own sending or receiving. Clauses for immediate risk stay in force."""

    async def run() -> list[Narrowing] | str:
        async with agency_side(layout_for(folder), agency, SystemClock()) as side:
            if list_them:
                return narrowing.in_force(side.protocol, agency, side.clock.now())
            if lift is not None:
                return await narrowing.lift(side, lift)
            if direction is None:
                raise Refused(WHAT)
            return await narrowing.narrow(
                side,
                direction,
                counterpart=counterpart,
                record_type=record_type,
                clause=clause,
                hours=hours,
                reason=reason,
            )

    with reporting(as_json=as_json):
        done = asyncio.run(run())
    if isinstance(done, list):
        _show(done, as_json=as_json)
    elif as_json:
        say_json({"lifted" if lift else "narrowing": done})
    elif lift:
        say(f"{done} is lifted. What was held for it is decided afresh with the next route.")
    else:
        say(f"{done} is in force with the next decision. `--lift {done}` ends it.")


def _show(found: list[Narrowing], *, as_json: bool) -> None:
    if as_json:
        say_json(
            [
                {
                    "id": one.id,
                    "direction": one.direction.value,
                    "with": one.counterpart or None,
                    "type": one.type or None,
                    "clause": one.clause or None,
                    "since": iso(one.since),
                    "until": None if one.until == FOREVER else iso(one.until),
                    "reason": one.reason,
                }
                for one in found
            ]
        )
        return
    table(
        "",
        ("id", "which way", "with", "type", "clause", "since", "until", "why"),
        [
            (
                one.id,
                one.direction.value,
                one.counterpart or "all",
                one.type or "all",
                one.clause or "all",
                when(one.since),
                "-" if one.until == FOREVER else when(one.until),
                one.reason,
            )
            for one in found
        ],
        "Nothing is narrowed.",
    )
