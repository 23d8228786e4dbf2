"""An agency narrows its own sending or receiving, at once, or lifts what it has narrowed."""

from broker.clock import FOREVER, HOUR, Instant
from broker.errors import Code
from broker.lanes import Message
from broker.protocol.bodies import LiftBody, NarrowingBody
from broker.protocol.entries import sign_entry
from broker.protocol.errors import ProtocolError
from broker.protocol.narrowing import Direction, Narrowing
from broker.protocol.published import PublishedProtocol
from broker.routing.intake import PROTOCOL
from broker.runtimes.agency import AgencySide

NO_NARROWING = Code(
    "protocol.narrowing.absent",
    "This agency has no such narrowing in force.",
    "List them with `concordat narrow AGENCY --list`.",
)
UNKNOWN = Code(
    "protocol.narrowing.unknown",
    "The protocol knows no such agency, record type or clause.",
    "Name one that the protocol has.",
)


def in_force(protocol: PublishedProtocol, agency: str, at: Instant) -> list[Narrowing]:
    """Return an agency's narrowings in force at `at`."""
    return [
        one for one in protocol.narrowings if one.agency == agency and one.since <= at < one.until
    ]


async def narrow(
    side: AgencySide,
    direction: Direction,
    *,
    counterpart: str,
    record_type: str,
    clause: str,
    hours: int | None,
    reason: str,
) -> str:
    """Sign and publish a narrowing of the agency's own exchange; return its id.

    Raises:
        ProtocolError: it names something that the protocol does not have.
    """
    at = side.clock.now()
    revision = side.protocol.current(at)
    known = (
        (counterpart, side.agreement.roster.has(counterpart)),
        (record_type, record_type in {schema.type for schema in side.schemas.types()}),
        (clause, revision.clause(clause) is not None),
    )
    for said, found in known:
        if said and not found:
            raise ProtocolError(UNKNOWN, said)
    body = NarrowingBody(
        side.agency,
        direction,
        counterpart,
        record_type,
        clause,
        FOREVER if hours is None else Instant(at + hours * HOUR),
        reason,
        side.contact().telephone,
    )
    return await _publish(side, body.plain())


async def lift(side: AgencySide, name: str) -> str:
    """Sign and publish the end of a narrowing; return its id.

    Raises:
        ProtocolError: the agency has no such narrowing in force.
    """
    if name not in {one.id for one in in_force(side.protocol, side.agency, side.clock.now())}:
        raise ProtocolError(NO_NARROWING, name)
    await _publish(side, LiftBody(name).plain())
    return name


async def _publish(side: AgencySide, body: dict[str, object]) -> str:
    place = f"N{side.protocol.position}"
    entry = sign_entry(side.partnership, body, [side.keys.sign])
    await side.stream.publish([Message(PROTOCOL, bytes(8), entry)])
    return place
