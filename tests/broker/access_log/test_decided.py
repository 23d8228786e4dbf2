"""`Decided`: two halves, one kept and one handed on."""

from dataclasses import replace

import pytest

from broker.access_log.decided import (
    KEPT,
    MOST_ENTRIES,
    Archive,
    Handed,
    Kept,
    Release,
)
from broker.access_log.errors import SHAPE, LogError
from tests.broker.access_log.county import County

DECIDED = County().decided(entries=3)


def test_what_is_kept_is_everything_but_what_is_released() -> None:
    # given a message of three entries, two of which release something
    handed = Handed.decode(DECIDED.encode())
    # then what is kept holds each entry, and where it was released to
    kept = Kept.decode(handed.kept)
    assert (kept.cause, kept.archive) == (DECIDED.cause, DECIDED.archive)
    assert [entry.leaf for entry in kept.entries] == [leaf.leaf for leaf in DECIDED.leaves]
    assert [entry.row for entry in kept.entries] == [leaf.row for leaf in DECIDED.leaves]
    topics = ["", "deliveries.eastshire-hospital", "deliveries.northfield-school"]
    assert [entry.topic for entry in kept.entries] == topics
    # and what is released is told by entry
    assert dict(handed.releases) == {
        number: leaf.release for number, leaf in enumerate(DECIDED.leaves) if leaf.release
    }
    assert all(release.sealed not in handed.kept for _, release in handed.releases)


def test_what_is_kept_is_read_as_it_was_written() -> None:
    for decided in (DECIDED, County().quarantined(), replace(DECIDED, archive=None)):
        kept = Kept.decode(Handed.decode(decided.encode()).kept)
        assert Kept.decode(kept.encode()) == kept


@pytest.mark.parametrize("count", [0, MOST_ENTRIES + 1])
def test_a_message_has_entries_and_not_too_many(count: int) -> None:
    with pytest.raises(LogError) as refused:
        replace(DECIDED, leaves=DECIDED.leaves[:1] * count).encode()
    assert refused.value.code is SHAPE


def test_what_is_kept_of_nothing_is_refused() -> None:
    with pytest.raises(LogError, match="number of entries"):
        Kept.decode(KEPT.encode({"cause": bytes(32), "archive": None, "entries": []}))


def test_leaves_and_keys_have_their_size() -> None:
    leaf = DECIDED.leaves[0]
    for wrong in (
        replace(leaf, leaf=leaf.leaf[:-1]),
        replace(leaf, release=Release("deliveries.x", b"seven..", b"")),
    ):
        with pytest.raises(LogError, match="leaf or key"):
            replace(DECIDED, leaves=(wrong,)).encode()


def test_what_is_no_decided_is_refused() -> None:
    with pytest.raises(LogError):
        Handed.decode(DECIDED.encode()[:-1])
    with pytest.raises(LogError):
        Handed.decode(b"")


def test_an_archive_is_read_as_it_was_written() -> None:
    archive = DECIDED.archive
    assert archive is not None
    assert Archive.of(archive.fields()) == archive
