"""What every store of record keys keeps: subclass, and give an empty `keys`."""

import pytest

from broker.access_log.errors import Erased, KeyConflict
from broker.access_log.ports import RecordKeys
from broker.clock import Instant
from broker.records.names import RecordDigest

AT = Instant(1_790_000_000_000)


def record(number: int) -> RecordDigest:
    """Return some record's digest."""
    return RecordDigest(number.to_bytes(32))


def key(number: int) -> bytes:
    """Return some key."""
    return bytes([number]) * 32


class RecordKeysContract:
    """Kept, found, destroyed for ever."""

    async def test_what_is_kept_is_found(self, keys: RecordKeys) -> None:
        await keys.keep({record(1): key(1), record(2): key(2)})
        await keys.keep({record(2): key(2), record(3): key(3)})
        await keys.keep({})
        found = await keys.get([record(1), record(3), record(9)])
        assert found == {record(1): key(1), record(3): key(3)}
        assert await keys.get([]) == {}

    async def test_another_key_is_refused_and_nothing_stored(self, keys: RecordKeys) -> None:
        await keys.keep({record(1): key(1)})
        with pytest.raises(KeyConflict):
            await keys.keep({record(2): key(2), record(1): key(9)})
        assert await keys.get([record(1), record(2)]) == {record(1): key(1)}

    async def test_a_destroyed_key_is_gone_for_ever(self, keys: RecordKeys) -> None:
        await keys.keep({record(1): key(1), record(2): key(2)})
        await keys.destroy([record(1)], AT)
        assert await keys.get([record(1), record(2)]) == {record(2): key(2)}
        assert await keys.destroyed([record(1), record(2)]) == {record(1): AT}
        for again in (key(1), key(9)):
            with pytest.raises(Erased):
                await keys.keep({record(3): key(3), record(1): again})
        assert await keys.get([record(3)]) == {}

    async def test_a_record_without_a_key_can_be_erased(self, keys: RecordKeys) -> None:
        await keys.destroy([record(1)], AT)
        with pytest.raises(Erased):
            await keys.keep({record(1): key(1)})

    async def test_the_first_destruction_stands(self, keys: RecordKeys) -> None:
        await keys.destroy([record(1)], AT)
        await keys.destroy([record(1), record(2)], Instant(AT + 5))
        times = await keys.destroyed([record(1), record(2)])
        assert times == {record(1): AT, record(2): AT + 5}

    async def test_a_key_has_32_bytes(self, keys: RecordKeys) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            await keys.keep({record(1): b"short"})
