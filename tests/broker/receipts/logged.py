"""Deliveries as consumers get them: decided by a real core, in a real log, released with proofs."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from broker.access_log.deliveries import Delivery, DeliveryBody
from broker.access_log.parts import Told
from broker.access_log.proofs import Proof
from broker.access_log.published import Followed, Published, follow
from broker.access_log.releaser import Releaser
from broker.access_log.sequencer import Sequencer
from broker.errors import Code
from broker.lanes import Bound
from broker.receipts.delivery import Verifier, delivery_way
from broker.receipts.errors import DeliveryRefused
from broker.records.batches import BatchVerifier
from broker.records.names import AgencyId
from broker.records.sealing import Opener
from tests.broker.access_log.stores import MemoryLogIndex, MemoryTileStore, Topic
from tests.broker.routing.rig import Rig
from tests.support.county import NOON, POLICE, SCHOOL, revision

STEP = Bound(count=3)

TOPIC = f"deliveries.{SCHOOL}"
QUARANTINE = f"quarantine.{POLICE}"


@dataclass(slots=True)
class Logged:
    """A county whose decisions are logged and released.

    Attributes:
        rig: what decides.
        deliveries: topic → what was released there, in order.
        roots: size → root, of checkpoints as everybody can follow them.
    """

    rig: Rig = field(default_factory=Rig)
    deliveries: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    roots: dict[int, bytes] = field(default_factory=dict)
    _topic: Topic = field(default_factory=lambda: Topic("decided"))
    _tiles: MemoryTileStore = field(default_factory=MemoryTileStore)
    _index: MemoryLogIndex = field(default_factory=MemoryLogIndex)
    _logged: int = 0

    async def log(self) -> None:
        """Log and release what was decided since the last time."""
        for value in self.rig.decided[self._logged :]:
            self._topic.put(value)
        self._logged = len(self.rig.decided)
        signer = self.rig.county.note_signer
        sequencing = self._topic.lanes("sequencer")
        sequencer = await Sequencer.open(sequencing, self._tiles, self._index, signer)
        while (await sequencer.run_once(STEP)).messages:
            pass
        releaser = Releaser(self._topic.lanes("releaser"), self._tiles)
        while (await releaser.run_once(STEP)).messages:
            pass
        self.deliveries.clear()
        for received in self._topic.published:
            self.deliveries[received.message.topic].append(received.message.value)
        last = Followed()
        for step in self._topic.steps:
            published = Published.decode(step.message.value)
            found = follow(last, published, revision().agreement.origin, (signer.key,))
            last = Followed(found.size, found.root)
            self.roots[found.size] = found.root

    def verifier(self, agency: AgencyId) -> Verifier:
        """Return what an agency verifies with, knowing all that is published."""
        county = self.rig.county
        protocol = county.protocol()
        return Verifier(
            partnership=county.partnership,
            agency=agency,
            opener=Opener(county.partnership, (county.agencies[agency].seal,)),
            registry=protocol.registry,
            batches=BatchVerifier(county.partnership),
            protocol_head=protocol.head_at,
            origin=revision().agreement.origin,
            log_keys=(county.note_signer.key,),
            checkpoints=self.roots,
        )

    def body(self, agency: AgencyId, topic: str, value: bytes) -> DeliveryBody:
        """Open what a delivery holds."""
        return self.rig.received(agency, topic, Delivery.decode(value).sealed)

    def resealed(
        self,
        value: bytes,
        topic: str,
        agency: AgencyId,
        change: Callable[[DeliveryBody], DeliveryBody],
    ) -> bytes:
        """Return a delivery whose body somebody with the router's powers has changed."""
        body = change(self.body(agency, topic, value))
        return self.sealed(value, topic, agency, body.encode())

    def sealed(self, value: bytes, topic: str, agency: AgencyId, plain: bytes) -> bytes:
        """Return a delivery with other bytes sealed in it."""
        county = self.rig.county
        to = county.agencies[agency].seal.public_key()
        sealed = county.sealer.seal(plain, delivery_way(agency, topic), to, NOON)
        return Delivery(sealed, Delivery.decode(value).proof).encode()


def told_otherwise(body: DeliveryBody, change: Callable[[Told], Told]) -> DeliveryBody:
    """Return the body with another told decision."""
    return replace(body, told=change(Told.decode(body.told)).encode())


def proved_otherwise(value: bytes, change: Callable[[Proof], Proof]) -> bytes:
    """Return the delivery with another proof."""
    delivery = Delivery.decode(value)
    return replace(delivery, proof=change(Proof.parse(delivery.proof)).encode()).encode()


def refusal(verifier: Verifier, value: bytes, topic: str = TOPIC) -> tuple[Code, str]:
    """Return code and place of a refusal."""
    with pytest.raises(DeliveryRefused) as caught:
        verifier.verify(value, topic)
    return caught.value.code, caught.value.where
