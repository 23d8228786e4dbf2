"""Contestant (b): Concordat itself, its parts as processes on an installation over Kafka.

An installation is founded for each course; its agencies say who works with whom, and that is routed
before anything is timed. Records are signed and sealed beforehand, as an agency does it when it
publishes. Clocks are the system's, and the county's month ends today.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

from confluent_kafka.admin import AdminClient

from adapters.demo_week.people import HOSPITALS
from benchmarks.kafka.contestants import Fed, Place, Shape
from benchmarks.kafka.driver import STALLED_S, Stalled
from benchmarks.kafka.lag import Positions
from benchmarks.kafka.load import Load
from benchmarks.kafka.processes import Worker, command, program, tree
from benchmarks.kafka.stock import Stock
from benchmarks.kafka.varied import revision_of, write_rules
from broker.protocol.narrowing import Direction
from broker.protocol.revision import Revision
from broker.records.names import AgencyId
from broker.runtimes import founding
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.cluster_file import ClusterFile
from broker.runtimes.layout import Layout
from broker.runtimes.narrowing import narrow
from broker.runtimes.publishing import publish_drafts
from broker.settings import Settings

PART = "benchmarks.kafka.part"
CORE = "spawn_main"
"""In the command of a process that another Python has started to work for it."""

UNASKED = 20_000
"""Records of the month where it is not said how many will be asked for."""

LOOK_S = 0.3
"""How often Kafka is asked how far the broker is, in seconds."""

QUIET_S = 1.0
"""How long the broker is through before everything counts as read, in seconds."""


class Quarantined(Stalled):
    """Records were refused: what was measured is not what was to be measured."""


class Concordat:
    """See the module."""

    name = "(b) Concordat"
    on = (
        "router with its core, and log, as `concordat run` starts them",
        "signatures checked, records opened and linked, one key a record",
        "policy by the module, with its memory of decisions; narrowed, sealed to each consumer",
        "log with proofs, fsync at each commit; seen records, tables, quarantine as shipped",
        "the clock is the system's; records are all different, signed and sealed beforehand",
        "off: TLS, OPA server, PostgreSQL, standing by",
    )

    def prepare(self, load: Load) -> None:
        """Keep which agencies the county has."""
        self._originals = [AgencyId(one) for one in load.agencies]
        self._revisions: dict[Shape, Revision] = {}

    @contextmanager
    def course(self, place: Place) -> Iterator["ConcordatCourse"]:
        """Found an installation, start its parts, and route who works with whom."""
        revision = self._revisions.get(place.shape)
        if revision is None:
            revision = self._revisions[place.shape] = revision_of(place.shape)
        with ExitStack() as stack:
            stack.callback(_drop, place)
            course = ConcordatCourse(place, revision, self._originals)
            stack.callback(course.stock.close)
            stack.callback(course.positions.close)
            for worker in (course.log, course.router):
                stack.callback(worker.stop)
                worker.start()
            course.settle()
            yield course
            course.check()


class ConcordatCourse:
    """One run; see `contestants.Course`."""

    narrows = HOSPITALS
    """The agency that narrows when it is measured: all that it sends can be narrowed."""

    def __init__(self, place: Place, revision: Revision, originals: list[AgencyId]) -> None:
        """Found the installation, and publish who works with whom."""
        root = place.folder / "county"
        self.layout = Layout.of(Settings(dir=root, kafka=place.kafka.address))
        self.most = place.records or UNASKED
        self._agencies = list(revision.agreement.roster.agencies)
        path = place.folder / "signed"
        self.stock = asyncio.run(_founded(self.layout, place, revision, originals, path))
        self._prefix = place.prefix
        self.outputs = [f"{place.prefix}deliveries.{one}" for one in self._agencies]
        self.positions = Positions(place.kafka.address, place.prefix, self._agencies)
        self.router, self.log = (
            Worker(
                part,
                program(PART, "run", part, "--dir", root),
                place.folder / f"{part}.log",
            )
            for part in ("router", "log")
        )
        self._looked = 0.0
        self._quiet: float | None = None

    def settle(self) -> None:
        """Wait until what is published is through.

        Raises:
            Stalled: it never is.
            Ended: a part has ended.
        """
        # Behind each transaction of an agency stands a marker, which no group commits.
        self._wanted = {topic: max(0, end - 1) for topic, end in self.positions.ends().items()}
        until = time.monotonic() + STALLED_S
        while not self.through():
            self.processes()
            if time.monotonic() > until:
                raise Stalled("the involvement of agencies is not routed")
            time.sleep(LOOK_S)
        self._began = self.positions.ends()
        self.processes()

    def ready(self, count: int) -> None:
        """Sign and seal."""
        self.stock.ready(min(count, self.most))

    def fed(self, number: int) -> Fed:
        """Return a signed and sealed record."""
        topic, key, value = self.stock.fed(number)
        self._quiet = None
        return Fed(self._prefix + topic, key, value)

    def deliveries(self, number: int) -> int:  # noqa: ARG002 - the port's signature
        """Tell nothing: only policy knows."""
        return 0

    def through(self) -> bool:
        """Tell whether everything is decided, logged and released since a while."""
        now = time.monotonic()
        if now < self._looked + LOOK_S:
            return False
        if self._quiet is None:
            self._looked = now
            if self.positions.routed(self._ends()) and self.positions.released():
                self._quiet = time.monotonic()
            return False
        return now > self._quiet + QUIET_S

    def _ends(self) -> Mapping[str, int]:
        if not hasattr(self, "_began"):
            return self._wanted
        ends = self.positions.ends()
        # What no record was fed to ends with a marker still.
        return {
            topic: end if end > self._began[topic] else self._wanted[topic]
            for topic, end in ends.items()
        }

    def processes(self) -> Mapping[str, int]:
        """Return the parts; the router's core, which decides, is a process of its own."""
        router = self.router.pid
        found = {"router": router, "log": self.log.pid}
        core = [one for one in tree(router)[1:] if CORE in command(one)]
        return found | ({"core": core[0]} if core else {})

    def kill(self) -> None:
        """Kill the router with its core."""
        self.router.kill()

    def restart(self) -> None:
        """Start the router again."""
        self.router.start()

    def narrow(self) -> tuple[float, float]:
        """Let an agency stop all that it sends; return when it said so, and when Kafka had it."""
        return asyncio.run(_narrowed(self.layout, self.narrows))

    def check(self) -> None:
        """Make sure that every record was accepted.

        Raises:
            Quarantined: some were not.
        """
        topics = [f"{self._prefix}quarantine.{one}" for one in self._agencies]
        if refused := sum(self.positions.end(topic) for topic in topics):
            raise Quarantined(f"{refused} messages in quarantine")


