"""`adapter`: an agency's side, day and night: folders in, deliveries received, outbox sent."""

import asyncio
from typing import Annotated

import typer
from rich.markup import escape

from broker.backends.sqlite.lock import exclusive
from broker.cli.place import layout_for
from broker.cli.run import serve_part
from broker.cli.show import AgencyName, Dir, Exit, Json, reporting, say, say_json, table
from broker.runtimes import publishing, receiving, serving
from broker.runtimes.adapter_settings import read_adapter_settings
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.layout import Layout
from broker.runtimes.serving import FOLDERS_S
from broker.runtimes.watching import DONE, TakenFile, Watch, document_of


def adapter(
    agency: AgencyName,
    once: Annotated[
        bool, typer.Option("--once", help="Take what lies there, send, receive, and end.")
    ] = False,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Take what an agency's systems drop into its folders; send and receive, day and night."""
    layout = layout_for(folder)
    with reporting(as_json=as_json):
        layout.require(agency)
        folders = read_adapter_settings(layout, agency)
    if not once:

        async def serve(service: serving.Service) -> None:
            await serving.serve_agency(service, agency, Watch(folders, service.said))

        serve_part(folder, serve, as_json=as_json)
        return
    said: list[str] = []
    watch = Watch(folders, lambda what, why: said.append(f"{what}: {why}"))
    with reporting(as_json=as_json):
        taken, sent, received = asyncio.run(_once(layout, agency, watch))
    if as_json:
        say_json(
            {
                "files": [{"place": one.place, **document_of(one.report)} for one in taken],
                "sent": sent,
                "received": received,
                "said": said,
            }
        )
    else:
        _show(taken, sent, received, said)
    clean = not said and all(one.place == DONE for one in taken)
    raise typer.Exit(Exit.DONE if clean else Exit.REJECTED)


async def _once(layout: Layout, agency: str, watch: Watch) -> tuple[list[TakenFile], int, int]:
    with exclusive(layout.adapter_lock(agency)):
        async with agency_side(layout, agency, SystemClock()) as side:
            watch.settle()
            await asyncio.sleep(FOLDERS_S)
            taken = await watch.look(side)
            sent = await publishing.send_waiting(side)
            received = await receiving.receive(side)
            return taken, sent, received.received


def _show(taken: list[TakenFile], sent: int, received: int, said: list[str]) -> None:
    rows = []
    for one in taken:
        (account,) = one.report.files
        rejected = len(account.rejected) + len(one.report.refused)
        counts = (account.read, account.mapped, rejected, len(one.report.published))
        rows.append((account.file, one.place, *(str(count) for count in counts)))
    columns = ("file", "is now in", "read", "mapped", "rejected", "records new")
    table("", columns, rows, "Nothing lies in the folders.")
    say(f"{sent} records sent, {received} deliveries received.")
    for line in said:
        say(f"[bold]{escape(line)}[/]")
