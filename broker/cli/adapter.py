"""`adapter`: an agency's side, day and night: folders and listeners in, deliveries to its sinks."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

import typer
from rich.markup import escape

from broker.backends.sqlite.lock import exclusive
from broker.cli.place import layout_for
from broker.cli.run import serve_part
from broker.cli.show import AgencyName, Dir, Exit, Json, reporting, say, say_json, table, when
from broker.runtimes import adapter_status, clock_check, publishing, receiving, serving
from broker.runtimes.adapter import Adapter, open_adapter
from broker.runtimes.adapter_settings import read_adapter_settings
from broker.runtimes.adapter_status import AdapterStatus
from broker.runtimes.agency import agency_side
from broker.runtimes.catalogue import sentence_of
from broker.runtimes.clock import SystemClock
from broker.runtimes.layout import Layout
from broker.runtimes.watching import DONE, STILL_S, TakenFile, document_of


def adapter(
    agency: AgencyName,
    once: Annotated[
        bool,
        typer.Option(
            "--once", help="Take what lies in folders, send, receive, hand over, and end."
        ),
    ] = False,
    status: Annotated[
        bool,
        typer.Option("--status", help="Only tell how all of it does."),
    ] = False,
    again: Annotated[
        str | None,
        typer.Option(metavar="SINK", help="Hand over again what this sink would not take."),
    ] = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Take what an agency's systems drop or bring; send, receive and hand over, day and night."""
    layout = layout_for(folder)
    with reporting(as_json=as_json):
        layout.require(agency)
        settings = read_adapter_settings(layout, agency)
    if again is not None:
        with reporting(as_json=as_json):
            count = asyncio.run(adapter_status.wait_again(layout, agency, settings, again))
        if as_json:
            say_json({"sink": again, "waiting_again": count})
        else:
            say(f"{count} deliveries wait for {escape(again)} again.")
    elif status:
        with reporting(as_json=as_json):
            found = asyncio.run(
                adapter_status.status_of(layout, agency, settings, SystemClock().now())
            )
        if as_json:
            say_json(adapter_status.status_document(found))
        else:
            _show_status(found)
        raise typer.Exit(Exit.DONE if found.good else Exit.REJECTED)
    elif once:
        _do_once(layout, agency, as_json=as_json)
    else:

        async def serve(service: serving.Service) -> None:
            async with open_adapter(
                layout, agency, settings, service.clock, service.said
            ) as opened:
                await serving.serve_agency(service, agency, opened)

        serve_part(folder, serve, as_json=as_json)


def _do_once(layout: Layout, agency: str, *, as_json: bool) -> None:
    said: list[str] = []

    async def run() -> tuple[list[TakenFile], int, int, int, int]:
        clock = SystemClock()
        settings = read_adapter_settings(layout, agency)
        async with open_adapter(
            layout, agency, settings, clock, lambda what, why: said.append(f"{what}: {why}")
        ) as opened:
            return await _once(layout, agency, opened)

    with reporting(as_json=as_json):
        taken, sent, received, handed, told = asyncio.run(run())
    if as_json:
        say_json(
            {
                "files": [{"place": one.place, **document_of(one.report)} for one in taken],
                "sent": sent,
                "received": received,
                "handed_over": handed,
                "notices": told,
                "said": said,
            }
        )
    else:
        _show(taken)
        say(f"{sent} records sent, {received} deliveries received, {handed} handed over.")
        if told:
            say(f"{told} notices sent.")
        for line in said:
            say(f"[bold]{escape(line)}[/]")
    clean = not said and all(one.place == DONE for one in taken)
    raise typer.Exit(Exit.DONE if clean else Exit.REJECTED)


async def _once(
    layout: Layout, agency: str, opened: Adapter
) -> tuple[list[TakenFile], int, int, int, int]:
    with exclusive(layout.adapter_lock(agency)):
        async with agency_side(layout, agency, SystemClock()) as side:
            clock = clock_check.ClockCheck(side.clock)
            if await clock.look(side.stream):
                opened.watch.said("clock", clock.said)
            opened.watch.settle()
            await asyncio.sleep(STILL_S)
            taken = await opened.watch.look(side)
            sent = await publishing.send_waiting(side)
            received = await receiving.receive(side)
            handed = 0
            while now := await opened.hand_over(side):
                handed += now
            told = await opened.tell(side)
            return taken, sent, received.received, handed, told


def _show(taken: list[TakenFile]) -> None:
    rows = []
    for one in taken:
        (account,) = one.report.files
        rejected = len(account.rejected) + len(one.report.refused)
        counts = (account.read, account.mapped, rejected, len(one.report.published))
        rows.append((account.file, one.place, *(str(count) for count in counts)))
    columns = ("file", "is now in", "read", "mapped", "rejected", "records new")
    table("", columns, rows, "Nothing lies in the folders.")


def _show_status(found: AdapterStatus) -> None:
    say("It runs." if found.runs else "[bold]It does not run.[/]")
    say(f"{found.unsent} records wait in the outbox.")
    _show_witness(found)
    if found.folders:
        table(
            "Folders",
            ("folder", "lie there", "work", "done", "rejected", "error"),
            [
                (str(one.path), *(str(one.counts[name]) for name in adapter_status.PLACES_SHOWN))
                for one in found.folders
            ],
        )
    if found.listeners:
        table(
            "Listeners",
            ("listener", "listens at", "since it runs"),
            [(one.name, one.address or "-", _counted(one.counts)) for one in found.listeners],
        )
    if found.sinks:
        table(
            "Sinks, times in UTC",
            ("sink", "handed over", "the last one", "wait", "since", "refused", "last trouble"),
            [
                (
                    name,
                    str(one.handed),
                    "-" if one.last is None else when(one.last),
                    str(one.waiting),
                    "-" if one.since is None else when(one.since),
                    str(len(one.refused)),
                    one.code or "-",
                )
                for name, one in found.sinks.items()
            ],
        )
    if found.notices:
        table(
            "Notices, times in UTC",
            ("channel", "sent", "the last one", "wait", "since", "last trouble"),
            [
                (
                    name,
                    str(one.sent),
                    "-" if one.last is None else when(one.last),
                    str(one.waiting),
                    "-" if one.since is None else when(one.since),
                    one.code or "-",
                )
                for name, one in found.notices.items()
            ],
        )
    if found.clock_off_ms:
        said = f"{clock_check.words(found.clock_off_ms)}. {clock_check.FIX}"
        say(f"[bold]This host's clock[/] is {escape(said)}")
    for one in found.nobody_told:
        say(f"[bold]Nobody is told[/] what is owed at {escape(one)}: no address.")
    for name, standing in found.sinks.items():
        for refused in standing.refused:
            say(
                f"[bold]{escape(name)}[/] will not take {refused.delivery.hex()}: "
                + escape(f"{sentence_of(refused.code)} {refused.where}".rstrip())
            )


def _show_witness(found: AdapterStatus) -> None:
    seen = found.witness
    if seen is None:
        return
    say(
        f"{seen.witnesses} of {seen.of} agencies have witnessed the log: {seen.newest} entries; "
        f"enough of them {seen.witnessed}."
    )
    if seen.waiting is not None and seen.late(found.at):
        say(f"[bold]ALARM[/]: the log is not witnessed since {when(seen.waiting)} (UTC).")
    if seen.warned:
        say(f"[bold]This agency cosigns nothing[/]: {escape(sentence_of(seen.warned)[0])}")
    for who, code in seen.alarms:
        say(f"[bold]ALARM[/] of {escape(who)}: {escape(sentence_of(code)[0])} \\[{escape(code)}]")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "-"
