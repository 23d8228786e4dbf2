"""Children and what agencies say of them, as tokens and entries."""

from hashlib import sha256

from broker.records.names import ZERO_ID, AgencyId, RecordDigest, RecordId
from broker.subjects.registers import Entry, Registers
from broker.subjects.states import Involvement, States
from broker.subjects.tokens import STRONG, Tokens

SCHOOL = AgencyId("st-brannocks-school")
OTHER_SCHOOL = AgencyId("northfield-school")
COUNCIL = AgencyId("eastshire-council")
BORN = "2011-09-25"
ON_ROLL = Involvement("on-roll", 20_000, None, "P-1")


def mark(said: str) -> bytes:
    """Return 16 bytes that stand for an identifier; equal for equal text."""
    return sha256(said.encode()).digest()[:16]


def tokens(born: str | None = BORN, **strong: str) -> Tokens:
    """Return tokens of identifiers by system."""
    found = tuple(
        (system, mark(f"{system} {strong[system]}")) for system in STRONG if system in strong
    )
    return Tokens(found, None if born is None else mark(f"born {born}"), None)


def record_id(name: str) -> RecordId:
    return RecordId(mark(f"record {name}"))


def entry(
    name: str,
    of: Tokens,
    states: States | None = None,
    *,
    by: AgencyId = SCHOOL,
    supersedes: str | None = None,
    retracts: str | None = None,
) -> Entry:
    """Return what a record says to the registers."""
    return Entry(
        RecordDigest(sha256(f"{by} {name}".encode()).digest()),
        record_id(name),
        ZERO_ID if supersedes is None else record_id(supersedes),
        by,
        of,
        states,
        None if retracts is None else record_id(retracts),
    )


def folded(*entries: Entry) -> Registers:
    """Return the registers after these entries."""
    registers = Registers()
    for one in entries:
        registers.apply(one)
    return registers
