"""Deciding entries again: the logged question, by the module of the revision that decided.

1. The entry is opened, and its parts fit their commitments.
2. The protocol is read as far as the entry had read it; the revision that decided is in it.
3. The module that was archived with that revision decides, as of the entry's time.
4. Narrowings that were published by then take away what they take away.
5. What comes out is held against what was logged, part by part.

This walks no further than the entries that are named. That the question itself follows from signed
labels and registers is shown by `concordat log verify` alone, which begins at the first entry.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING

from broker.access_log.parts import Facts
from broker.access_log.ports import Cursor, LogQuery
from broker.access_log.query import Found
from broker.clock import Clock
from broker.errors import Code, ConcordatError
from broker.lanes import Received
from broker.protocol.decision_codec import decode_decision
from broker.protocol.decisions import Decision, without_answer
from broker.protocol.narrowing import narrow
from broker.protocol.published import PublishedProtocol
from broker.protocol.questions import question_of
from broker.protocol.revision import Revision
from broker.protocol.root import read_root
from broker.runtimes.exchange import exchange_of
from broker.runtimes.layout import InstallationError, Layout
from broker.runtimes.points import module_point
from broker.runtimes.protocol import protocol_entries
from broker.runtimes.searching import SCANNED, Wanted, search

if TYPE_CHECKING:
    from broker.backends.opa_module.point import ModulePoint

NO_ENTRY = Code(
    "usage.entry",
    "The log has no such entry, or the range ends before it begins.",
    "Name entries by their numbers, from 0; `concordat log search` shows them.",
)


class Result(StrEnum):
    """What came of deciding an entry again."""

    SAME = "same"
    DIFFERS = "differs"
    MISSING = "missing"
    NOTHING = "decides nothing"


@dataclass(frozen=True, slots=True)
class Rerun:
    """One entry decided again.

    Attributes:
        index: its place in the log.
        result: what came of it.
        what: names of the parts that differ, or of what is missing; empty otherwise.
        logged: as the log has it; None if that is closed or decides nothing.
        made: as it was made again; None if it could not be.
    """

    index: int
    result: Result
    what: tuple[str, ...] = ()
    logged: Decision | None = None
    made: Decision | None = None


async def rerun(layout: Layout, clock: Clock, first: int, last: int) -> AsyncIterator[Rerun]:
    """Yield the entries from `first` to `last`, both included, each decided again.

    Raises:
        InstallationError: `usage.entry`; no such installation.
        Unavailable: a store cannot be reached.
    """
    layout.require()
    async with exchange_of(layout).public(clock) as streams:
        published = await protocol_entries(streams)
    with ExitStack() as stack:
        again = _Again(layout, published, stack)
        place = first
        while place <= last:
            count = min(SCANNED, last + 1 - place)
            page = await search(layout, LogQuery(), Wanted(), Cursor(place + count), count)
            found = [one for one in reversed(page.found) if one.row.index >= place]
            if len(found) < count:
                raise InstallationError(NO_ENTRY)
            wrong = {one.index for one in page.findings}
            for one in found:
                yield await again.entry(one, fits=one.row.index not in wrong)
            place += count
    if last < first:
        raise InstallationError(NO_ENTRY)


class _Ended(Exception):  # noqa: N818 - caught three lines above
    """An entry cannot be decided again, or need not be."""

    def __init__(self, result: Result, what: str) -> None:
        super().__init__(what)
        self.result = result
        self.what = what


class _Again:
    """Decides again; keeps protocol and modules between entries."""

    def __init__(self, layout: Layout, published: Sequence[Received], stack: ExitStack) -> None:
        self._partnership = read_root(layout.first_root.read_bytes()).digest
        self._published = published
        self._stack = stack
        self._points: dict[bytes, ModulePoint] = {}
        self._protocol = PublishedProtocol(self._partnership)

    async def entry(self, found: Found, *, fits: bool = True) -> Rerun:
        """Decide one entry again, (1) to (5).

        Args:
            found: the entry.
            fits: whether what opened of it fits its commitments.
        """
        index, facts = found.row.index, found.entry.facts
        # (1) what was logged
        if not fits:
            return Rerun(index, Result.DIFFERS, ("commitment",))
        if facts is None:
            return Rerun(index, Result.MISSING, ("facts",))
        if not facts.decision:
            return Rerun(index, Result.NOTHING)
        logged = decode_decision(facts.decision)
        try:
            made = await self._make(found, facts, logged)
        except _Ended as ended:
            return Rerun(index, ended.result, (ended.what,), logged)
        # (5) the comparison
        what = differing(logged, made)
        return Rerun(index, Result.DIFFERS if what else Result.SAME, what, logged, made)

    async def _make(self, found: Found, facts: Facts, logged: Decision) -> Decision:
        personal = found.entry.personal
        if personal is None or personal.question is None:
            raise _Ended(Result.MISSING, "question")
        # (2) the protocol of then
        if facts.protocol.position > len(self._published):
            raise _Ended(Result.MISSING, "protocol")
        protocol = self._at(facts.protocol.position)
        if protocol.head != facts.protocol.head:
            raise _Ended(Result.DIFFERS, "protocol")
        question = question_of(personal.question)
        # (3) the module of its revision
        try:
            point = self._point(protocol.revision(logged.revision))
        except ConcordatError as error:
            raise _Ended(Result.MISSING, "revision") from error
        answers = await point.decide([question], facts.at)
        made = answers.decisions[0]
        if logged.unanswered:
            made = without_answer(made)
        # (4) narrowings
        return narrow(made, question, protocol.narrowings, facts.at)

    def _point(self, revision: Revision) -> "ModulePoint":
        if revision.digest not in self._points:
            point = self._stack.enter_context(module_point(revision))
            self._points[revision.digest] = point
        return self._points[revision.digest]

    def _at(self, position: int) -> PublishedProtocol:
        """Return the protocol after so many entries; mostly the last entry's, or a few more."""
        if position < self._protocol.position:
            self._protocol = PublishedProtocol(self._partnership)
        for received in self._published[self._protocol.position : position]:
            self._protocol.apply(received)
        return self._protocol


def differing(logged: Decision, made: Decision) -> tuple[str, ...]:
    """Return the names of the parts in which two decisions differ."""
    return tuple(
        one.name for one in fields(Decision) if getattr(logged, one.name) != getattr(made, one.name)
    )
