"""What every memory of taken messages keeps: subclass, and give an empty `seen`."""

from adapters.listening.seen import KEPT_MS, Before, Seen, content_mark
from broker.clock import DAY, Instant

AT = Instant(1_790_000_000_000)
ONE, OTHER = content_mark(b"one"), content_mark(b"other")


class SeenContract:
    """Noted, found, forgotten when nobody sends it any more."""

    async def test_what_was_noted_is_known(self, seen: Seen) -> None:
        assert await seen.look("/a", "m1", ONE) is Before.NEW
        await seen.note("/a", "m1", ONE, AT)
        assert await seen.look("/a", "m1", ONE) is Before.TAKEN
        assert await seen.look("/a", "m1", OTHER) is Before.OTHER

    async def test_ids_are_of_one_source(self, seen: Seen) -> None:
        await seen.note("/a", "m1", ONE, AT)
        assert await seen.look("/b", "m1", ONE) is Before.NEW
        assert await seen.look("/am", "1", ONE) is Before.NEW

    async def test_the_first_content_stays(self, seen: Seen) -> None:
        await seen.note("/a", "m1", ONE, AT)
        await seen.note("/a", "m1", OTHER, AT)
        assert await seen.look("/a", "m1", ONE) is Before.TAKEN

    async def test_what_is_long_ago_is_forgotten(self, seen: Seen) -> None:
        await seen.note("/a", "m1", ONE, AT)
        await seen.note("/a", "m2", ONE, Instant(AT + DAY))
        await seen.note("/a", "m3", ONE, Instant(AT + KEPT_MS + 1))
        assert await seen.look("/a", "m1", ONE) is Before.NEW
        assert await seen.look("/a", "m2", ONE) is Before.TAKEN
