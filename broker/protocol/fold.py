"""The state of the protocol: folded from the entries of its topic, in order.

Bytes go in; a verified state comes out, or an error.

Rules (each has a test that tries to break it):

1. The first entry is the first root; the SHA-256 of its file is P, which the reader knows already.
2. Every entry is in its one form, and every one of its signatures verifies, by a key that may sign
   entries of its kind. An entry that is refused changes nothing, and its place stays empty: those
   after it count on.
3. A root after the first has the next version and the same origin, and is signed by the quorum of
   the root before it and by its own.
4. A revision is signed by the quorum of the root in force: named agencies, one person one vote,
   counted by us. It names the one before it and the next number; its bundle has the digest that it
   says; origin and quorum in it are those of the root.
5. A key of an agency is added or retired by an officer of the agency or by one of its own signing
   keys that is valid there; revoked or declared compromised by an officer alone. A signing key
   that is added signs too. The routers' sealing keys are named by the operator, the log's signing
   keys by the quorum.
6. An agency narrows its own sending and receiving, by an officer or a signing key. Whoever else
   narrows does so by an officer, and it lapses after 72 hours unless officers of two agencies have
   signed. A narrowing is lifted by the agency that signed it.
7. An agency states the hours and telephone numbers of its own desks, by an officer or a signing
   key.
8. Of all revisions accepted, the one in force at t is the last whose first day has come. That it
   has lapsed takes nothing but the grants beyond the floor, and that is the engine's to say.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from broker.clock import HOUR, Instant
from broker.protocol.bodies import (
    Body,
    KeyBody,
    LiftBody,
    NarrowingBody,
    RevisionBody,
    RootBody,
    RosterBody,
    body_of,
)
from broker.protocol.entries import FIRST_HEAD, Entry, head_after, parse_entry, verify_entry
from broker.protocol.errors import (
    BUNDLE,
    NO_REVISION,
    ORDER,
    REVISION_UNKNOWN,
    ROOT,
    SIGNER,
    EntryRefused,
    NoRevision,
)
from broker.protocol.narrowing import Narrowing
from broker.protocol.revision import Revision, open_revision
from broker.protocol.root import TrustedRoot, read_root
from broker.protocol.roster import Roster
from broker.records.batches import key_id_of
from broker.records.errors import KeyRefused, RecordRefused
from broker.records.keys import Change, KeyEvent, KeyRegistry, Use
from broker.records.names import AgencyId, KeyId, Partnership

UNCONFIRMED = 72 * HOUR
"""How long a narrowing of other agencies' exchange holds on one agency's word."""


class Revisions(Protocol):
    """Where verified revisions come from: they were read and verified when they came."""

    def current(self, at: Instant) -> Revision:
        """Return the revision in force at `at`; one that has lapsed still, for its floor.

        Raises:
            NoRevision: none has come into force.
        """
        ...

    def revision(self, digest: bytes) -> Revision:
        """Return a revision that was accepted at any time.

        Raises:
            NoRevision: there is none of this digest.
        """
        ...


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one entry.

    Attributes:
        position: its place on the topic.
        kind: of the entry.
        body: what it says.
        signers: ids of the keys that signed it.
    """

    position: int
    kind: str
    body: Body
    signers: frozenset[KeyId]


