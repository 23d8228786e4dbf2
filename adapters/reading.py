"""Reading one file to its end: choose the format, map, account. What `publish` begins with.

A large file is read twice, and its drafts are never held together: first to its end, so that its
account adds up before anything of it is published, then in portions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import file_digest, sha256
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import BinaryIO, TypeAlias

from adapters.accounting import Accounting, Ledger
from adapters.errors import CHANGED, EMPTY, OTHER_TYPE, TOO_LARGE, InputRefused
from adapters.format import Draft, Format, Outcome, ReadContext
from adapters.quality import Children, Tally
from adapters.registry import named, recognise
from adapters.sources.files import (
    HEAD_BYTES,
    STREAM_LIMIT,
    State,
    load_beside,
    masked,
    opened,
    size,
    state,
    whole,
)

LARGE = 16 * 1024 * 1024
"""Bytes from which on a file is read twice, if its format can."""

PORTION = 500
"""Drafts of a large file that are held together: a megabyte or two."""


class ReadingStopped(Exception):  # noqa: N818 - no error: nobody waits for it any more
    """A file was not read to its end, because nobody waits for it any more."""


def never() -> bool:
    """Tell that somebody waits."""
    return False


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file gave.

    Attributes:
        drafts: in its order.
        accounting: the account that adds up.
        children: that its items are about.
        digest: SHA-256 of the file, empty if it could not be read; None if it was no file.
    """

    drafts: tuple[Draft, ...]
    accounting: Accounting
    children: Children = field(default_factory=Children)
    digest: bytes | None = None

    def portions(self) -> Iterator[Sequence[Draft]]:
        """Yield the drafts, all together."""
        yield self.drafts


@dataclass(frozen=True, slots=True)
class LargeReading:
    """What a large file gives, whenever it is asked for it.

    Attributes:
        path: the file.
        format: that reads it.
        context: that it was read with.
        accounting: the account that adds up.
        children: that its items are about.
        digest: SHA-256 of the file.
        state: of the file when the account was made.
        several: hashes, of this process, of the items of which it tells more than one content.
    """

    path: Path
    format: Format
    context: ReadContext
    accounting: Accounting
    children: Children
    digest: bytes
    state: State
    several: frozenset[int]

    def portions(self) -> Iterator[Sequence[Draft]]:
        """Yield the drafts, a portion at a time; those of one item lie in one, the last.

        Raises:
            InputRefused: `input.changed`: it is another file now; `input.unreadable`.
        """
        held: list[Draft] = []
        last: list[Draft] = []
        with opened(self.path) as stream:
            self._require_same(stream)
            for one in self._drafts(stream):
                if _hash(one) in self.several:
                    last.append(one)
                    continue
                held.append(one)
                if len(held) == PORTION:
                    yield held
                    held = []
            self._require_same(stream)
        yield held + last

    def _drafts(self, stream: BinaryIO) -> Iterator[Draft]:
        try:
            for outcome in _outcomes(stream, self.path.name, self.context, self.format):
                if isinstance(outcome, Draft):
                    yield outcome
        except InputRefused as error:
            if not self.accounting.broken_off:  # else told there: nothing lies behind that place
                raise InputRefused(CHANGED, "file") from error

    def _require_same(self, stream: BufferedReader) -> None:
        if state(stream) != self.state:
            raise InputRefused(CHANGED, "file")


AnyReading: TypeAlias = Reading | LargeReading


def read_file(
    path: Path,
    context: ReadContext,
    format_name: str | None = None,
    given: Mapping[str, Path] | None = None,
    stopped: Callable[[], bool] = never,
) -> AnyReading:
    """Read a file from disk; a fault of the file as a whole is a rejected item, not an error.

    Args:
        path: the file.
        context: whose it is, and what else is known.
        format_name: the format, if a person named it.
        given: other files of the same command by name: companions may be among them.
        stopped: tells that nobody waits for it any more; asked at each item of a large file.

    Raises:
        AccountingBroken: a fault of ours.
        InputRefused: `input.format.unknown` for `format_name` only.
        ReadingStopped: as `stopped` says.
    """
    wanted = None if format_name is None else named(format_name)
    digest = b""
    try:
        with opened(path) as stream:
            chosen = wanted or recognise(_head(stream), path.name)
            beside = load_beside(path, chosen.companions(path.name), given)
            context = replace(context, beside=beside)
            if chosen.streams and size(stream) > LARGE:
                return _read_large(stream, path, context, chosen, stopped)
            data = whole(stream)
            digest = sha256(data).digest()
    except InputRefused as error:
        ledger = Ledger(masked(path.name), "" if wanted is None else wanted.name)
        ledger.refuse_file(error)
        return Reading((), ledger.close(), digest=digest)
    return replace(read_bytes(data, path.name, context, chosen), digest=digest)


def read_bytes(data: bytes, name: str, context: ReadContext, chosen: Format) -> Reading:
    """Read a file's bytes with one format; pure.

    Raises:
        AccountingBroken: a fault of ours.
    """
    account = _Account(masked(name), chosen.name, never)
    outcomes = account.of(_outcomes(BytesIO(data), name, context, chosen))
    drafts = tuple(one for one in outcomes if isinstance(one, Draft))
    return Reading(drafts, account.ledger.close(), account.tally.close())


def _read_large(
    stream: BufferedReader,
    path: Path,
    context: ReadContext,
    chosen: Format,
    stopped: Callable[[], bool],
) -> LargeReading:
    before = state(stream)
    if size(stream) > STREAM_LIMIT:
        raise InputRefused(TOO_LARGE, "file")
    digest = file_digest(stream, "sha256").digest()
    stream.seek(0)
    once: set[int] = set()
    several: set[int] = set()
    account = _Account(masked(path.name), chosen.name, stopped)
    for outcome in account.of(_outcomes(stream, path.name, context, chosen)):
        if isinstance(outcome, Draft):
            item = _hash(outcome)
            (several if item in once else once).add(item)
    if state(stream) != before:
        raise InputRefused(CHANGED, "file")
    return LargeReading(
        path,
        chosen,
        context,
        account.ledger.close(),
        account.tally.close(),
        digest,
        before,
        frozenset(several),
    )


class _Account:
    """Accounts for what passes."""

    def __init__(self, file: str, format_name: str, stopped: Callable[[], bool]) -> None:
        self.ledger = Ledger(file, format_name)
        self.tally = Tally()
        self.stopped = stopped

    def of(self, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
        try:
            for one in outcomes:
                self.ledger.enter(one)
                self.tally.enter(one)
                if self.stopped():
                    raise ReadingStopped
                yield one
        except InputRefused as error:
            self.ledger.refuse_file(error)


def _outcomes(
    stream: BinaryIO, name: str, context: ReadContext, chosen: Format
) -> Iterator[Outcome]:
    if not stream.read(1):
        raise InputRefused(EMPTY, "file")
    stream.seek(0)
    if chosen.agency_type not in (None, context.agency_type):
        raise InputRefused(OTHER_TYPE, "file")
    yield from chosen.read(stream, name, context)


def _head(stream: BinaryIO) -> bytes:
    head = stream.read(HEAD_BYTES)
    if not head:
        raise InputRefused(EMPTY, "file")
    stream.seek(0)
    return head


def _hash(draft: Draft) -> int:
    return hash((draft.statement.system, draft.statement.natural_id))
