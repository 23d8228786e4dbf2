"""Witnessing: what an agency vouches for when it cosigns, and what enough agencies vouch for.

A witness remembers one thing: size and root of the checkpoint that it cosigned last. Rules of
`advance`, from there to the next checkpoint:

1. it is a note of this log, signed by one of its keys;
2. it is not smaller (`witness.rollback`);
3. of the same size it has the same root (`witness.split-view`), and is then not cosigned again
   (`witness.replay`);
4. the path leads from the root remembered to the new one, RFC 9162, section 2.1.4.2
   (`witness.inconsistent`).

The witness remembers the new one *before* its cosignature leaves: two cosignatures that contradict
each other can then never be of one memory. A memory that is older than what the witness itself has
cosigned was lost or put back (`witness.state-lost`): it signs nothing more until a person says so.

How many are enough (C2SP tlog-policy): more than half of the agencies of the revision in force, one
vote each, whatever keys it has. A log that shows some readers another history needs two such
halves, so one agency at least would have to cosign both.

Source: C2SP tlog-witness, tlog-policy.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from broker.access_log.cosignatures import WitnessKey, cosigners, witness_name
from broker.access_log.errors import (
    WITNESS_COSIGNATURE,
    WITNESS_FORK,
    WITNESS_REPLAY,
    WITNESS_ROLLBACK,
    WITNESS_SPLIT,
    LogError,
)
from broker.access_log.notes import Note, VerifierKey, open_checkpoint
from broker.access_log.tree import EMPTY_ROOT, check_consistency
from broker.clock import MINUTE, Instant
from broker.records.names import AgencyId

COSIGNATURES = "cosignatures"
"""The public table: agency → the checkpoint that it cosigned last."""

LATE = 10 * MINUTE
"""How long a checkpoint may lack its quorum before that is an alarm, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a witness remembers: the checkpoint that it cosigned last.

    Attributes:
        size: number of entries; 0 before the first.
        root: over them.
    """

    size: int = 0
    root: bytes = EMPTY_ROOT

    def advance(
        self, note: bytes, path: Collection[bytes], origin: str, keys: Collection[VerifierKey]
    ) -> Self:
        """Return what is to be remembered before `note` is cosigned; see the module for the rules.

        Args:
            note: the checkpoint.
            path: consistency path from the size remembered; empty from 0.
            origin: which log.
            keys: the log's.

        Raises:
            LogError: `witness.*`, or `log.note.*`: it must not be cosigned.
        """
        # (1) the log's own word
        checkpoint = open_checkpoint(note, origin, keys)
        # (2) never back
        if checkpoint.size < self.size:
            raise LogError(WITNESS_ROLLBACK, f"size {checkpoint.size} after {self.size}")
        # (3) one size, one root, once
        if checkpoint.size == self.size:
            same = checkpoint.root == self.root
            raise LogError(WITNESS_REPLAY if same else WITNESS_SPLIT, f"size {self.size}")
        # (4) what was cosigned is the beginning of it
        try:
            check_consistency(self.size, self.root, checkpoint.size, checkpoint.root, tuple(path))
        except LogError as error:
            where = f"from size {self.size} to {checkpoint.size}"
            raise LogError(WITNESS_FORK, where) from error
        return type(self)(checkpoint.size, checkpoint.root)


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint that an agency cosigned.

    Attributes:
        agency: which.
        size: number of entries.
        root: over them.
        at_s: when, by its own clock, seconds since the epoch.
        note: the signed note.
    """

    agency: AgencyId
    size: int
    root: bytes
    at_s: int
    note: bytes


