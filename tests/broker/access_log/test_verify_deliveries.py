"""Verification of what was released: in the log, once, where its entry says."""

from collections.abc import AsyncIterator
from dataclasses import replace

from broker.access_log.deliveries import Delivery
from broker.access_log.errors import (
    DELIVERY_CHECKPOINT,
    DELIVERY_TOPIC,
    DELIVERY_TWICE,
    NOTE_SIGNATURE,
    PROOF_INCLUSION,
    SHAPE,
)
from broker.access_log.findings import MOST_FINDINGS
from broker.access_log.growth import GrowingTree
from broker.access_log.notes import Checkpoint
from broker.access_log.proofs import Proof
from broker.access_log.verify import verify_log
from broker.access_log.verify_deliveries import DeliveriesReport, verify_deliveries
from broker.errors import Code
from broker.lanes import Bound, Received
from tests.broker.access_log.county import ORIGIN, SIGNER
from tests.broker.access_log.world import CHECKS, KEYS, World, drain, release


async def made(messages: int = 120) -> World:
    """Return a world in which everything is in the log and released."""
    world = World(messages=messages)
    await drain(await world.open(), Bound(count=30))
    await release(world.releaser(), Bound(count=30))
    return world


async def verified(world: World) -> DeliveriesReport:
    report = await verify_log(world.store, CHECKS)
    view = await world.view()
    return await verify_deliveries(world.published(), view, report.ledger, ORIGIN, KEYS)


def change(received: Received, value: bytes | None = None, topic: str | None = None) -> Received:
    message = received.message
    changed = replace(
        message,
        value=message.value if value is None else value,
        topic=topic or message.topic,
    )
    return replace(received, message=changed)


def only(report: DeliveriesReport) -> Code:
    assert not report.sound
    assert len(report.findings) == 1
    return report.findings[0].code


async def test_everything_that_was_released_is_found_in_the_log() -> None:
    world = await made()
    report = await verified(world)
    assert report.sound
    assert (report.deliveries, report.absent) == (len(world.released), 0)


async def test_what_was_trimmed_or_not_released_yet_is_counted() -> None:
    world = await made(20)
    del world.topic.published[:3]
    report = await verified(world)
    assert (report.sound, report.absent) == (True, 3)


async def test_a_delivery_that_came_twice_is_found() -> None:
    world = await made(10)
    world.topic.published.append(world.topic.published[2])
    assert only(await verified(world)) is DELIVERY_TWICE


async def test_a_delivery_on_anothers_topic_is_found() -> None:
    # given a delivery that lies on the topic of an agency that its entry does not name
    world = await made(10)
    published = world.topic.published
    published[4] = change(published[4], topic="deliveries.westfield-school")
    report = await verified(world)
    # then its place is told, and nothing of what it holds
    assert only(report) is DELIVERY_TOPIC
    assert report.findings[0].where == "deliveries.westfield-school, shard 0, offset 4"


async def test_what_was_never_logged_is_found() -> None:
    # given deliveries that somebody made up: of an entry that is elsewhere, or nowhere, or nothing
    world = await made(10)
    published = world.topic.published
    delivery = Delivery.decode(published[0].message.value)
    proof = Proof.parse(delivery.proof)
    for forged, code in (
        (replace(proof, index=proof.index + 1), PROOF_INCLUSION),
        (replace(proof, index=10_000), PROOF_INCLUSION),
        (replace(proof, path=proof.path[1:]), PROOF_INCLUSION),
        (replace(proof, checkpoint=proof.checkpoint.replace(b"+", b"/")), NOTE_SIGNATURE),
    ):
        value = Delivery(delivery.sealed, forged.encode()).encode()
        if value == published[0].message.value:
            continue
        world.topic.published = [change(published[0], value)]
        assert only(await verified(world)) is code
    world.topic.published = [change(published[0], b"\x00\x00\x00\x09")]
    report = await verified(world)
    assert only(report) is SHAPE
    assert report.findings[0].index is None


async def test_a_second_history_under_the_logs_own_key_is_found() -> None:
    # given a delivery proved against a tree that the log's key has signed, but that is not the log
    world = await made(10)
    published = world.topic.published
    delivery = Delivery.decode(published[0].message.value)
    proof = Proof.parse(delivery.proof)
    tree = GrowingTree()
    tree.append([bytes(32)] * 3)
    note = SIGNER.sign(Checkpoint(ORIGIN, 3, tree.root()).text())
    value = Delivery(delivery.sealed, replace(proof, checkpoint=note).encode()).encode()
    world.topic.published = [change(published[0], value)]
    assert only(await verified(world)) is DELIVERY_CHECKPOINT


async def test_deliveries_of_entries_verified_before_are_counted() -> None:
    # given a log that was verified, and has grown since
    world = await made(40)
    first = await verify_log(world.store, CHECKS)
    before = len(world.topic.published)
    world.put(40)
    await drain(await world.open())
    await release(world.releaser())
    # when the rest is verified from there
    second = await verify_log(world.store, CHECKS, first.verified)
    view = await world.view()
    report = await verify_deliveries(world.published(), view, second.ledger, ORIGIN, KEYS)
    # then those of before are told apart
    assert report.sound
    assert (report.earlier, report.deliveries) == (before, len(world.released) - before)
    assert report.absent == 0


async def test_verification_stops_when_it_has_found_enough() -> None:
    world = await made(10)

    async def endless() -> AsyncIterator[Received]:
        while True:
            yield change(world.topic.published[0], b"")

    report = await verify_log(world.store, CHECKS)
    found = await verify_deliveries(endless(), await world.view(), report.ledger, ORIGIN, KEYS)
    assert len(found.findings) == MOST_FINDINGS


async def test_checkpoints_are_verified_once_and_few_are_remembered() -> None:
    # given deliveries under more checkpoints than are remembered at once
    world = World(messages=0)
    sequencer, releaser = await world.open(), world.releaser()
    for _ in range(1_030):
        world.topic.put(world.county.quarantined().encode())
        await sequencer.run_once()
        await releaser.run_once()
    report = await verified(world)
    assert (report.sound, report.deliveries) == (True, 1_030)
