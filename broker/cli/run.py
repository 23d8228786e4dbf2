"""Parts of an installation that run day and night, and a look whether they do."""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from broker.cli.place import layout_for, settings_for
from broker.cli.show import AgencyName, Dir, Json, counted, reporting, say, say_json
from broker.runtimes import serving
from broker.runtimes.clock import SystemClock
from broker.runtimes.garbage import look_seldom
from broker.runtimes.layout import Layout


def router(folder: Dir = None, as_json: Json = False) -> None:
    """Decide what is published, as one of several routers: one works, the others stand by."""
    serve_part(folder, serving.serve_router, as_json=as_json)


def log(folder: Dir = None, as_json: Json = False) -> None:
    """Log what is decided and release what the protocol allows; several take turns."""
    serve_part(folder, serving.serve_log, as_json=as_json)


def agency(agency: AgencyName, folder: Dir = None, as_json: Json = False) -> None:
    """Receive what comes for an agency, verified, and send what waits in its outbox."""

    async def serve(service: serving.Service) -> None:
        await serving.serve_agency(service, agency)

    serve_part(folder, serve, as_json=as_json)


def bundle(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8282,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Give the policy in force to the OPA server that asks for it."""

    async def serve(service: serving.Service) -> None:
        await serving.serve_bundle(service, host, port)

    serve_part(folder, serve, as_json=as_json)


def alive(
    part: Annotated[str, typer.Argument(metavar="PART", help="router, log, or an agency's id.")],
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Tell whether a part runs: by its heartbeat, which may be half a minute old."""
    with reporting(as_json=as_json):
        serving.check_heartbeat(layout_for(folder), part)
    if as_json:
        say_json({"part": part, "alive": True})
    else:
        say(f"{part} runs.")


def serve_part(
    folder: Dir, work: Callable[[serving.Service], Awaitable[None]], *, as_json: bool
) -> None:
    """Run a part until a signal asks it to stop; every line is for whoever keeps its output."""
    settings = settings_for(folder)
    look_seldom()

    def said(what: str, why: str) -> None:
        line = json.dumps({"does": what, "why": why}) if as_json else f"{what}: {why}"
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    service = serving.Service(Layout.of(settings), SystemClock(), settings, said)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, service.stop.set)
        await work(service)

    with reporting(as_json=as_json):
        asyncio.run(run())
    said("ends", counted(service.counts))
