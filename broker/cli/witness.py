"""`log witness` and `log witnesses`: an agency looks at the log for all others; who has looked."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import typer
from rich.markup import escape

from broker.access_log.alarms import Raised
from broker.access_log.witness import Standing
from broker.cli.place import layout_for
from broker.cli.show import AgencyName, Dir, Exit, Json, iso, reporting, say, say_json, table, when
from broker.clock import SECOND, Clock, Instant
from broker.runtimes import receiving, witnessing
from broker.runtimes.agency import agency_side
from broker.runtimes.catalogue import sentence_of
from broker.runtimes.clock import SystemClock
from broker.runtimes.exchange import exchange_of
from broker.runtimes.layout import Layout
from broker.runtimes.protocol import read_protocol
from broker.runtimes.receiving import ReceiveReport
from broker.runtimes.witnessed import policy_of, read_alarms, read_standing
from broker.runtimes.witnessing import Witnessed


def witness(
    agency: AgencyName,
    confirm: Annotated[
        str | None,
        typer.Option(
            metavar="REASON",
            help="Settle this agency's own alarms and go on; the reason is published, so no names.",
        ),
    ] = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Look at the log as a witness: cosign what continues all that the agency has cosigned."""
    with reporting(as_json=as_json):
        registered, settled, report = asyncio.run(_witness(layout_for(folder), agency, confirm))
    seen = report.witnessed
    if as_json:
        say_json(
            {
                "agency": agency,
                "registered_now": registered,
                "settled": settled,
                "not_witnessed": report.not_witnessed or None,
                "cosigned": None if seen is None else seen.size,
                "warned": None if seen is None or seen.warned is None else seen.warned.code.name,
                **({} if seen is None else standing_document(seen.standing)),
                "alarms": [] if seen is None else alarm_documents(seen.alarms),
            }
        )
    else:
        _show(agency, report, registered=registered, settled=settled)
    good = seen is not None and seen.warned is None and not seen.alarms
    raise typer.Exit(Exit.DONE if good else Exit.UNSAFE)


async def _witness(
    layout: Layout, agency: str, confirm: str | None
) -> tuple[bool, int, ReceiveReport]:
    clock, settled = SystemClock(), 0
    async with agency_side(layout, agency, clock) as side:
        registered = await witnessing.register(side)
    async with agency_side(layout, agency, clock) as side:
        if confirm is not None:
            settled = await witnessing.confirm(side, confirm)
        return registered, settled, await receiving.look(side)


def _show(agency: str, report: ReceiveReport, *, registered: bool, settled: int) -> None:
    if registered:
        say(f"A key for witnessing was made and registered for {agency}.")
    if settled:
        say(f"{settled} alarms are settled.")
    seen = report.witnessed
    if seen is None:
        say(f"[bold]Nothing was cosigned[/]: {report.not_witnessed}")
        return
    if seen.warned is None:
        say(f"{agency} has cosigned the log up to {seen.size} entries.")
    else:
        say(f"[bold]Nothing was cosigned[/]: {escape(str(seen.warned))}")
    say(standing_words(seen.standing))
    for line in alarm_lines(seen.alarms):
        say(line)


def witnesses(
    policy: Annotated[
        bool, typer.Option("--policy", help="Print how many are enough, as C2SP tlog-policy.")
    ] = False,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """List who has witnessed the log, up to which size, and the alarms that stand."""

    async def run() -> tuple[Standing, tuple[Raised, ...], str]:
        return await _standing(layout_for(folder), SystemClock())

    with reporting(as_json=as_json):
        standing, alarms, text = asyncio.run(run())
        late = standing.late(SystemClock().now())
    if as_json:
        document = standing_document(standing) | {"late": late, "alarms": alarm_documents(alarms)}
        say_json(document | ({"policy": text} if policy else {}))
    elif policy:
        typer.echo(text, nl=False)
    else:
        table("", ("agency", "entries", "cosigned (UTC)"), _rows(standing), whole=("agency",))
        say(standing_words(standing))
        if late and standing.waiting is not None:
            say(f"[bold]No quorum since {when(standing.waiting)}[/]: see that adapters run.")
        for line in alarm_lines(alarms):
            say(line)
    raise typer.Exit(Exit.UNSAFE if late or alarms else Exit.DONE)


async def _standing(layout: Layout, clock: Clock) -> tuple[Standing, tuple[Raised, ...], str]:
    layout.require()
    async with exchange_of(layout).public(clock) as streams:
        protocol = await read_protocol(streams, layout.first_root.read_bytes())
        standing = await read_standing(streams, protocol, clock.now())
        alarms = await read_alarms(streams, protocol)
        return standing, alarms, policy_of(protocol, clock.now())


def _rows(standing: Standing) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    for agency in standing.agencies:
        one = standing.cosigned.get(agency)
        at = "-" if one is None else when(Instant(one.at_s * SECOND))
        rows.append((agency, "-" if one is None else str(one.size), at))
    return rows


def standing_words(standing: Standing) -> str:
    """Return how far the log is witnessed, as a person reads it."""
    if not standing.newest:
        return "No checkpoint of the log is published yet."
    have = len(standing.by(standing.newest - 1))
    words = (
        f"{have} of {len(standing.agencies)} agencies have witnessed the log: "
        f"{standing.newest} entries"
    )
    if standing.witnessed < standing.newest:
        words += f"; {standing.needed} are needed"
    return f"{words}."


def standing_document(standing: Standing) -> dict[str, object]:
    """Return how far the log is witnessed, as JSON shows it."""
    return {
        "published": standing.newest,
        "witnessed": standing.witnessed,
        "needed": standing.needed,
        "waiting_since": None if standing.waiting is None else iso(standing.waiting),
        "witnesses": [
            {
                "agency": agency,
                "size": one.size if one else 0,
                "root": one.root.hex() if one else None,
                "at": iso(Instant(one.at_s * SECOND)) if one else None,
            }
            for agency in standing.agencies
            for one in [standing.cosigned.get(agency)]
        ],
    }


def alarm_lines(alarms: Sequence[Raised]) -> Iterator[str]:
    """Yield the alarms that stand, as a person reads them."""
    for one in alarms:
        sentence, fix = sentence_of(one.alarm.code)
        who = f"{one.alarm.agency}, {when(one.alarm.at)}"
        yield f"[bold]ALARM[/] of {escape(who)}: {escape(sentence)} \\[{one.alarm.code}]"
        yield f"  {escape(fix)}"


def alarm_documents(alarms: Sequence[Raised]) -> list[dict[str, object]]:
    """Return the alarms that stand, as JSON shows them; the notes can be checked by anybody."""
    return [
        {
            "id": one.id.hex(),
            "agency": one.alarm.agency,
            "code": one.alarm.code,
            "sentence": sentence_of(one.alarm.code)[0],
            "at": iso(one.alarm.at),
            "size": one.alarm.size,
            "notes": [note.decode(errors="replace") for note in one.alarm.notes],
        }
        for one in alarms
    ]


def entry_words(seen: Witnessed | None, index: int) -> str:
    """Return whether an entry is witnessed, as a person reads it."""
    if seen is None or not seen.standing.has_quorum(index):
        return "not yet witnessed"
    return f"witnessed by {len(seen.standing.by(index))} of {len(seen.standing.agencies)}"


def entry_document(seen: Witnessed | None, index: int) -> Mapping[str, object]:
    """Return whether an entry is witnessed, as JSON shows it."""
    return {
        "quorum": seen is not None and seen.standing.has_quorum(index),
        "by": [] if seen is None else list(seen.standing.by(index)),
        "of": None if seen is None else len(seen.standing.agencies),
    }