def read_cosigned(
    note: bytes,
    agency: AgencyId,
    origin: str,
    log_keys: Collection[VerifierKey],
    publics: Iterable[bytes],
) -> Cosigned:
    """Return what an agency has cosigned.

    Args:
        note: the signed note.
        agency: whose cosignature it must bear.
        origin: which log.
        log_keys: the log's.
        publics: raw keys by which the agency may witness now.

    Raises:
        LogError: `log.note.*`, or `witness.cosignature`.
    """
    checkpoint = open_checkpoint(note, origin, log_keys)
    name = witness_name(origin, agency)
    keys = [WitnessKey(name, public) for public in publics]
    times = cosigners(Note.parse(note), keys)
    if not times:
        raise LogError(WITNESS_COSIGNATURE, agency)
    return Cosigned(agency, checkpoint.size, checkpoint.root, max(times.values()), note)


def quorum_of(agencies: int) -> int:
    """Return how many agencies are more than half."""
    return agencies // 2 + 1


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the agencies have witnessed the log.

    Attributes:
        agencies: of the revision in force.
        cosigned: of those that have; none that contradicts the log as its reader knows it.
        newest: size of the newest checkpoint published.
        waiting: when the first checkpoint that lacks its quorum was published; None if none does.
        offset: of that checkpoint on its topic, or behind the last one.
    """

    agencies: tuple[AgencyId, ...]
    cosigned: Mapping[AgencyId, Cosigned] = field(default_factory=dict)
    newest: int = 0
    waiting: Instant | None = None
    offset: int = 0

    @property
    def needed(self) -> int:
        """How many agencies are enough."""
        return quorum_of(len(self.agencies))

    @property
    def witnessed(self) -> int:
        """The size that enough agencies have cosigned; 0 if there is none."""
        sizes = sorted((one.size for one in self.cosigned.values()), reverse=True)
        return sizes[self.needed - 1] if len(sizes) >= self.needed else 0

    def by(self, index: int) -> tuple[AgencyId, ...]:
        """Return who has witnessed an entry: it stands before the end of what they cosigned."""
        return tuple(
            one for one in self.agencies if one in self.cosigned and self.cosigned[one].size > index
        )

    def has_quorum(self, index: int) -> bool:
        """Tell whether enough agencies have witnessed an entry."""
        return len(self.by(index)) >= self.needed

    def late(self, at: Instant) -> bool:
        """Tell whether a checkpoint has lacked its quorum for longer than it may."""
        return self.waiting is not None and at - self.waiting >= LATE


def most_witnessed(standing: Standing, index: int) -> tuple[Cosigned, ...]:
    """Return what the agencies cosigned of the checkpoint that most of them cosigned last.

    Only of those that cover the entry; of several the largest. Empty if there is none.
    """
    by_size: dict[int, list[Cosigned]] = {}
    for agency in standing.agencies:
        one = standing.cosigned.get(agency)
        if one is not None and one.size > index:
            by_size.setdefault(one.size, []).append(one)
    if not by_size:
        return ()
    _, size = max((len(some), size) for size, some in by_size.items())
    return tuple(by_size[size])


def policy_text(log_key: VerifierKey, witnesses: Mapping[AgencyId, Collection[WitnessKey]]) -> str:
    """Return the quorum as other tools read it (C2SP tlog-policy).

    Args:
        log_key: the log's.
        witnesses: every agency of the revision in force, with the keys by which it may witness.
    """
    lines = [f"log {log_key}"]
    groups: list[str] = []
    for agency, keys in witnesses.items():
        names = [agency if len(keys) == 1 else f"{agency}-{n}" for n in range(1, len(keys) + 1)]
        lines += [f"witness {name} {key}" for name, key in zip(names, keys, strict=True)]
        if len(keys) > 1:
            lines.append(f"group {agency} any {' '.join(names)}")
        if keys:
            groups.append(agency)
    needed = quorum_of(len(witnesses))
    if len(groups) >= needed:
        lines += [f"group agencies {needed} {' '.join(groups)}", "quorum agencies"]
    else:
        lines.append("# Too few agencies have a key for witnessing: there is no quorum yet.")
    return "\n".join(lines) + "\n"
