"""Which keys may speak and be spoken to, by the order of the log (`docs/formats.md`, section 10).

Rules (each has a test that tries to break it):

1. A key is added, retired, revoked or declared compromised by an entry on the `protocol` topic;
   its position there is the order of the log, and every access-log entry names the position it
   was made at. Validity is asked at a position, so that yesterday's answer can be re-derived.
2. An added key is valid from its entry on. Another agency cannot add the same key, nor the same
   agency twice.
3. A retired key stays valid for records that arrive within seven days of its retirement.
4. A revoked key is invalid from its entry on, at once.
5. A key compromised since t is invalid from its entry on, whatever a record says of when it was
   issued: who holds the key can say anything. Records issued since t that were accepted before
   are listed by verification, not silently kept.
6. Keys that are not canonical points of full order are refused (`broker.records.points`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from broker.clock import DAY, Instant
from broker.records.batches import key_id_of
from broker.records.errors import (
    KEY_ABSENT,
    KEY_COMPROMISED,
    KEY_NAME,
    KEY_RETIRED,
    KEY_REVOKED,
    KEY_TWICE,
    KEY_UNKNOWN,
    KeyRefused,
    RecordRefused,
)
from broker.records.names import AgencyId, KeyId
from broker.records.points import refuse_weak_key, refuse_weak_sealing_key

RETIRED_GRACE = 7 * DAY
"""How long a retired key's records are still taken: an outbox may be a long weekend behind."""


BEGINNING = Instant(0)


class Use(StrEnum):
    """What a key is for; no key serves two purposes."""

    SIGN = "sign"
    SEAL = "seal"
    WITNESS = "witness"


class Change(StrEnum):
    """What an entry does to a key."""

    ADD = "add"
    RETIRE = "retire"
    REVOKE = "revoke"
    COMPROMISED = "compromised"


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """One verified entry about one key.

    Attributes:
        position: place on the `protocol` topic.
        at: when it arrived there.
        holder: the agency, or `router` for the broker's own sealing keys.
        use: sign, seal or witness.
        change: add, retire, revoke or compromised.
        key_id: which key.
        raw: the public key, 32 bytes, when it is added; else empty.
        since: for `compromised`: the instant it may have been in other hands.
    """

    position: int
    at: Instant
    holder: AgencyId
    use: Use
    change: Change
    key_id: KeyId
    raw: bytes = b""
    since: Instant = BEGINNING


@dataclass(frozen=True, slots=True)
class _Life:
    holder: AgencyId
    use: Use
    raw: bytes
    added: int
    retired: tuple[int, Instant] | None = None
    revoked: int | None = None
    compromised: tuple[int, Instant] | None = None


