"""A real broker that asks everybody who they are: TLS, logins, and the permissions of `acls`."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient

from broker.access_log.alarms import ALARMS
from broker.access_log.witness import COSIGNATURES
from broker.backends.kafka.cluster import Cluster
from broker.backends.kafka.headers import headers
from broker.backends.kafka.security import Security
from broker.backends.kafka.streams import KafkaStreams
from broker.clock import Instant
from broker.lanes import Bound, Message, Unavailable
from broker.runtimes.acls import OF_WITNESSES, principal_of
from broker.runtimes.topics import BROKER, STREAM, TOPOLOGY
from tests.broker.backends.kafka.certificates import Authority
from tests.broker.backends.kafka.secured import PREFIX, WAIT_S, County

POLICE = "eastshire-police"
COUNCIL = "eastshire-council"
PASSWORD = "correct horse"
KEY = bytes(8)

Connect = Callable[..., KafkaStreams]


@pytest.fixture
async def connect(county: County, tmp_path: Path) -> AsyncIterator[Connect]:
    """Streams as a party with this security sees them."""
    opened: list[KafkaStreams] = []

    def streams(security: Security, party: str = "") -> KafkaStreams:
        address = county.login if security.protocol == "SASL_SSL" else county.address
        cluster = Cluster(address, PREFIX, deadline_s=10, security=security)
        places = dict.fromkeys((*STREAM, *BROKER), "kafka")
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        opened.append(KafkaStreams(cluster, places, "kafka", TOPOLOGY, folder, party))
        return opened[-1]

    yield streams
    for one in opened:
        await one.close()


async def _route(router: KafkaStreams, *, only: int) -> list[bytes]:
    """Take what the police have sent, and decide it, as the router's lane does."""
    topics = [f"records.{POLICE}"]
    async with router.lanes(topics, "router") as (lane,):
        batch = await lane.take(Bound(only, wait_ms=5000))
        values = [one.message.value for one in batch.messages]
        decided = [Message("decided", KEY, b"decided " + value) for value in values]
        await lane.commit(batch, [*decided, Message("seen", KEY, b"seen")])
    return values


async def test_each_part_can_do_its_work_and_records_pass(county: County, connect: Connect) -> None:
    # given a router and a log that have begun, so that topics are there
    router, log = connect(county.of("router"), "router"), connect(county.of("log"), "log")
    await _route(router, only=1)

    # when the police send a record, the router decides it, and the log delivers
    police = connect(county.of(principal_of(POLICE)), principal_of(POLICE))
    await police.publish([Message(f"records.{POLICE}", KEY, b"record")])
    assert await _route(router, only=1) == [b"record"]
    async with log.lanes(["decided"], "releaser") as (lane,):
        batch = await lane.take(Bound(10, wait_ms=5000))
        assert [one.message.value for one in batch.messages] == [b"decided record"]
        delivery = Message(f"deliveries.{POLICE}", KEY, b"delivery")
        await lane.commit(batch, [delivery, Message("checkpoints", b"", b"checkpoint")])

    # then the police find the delivery and the checkpoint, and say how far they have read
    found = await police.read(f"deliveries.{POLICE}", 0)
    assert [one.message.value for one in found] == [b"delivery"]
    assert [one.message.value for one in await police.read("checkpoints", 0)] == [b"checkpoint"]
    await police.report(f"consumer.{POLICE}", {f"deliveries.{POLICE}": 1})

    # and the router sees it, and deletes what all are past
    group = f"consumer.{POLICE}"
    assert await router.positions(group, [f"deliveries.{POLICE}"]) == {f"deliveries.{POLICE}": 1}
    assert await router.trim(f"deliveries.{POLICE}", 1) == 1


async def test_agencies_write_and_read_what_witnesses_say(county: County, connect: Connect) -> None:
    # given the topics of witnesses, which the log makes for the agencies
    log = connect(county.of("log"), "log")
    await log.make(OF_WITNESSES)
    # when an agency cosigns twice and warns once
    police = connect(county.of(principal_of(POLICE)), principal_of(POLICE))
    for note in (b"note", b"later note"):
        await police.publish([Message(COSIGNATURES, KEY, note)])
    await police.publish([Message(ALARMS, bytes(8), b"alarm")])
    # then what it said last is there, and the alarm
    assert [one.message.value for one in await police.read(COSIGNATURES, 0)] == [b"later note"]
    assert [one.message.value for one in await police.read(ALARMS, 0)] == [b"alarm"]
    assert await police.end(COSIGNATURES) > 0
    # and the log, whom they are about, cannot even read them
    with pytest.raises(Unavailable):
        await log.read(ALARMS, 0)


