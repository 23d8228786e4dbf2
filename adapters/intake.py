"""What listeners and watched folders hand content to: the port behind which it is made safe.

Whoever takes content from another system owes that system an answer. The answer may say "kept" only
when the records are in the durable outbox (or told as rejected, or kept back by the agency's rule);
anything else is answered as a fault, so that the other side sends again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from adapters.accounting import Accounting
from adapters.format import Rejected


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of content that is now safe.

    Attributes:
        account: what was read: read = mapped + rejected + context.
        signed: records that are new in the outbox.
        already: records that were there before.
        kept_back: records that the agency's publication rule kept.
        refused: records that do not fit their schema.
    """

    account: Accounting
    signed: int
    already: int
    kept_back: int
    refused: tuple[Rejected, ...] = field(default=())

    @property
    def clean(self) -> bool:
        """Whether nothing of it was rejected."""
        return not self.account.rejected and not self.refused


class Intake(Protocol):
    """Makes content safe."""

    async def take(self, content: bytes, name: str, format_name: str | None = None) -> Taken:
        """Read, map, judge, sign and keep content; return when all of it is in the outbox.

        Args:
            content: a file's or a message's bytes.
            name: what accounts and errors call it; a file's name, or the listener's word.
            format_name: its format; None: recognised.

        Raises:
            ConcordatError: nothing of it is safe, and it may be handed over again later.
        """
        ...


Heard = Callable[[str, str], None]
"""Called with what happened at a listener or sink (`accepted`, `refused`, …) and a sentence without
any value of a record."""


class Listener(Protocol):
    """Waits for other systems to bring content."""

    @property
    def name(self) -> str:
        """What configuration and status call it."""
        ...

    @property
    def address(self) -> str:
        """Where it listens, once it does: `127.0.0.1:2575`."""
        ...

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            ConcordatError: the address cannot be had.
        """
        ...

    async def close(self) -> None:
        """Take no more, let what is being taken come to its answer, and end."""
        ...
