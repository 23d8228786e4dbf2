"""What a file of evidence shows, checked offline with the first root alone.

For each entry, as far as it is shown:

1. *place*: its leaf stands in the tree of a checkpoint that the log's key signed; all entries of a
   file under the same checkpoint. Every other line under it is a cosignature by an agency's key.
2. *facts*, *personal*, *told*: what is shown is what the leaf committed to.
3. *protocol*: it rests on the protocol that the file brings, whose entries are folded from the
   first root on: every signature of every officer is checked again.
4. *revision*: the revision that decided was signed by the quorum.
5. *source*: the source signed the record, by a key that was valid then; and it is this record that
   the entry is about.
6. *slots*: what is open is what the decision told names.

Whether the revision gives that decision is tried by whoever has its module
(`broker.runtimes.evidence`). When an entry of the protocol arrived is the broker's word: no
signature covers it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256

from broker.access_log.cosignatures import WitnessKey, cosigners, witness_name
from broker.access_log.entry import (
    Leaf,
    Opening,
    commit_facts,
    commit_personal,
    commit_told,
)
from broker.access_log.errors import NOTE_SIGNATURE, LogError
from broker.access_log.evidence import Evidence, EvidenceEntry
from broker.access_log.notes import Checkpoint, Note, VerifierKey
from broker.access_log.parts import Facts, Personal, Told
from broker.access_log.proofs import Proof
from broker.clock import Instant
from broker.errors import Code, ConcordatError
from broker.lanes import Message, Received
from broker.protocol.errors import NoRevision
from broker.protocol.published import PublishedProtocol
from broker.protocol.root import read_root
from broker.receipts.delivery import signed_by_source
from broker.records.batches import BatchVerifier
from broker.records.envelope import Minimised, decode_minimised
from broker.records.names import AgencyId, Partnership

OTHER_ROOT = Code(
    "evidence.root",
    "The file begins with another first root than the one that was given.",
    "It is about another partnership, or made up: compare P with what the partnership publishes.",
)


class EvidenceRefused(ConcordatError):  # noqa: N818 - the design's word
    """A file of evidence shows nothing."""


class What(StrEnum):
    """What can hold of an entry."""

    PLACE = "place"
    FACTS = "facts"
    PERSONAL = "personal"
    TOLD = "told"
    PROTOCOL = "protocol"
    REVISION = "revision"
    SOURCE = "source"
    SLOTS = "slots"
    DECISION = "decision"


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing about an entry.

    Attributes:
        what: which.
        holds: whether it does.
        why: code of the reason if it doesn't.
    """

    what: What
    holds: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class CheckedEntry:
    """An entry and what holds of it; parts that do not fit their commitment are None.

    Attributes:
        entry: as the file has it.
        facts: what it says, if that is shown.
        personal: the same of the personal part.
        told: the same of what its consumer was told.
        record: the record as the consumer got it, or closed.
        shown: what was checked.
    """

    entry: EvidenceEntry
    facts: Facts | None
    personal: Personal | None
    told: Told | None
    record: Minimised | None
    shown: tuple[Shown, ...]

    @property
    def holds(self) -> bool:
        """Whether everything that was checked holds."""
        return all(one.holds for one in self.shown)


@dataclass(frozen=True, slots=True)
class Checked:
    """A file of evidence, checked.

    Attributes:
        evidence: the file.
        protocol: the protocol that it brings, folded.
        checkpoint: under which its entries stand; None if none does.
        entries: each with what holds.
        witnesses: agencies that cosigned the checkpoint.
    """

    evidence: Evidence
    protocol: PublishedProtocol
    checkpoint: Checkpoint | None
    entries: tuple[CheckedEntry, ...]
    witnesses: tuple[AgencyId, ...] = ()

    @property
    def agencies(self) -> int:
        """How many agencies could have: those of the revision in force when the file was made."""
        agreement = self.protocol.agreement_at(self.evidence.made_at)
        return 0 if agreement is None else len(agreement.roster.agencies)

    @property
    def holds(self) -> bool:
        """Whether everything holds."""
        return all(one.holds for one in self.entries)


def check(evidence: Evidence, first_root: bytes | None = None) -> Checked:
    """Check a file of evidence.

    Args:
        evidence: what it holds.
        first_root: the partnership's first root, from elsewhere; without it the file's own is
            taken, and P is to be compared by a person.

    Raises:
        EvidenceRefused: `evidence.root`.
        EntryRefused: the first root does not stand.
    """
    root = read_root(evidence.root)
    given = root.digest if first_root is None else sha256(first_root).digest()
    if not root.digest == evidence.partnership == given:
        raise EvidenceRefused(OTHER_ROOT, root.digest.hex())
    protocol = PublishedProtocol(root.digest)
    for number, (at, value) in enumerate(evidence.protocol):
        protocol.apply(Received(Message("protocol", b"", value), 0, number, at))
    checker = _Checker(root.digest, protocol, evidence.made_at)
    entries = tuple(checker.check(one) for one in evidence.entries)
    return Checked(evidence, protocol, checker.checkpoint, entries, checker.witnesses)