@pytest.mark.parametrize(
    "topic", [f"deliveries.{POLICE}", f"records.{POLICE}", "decided", "registers"]
)
async def test_an_agency_does_not_even_see_what_is_not_its_own(
    county: County, connect: Connect, topic: str
) -> None:
    # given topics of another agency's and of the broker's, which exist
    router, log = connect(county.of("router"), "router"), connect(county.of("log"), "log")
    await router.make([f"records.{POLICE}", "decided", "registers"])
    await log.make([f"deliveries.{POLICE}"])

    # when a program with the council's certificate asks for one
    admin = AdminClient(county.confluent(principal_of(COUNCIL)))
    error = admin.list_topics(PREFIX + topic, WAIT_S).topics[PREFIX + topic].error

    # then the cluster refuses
    assert error is not None
    assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


async def test_an_agency_sees_that_lanes_have_owners_but_not_who(
    county: County, connect: Connect
) -> None:
    # given the table of owners, which an agency may know to be there
    await connect(county.of("router")).make([])

    # when a program with the council's certificate reads it
    settings = county.confluent(principal_of(COUNCIL))
    consumer = Consumer(settings | {"group.id": f"{PREFIX}consumer.{COUNCIL}"})
    consumer.assign([TopicPartition(f"{PREFIX}owners", 0, OFFSET_BEGINNING)])
    message = consumer.poll(WAIT_S)
    consumer.close()

    # then the cluster refuses
    assert message is not None
    error = message.error()
    assert error is not None
    assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


async def test_an_agency_writes_no_deliveries_not_even_its_own(
    county: County, connect: Connect
) -> None:
    # given an agency's own deliveries, when its process writes one, then that is refused
    log = connect(county.of("log"), "log")
    await log.make([f"deliveries.{COUNCIL}"])
    council = connect(county.of(principal_of(COUNCIL)), principal_of(COUNCIL))
    with pytest.raises(Exception, match="TopicAuthorizationFailedError"):
        await council.publish([Message(f"deliveries.{COUNCIL}", KEY, b"made up")])
    assert await council.end(f"deliveries.{COUNCIL}") == 0


async def test_what_is_sent_bears_headers_that_other_programs_read(
    county: County, connect: Connect
) -> None:
    # given a record and a decision on it
    router = connect(county.of("router"), "router")
    await router.make([f"urgent.{POLICE}", "decided"])
    police = connect(county.of(principal_of(POLICE)), principal_of(POLICE))
    await police.publish([Message(f"urgent.{POLICE}", KEY, b"urgent")])

    # when a program of another make reads the record
    consumer = Consumer(county.confluent("router") | {"group.id": "eastshire.router"})
    consumer.assign([TopicPartition(f"{PREFIX}urgent.{POLICE}", 0, OFFSET_BEGINNING)])
    message = consumer.poll(WAIT_S)
    consumer.close()

    # then it bears the six headers, and their time is that of the message, in whole seconds
    assert message is not None
    assert message.error() is None
    found = dict(message.headers() or [])
    _, stamp = message.timestamp()
    wanted = [
        dict(headers(f"urgent.{POLICE}", b"urgent", Instant(stamp - ago))) for ago in (0, 999)
    ]
    assert found in wanted


async def test_who_shows_no_certificate_is_not_let_in(county: County, connect: Connect) -> None:
    # given a process that believes the cluster, but shows nothing itself
    streams = connect(Security("SSL", ca_file=county.authority.file))
    with pytest.raises(Unavailable):
        await streams.read("protocol", 0)


async def test_a_cluster_that_nobody_vouches_for_is_not_believed(
    county: County, connect: Connect, tmp_path: Path
) -> None:
    # given a process that believes another authority, when it connects, then it does not go on
    other = Authority(tmp_path, "another")
    streams = connect(replace(county.of("router"), ca_file=other.file))
    with pytest.raises(Unavailable):
        await streams.read("protocol", 0)


def _login(county: County, folder: Path, password: str) -> Security:
    file = folder / "password"
    file.write_text(password + "\n", encoding="utf-8")
    return Security(
        "SASL_SSL",
        ca_file=county.authority.file,
        mechanism="PLAIN",
        username=principal_of(POLICE),
        password_file=file,
    )


async def test_a_login_is_as_good_as_a_certificate(
    county: County, connect: Connect, tmp_path: Path
) -> None:
    # given the police with a password in a file, when they look at the protocol, they may
    await connect(county.of("router")).make(["protocol"])
    streams = connect(_login(county, tmp_path, PASSWORD))
    assert await streams.read("protocol", 0) == []


async def test_a_wrong_password_is_refused(
    county: County, connect: Connect, tmp_path: Path
) -> None:
    streams = connect(_login(county, tmp_path, "incorrect horse"))
    with pytest.raises(Unavailable):
        await streams.read("protocol", 0)
