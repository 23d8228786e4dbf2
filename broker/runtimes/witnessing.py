"""Witnessing: an agency cosigns the log as it follows it, and warns all others of what it sees.

Nothing waits for it: deliveries are taken in before, and whatever goes wrong here stops no more
than the agency's own cosignature. The rules are those of `docs/witnesses.md`, section 3:

1. The memory is what the agency cosigned last; if what lies under its name on the stream is newer,
   the memory was lost or put back.
2. Every step behind the memory must continue it.
3. What the others cosigned must be what this agency was shown.
4. The new memory lies on disk before the cosignature leaves.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.access_log.alarms import ALARMS, MOST_SAID, Alarm, Raised
from broker.access_log.cosignatures import WitnessKey, cosign, witness_name
from broker.access_log.errors import (
    WITNESS_LOST,
    WITNESS_REPLAY,
    WITNESS_ROLLBACK,
    WITNESS_SPLIT,
    LogError,
)
from broker.access_log.published import CHECKPOINTS, Published
from broker.access_log.witness import COSIGNATURES, Cosigned, Memory, Standing
from broker.backends.sqlite.lock import exclusive
from broker.clock import SECOND
from broker.errors import Code
from broker.lanes import Message
from broker.records.batches import key_id_of
from broker.records.names import AgencyId
from broker.routing.intake import PROTOCOL
from broker.runtimes.agency import AgencySide
from broker.runtimes.keystore import load_witness_key, save_witness_key
from broker.runtimes.protocol import log_keys
from broker.runtimes.witness_memory import Kept, begin_to_witness, witness_entry
from broker.runtimes.witness_status import keep_status, read_status
from broker.runtimes.witnessed import (
    agencies_of,
    read_alarms,
    read_cosignatures,
    read_steps,
    row_key,
    standing_of,
)

STEPS_AT_ONCE = 1000


class Warned(LogError):  # noqa: N818 - what happened
    """What the witness has seen is an alarm.

    Attributes:
        notes: signed notes that show it.
    """

    def __init__(self, code: Code, where: str, notes: tuple[bytes, ...]) -> None:
        """Take what is seen, and what shows it."""
        super().__init__(code, where)
        self.notes = notes


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What one look brought.

    Attributes:
        standing: how far all agencies have witnessed the log.
        alarms: that stand, of any agency.
        registered: whether this agency has a key for witnessing that counts.
        size: what it has cosigned now.
        warned: why it signs nothing; None if nothing is wrong.
    """

    standing: Standing
    alarms: tuple[Raised, ...]
    registered: bool
    size: int
    warned: LogError | None


async def witness(side: AgencySide, roots: Mapping[int, bytes]) -> Witnessed:
    """Look at the log as a witness, and cosign what continues all that was cosigned before.

    Args:
        side: the agency's.
        roots: size → root of every step that it has followed; empty if it could not follow.

    Raises:
        ConcordatError: a store cannot be used, or another process cosigns for this agency.
        OSError: the agency's folder cannot be written.
    """
    layout, agency = side.layout, side.agency
    with exclusive(layout.witness_lock(agency)):
        cosigned = await read_cosignatures(side.stream, side.protocol)
        key = _registered(side, load_witness_key(layout.witness_key(agency)))
        kept = Kept.load(layout.witness_memory(agency))
        warned: LogError | None = None
        try:
            if key is not None:
                kept = _remembered(kept, cosigned.get(agency))
                seen, checkpoint = await _look(side, kept)
                _compare(agency, cosigned, roots, seen)
                kept, own = await _vouch(side, key, seen, checkpoint, cosigned.get(agency))
                if own is not None:
                    cosigned[agency] = own
            else:
                _compare(agency, cosigned, roots, Kept())
        except LogError as error:
            warned = error
        alarms = await read_alarms(side.stream, side.protocol)
        size = 0 if kept is None else kept.memory.size
        if warned is not None:
            alarms = await _raise_alarm(side, warned, size, alarms)
        last = read_status(layout, agency)
        steps = await read_steps(side.stream, 0 if last is None else last.offset)
        standing = standing_of(agencies_of(side.protocol, side.clock.now()), cosigned, roots, steps)
        if last is not None and standing.witnessed < last.witnessed:
            # Somebody's cosignature counts no more: what lacks its quorum begins further ahead.
            steps = await read_steps(side.stream)
            standing = standing_of(standing.agencies, cosigned, roots, steps)
        keep_status(layout, agency, standing, alarms, warned)
    own_size = cosigned[agency].size if agency in cosigned else 0
    return Witnessed(standing, alarms, key is not None, own_size, warned)


