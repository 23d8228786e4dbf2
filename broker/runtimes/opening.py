"""Opening what the log keeps: facts with the log's key, the rest with the records'."""

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker.access_log.decided import Kept, KeptEntry
from broker.access_log.opened import Closed, Part, Unsealed, UnsealedEntry
from broker.access_log.ports import RecordKeys
from broker.clock import Instant
from broker.records.errors import RecordRefused
from broker.records.names import Partnership, RecordDigest
from broker.records.sealing import Opener, open_under
from broker.routing.entries import ARCHIVE_PART, FACTS_WAY, PRIVATE_PART


class BrokerOpener:
    """See `broker.access_log.opened.PartOpener`."""

    def __init__(self, partnership: Partnership, facts: X25519PrivateKey, keys: RecordKeys) -> None:
        """Hold the log's private key and the store of record keys."""
        self._partnership = partnership
        self._facts = Opener(partnership, (facts,))
        self._keys = keys

    async def open(self, messages: Sequence[Kept]) -> Sequence[Unsealed]:
        """Return what each message's sealed parts hold."""
        records = {one.record for kept in messages for one in kept.entries if one.record}
        records |= {kept.archive.record for kept in messages if kept.archive}
        keys = await self._keys.get(records)
        lost = records - keys.keys()
        destroyed = await self._keys.destroyed(lost) if lost else {}
        return [self._message(kept, keys, destroyed) for kept in messages]

    def _message(
        self,
        kept: Kept,
        keys: dict[RecordDigest, bytes],
        destroyed: dict[RecordDigest, Instant],
    ) -> Unsealed:
        archive: Part | None = None
        if kept.archive is not None:
            record = kept.archive.record
            archive = self._under(record, kept.archive.sealed, ARCHIVE_PART, keys, destroyed)
        entries = tuple(
            UnsealedEntry(self._open_facts(one.facts), self._private(one, keys, destroyed))
            for one in kept.entries
        )
        return Unsealed(archive, entries)

    def _private(
        self,
        entry: KeptEntry,
        keys: dict[RecordDigest, bytes],
        destroyed: dict[RecordDigest, Instant],
    ) -> Part:
        if entry.record is None:
            return self._open_facts(entry.personal)
        return self._under(entry.record, entry.personal, PRIVATE_PART, keys, destroyed)

    def _under(
        self,
        record: RecordDigest,
        sealed: bytes,
        part: str,
        keys: dict[RecordDigest, bytes],
        destroyed: dict[RecordDigest, Instant],
    ) -> Part:
        key = keys.get(record)
        if key is None:
            return Closed.ERASED if record in destroyed else Closed.NO_KEY
        try:
            return open_under(key, sealed, partnership=self._partnership, part=part)
        except RecordRefused:
            return Closed.BROKEN

    def _open_facts(self, sealed: bytes) -> Part:
        try:
            return self._facts.open(sealed, FACTS_WAY)
        except RecordRefused:
            return Closed.BROKEN
