"""What becomes of brought content: safe, to be sent again, or refused for good.

The one place that turns what an `Intake` says into what another system may be told; each protocol
has its own words for the three.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from adapters.errors import InputRefused
from adapters.format import Rejected
from adapters.intake import Intake, Taken
from adapters.listening.errors import NOT_NOW, NOTHING_TAKEN
from broker.errors import Code, ConcordatError

MOST_REASONS = 20
"""Reasons that the other side is told of one piece of content; its own side shows them all."""


class Fate(Enum):
    """What became of it."""

    SAFE = "accepted"
    LATER = "not-now"
    NEVER = "refused"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why; no value of a record in it.

    Attributes:
        code: stable code.
        where: item and field, or part of the message.
        sentence: what happened.
        fix: what to do.
    """

    code: str
    where: str
    sentence: str
    fix: str

    @property
    def line(self) -> str:
        """All of it but the code, in one line."""
        place = f" ({self.where})" if self.where else ""
        return f"{self.sentence}{place} {self.fix}"


@dataclass(frozen=True, slots=True)
class Brought:
    """A piece of content and what became of it.

    Attributes:
        fate: what.
        reasons: why; of safe content, those of its items that were rejected.
        taken: counts; None unless an intake gave them.
    """

    fate: Fate
    reasons: tuple[Reason, ...] = ()
    taken: Taken | None = None

    @property
    def sentence(self) -> str:
        """What a person who watches the listener is told: counts and codes."""
        one = self.taken
        match self.fate:
            case Fate.NEVER:
                return ", ".join(dict.fromkeys(why.code for why in self.reasons))
            case Fate.LATER:
                return ", ".join(f"{why.code} ({why.where})" for why in self.reasons)
            case Fate.SAFE if one is None:
                return "taken before"
            case Fate.SAFE:
                return (
                    f"{one.signed} new, {one.already} known, {one.kept_back} kept back, "
                    f"{len(one.account.rejected) + len(one.refused)} rejected"
                )


def reason_of(error: ConcordatError) -> Reason:
    """Return an error as a reason."""
    return Reason(error.code.name, error.where, error.code.sentence, error.fix)


def plain_reason(code: Code, where: str = "") -> Reason:
    """Return a code as a reason."""
    return Reason(code.name, where, code.sentence, code.fix)


def refusal(error: ConcordatError) -> Brought:
    """Return what an error means: content that is refused stays so; all else may pass."""
    if isinstance(error, InputRefused):
        return Brought(Fate.NEVER, (reason_of(error),))
    # What ails this side is this side's business: the other one is told that it is not now.
    return Brought(Fate.LATER, (plain_reason(NOT_NOW, error.code.name),))


async def bring(intake: Intake, content: bytes, name: str, format_name: str | None) -> Brought:
    """Hand content to the intake and return what became of it; only a cancellation is raised."""
    try:
        taken = await intake.take(content, name, format_name)
    except ConcordatError as error:
        return refusal(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing may be acknowledged
        # Its text may quote content; its kind does not.
        return Brought(Fate.LATER, (plain_reason(NOT_NOW, type(error).__name__),))
    reasons = tuple(_of_items((*taken.account.rejected, *taken.refused)))
    if reasons and not taken.signed + taken.already + taken.kept_back:
        nothing = plain_reason(NOTHING_TAKEN)
        return Brought(Fate.NEVER, (nothing, *reasons[: MOST_REASONS - 1]), taken)
    return Brought(Fate.SAFE, reasons[:MOST_REASONS], taken)


def _of_items(items: Iterable[Rejected]) -> Iterable[Reason]:
    for one in items:
        where = one.item if one.field in ("", one.item) else f"{one.item}, {one.field}"
        yield Reason(one.code, where, one.reason, one.fix)