async def register(side: AgencySide) -> bool:
    """Give the agency a key for witnessing if it has none that counts; tell whether it was done.

    The key counts as soon as the protocol is read anew.

    Raises:
        ConcordatError: a store cannot be used, or another process cosigns for this agency.
    """
    layout, agency, registry = side.layout, side.agency, side.protocol.registry
    with exclusive(layout.witness_lock(agency)):
        path = layout.witness_key(agency)
        key = load_witness_key(path)
        if _registered(side, key) is not None:
            return False
        if key is not None and registry.knows(key_id_of(_public(key))):
            key = Ed25519PrivateKey.generate()  # it was taken away: another one, the same memory
            save_witness_key(path, key)
        elif key is None and await _has_cosigned(side):
            key = Ed25519PrivateKey.generate()  # the folder was lost: the memory counts as lost too
            save_witness_key(path, key)
        elif key is None:
            key = begin_to_witness(layout, agency)
        entry = witness_entry(side.partnership, agency, key, side.keys.sign)
        await side.stream.publish([Message(PROTOCOL, bytes(8), entry)])
    return True


async def confirm(side: AgencySide, said: str) -> int:
    """Go on after a person has looked into this agency's alarms; return how many are settled.

    A memory that was lost is taken up again from what the agency itself has cosigned last.

    Args:
        side: the agency's.
        said: why they are settled; it is published.

    Raises:
        ConcordatError: a store cannot be used, or another process cosigns for this agency.
    """
    with exclusive(side.layout.witness_lock(side.agency)):
        path = side.layout.witness_memory(side.agency)
        kept = Kept.load(path)
        own = (await read_cosignatures(side.stream, side.protocol)).get(side.agency)
        if kept is None or (own is not None and own.size > kept.memory.size):
            kept = Kept() if own is None else await _taken_up(side, own)
            kept.save(path)
        alarms = await read_alarms(side.stream, side.protocol)
        mine = [one for one in alarms if one.alarm.agency == side.agency]
        now, size = side.clock.now(), kept.memory.size
        settled = [
            Alarm(side.agency, one.alarm.code, now, size, (), one.id, said[:MOST_SAID])
            for one in mine
        ]
        await _publish_alarms(side, settled)
    return len(settled)


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _registered(side: AgencySide, key: Ed25519PrivateKey | None) -> Ed25519PrivateKey | None:
    """Return the key if it counts now."""
    keys = side.protocol.registry.witness_keys(side.agency, side.clock.now())
    return key if key is not None and _public(key) in keys else None


async def _has_cosigned(side: AgencySide) -> bool:
    """Tell whether the agency has ever had a key for witnessing that still counts, or cosigned."""
    if side.protocol.registry.witness_keys(side.agency, side.clock.now()):
        return True
    return side.agency in await read_cosignatures(side.stream, side.protocol)


def _remembered(kept: Kept | None, own: Cosigned | None) -> Kept:
    """Return the memory, unless it is older than what the agency itself has cosigned."""
    if kept is None:
        notes = () if own is None else (own.note,)
        raise Warned(WITNESS_LOST, "no memory", notes)
    if own is None or own.size < kept.memory.size:
        return kept
    if own.size > kept.memory.size or own.root != kept.memory.root:
        where = f"remembers size {kept.memory.size}, has cosigned {own.size}"
        raise Warned(WITNESS_LOST, where, (own.note, *([kept.note] if kept.note else [])))
    return kept


