"""One thing that an agency's people owe: what, by when, how pressing, whom to ring."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from broker.clock import Instant
from broker.protocol.agreement import Agreement
from broker.records.names import AgencyId, ConsumerId, agency_of


class Owed(StrEnum):
    """What is owed."""

    ACKNOWLEDGE = "acknowledge"
    ACT = "act"
    ANSWER = "answer"
    CHASE = "chase"
    DECIDE = "decide"
    NAME = "name"
    TAKE_OVER = "take-over"
    INTERVIEW = "interview"
    TELL = "tell"
    PREPARE = "prepare"
    REVIEW = "review"


class Level(StrEnum):
    """How pressing it is."""

    OPEN = "open"
    REMINDER = "reminder"
    ESCALATED = "escalated"


DO: Mapping[Owed, str] = {
    Owed.ACKNOWLEDGE: "Take it on: concordat ack.",
    Owed.ACT: "Say what was done, no further action included: concordat action.",
    Owed.ANSWER: "Answer it, also if nothing is held or you refuse: concordat respond.",
    Owed.CHASE: "They have not answered: ring them.",
    Owed.DECIDE: "Share it, or write down why that is worse for the child: concordat tasks answer.",
    Owed.NAME: "The named professional's time ends: name another one.",
    Owed.TAKE_OVER: "The child is handed over to you: name who takes over.",
    Owed.INTERVIEW: "She came back: offer a return interview by an independent person.",
    Owed.TELL: "Tell the child what is shared, and with whom; or write down why that would harm.",
    Owed.REVIEW: "The glass was broken: a second person says whether that was justified.",
    Owed.PREPARE: "She turns eighteen on that day: name who supports her from then on.",
}
"""What to do, in a sentence."""


@dataclass(frozen=True, slots=True, order=True)
class Duty:
    """One thing that is owed. Sorted by when it is due.

    Attributes:
        due: by when.
        owed: what.
        record: id in hex of the record that it is about.
        since: from when.
        level: open, reminder or escalated.
        delivery: id in hex; empty if it is about an own record.
        desk: who owes it, or whom to ring for it.
        manager: to whom it escalates.
        telephone: the number that somebody answers now.
        do: what to do, in a sentence.
        answers: id in hex of the request that the record answers; empty if it is no answer.
    """

    due: Instant
    owed: Owed
    record: str
    since: Instant
    level: Level
    delivery: str
    desk: str
    manager: str
    telephone: str
    do: str
    answers: str = ""


def level_of(since: Instant, due: Instant, at: Instant) -> Level:
    """Return how pressing something is at `at`: at half of its time, and past its time."""
    if at >= due:
        return Level.ESCALATED
    return Level.REMINDER if at >= since + (due - since) // 2 else Level.OPEN


@dataclass(frozen=True, slots=True)
class Clock:
    """Makes duties of one agency at one time.

    Attributes:
        agency: whose duties.
        agreement: in force: desks, and who is named for what.
        at: now.
    """

    agency: AgencyId
    agreement: Agreement
    at: Instant

    def duty(
        self,
        owed: Owed,
        record: str,
        times: tuple[Instant, Instant],
        consumer: str = "",
        delivery: str = "",
        answers: str = "",
    ) -> Duty:
        """Return a duty; `times` are since when, and by when."""
        name = ConsumerId(consumer or self.agency)
        desk = self.agreement.roster.desk(name)
        since, due = times
        return Duty(
            due,
            owed,
            record,
            since,
            level_of(since, due, self.at),
            delivery,
            name if desk is None else f"{agency_of(name)}/{desk.id}",
            "" if desk is None else desk.manager,
            "" if desk is None else desk.telephone_at(self.at),
            DO[owed],
            answers,
        )