class _Checker:
    """Checks entry by entry; the first one's checkpoint is that of all."""

    def __init__(
        self, partnership: Partnership, protocol: PublishedProtocol, made_at: Instant
    ) -> None:
        self._partnership = partnership
        self._protocol = protocol
        self._batches = BatchVerifier(partnership)
        trust = protocol.trust
        self._origin = trust.origin
        self._keys = (VerifierKey(trust.origin, trust.log_key),)
        self._witnesses = {
            WitnessKey(witness_name(trust.origin, agency), public): agency
            for agency in protocol.agencies()
            for public in protocol.registry.witness_keys(agency, made_at)
        }
        self._notes: set[bytes] = set()
        self.checkpoint: Checkpoint | None = None
        self.witnesses: tuple[AgencyId, ...] = ()

    def check(self, entry: EvidenceEntry) -> CheckedEntry:
        leaf = Leaf.parse(entry.leaf)
        shown = [self._place(entry, leaf)]
        facts = personal = told = None
        if entry.facts is not None:
            facts, one = _facts(entry.facts, leaf)
            shown.append(one)
        if entry.personal is not None:
            personal, one = _personal(entry.personal, leaf)
            shown.append(one)
        if entry.told is not None:
            told, one = _told(entry.told, entry.minimised, leaf, facts)
            shown.append(one)
        checked = CheckedEntry(entry, facts, personal, told, None, ())
        shown += self._protocol_of(checked)
        record, found = self._record(checked)
        return replace(checked, record=record, shown=(*shown, *found))

    def _place(self, entry: EvidenceEntry, leaf: Leaf) -> Shown:
        try:
            proof = Proof.parse(entry.proof)
            checkpoint = proof.verify(leaf.hash, self._origin, self._keys)
            self._cosigned(proof.checkpoint)
        except LogError as error:
            return Shown(What.PLACE, holds=False, why=error.code.name)
        self.checkpoint = self.checkpoint or checkpoint
        if proof.index != entry.index or checkpoint != self.checkpoint:
            return Shown(What.PLACE, holds=False, why="another place or checkpoint")
        return Shown(What.PLACE, holds=True)

    def _cosigned(self, data: bytes) -> None:
        """Find who cosigned the checkpoint.

        Raises:
            LogError: `log.note.signature`; a line is false, or nobody's who has a key.
        """
        if data in self._notes:
            return
        note = Note.parse(data)
        found = cosigners(note, self._witnesses)
        known = {(key.name, key.id) for key in self._keys}
        known |= {(key.name, key.id) for key in found}
        if any((line.name, line.id) not in known for line in note.signatures):
            raise LogError(NOTE_SIGNATURE, "a line of nobody's")
        names = {self._witnesses[key] for key in found}
        self.witnesses = tuple(sorted(names.union(self.witnesses)))
        self._notes.add(data)

    def _protocol_of(self, one: CheckedEntry) -> Iterator[Shown]:
        said = one.facts or one.told
        if said is None:
            return
        place = said.protocol
        fits = self._protocol.head_at(place.position) == place.head
        yield Shown(What.PROTOCOL, fits, "" if fits else "another protocol")
        if said.revision is None:
            return
        try:
            self._protocol.revision(said.revision)
        except NoRevision as error:
            yield Shown(What.REVISION, holds=False, why=error.code.name)
        else:
            yield Shown(What.REVISION, holds=True)

    def _record(self, one: CheckedEntry) -> tuple[Minimised | None, list[Shown]]:
        data = one.entry.minimised or one.entry.record
        said = one.facts or one.told
        if not data or said is None or (one.told is not None and one.told.kind == "quarantine"):
            return None, []
        try:
            record = decode_minimised(data)
            position = said.protocol.position
            digest = signed_by_source(
                record, self._partnership, self._protocol.registry, self._batches, position
            )
        except ConcordatError as error:
            return None, [Shown(What.SOURCE, holds=False, why=error.code.name)]
        same = one.personal is None or one.personal.record == digest
        found = [Shown(What.SOURCE, same, "" if same else "another record")]
        if one.told is not None and one.entry.minimised:
            fits = record.opened() == one.told.slots
            found.append(Shown(What.SLOTS, fits, "" if fits else "other slots"))
        return record, found


def _facts(data: bytes, leaf: Leaf) -> tuple[Facts | None, Shown]:
    try:
        opening = Opening.decode(data)
        if commit_facts(opening.salt, opening.data) != leaf.facts:
            return None, Shown(What.FACTS, holds=False, why="log.commitment")
        return Facts.decode(opening.data), Shown(What.FACTS, holds=True)
    except LogError as error:
        return None, Shown(What.FACTS, holds=False, why=error.code.name)


def _personal(data: bytes, leaf: Leaf) -> tuple[Personal | None, Shown]:
    try:
        opening = Opening.decode(data)
        if commit_personal(opening.salt, opening.data) != leaf.personal:
            return None, Shown(What.PERSONAL, holds=False, why="log.commitment")
        found = Personal.decode(opening.data) if opening.data else None
        return found, Shown(What.PERSONAL, holds=True)
    except LogError as error:
        return None, Shown(What.PERSONAL, holds=False, why=error.code.name)


def _told(
    opening: Opening, minimised: bytes, leaf: Leaf, facts: Facts | None
) -> tuple[Told | None, Shown]:
    try:
        told = Told.decode(opening.data) if opening.data else None
    except LogError as error:
        return None, Shown(What.TOLD, holds=False, why=error.code.name)
    consumer = facts.consumer if facts is not None else "" if told is None else told.consumer
    if commit_told(opening.salt, consumer, minimised, opening.data) != leaf.told:
        return None, Shown(What.TOLD, holds=False, why="log.commitment")
    return told, Shown(What.TOLD, holds=True)