@dataclass(slots=True)
class KeyRegistry:
    """State folded from key events, in order. Not shared between processes: fold it anew."""

    _lives: dict[KeyId, _Life] = field(default_factory=dict)
    _loaded: dict[KeyId, Ed25519PublicKey] = field(default_factory=dict)
    _sealing: dict[bytes, X25519PublicKey] = field(default_factory=dict)

    def apply(self, event: KeyEvent) -> None:
        """Take one verified event into account.

        Raises:
            KeyRefused: `key.twice`, `key.name`, `key.absent` or `key.point`; nothing was changed.
        """
        if event.change is Change.ADD:
            self._add(event)
            return
        life = self._lives.get(event.key_id)
        if life is None or life.holder != event.holder or life.use is not event.use:
            raise KeyRefused(KEY_ABSENT, f"protocol entry {event.position}")
        if event.change is Change.RETIRE:
            life = replace(life, retired=life.retired or (event.position, event.at))
        elif event.change is Change.REVOKE:
            life = replace(life, revoked=event.position if life.revoked is None else life.revoked)
        else:
            since = event.since if life.compromised is None else life.compromised[1]
            position = event.position if life.compromised is None else life.compromised[0]
            life = replace(life, compromised=(position, Instant(min(since, event.since))))
        self._lives[event.key_id] = life

    def _add(self, event: KeyEvent) -> None:
        if key_id_of(event.raw) != event.key_id:
            raise KeyRefused(KEY_NAME, f"protocol entry {event.position}")
        if event.key_id in self._lives:
            raise KeyRefused(KEY_TWICE, f"protocol entry {event.position}")
        if event.use is Use.SEAL:
            refuse_weak_sealing_key(event.raw)
        else:
            refuse_weak_key(event.raw)
        self._lives[event.key_id] = _Life(event.holder, event.use, event.raw, event.position)

    def signing_key(
        self, agency: AgencyId, key_id: KeyId, *, position: int, arrived: Instant, issued: Instant
    ) -> Ed25519PublicKey:
        """Return the agency's key if it may have signed a record accepted at `position`.

        Args:
            agency: who signs.
            key_id: which key the record names.
            position: how much of the `protocol` topic was read (entries below it count).
            arrived: when the record arrived.
            issued: when the record says it was issued; told of in the error, never relied on.

        Raises:
            RecordRefused: `record.signature.*-key`.
        """
        life = self._lives.get(key_id)
        known = life is not None and life.holder == agency and life.use is Use.SIGN
        if life is None or not known or life.added >= position:
            raise RecordRefused(KEY_UNKNOWN, "batch.key_id")
        if life.revoked is not None and life.revoked < position:
            raise RecordRefused(KEY_REVOKED, "batch.key_id")
        if life.compromised is not None and life.compromised[0] < position:
            when = "since" if issued >= life.compromised[1] else "before"
            raise RecordRefused(KEY_COMPROMISED, f"batch.key_id, said to be issued {when} then")
        if (
            life.retired is not None
            and life.retired[0] < position
            and arrived > life.retired[1] + RETIRED_GRACE
        ):
            raise RecordRefused(KEY_RETIRED, "batch.key_id")
        key = self._loaded.get(key_id)
        if key is None:
            key = self._loaded[key_id] = Ed25519PublicKey.from_public_bytes(life.raw)
        return key

    def knows(self, key_id: KeyId) -> bool:
        """Tell whether a key was ever added, whatever has become of it."""
        return key_id in self._lives

    def witness_keys(self, agency: AgencyId, arrived: Instant) -> tuple[bytes, ...]:
        """Return the raw keys by which an agency may have cosigned what arrived then.

        Asked of all that was read: what is revoked or compromised counts for nothing any more.
        """
        return tuple(
            life.raw
            for life in self._lives.values()
            if life.holder == agency
            and life.use is Use.WITNESS
            and life.revoked is None
            and life.compromised is None
            and (life.retired is None or arrived <= life.retired[1] + RETIRED_GRACE)
        )

    def sealing_key(self, holder: AgencyId) -> X25519PublicKey:
        """Return the newest sealing key of an agency, or of `router`, that is still in use.

        Raises:
            KeyRefused: `key.absent`.
        """
        raw = self._newest_sealing(holder)
        if raw is None:
            raise KeyRefused(KEY_ABSENT, f"sealing key of {holder}")
        key = self._sealing.get(raw)
        if key is None:
            key = self._sealing[raw] = X25519PublicKey.from_public_bytes(raw)
        return key

    def can_receive(self, holder: AgencyId) -> bool:
        """Tell whether anything can be sealed to `holder`."""
        return self._newest_sealing(holder) is not None

    def _newest_sealing(self, holder: AgencyId) -> bytes | None:
        valid = [
            life
            for life in self._lives.values()
            if life.holder == holder
            and life.use is Use.SEAL
            and life.retired is None
            and life.revoked is None
            and life.compromised is None
        ]
        return max(valid, key=lambda life: life.added).raw if valid else None

    def compromised(self) -> Iterator[tuple[AgencyId, KeyId, Instant]]:
        """Yield every key that was declared compromised, and since when."""
        for key_id, life in self._lives.items():
            if life.compromised is not None:
                yield life.holder, key_id, life.compromised[1]
