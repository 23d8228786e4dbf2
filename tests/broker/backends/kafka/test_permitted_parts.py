"""Every part of an installation does its whole work with the permissions of `acls`."""

import asyncio
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.demo_week.week import write_week
from broker.backends.kafka.cluster import Cluster
from broker.clock import DAY, Clock, Instant
from broker.lanes import Message
from broker.runtimes import receiving
from broker.runtimes.acls import principal_of
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.cluster_file import ClusterFile
from broker.runtimes.exchange import Part, exchange_of
from broker.runtimes.kafka import KafkaExchange
from broker.runtimes.layout import Layout
from broker.runtimes.loops import open_logging, open_routing
from broker.runtimes.protocol import protocol_entries
from broker.runtimes.publishing import publish_files
from broker.settings import Settings
from tests.broker.backends.kafka.secured import WHOLE, County
from tests.journeys.steps import NOON

pytestmark = pytest.mark.slow

CHILDREN = 40
SENDERS = ("eastshire-police", "eastshire-council")


class Parties:
    """One installation over the secured cluster; says who acts now."""

    def __init__(self, layout: Layout, county: County, monkeypatch: pytest.MonkeyPatch) -> None:
        self.layout = layout
        self.who = "admin"
        self._county = county
        open_cluster = KafkaExchange.cluster

        def secured(exchange: KafkaExchange, clock: Clock) -> Cluster:
            made = open_cluster(exchange, clock)
            return replace(made, bootstrap=county.address, security=county.of(self.who))

        monkeypatch.setattr(KafkaExchange, "cluster", secured)

    async def found(self) -> None:
        """Move the county's protocol to the cluster, as an administrator."""
        clock, layout = SetClock(Instant(NOON - DAY)), self.layout
        async with exchange_of(layout).public(clock) as files:
            entries = await protocol_entries(files)
        layout.broker_store.unlink()
        ClusterFile(bootstrap=self._county.address, prefix=WHOLE, demonstration=True).write(
            layout.cluster
        )
        async with exchange_of(layout).found(clock, layout.agencies()) as streams:
            await streams.publish(
                [Message("protocol", bytes(8), one.message.value) for one in entries]
            )

    async def send(self, agency: str, files: list[Path]) -> int:
        """Publish files as an agency."""
        self.who = principal_of(agency)
        async with agency_side(self.layout, agency, SetClock(NOON)) as side:
            return len((await publish_files(side, files)).published)

    async def route(self) -> Counter[str]:
        """Route as the router, and tidy."""
        self.who = "router"
        counts: Counter[str] = Counter()
        layout, clock, settings = self.layout, SetClock(NOON), Settings(dir=self.layout.root)
        async with (
            exchange_of(layout).broker(clock, Part.ROUTER) as streams,
            open_routing(layout, clock, settings, streams, inline=True) as routing,
        ):
            await routing.run(counts, lambda _: None, follow=False)
            await streams.keeper.tidy(routing.agencies, NOON)
            await routing.forget_seen()
        return counts

    async def log(self) -> Counter[str]:
        """Log and release as the log."""
        self.who = "log"
        counts: Counter[str] = Counter()
        last = asyncio.Event()
        last.set()
        layout = self.layout
        async with (
            exchange_of(layout).broker(SetClock(NOON), Part.LOG) as streams,
            open_logging(layout, Settings(dir=layout.root), streams) as logging,
        ):
            await logging.run(counts, lambda _: None, last)
        return counts

    async def receive(self, agency: str) -> receiving.ReceiveReport:
        """Receive as an agency, and say how far it has read."""
        self.who = principal_of(agency)
        exchange = exchange_of(self.layout)
        async with agency_side(self.layout, agency, SetClock(NOON)) as side:
            report = await receiving.receive(side)
        async with exchange.agency(side.agency, SetClock(NOON)) as streams:
            await exchange.report(streams, side.agency)
        return report


async def test_each_part_does_its_work_with_its_own_certificate_and_permissions(
    founded: Path, county: County, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a county on the secured cluster, and some files of its agencies
    layout = Layout(Path(shutil.copytree(founded, tmp_path / "county")))
    week = tmp_path / "week"
    write_week(week, count=CHILDREN)
    parties = Parties(layout, county, monkeypatch)
    await parties.found()

    # when agencies send, the router routes, the log logs, each as itself
    sent = 0
    for agency in SENDERS:
        sent += await parties.send(agency, sorted((week / agency).glob("2026-03-0[23]-*.json")))
    routed = await parties.route()
    logged = await parties.log()

    # then everything that was sent was decided, logged and released
    assert sent > 10
    assert routed["messages"] >= sent
    assert logged["entries"] >= sent
    assert logged["deliveries"] > 0

    # and all of it is received, verified, by those whom it is for
    reports = [await parties.receive(agency) for agency in layout.agencies()]
    assert sum(one.received for one in reports) == logged["deliveries"]
    assert [one.refused for one in reports if one.refused] == []
