"""Which way of exchange an installation has, and what it says when it can't be used."""

import sys
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest

from broker.runtimes.clock import SetClock
from broker.runtimes.cluster_file import ClusterFile
from broker.runtimes.embedded import JOINED, open_broker
from broker.runtimes.exchange import FileExchange, exchange_of
from broker.runtimes.health import examine
from broker.runtimes.kafka import KafkaExchange
from broker.runtimes.layout import InstallationError, Layout
from broker.settings import Settings
from tests.journeys.steps import NOON

CLOCK = SetClock(NOON)


@pytest.fixture
def layout(founded: Path, tmp_path: Path) -> Layout:
    """Eastshire, where nothing has happened yet, on files."""
    return Layout(Path(copytree(founded, tmp_path / "county")))


async def test_the_installations_own_file_says_how_it_exchanges(layout: Layout) -> None:
    # given an installation on files, when it has a file that names a cluster, then that counts
    assert isinstance(exchange_of(layout), FileExchange)
    file = ClusterFile.at("a:9092", "east.", 3)
    file.write(layout.cluster)
    assert exchange_of(layout) == KafkaExchange(layout, file)

    # and this machine's own address comes before the file's
    assert KafkaExchange(layout, file).cluster(CLOCK).bootstrap == "a:9092"
    addresses = replace(layout.addresses, kafka="b:9092")
    cluster = KafkaExchange(replace(layout, addresses=addresses), file).cluster(CLOCK)
    assert (cluster.bootstrap, cluster.prefix, cluster.replicas) == ("b:9092", "east.", 3)
    assert cluster.told is None


async def test_kafka_without_its_extra_says_what_to_install(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given an installation over Kafka on a machine that lacks the client
    ClusterFile.at("a:9092", "", 1).write(layout.cluster)
    monkeypatch.delattr("broker.runtimes.kafka")
    monkeypatch.setitem(sys.modules, "broker.runtimes.kafka", None)

    # when anything is done there, then it says what to install, and doctor, too
    with pytest.raises(InstallationError) as refused:
        exchange_of(layout)
    assert refused.value.code.name == "installation.kafka-client"
    assert "concordat-broker[kafka]" in refused.value.fix
    (bad,) = [one for one in (await examine(layout, CLOCK)).checks if not one.good]
    assert "concordat-broker[kafka]" in bad.fix


@pytest.mark.parametrize("follow", [True, False])
async def test_a_broker_ends_when_an_agency_has_joined_to_be_opened_with_its_topics(
    layout: Layout, follow: bool
) -> None:
    # given a broker over the topics of all agencies but one, which the protocol it reads now names
    settings = Settings(dir=layout.root)
    async with open_broker(layout, CLOCK, settings, inline=True) as broker:
        routing = replace(broker.routing, agencies=broker.routing.agencies[1:])

        # when it runs, then it ends by itself, though it follows, says so, and all is logged
        counts = await replace(broker, routing=routing).run(follow=follow)
        assert counts[JOINED] == 1
        assert counts["entries"] == counts["messages"] > 0

        # and with the topics of all there is nothing to say
        assert (await broker.run())[JOINED] == 0
