"""What the broker's operator does: set up, route, look whether all is well."""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Annotated

import typer
from rich.progress import SpinnerColumn, TextColumn

from broker.cli.place import Runtime, RuntimeOption, layout_for, settings_for
from broker.cli.show import (
    Dir,
    Exit,
    Json,
    counted,
    progress_bar,
    reporting,
    say,
    say_json,
    table,
)
from broker.protocol.revision import Revision
from broker.runtimes.clock import SystemClock
from broker.runtimes.cluster_file import PREFIX, ClusterFile
from broker.runtimes.embedded import JOINED, open_broker
from broker.runtimes.founding import COUNTY, found_county, protocol_folder
from broker.runtimes.health import examine
from broker.runtimes.layout import Layout


def init(
    runtime: RuntimeOption = Runtime.EMBEDDED,
    prefix: Annotated[
        str, typer.Option("--prefix", help="Over Kafka: begins the name of every topic.")
    ] = PREFIX,
    replicas: Annotated[
        int, typer.Option("--replicas", min=1, max=7, help="Over Kafka: copies of each topic.")
    ] = 1,
    protocol: Annotated[
        str,
        typer.Option("--protocol", help="A shipped protocol (eastbridge), or a folder of one."),
    ] = COUNTY,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Found a fictional county, by default Eastshire: keys, signed protocol, empty stores.

    It is a demonstration: the officers' private keys lie in the same folder.
    """
    settings = settings_for(folder)
    layout = Layout.of(settings)
    with reporting(as_json=as_json):
        cluster = None
        if runtime is Runtime.KAFKA:
            cluster = ClusterFile.at(settings.kafka, prefix, replicas)
        revision = asyncio.run(
            found_county(layout, SystemClock(), cluster, protocol_folder(protocol))
        )
    if as_json:
        say_json(_founded(layout, revision))
        return
    say(f"Founded: {revision.agreement.name}, in {layout.root}.")
    say(f"Revision {revision.digest.hex()[:16]}…, {len(revision.clauses)} clauses, signed by all.")
    for agency in revision.agreement.roster.agencies.values():
        say(f"  {agency.id}: {agency.name}")
    say("This is a demonstration: its officers' private keys lie in the folder too.")


def _founded(layout: Layout, revision: Revision) -> dict[str, object]:
    return {
        "dir": str(layout.root),
        "partnership": revision.agreement.name,
        "revision": revision.digest.hex(),
        "clauses": len(revision.clauses),
        "agencies": list(revision.agreement.roster.agencies),
    }


def route(
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until interrupted (Ctrl-C).")
    ] = False,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Decide what was published, log it, and release what the protocol allows."""
    settings = settings_for(folder)
    layout = Layout.of(settings)
    ended: Counter[str] = Counter()
    current: Counter[str] = Counter()

    async def run() -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"))
        with progress_bar(*columns, as_json=as_json) as bar:
            task = bar.add_task("Routing")

            def told(counts: Counter[str]) -> None:
                current.clear()
                current.update(counts)
                bar.update(task, description=_amounts(ended + current))

            while True:
                # Opened anew for the next day's key, and for the topics of an agency that joins.
                async with open_broker(layout, SystemClock(), settings) as broker:
                    last = await broker.run(told, follow=follow)
                    current.clear()
                    await broker.tidy()
                joined = last.pop(JOINED, 0)
                ended.update(last)
                if not (follow or joined):
                    return

    with reporting(as_json=as_json), suppress(KeyboardInterrupt):
        asyncio.run(run())
    counts = ended + current  # an interrupted run is counted as far as it came
    if as_json:
        always = dict.fromkeys(("messages", "entries", "deliveries"), 0)
        say_json(always | dict(sorted(counts.items())))
    else:
        say(f"{counts['messages']} messages: {_shown(counts)}.")
        say(f"{counts['entries']} log entries, {counts['deliveries']} deliveries released.")


def _amounts(counts: Counter[str]) -> str:
    return (
        f"{counts['messages']} messages, {counts['entries']} entries, "
        f"{counts['deliveries']} deliveries"
    )


def _shown(counts: Counter[str]) -> str:
    hidden = {"messages", "entries", "deliveries"}
    return counted({name: number for name, number in counts.items() if name not in hidden})


def doctor(folder: Dir = None, as_json: Json = False) -> None:
    """Look whether everything that safety needs is in its place, and print whom to ring."""
    health = asyncio.run(examine(layout_for(folder), SystemClock()))
    if as_json:
        say_json(
            {
                "good": health.good,
                "checks": [
                    {"name": one.name, "good": one.good, "said": one.said, "fix": one.fix}
                    for one in health.checks
                ],
                "telephones": [
                    {
                        "agency": one.agency,
                        "desk": one.desk,
                        "hours": one.hours,
                        "telephone": one.number,
                        "out_of_hours": one.out_of_hours,
                    }
                    for one in health.telephones
                ],
            }
        )
    else:
        table(
            "",
            ("", "what", "found", "what to do"),
            [
                ("ok" if one.good else "BAD", one.name, one.said, "" if one.good else one.fix)
                for one in health.checks
            ],
        )
        table(
            "Whom to ring",
            ("agency", "desk", "hours", "telephone", "out of hours"),
            [
                (one.agency, one.desk, one.hours, one.number, one.out_of_hours)
                for one in health.telephones
            ],
            "No roster can be read: ring 999 where a child is in immediate danger.",
        )
    raise typer.Exit(Exit.DONE if health.good else Exit.UNSAFE)
