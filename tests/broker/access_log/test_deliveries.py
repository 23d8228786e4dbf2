"""Deliveries: from what it was given alone, the consumer knows that this is what was logged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.deliveries import Delivery, DeliveryBody
from broker.access_log.errors import PROOF_INCLUSION, SHAPE, LogError
from broker.access_log.growth import GrowingTree
from broker.access_log.notes import Checkpoint
from broker.access_log.proofs import ProofWriter
from broker.access_log.prover import Prover, TileCache
from tests.broker.access_log.county import ORIGIN, SIGNER

fixed = st.binary(min_size=32, max_size=32)
bodies = st.builds(
    DeliveryBody,
    minimised=st.binary(max_size=60),
    told=st.binary(max_size=60),
    salt=st.binary(min_size=16, max_size=16),
    facts=fixed,
    personal=fixed,
)
BODY = DeliveryBody(b"minimised", b"told", bytes(16), b"f" * 32, b"p" * 32)
CONSUMER = "eastshire-council/mash"


def proof_of(body: DeliveryBody) -> bytes:
    """Return a proof that the consumer's leaf is the second of three."""
    tree = GrowingTree()
    tree.append([bytes(32), body.leaf(CONSUMER).hash, bytes(32)])
    note = SIGNER.sign(Checkpoint(ORIGIN, 3, tree.root()).text())
    return ProofWriter(Prover(tree, TileCache()), note).write(1)


@given(bodies, st.binary(max_size=60))
def test_deliveries_are_read_as_they_were_written(body: DeliveryBody, proof: bytes) -> None:
    delivery = Delivery(body.encode(), proof)
    assert Delivery.decode(delivery.encode()) == delivery
    assert DeliveryBody.decode(delivery.sealed) == body


def test_a_consumer_verifies_what_it_was_given() -> None:
    proof, checkpoint = BODY.verify(CONSUMER, proof_of(BODY), ORIGIN, [SIGNER.key])
    assert (proof.index, checkpoint.size) == (1, 3)


@pytest.mark.parametrize(
    ("consumer", "body"),
    [
        ("eastshire-council", BODY),
        (CONSUMER, DeliveryBody(b"another", b"told", bytes(16), b"f" * 32, b"p" * 32)),
        (CONSUMER, DeliveryBody(b"minimised", b"tell", bytes(16), b"f" * 32, b"p" * 32)),
        (CONSUMER, DeliveryBody(b"minimised", b"told", b"s" * 16, b"f" * 32, b"p" * 32)),
        (CONSUMER, DeliveryBody(b"minimised", b"told", bytes(16), b"g" * 32, b"p" * 32)),
        (CONSUMER, DeliveryBody(b"minimised", b"told", bytes(16), b"f" * 32, b"q" * 32)),
    ],
)
def test_nothing_else_passes_for_it(consumer: str, body: DeliveryBody) -> None:
    with pytest.raises(LogError) as refused:
        body.verify(consumer, proof_of(BODY), ORIGIN, [SIGNER.key])
    assert refused.value.code is PROOF_INCLUSION


@pytest.mark.parametrize("data", [b"", b"\x00\x00\x00", b"\x00\x00\x00\x02a"])
def test_what_is_no_delivery_is_refused(data: bytes) -> None:
    with pytest.raises(LogError) as refused:
        Delivery.decode(data)
    assert refused.value.code is SHAPE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        BODY.encode()[:-1],
        BODY.encode() + b"\x00",
        DeliveryBody(b"", b"", bytes(15), bytes(32), bytes(32)).encode(),
        DeliveryBody(b"", b"", bytes(16), bytes(31), bytes(32)).encode(),
        DeliveryBody(b"", b"", bytes(16), bytes(32), bytes(33)).encode(),
    ],
)
def test_what_is_no_body_is_refused(data: bytes) -> None:
    with pytest.raises(LogError) as refused:
        DeliveryBody.decode(data)
    assert refused.value.code is SHAPE
