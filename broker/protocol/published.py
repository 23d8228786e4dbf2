"""The protocol as one process knows it: the fold of its topic, and what others ask of that.

Entries that are refused stay where they lie, count for nothing, and are remembered with their code.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from broker.clock import FOREVER, Instant
from broker.errors import Code
from broker.lanes import Received
from broker.protocol.agreement import Agreement
from broker.protocol.bodies import KeyBody, LiftBody, NarrowingBody, RevisionBody, RosterBody
from broker.protocol.errors import EntryRefused, NoRevision
from broker.protocol.fold import Accepted, ProtocolState
from broker.protocol.narrowing import Narrowing
from broker.protocol.revision import Revision
from broker.protocol.root import Officer, Trust
from broker.records.keys import KeyRegistry
from broker.records.names import AgencyId, Partnership
from broker.records.schemas import SchemaSet

SCHEMAS = "schemas/"


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """An entry that counts for nothing."""

    offset: int
    code: Code
    where: str


class PublishedProtocol:
    """One process's own copy of the published protocol.

    Attributes:
        schemas: every schema of every revision accepted so far; grows.
        refused: entries that count for nothing.
    """

    def __init__(self, partnership: Partnership) -> None:
        """Begin before the first entry of a partnership whose P is known."""
        self._state = ProtocolState(partnership)
        self._heads = [self._state.head]
        self._accepted: dict[int, Accepted] = {}
        self._agreements: dict[tuple[bytes, int], Agreement] = {}
        self.schemas = SchemaSet({})
        self.refused: list[RefusedEntry] = []

    @property
    def partnership(self) -> Partnership:
        """P."""
        return self._state.partnership

    @property
    def position(self) -> int:
        """How many entries were read."""
        return self._state.position

    @property
    def head(self) -> bytes:
        """The topic's head."""
        return self._state.head

    @property
    def registry(self) -> KeyRegistry:
        """Keys by the order of the topic."""
        return self._state.keys

    @property
    def narrowings(self) -> tuple[Narrowing, ...]:
        """All narrowings ever signed."""
        return self._state.narrowings

    @property
    def revisions(self) -> tuple[Revision, ...]:
        """All revisions ever accepted, in order."""
        return self._state.revisions

    @property
    def trust(self) -> Trust:
        """What the root in force says.

        Raises:
            EntryRefused: there is no root yet.
        """
        return self._state.root.trust

    def head_at(self, position: int) -> bytes | None:
        """Return the head after so many entries; None if fewer were read."""
        return self._heads[position] if 0 <= position < len(self._heads) else None

    def apply(self, received: Received) -> None:
        """Take the next message of the topic; one that is refused counts for nothing."""
        try:
            accepted = self._state.apply(received.message.value, received.at)
        except EntryRefused as error:
            self.refused.append(RefusedEntry(received.offset, error.code, error.where))
        else:
            self._accepted[received.offset] = accepted
            if isinstance(accepted.body, RevisionBody):
                self._learn_schemas(self._state.revisions[-1])
        self._heads.append(self._state.head)

    def _learn_schemas(self, revision: Revision) -> None:
        self.schemas.add(
            {
                path.removeprefix(SCHEMAS): data
                for path, data in revision.files.items()
                if path.startswith(SCHEMAS)
            }
        )

    def current(self, at: Instant) -> Revision:
        """Return the revision in force.

        Raises:
            NoRevision: none has come into force.
        """
        return self._state.revision_at(at)

    def revision(self, digest: bytes) -> Revision:
        """Return a revision by its digest.

        Raises:
            NoRevision: there is none.
        """
        return self._state.revision(digest)

    def agreement(self, at: Instant) -> Agreement:
        """Return the agreement in force, with desks as their agencies have last stated them.

        Raises:
            NoRevision: none has come into force.
        """
        revision = self._state.revision_at(at)
        name = (revision.digest, self.position)
        found = self._agreements.get(name)
        if found is None:
            roster = self._state.roster_at(at)
            found = replace(revision.agreement, roster=roster)
            self._agreements = {name: found}
        return found

    def agreement_at(self, at: Instant) -> Agreement | None:
        """Return the agreement in force, None if there is none yet."""
        try:
            return self.agreement(at)
        except NoRevision:
            return None

    @property
    def changes_by_time(self) -> bool:
        """Whether anything that is published begins or ends by the clock alone."""
        ends = any(one.until < FOREVER for one in self._state.narrowings)
        return ends or len(self._state.revisions) > 1

    def signatories(self, digest: bytes) -> tuple[Officer, ...]:
        """Return the officers who signed a revision, as far as the root in force knows them."""
        found = [
            self.trust.officer(key_id)
            for one in self._accepted.values()
            if isinstance(one.body, RevisionBody) and one.body.digest == digest
            for key_id in sorted(one.signers)
        ]
        return tuple(one for one in found if one is not None)

    def agencies(self) -> tuple[AgencyId, ...]:
        """Return every agency of any revision, sorted."""
        found: set[AgencyId] = set()
        for revision in self._state.revisions:
            found.update(revision.agreement.roster.agencies)
        return tuple(sorted(found))

    def reopens(self, offset: int) -> bool:
        """Tell whether the entry at `offset` may end what records are held for."""
        accepted = self._accepted.get(offset)
        return accepted is not None and isinstance(accepted.body, LiftBody | RevisionBody)

    def author(self, offset: int) -> AgencyId:
        """Return the agency that an entry speaks for; empty if none, several or a refused one."""
        accepted = self._accepted.get(offset)
        if accepted is None:
            return AgencyId("")
        body = accepted.body
        if isinstance(body, KeyBody):
            return body.holder
        if isinstance(body, NarrowingBody | RosterBody):
            return body.agency
        return AgencyId("")


def read_all(partnership: Partnership, entries: Iterable[Received]) -> PublishedProtocol:
    """Return the protocol that entries make, in their order."""
    protocol = PublishedProtocol(partnership)
    for received in entries:
        protocol.apply(received)
    return protocol
