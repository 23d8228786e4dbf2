"""What `doctor` says of Kafka, PostgreSQL and an OPA server: each there, away, or ill set."""

from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copytree

import pytest

from broker.access_log.ports import LeafIndex
from broker.clock import DAY, MINUTE
from broker.lanes import Unavailable
from broker.protocol.revision import Revision
from broker.runtimes import servers
from broker.runtimes.clock import SetClock
from broker.runtimes.cluster_file import ClusterFile
from broker.runtimes.embedded import open_broker
from broker.runtimes.exchange import exchange_of
from broker.runtimes.explaining import published
from broker.runtimes.health import examine
from broker.runtimes.indexing import index_to_write
from broker.runtimes.layout import Addresses, Layout
from broker.runtimes.points import module_point
from broker.runtimes.servers import Check
from broker.runtimes.tidying import KEPT
from broker.settings import Settings
from tests.contracts.log_index import numbered
from tests.journeys.steps import NOON
from tests.support.kafka import free_port

CLOCK = SetClock(NOON)
POSTGRES = Addresses(postgres="postgresql://concordat@database.example/log")


@dataclass
class Place:
    """An installation on files, and the revision in force there."""

    layout: Layout
    revision: Revision

    async def look(self, addresses: Addresses) -> dict[str, Check]:
        """Return what is said of each server, by its name."""
        layout = replace(self.layout, addresses=addresses)
        return {one.name: one async for one in servers.servers(layout, CLOCK, self.revision)}


async def place(root: Path) -> Place:
    """Return an installation as it lies in a folder."""
    layout = Layout(root)
    return Place(layout, (await published(layout, CLOCK)).current(NOON))


@pytest.fixture
async def eastshire_here(founded: Path, tmp_path: Path) -> Place:
    """Eastshire, where nothing has happened yet."""
    return await place(Path(copytree(founded, tmp_path / "county")))


async def test_an_installation_without_servers_hears_nothing_of_them(
    eastshire_here: Place,
) -> None:
    found = {one.name for one in (await examine(eastshire_here.layout, CLOCK)).checks}
    assert not {"Kafka", "PostgreSQL", "OPA server"} & found
    assert await exchange_of(eastshire_here.layout).described(CLOCK) == ("stream.sqlite", None)


# ---------------------------------------------------------------- OPA server


async def test_an_opa_server_that_decides_is_good(
    eastshire_here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a server that has the revision in force; the revision's own module stands for it
    asked: list[object] = []

    def server_point(address: str) -> object:
        def make(digest: bytes) -> object:
            asked.append(digest)
            return module_point(eastshire_here.revision)

        asked.append(address)
        return make

    monkeypatch.setattr(servers, "server_point", server_point)

    # when doctor looks, then that server was asked for that revision, and it is good
    address = "http://opa.eastshire.example:8181"
    found = await eastshire_here.look(Addresses(opa_server=address))
    assert asked == [address, eastshire_here.revision.digest]
    assert found == {
        "OPA server": Check("OPA server", good=True, said="decides by the revision in force")
    }


async def test_an_opa_server_that_is_away_is_told_with_what_happens_meanwhile(
    eastshire_here: Place,
) -> None:
    # given an address where nobody listens, when doctor looks, then it says what is released
    away = Addresses(opa_server=f"http://127.0.0.1:{free_port()}")
    check = (await eastshire_here.look(away))["OPA server"]
    assert not check.good
    assert "only the floor is released" in check.fix


# ---------------------------------------------------------------- PostgreSQL


def stands_for_the_server(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file be the server's index."""
    monkeypatch.setattr(servers, "index_to_read", lambda _layout: index_to_write(layout))


async def test_before_the_first_entry_no_index_lags(
    eastshire_here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands_for_the_server(eastshire_here.layout, monkeypatch)
    check = (await eastshire_here.look(POSTGRES))["PostgreSQL"]
    assert check.good
    assert check.said == "0 of 0 entries are indexed"


async def test_an_index_that_lags_is_told_with_how_much(
    eastshire_here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a log of what was published when Eastshire was founded, of which an index has one entry
    layout = eastshire_here.layout
    async with open_broker(layout, CLOCK, Settings(dir=layout.root), inline=True) as broker:
        size = (await broker.run())["entries"]
        assert size > 1
    other = Layout(tmp_path / "index")
    other.broker.mkdir(parents=True)
    stands_for_the_server(other, monkeypatch)
    async with index_to_write(other) as index:
        await index.add(LeafIndex(0), numbered(1))

    # when doctor looks, then it says that searches miss some
    check = (await eastshire_here.look(POSTGRES))["PostgreSQL"]
    assert not check.good
    assert check.said == f"1 of {size} entries are indexed"
    assert "searches miss" in check.fix

    # and when the index has caught up, then it is good
    async with index_to_write(other) as index:
        await index.add(LeafIndex(1), numbered(size - 1, 1))
    check = (await eastshire_here.look(POSTGRES))["PostgreSQL"]
    assert check.good
    assert check.said == f"{size} of {size} entries are indexed"


async def test_a_database_that_is_away_is_told_without_its_address(
    eastshire_here: Place,
) -> None:
    # given an address where nobody listens, with a password in it
    address = f"postgresql://concordat:secret@127.0.0.1:{free_port()}/log"
    check = (await eastshire_here.look(Addresses(postgres=address)))["PostgreSQL"]

    # when doctor looks, then it says that, and nothing that is secret
    assert not check.good
    assert "PostgreSQL" in check.said
    assert "secret" not in check.said + check.fix


# ---------------------------------------------------------------- Kafka


@dataclass
class Described:
    """A way of exchange that says what it is told to."""

    said: str
    memory: int | None

    async def described(self, _clock: object) -> tuple[str, int | None]:
        if not self.said:
            raise Unavailable("127.0.0.1:9092: KafkaConnectionError", "Check that Kafka runs.")
        return self.said, self.memory


@pytest.mark.parametrize(
    ("said", "memory", "good", "told"),
    [
        ("a:9092, names begin with east.", KEPT, True, "a:9092, names begin with east."),
        ("a:9092", None, True, "a:9092"),
        ("a:9092", 7 * DAY, False, "a:9092; it forgets positions after 10080 minutes"),
        ("a:9092", KEPT - MINUTE, False, "it forgets positions"),
        ("", None, False, "127.0.0.1:9092: KafkaConnectionError"),
    ],
)
async def test_what_is_said_of_kafka(
    eastshire_here: Place,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    memory: int | None,
    good: bool,
    told: str,
) -> None:
    # given an installation over Kafka, which is there or not, and remembers for as long
    ClusterFile.of_demonstration("a:9092").write(eastshire_here.layout.cluster)
    monkeypatch.setattr(servers, "exchange_of", lambda _layout: Described(said, memory))

    # when doctor looks, then what is ill set or away is told, with what to do
    check = (await eastshire_here.look(Addresses()))["Kafka"]
    assert check.good is good
    assert told in check.said
    assert bool(check.fix) is not good
    if "forgets" in told:
        assert "offsets.retention.minutes" in check.fix
        assert str(KEPT // MINUTE) in check.fix