class ProtocolState:
    """The fold. One process's own copy; another one folds the same entries to the same state.

    Attributes:
        partnership: P.
        keys: the key registry, by the order of the topic.
        narrowings: all that were signed; the lifted ones end where they were lifted.
    """

    def __init__(self, partnership: Partnership) -> None:
        """Begin before the first entry of a partnership whose P is known."""
        self.partnership = partnership
        self.keys = KeyRegistry()
        self.narrowings: tuple[Narrowing, ...] = ()
        self._position = 0
        self._head = FIRST_HEAD
        self._root: TrustedRoot | None = None
        self._revisions: list[Revision] = []
        self._rosters: dict[AgencyId, RosterBody] = {}

    @property
    def position(self) -> int:
        """How many entries were taken, refused ones among them."""
        return self._position

    @property
    def head(self) -> bytes:
        """The topic's head, 32 bytes; refused entries are chained too, for they lie there."""
        return self._head

    @property
    def root(self) -> TrustedRoot:
        """The root in force.

        Raises:
            EntryRefused: `protocol.root`; the first entry is still to come.
        """
        if self._root is None:
            raise EntryRefused(ROOT, "no root yet")
        return self._root

    @property
    def revisions(self) -> tuple[Revision, ...]:
        """All revisions, in order."""
        return tuple(self._revisions)

    def revision_at(self, at: Instant) -> Revision:
        """Return the revision in force at `at` (rule 8).

        Raises:
            NoRevision: none has come into force.
        """
        for revision in reversed(self._revisions):
            if revision.agreement.in_force <= at:
                return revision
        raise NoRevision(NO_REVISION, f"{len(self._revisions)} revisions signed")

    def revision(self, digest: bytes) -> Revision:
        """Return a revision by its digest.

        Raises:
            NoRevision: there is none.
        """
        for revision in self._revisions:
            if revision.digest == digest:
                return revision
        raise NoRevision(REVISION_UNKNOWN, digest.hex())

    def roster_at(self, at: Instant) -> Roster:
        """Return the roster of the revision in force, with what agencies have changed since.

        Raises:
            NoRevision: none has come into force.
        """
        agencies = dict(self.revision_at(at).agreement.roster.agencies)
        for agency, stated in self._rosters.items():
            held = agencies.get(agency)
            if held is not None and stated.fits(held):
                desks = {desk.id: desk for desk in stated.desks}
                agencies[agency] = replace(held, desks={one: desks[one] for one in held.desks})
        return Roster(agencies)

    def apply(self, value: bytes, at: Instant) -> Accepted:
        """Take the next entry.

        Args:
            value: the message's bytes.
            at: when it arrived on the topic.

        Raises:
            EntryRefused: the entry counts for nothing, but as a place on the topic.
        """
        position = self._position
        self._position += 1
        self._head = head_after(self._head, value)
        entry = parse_entry(value)
        body = body_of(entry)
        signers = self._take(entry, body, position, at)
        return Accepted(position, entry.kind, body, signers)

    def _take(self, entry: Entry, body: Body, position: int, at: Instant) -> frozenset[KeyId]:
        match body:
            case RootBody():
                return self._take_root(entry, body)
            case RevisionBody():
                return self._take_revision(entry, body)
            case KeyBody():
                return self._take_key(entry, body, position, at)
            case NarrowingBody():
                return self._take_narrowing(entry, body, position, at)
            case LiftBody():
                return self._take_lift(entry, body, position, at)
            case RosterBody():
                signers = self._signed_by(entry, body.agency, position, at)
                self._rosters[body.agency] = body
                return signers

    def _take_root(self, entry: Entry, body: RootBody) -> frozenset[KeyId]:
        fresh = read_root(body.root)
        own = [officer.key for officer in fresh.trust.officers]
        if self._root is None:
            # (1) P says which root it is; who signed the entry adds nothing to that.
            if fresh.digest != self.partnership or fresh.trust.version != 1:
                raise EntryRefused(ROOT, "rule 1: another partnership's")
            signers = verify_entry(entry, self.partnership, own)
        else:
            # (3) From one root to the next.
            last = self._root.trust
            if (fresh.trust.version, fresh.trust.origin) != (last.version + 1, last.origin):
                raise EntryRefused(ORDER, "root version or origin")
            known = [officer.key for officer in last.officers]
            signers = verify_entry(entry, self.partnership, [*known, *own])
            last.must_reach(signers, "root, by the one before")
        fresh.trust.must_reach(signers, "root")
        self._root = fresh
        return signers

    def _take_revision(self, entry: Entry, body: RevisionBody) -> frozenset[KeyId]:
        # (4) Signatures first: nothing is unpacked on a stranger's word.
        trust = self.root.trust
        signers = self._by_officers(entry)
        trust.must_reach(signers, "revision")
        previous = self._revisions[-1].digest if self._revisions else b""
        if (body.number, body.previous) != (len(self._revisions) + 1, previous):
            raise EntryRefused(ORDER, "revision number or predecessor")
        revision = open_revision(body.bundle)
        if revision.digest != body.digest:
            raise EntryRefused(BUNDLE, "digest")
        agreement = revision.agreement
        if (agreement.origin, agreement.quorum) != (trust.origin, trust.quorum):
            raise EntryRefused(BUNDLE, "origin or quorum is not the root's")
        self._revisions.append(revision)
        return signers

    def _take_key(
        self, entry: Entry, body: KeyBody, position: int, at: Instant
    ) -> frozenset[KeyId]:
        # (5) Who may say so depends on whose key it is.
        if entry.kind == "log-key":
            signers = self._by_officers(entry)
            self.root.trust.must_reach(signers, "log key")
        elif entry.kind == "router-key":
            signers = verify_entry(entry, self.partnership, [self.root.trust.operator])
        else:
            signers = self._agency_key_signers(entry, body, position, at)
        event = KeyEvent(
            position, at, body.holder, body.use, body.change, body.key_id, body.key, body.since
        )
        try:
            self.keys.apply(event)
        except KeyRefused as error:
            raise EntryRefused(ORDER, f"{entry.kind}: {error.code.name}") from error
        return signers

    def _agency_key_signers(
        self, entry: Entry, body: KeyBody, position: int, at: Instant
    ) -> frozenset[KeyId]:
        adds = body.change is Change.ADD
        proof = [body.key] if adds and body.use is not Use.SEAL else []
        if adds and key_id_of(body.key) != body.key_id:
            raise EntryRefused(ORDER, "agency-key: key id")
        officers_only = body.change in {Change.REVOKE, Change.COMPROMISED}
        signers = self._signed_by(
            entry, body.holder, position, at, extra=proof, officers_only=officers_only
        )
        if proof and body.key_id not in signers:
            raise EntryRefused(SIGNER, "agency-key: the new key does not sign")
        return signers

    def _take_narrowing(
        self, entry: Entry, body: NarrowingBody, position: int, at: Instant
    ) -> frozenset[KeyId]:
        # (6) Own exchange: at once and for as long as said. Others': on two agencies' word.
        if self.root.trust.agencies(one.key_id for one in entry.signatures) - {body.agency}:
            signers = self._by_officers(entry)
            agencies = self.root.trust.agencies(signers)
            by = min(agencies)
            confirmed = len(agencies) > 1
            until = body.until if confirmed else min(body.until, Instant(at + UNCONFIRMED))
        else:
            signers = self._signed_by(entry, body.agency, position, at)
            by, until = body.agency, body.until
        self.narrowings += (
            Narrowing(
                f"N{position}",
                by,
                body.agency,
                body.direction,
                body.counterpart,
                body.type,
                body.clause,
                at,
                Instant(until),
                body.reason,
                body.telephone,
            ),
        )
        return signers

    def _take_lift(
        self, entry: Entry, body: LiftBody, position: int, at: Instant
    ) -> frozenset[KeyId]:
        lifted = next((one for one in self.narrowings if one.id == body.narrowing), None)
        if lifted is None or lifted.until <= at:
            raise EntryRefused(ORDER, "lift: no such narrowing in force")
        signers = self._signed_by(entry, lifted.by, position, at)
        self.narrowings = tuple(
            replace(one, until=at) if one is lifted else one for one in self.narrowings
        )
        return signers

    def _by_officers(self, entry: Entry) -> frozenset[KeyId]:
        officers = self.root.trust.officers
        return verify_entry(entry, self.partnership, [officer.key for officer in officers])

    def _signed_by(
        self,
        entry: Entry,
        agency: AgencyId,
        position: int,
        at: Instant,
        *,
        extra: Iterable[bytes] = (),
        officers_only: bool = False,
    ) -> frozenset[KeyId]:
        """Verify that an agency itself signed: an officer, or a signing key valid at this place."""
        trust = self.root.trust
        allowed = {one.key_id: one.key for one in trust.officers if one.agency == agency}
        if not officers_only:
            allowed |= self._own_keys(entry, agency, position, at)
        proof = {key_id_of(raw): raw for raw in extra}
        signers = verify_entry(entry, self.partnership, [*allowed.values(), *proof.values()])
        if not signers & allowed.keys():
            raise EntryRefused(SIGNER, f"{entry.kind}: not by {agency}")
        return signers

    def _own_keys(
        self, entry: Entry, agency: AgencyId, position: int, at: Instant
    ) -> dict[KeyId, bytes]:
        found: dict[KeyId, bytes] = {}
        for one in entry.signatures:
            try:
                key = self.keys.signing_key(
                    agency, one.key_id, position=position, arrived=at, issued=at
                )
            except RecordRefused:
                continue
            found[one.key_id] = key.public_bytes_raw()
        return found
