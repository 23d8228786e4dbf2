"""A concern, whatever it was written on: from what was seen to the record, its labels and lanes.

Forms and logs of concerns find the same things under other names; what follows from them is decided
here, once:

1. There must be an account or a summary.
2. A summary counts as shareable only if there is one.
3. Words that point to sexual health protect the record (`adapters/health/protected.py`).
4. What is feared to be immediate takes the urgent lanes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.drafting import Saying
from adapters.errors import FIELD_MISSING, InputRefused
from adapters.health.protected import protections
from broker.clock import Instant
from broker.records.statement import Indicator

EXPLOITATION = "concern:exploitation"
IMMEDIATE = "immediate"


@dataclass(frozen=True, slots=True)
class Concern:
    """What somebody has written down.

    Attributes:
        on: day of the observation.
        at: when, if the time is known.
        urgency: immediate, today or routine.
        account: what was seen or told.
        summary: what the writer wrote to be shared.
        seen_alone: whether the child was seen alone.
        voice: the child's voice, as its slot has it.
        third: other people, each with role and name.
        indicators: coded signs.
        facts: those of its categories.
        protections: those that the writer or a category names.
        handling: none, P or C.
        addressed_to: consumers that the writer names.
        shareable: the writer says that the summary may be shared.
        third_party_checked: the writer checked the text for other people's details.
    """

    on: int
    urgency: str
    account: str | None
    summary: str | None
    at: Instant | None = None
    seen_alone: bool | None = None
    voice: Mapping[str, object] | None = None
    third: tuple[Mapping[str, str | None], ...] = ()
    indicators: tuple[Indicator, ...] = ()
    facts: tuple[str, ...] = ()
    protections: tuple[str, ...] = ()
    handling: str = "none"
    addressed_to: tuple[str, ...] = ()
    shareable: bool | None = None
    third_party_checked: bool | None = None


def concern_saying(concern: Concern, natural_id: str) -> Saying:
    """Return what a concern says, by the rules above.

    Raises:
        InputRefused: `field.missing`: neither account nor summary.
    """
    account, summary = concern.account, concern.summary
    if account is None and summary is None:
        raise InputRefused(FIELD_MISSING, "account")
    immediate = concern.urgency == IMMEDIATE
    return Saying(
        type="concern",
        natural_id=natural_id,
        on=concern.on,
        content={
            "concern": {
                "on": concern.on,
                "at": concern.at,
                "urgency": concern.urgency,
                "seen_alone": concern.seen_alone,
            },
            "account": account,
            "voice": concern.voice,
            "shareable_summary": summary,
            "third_party": [dict(one) for one in concern.third] or None,
        },
        indicators=concern.indicators,
        facts=(*concern.facts, *(("concern:immediate",) if immediate else ())),
        roles=tuple(role for one in concern.third if (role := one["role"]) is not None),
        protections=(*concern.protections, *protections(account, summary)),
        handling=concern.handling,
        addressed_to=concern.addressed_to,
        summary_shareable=concern.shareable if summary is not None else None,
        third_party_checked=concern.third_party_checked,
        urgent=immediate,
    )
