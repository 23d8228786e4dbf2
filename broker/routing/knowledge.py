"""What a core has learnt: the protocol and the registers, as far as they were read.

Register entries of the batch in work are applied at once, on top of what was read, so that an
alert binds the very next record. Read back after the commit, they must come in the order in which
they were written; if other routers' entries lie between, the state is folded anew.
"""

from collections.abc import Sequence

from broker.access_log.parts import ProtocolPlace, RegistersPlace
from broker.errors import Code, ConcordatError
from broker.lanes import Message, Received
from broker.protocol.published import PublishedProtocol
from broker.records.batches import RandomBytes
from broker.records.names import Partnership, RecordDigest
from broker.records.sealing import open_under, seal_under
from broker.routing.deciding import Places
from broker.subjects.codec import Placed, decode_entry, encode_entry
from broker.subjects.registers import Entry, Registers, Subject

REGISTERS = "registers"
_PART = "register"

OTHER_ORDER = Code(
    "router.registers.order",
    "Another router's register entries lie between this one's.",
    "Nothing to do: the router reads the registers anew.",
)


class RegistersDiffer(ConcordatError):  # noqa: N818 - what happened; the core is thrown away
    """What was read back is not what this core has applied."""


class Knowledge:
    """Protocol and registers of one core."""

    def __init__(
        self,
        partnership: Partnership,
        protocol: PublishedProtocol,
        state_key: bytes,
        random_bytes: RandomBytes,
        shard: int,
    ) -> None:
        """Begin with nothing learnt."""
        self.protocol = protocol
        self.registers = Registers()
        self._partnership = partnership
        self._key = state_key
        self._random = random_bytes
        self._shard = shard
        self._base = self.registers.head
        self._own: list[RecordDigest] = []

    def learn(self, protocol: Sequence[Received], registers: Sequence[Received]) -> None:
        """Take in what is new on the two topics, in order.

        Raises:
            RegistersDiffer: throw this core away and teach another one.
        """
        for received in protocol:
            self.protocol.apply(received)
        for received in registers:
            entry = self._open(received.message.value).entry
            if not self._own:
                self.registers.apply(entry)
            elif self._own.pop(0) != entry.digest:
                raise RegistersDiffer(OTHER_ORDER)
        if registers:
            if self._own:
                raise RegistersDiffer(OTHER_ORDER)
            self._base = self.registers.head

    def note(self, entry: Entry) -> tuple[Subject | None, Message]:
        """Apply an entry of the batch in work; return its subject and the message to commit."""
        placed = Placed(entry, self._shard, self._base.position, len(self._own))
        subject = self.registers.apply(entry)
        self._own.append(entry.digest)
        sealed = seal_under(
            self._key,
            encode_entry(placed),
            partnership=self._partnership,
            part=_PART,
            random_bytes=self._random,
        )
        return subject, Message(REGISTERS, entry.record_id[:8], sealed)

    def places(self) -> Places:
        """Return what an entry made now names as its ground."""
        head = self.registers.head
        return Places(
            ProtocolPlace(self.protocol.position, self.protocol.head),
            RegistersPlace(self._base.position, head.digest, len(self._own)),
        )

    def _open(self, sealed: bytes) -> Placed:
        plain = open_under(self._key, sealed, partnership=self._partnership, part=_PART)
        return decode_entry(plain)