async def _look(side: AgencySide, kept: Kept) -> tuple[Kept, bytes]:
    """Return what is to be remembered now, and its checkpoint; empty before there is one."""
    memory, offset, last = kept.memory, kept.offset, b""
    trust = side.protocol.trust
    keys = log_keys(trust)
    held = (kept.note,) if kept.note else ()
    if offset:
        # What was cosigned last must still stand where it stood.
        there = await side.stream.read(CHECKPOINTS, offset - 1, 1)
        if not there or there[0].offset != offset - 1:
            raise Warned(WITNESS_ROLLBACK, f"{CHECKPOINTS}, offset {offset - 1}", held)
        step = Published.decode(there[0].message.value)
        last = step.checkpoint
        try:
            memory.advance(last, (), trust.origin, keys)
        except LogError as error:
            if error.code is not WITNESS_REPLAY:
                raise Warned(error.code, error.where, (*held, step.checkpoint)) from error
    while found := await side.stream.read(CHECKPOINTS, offset, STEPS_AT_ONCE):
        for one in found:
            step = Published.decode(one.message.value)
            try:
                memory = memory.advance(step.checkpoint, step.path, trust.origin, keys)
            except LogError as error:
                raise Warned(error.code, error.where, (*held, step.checkpoint)) from error
            last = step.checkpoint
        offset = found[-1].offset + 1
    return Kept(memory, offset, kept.note), last


def _compare(
    agency: AgencyId, cosigned: Mapping[AgencyId, Cosigned], roots: Mapping[int, bytes], kept: Kept
) -> None:
    """Refuse a log of which others have cosigned what this agency was never shown."""
    newest = max(roots, default=0)
    held = (kept.note,) if kept.note else ()
    for other, one in cosigned.items():
        if other == agency or not 0 < one.size <= newest:
            continue  # what is newer will be looked at once this agency has followed so far
        if roots.get(one.size) != one.root:
            raise Warned(WITNESS_SPLIT, f"size {one.size}, {other}", (one.note, *held))


async def _vouch(
    side: AgencySide, key: Ed25519PrivateKey, seen: Kept, checkpoint: bytes, own: Cosigned | None
) -> tuple[Kept, Cosigned | None]:
    """Remember, then cosign, unless that was done; return memory and last cosignature.

    What lies on the stream may be older than the memory, or gone: a process died between the two,
    the key is a new one, or somebody wrote over it.
    """
    memory = seen.memory
    if not memory.size or (own is not None and own.size == memory.size):
        return seen, own
    name = WitnessKey(witness_name(side.protocol.trust.origin, side.agency), _public(key))
    at_s = side.clock.now() // SECOND
    kept = Kept(memory, seen.offset, cosign(checkpoint, name, key, at_s))
    kept.save(side.layout.witness_memory(side.agency))
    await side.stream.publish([Message(COSIGNATURES, row_key(side.agency), kept.note)])
    return kept, Cosigned(side.agency, memory.size, memory.root, at_s, kept.note)


async def _taken_up(side: AgencySide, own: Cosigned) -> Kept:
    """Return the memory that goes with what the agency has cosigned, if the log still has it."""
    steps = await read_steps(side.stream)
    if steps.roots.get(own.size) != own.root:
        raise LogError(WITNESS_ROLLBACK, f"size {own.size}")
    return Kept(Memory(own.size, own.root), steps.at[own.size][1] + 1, own.note)


async def _raise_alarm(
    side: AgencySide, warned: LogError, size: int, alarms: tuple[Raised, ...]
) -> tuple[Raised, ...]:
    """Tell all others, unless this agency has told them already; return the alarms that stand."""
    code = warned.code.name
    if any(one.alarm.agency == side.agency and one.alarm.code == code for one in alarms):
        return alarms
    notes = warned.notes if isinstance(warned, Warned) else ()
    await _publish_alarms(side, [Alarm(side.agency, code, side.clock.now(), size, notes)])
    return await read_alarms(side.stream, side.protocol)


async def _publish_alarms(side: AgencySide, alarms: list[Alarm]) -> None:
    if alarms:
        values = [one.sign(side.partnership, side.keys.sign) for one in alarms]
        await side.stream.publish([Message(ALARMS, bytes(8), value) for value in values])