async def _founded(
    layout: Layout, place: Place, revision: Revision, originals: list[AgencyId], path: Path
) -> Stock:
    clock = SystemClock()
    cluster = ClusterFile.at(place.kafka.address, place.prefix, 1)
    rules = place.folder / "rules"
    write_rules(list(revision.agreement.roster.agencies), originals, rules / "publication")
    with patch.object(founding, "read_county", lambda **_: revision):
        await founding.found_county(layout, clock, cluster, rules)
    async with AsyncExitStack() as stack:
        sides = {
            agency: await stack.enter_async_context(agency_side(layout, agency, clock))
            for agency in revision.agreement.roster.agencies
        }
        stock = Stock(sides, originals, place.records or UNASKED, clock, path)
        for agency, said in stock.involvement().items():
            await publish_drafts(sides[agency], [one.draft for one in said])
    # Whatever else the agencies say is signed with their keys alone; nothing stays open.
    return stock


async def _narrowed(layout: Layout, agency: str) -> tuple[float, float]:
    async with agency_side(layout, agency, SystemClock()) as side:
        said = time.monotonic()
        await narrow(
            side,
            Direction.SENDING,
            counterpart="",
            record_type="",
            clause="",
            hours=None,
            reason="Measured.",
        )
        return said, time.monotonic()


def _drop(place: Place) -> None:
    admin = AdminClient({"bootstrap.servers": place.kafka.address, "log_level": 3})
    topics = admin.list_topics(timeout=30).topics
    place.kafka.drop([name for name in topics if name.startswith(place.prefix)])
