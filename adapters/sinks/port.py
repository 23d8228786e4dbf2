"""The port that every sink implements.

A sink is another system of the agency. Hand-over is at least once: the delivery's id is the key by
which the other side knows a repetition. A sink names the obligations that it honours, and gets no
delivery that bears another one.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HandOver:
    """A delivery for a sink.

    Attributes:
        delivery: its id in hex: the idempotency key.
        entry: number of its log entry; None for one that came past the broker.
        document: the delivery with its content, as `concordat inbox --json` shows it, in JSON.
        obligations: kinds of the obligations it bears.
    """

    delivery: str
    entry: int | None
    document: bytes
    obligations: frozenset[str]


class Sink(Protocol):
    """Hands deliveries over to one system."""

    @property
    def name(self) -> str:
        """What configuration and status call it."""
        ...

    @property
    def honours(self) -> frozenset[str]:
        """Kinds of obligations that the system behind it keeps, as its agency declares."""
        ...

    async def hand(self, one: HandOver) -> None:
        """Hand a delivery over; return when the other side has it for good.

        Raises:
            SinkFailed: not now; to be tried again.
            SinkRefused: the other side will not take this one, however often it is tried.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
