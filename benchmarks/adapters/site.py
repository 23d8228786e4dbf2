"""An installation over files on this machine, whose parts run in processes as users start them."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.demo_week.people import COUNCIL, ST_BRANNOCKS
from benchmarks.adapters import made_up
from benchmarks.kafka.processes import Worker
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.founding import found_county
from broker.runtimes.layout import Layout
from broker.runtimes.publishing import publish_files

PROGRAM = "from broker.cli import main; main()"
LOOK_S = 0.02
PATIENCE_S = 120.0
"""Seconds after which what is waited for counts as not coming."""

ON_ROLL = 40
"""Children of the school; with the first one the council works, too."""


class NotComing(RuntimeError):  # noqa: N818 - what happened
    """What was waited for has not come."""


def concordat(*arguments: str | Path) -> tuple[str | Path, ...]:
    """Return the command that runs `concordat` of this tree."""
    return (sys.executable, "-c", PROGRAM, *arguments)


def yesterday() -> str:
    """Return yesterday's date."""
    return (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


def child(number: int) -> dict[str, str]:
    """Return a child as the school's forms name it."""
    return {
        "ownId": f"SBS-{number}",
        "upn": made_up.upn(number + 1),
        "nhsNumber": made_up.nhs(number),
        "firstName": made_up.given(number),
        "lastName": made_up.family(number),
        "dateOfBirth": made_up.born(number).isoformat(),
    }


def involvement(agency: str, number: int, kind: str) -> dict[str, Any]:
    """Return the form that says that an agency works with a child."""
    return {
        "form": "involvement",
        "agency": agency,
        "child": child(number),
        "reference": f"{agency}-{number}-{kind}",
        "kind": kind,
        "from": "2025-09-01",
        "decidedBy": "Information manager",
    }


def concern(mark: str) -> dict[str, Any]:
    """Return a concern of the school that cannot wait; its summary holds a mark."""
    day = yesterday()
    return {
        "form": "concern",
        "agency": ST_BRANNOCKS,
        "child": child(0),
        "reference": f"SBS-{mark}",
        "on": day,
        "urgency": "immediate",
        "account": "Does not want to go home today, and has marks on both arms.",
        "shareableSummary": f"Marks on both arms: {mark}.",
        "summaryShareable": True,
        "thirdPartyChecked": True,
        "indicators": [{"code": "self-harm", "on": day, "basis": "fact"}],
        "decidedBy": "Designated safeguarding lead",
    }


def until(what: Callable[[], bool], check: Callable[[], None] = lambda: None) -> None:
    """Wait until something is so.

    Raises:
        NotComing: it does not come to be.
    """
    end = time.monotonic() + PATIENCE_S
    while not what():
        check()
        if time.monotonic() > end:
            raise NotComing(getattr(what, "__doc__", None) or "it does not come")
        time.sleep(LOOK_S)


@dataclass(slots=True)
class Site:
    """An installation and the processes of its parts.

    Attributes:
        layout: where.
        workers: that run, by name.
    """

    layout: Layout
    workers: dict[str, Worker] = field(default_factory=dict)

    @classmethod
    async def found(cls, root: Path) -> "Site":
        """Found a county, now; its school has forty children, and the council works with one."""
        site = cls(Layout(root))
        await found_county(site.layout, SystemClock())
        links = [involvement(ST_BRANNOCKS, number, "on-roll") for number in range(ON_ROLL)]
        await site.publish(ST_BRANNOCKS, links)
        await site.publish(COUNCIL, [involvement(COUNCIL, 0, "allocated")])
        return site

    async def publish(self, agency: str, forms: Sequence[object]) -> None:
        """Publish forms of an agency.

        Raises:
            NotComing: they are not taken.
        """
        path = self.layout.root / f"{agency}-forms.json"
        path.write_text(json.dumps({"forms": forms}), encoding="utf-8")
        async with agency_side(self.layout, agency, SystemClock()) as side:
            report = await publish_files(side, [path])
        if not report.clean or len(report.published) != len(forms):
            raise NotComing(f"forms of {agency}")

    def start(self, name: str, *arguments: str | Path) -> Worker:
        """Start a command of `concordat` as a part."""
        command = concordat(*arguments, "--dir", self.layout.root)
        worker = Worker(name, command, self.layout.root / f"{name}.out")
        worker.start()
        self.workers[name] = worker
        return worker

    def route(self) -> Worker:
        """Start router and log: one process."""
        return self.start("broker", "route", "--follow")

    def adapt(self, agency: str, settings: str) -> Worker:
        """Start an agency's adapter."""
        self.layout.adapter_settings(agency).write_text(settings, encoding="utf-8")
        return self.start(agency, "adapter", agency)

    def check(self) -> None:
        """Make sure that everything runs.

        Raises:
            Ended: a process has ended.
        """
        for one in self.workers.values():
            one.check()

    def stop(self) -> None:
        """Stop what runs."""
        for one in self.workers.values():
            one.stop()
        self.workers.clear()


@contextmanager
def running(site: Site) -> Iterator[Site]:
    """Stop a site's processes at the end, whatever happens."""
    try:
        yield site
    finally:
        site.stop()
