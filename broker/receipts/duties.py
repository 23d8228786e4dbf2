"""Duties: what an agency's people owe, and by when; pure, from what it received and what it sent.

A duty is there until what it asks for is there, and nothing else ends it: an acknowledged record on
which nobody has acted stays open. At half of its time it is a reminder; after its time it names the
desk's manager and the number that somebody answers now. What is asked:

- *acknowledge* what must be acknowledged by a time, and *act* on it within a day after that;
- *answer* a request for information, and, of one's own requests, *chase* whoever has not answered;
- *decide* a task: share, or write down why not;
- *name* a named professional where one has ended without another, or *take over* a handover;
- *interview* a child who came back, within 72 hours (statutory guidance, 2014), where this agency
  is one that the protocol names for return interviews;
- *tell* a child what was shared, if she was not told yet;
- *review* what was sent past the broker, by a second person;
- *un-file* what its source took back, and *report* a breach, or decide that it need not be;
- *prepare* what changes at eighteen, from 17½ on, for a child whom the agency works with.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from broker.clock import DAY, HOUR, Instant
from broker.protocol.agreement import Agreement
from broker.receipts.known import Known, Task, of_one_child
from broker.records.names import AgencyId, ConsumerId, agency_of

ACT_WITHIN = DAY
INTERVIEW_WITHIN = 72 * HOUR
TELL_WITHIN = 7 * DAY
NAME_WITHIN = DAY
"""A child without a named professional has one by the next day."""

MONTHS_BEFORE = 6
"""Months before the eighteenth birthday from which preparing is a duty: 17½."""

ADULT = 18
BREAK_GLASS = "break-glass"
_EPOCH = date(1970, 1, 1)
_NOT_TOLD = frozenset({None, "not-yet", "could-not-be-reached"})


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
    UNFILE = "un-file"
    REPORT = "report"


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
    Owed.NAME: "The named professional's time has ended: name another one.",
    Owed.TAKE_OVER: "The child is handed over to you: name who takes over.",
    Owed.INTERVIEW: "She came back: offer a return interview by an independent person.",
    Owed.TELL: "Tell the child what was shared, and with whom.",
    Owed.REVIEW: "The glass was broken: a second person says whether that was justified.",
    Owed.UNFILE: "Its source took it back: un-file it, and say so: concordat unfile.",
    Owed.REPORT: "A breach: decide whether it is reported: concordat incidents.",
    Owed.PREPARE: "She turns eighteen on the day that is given: plan who goes on supporting her.",
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
        type: record type, if it is known.
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
    type: str = ""


@dataclass(frozen=True, slots=True)
class Asks:
    """What asks for something, before it is known whom that falls on.

    Attributes:
        owed: what.
        record: id in hex.
        since: from when.
        due: by when.
        consumer: agency or desk; empty: the agency whose duties are made.
        delivery: id in hex; empty if it is about an own record.
        type: record type, if it is known.
    """

    owed: Owed
    record: str
    since: Instant
    due: Instant
    consumer: str = ""
    delivery: str = ""
    type: str = ""


def duty_of(asks: Asks, agency: AgencyId, agreement: Agreement, at: Instant) -> Duty:
    """Return a duty with the desk that it falls on, and the number that somebody answers now."""
    name = ConsumerId(asks.consumer or agency)
    desk = agreement.roster.desk(name)
    return Duty(
        asks.due,
        asks.owed,
        asks.record,
        asks.since,
        level_of(asks.since, asks.due, at),
        asks.delivery,
        name if desk is None else f"{agency_of(name)}/{desk.id}",
        "" if desk is None else desk.manager,
        "" if desk is None else desk.telephone_at(at),
        DO[asks.owed],
        asks.type,
    )


def level_of(since: Instant, due: Instant, at: Instant) -> Level:
    """Return how pressing something is at `at`."""
    if at >= due:
        return Level.ESCALATED
    return Level.REMINDER if at >= since + (due - since) // 2 else Level.OPEN


def duties(
    known: Sequence[Known],
    tasks: Sequence[Task],
    agency: AgencyId,
    agreement: Agreement,
    at: Instant,
) -> tuple[Duty, ...]:
    """Return all that an agency owes at `at`, what is due first coming first.

    Args:
        known: every record that it has sent or received.
        tasks: every task that it has got.
        agency: whose duties.
        agreement: in force: desks, and who is named for what.
        at: now.
    """
    answers: dict[str, set[AgencyId]] = {}
    reviewed = set()
    for one in known:
        if request := one.part("response").get("request"):
            answers.setdefault(request, set()).add(one.source)
        if one.type == BREAK_GLASS and one.part("review"):
            reviewed.add(one.concerns)
    types = {one.record: one.type for one in known}
    made = _Made(agency, agreement, at, answers, reviewed, types)
    found = [duty for one in known for duty in made.of_record(one)]
    for group in of_one_child(known, agency):
        found += made.of_child(group)
    found += [
        made.duty(Owed.DECIDE, one.record, one.since, one.due)
        for one in tasks
        if one.answer is None
    ]
    return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class _Made:
    agency: AgencyId
    agreement: Agreement
    at: Instant
    answers: Mapping[str, Collection[AgencyId]]
    reviewed: Collection[str]
    types: Mapping[str, str]

    def duty(
        self,
        owed: Owed,
        record: str,
        since: Instant,
        due: Instant,
        consumer: str = "",
        delivery: str = "",
    ) -> Duty:
        asks = Asks(owed, record, since, due, consumer, delivery, self.types.get(record, ""))
        return duty_of(asks, self.agency, self.agreement, self.at)

    def of_record(self, one: Known) -> Iterator[Duty]:
        """Yield what is owed about one record alone."""
        if one.delivery and one.acknowledge_by is not None:
            if one.acknowledged is None:
                yield self.duty(
                    Owed.ACKNOWLEDGE,
                    one.record,
                    one.at,
                    one.acknowledge_by,
                    one.consumer,
                    one.delivery,
                )
            elif not one.acted and one.type not in ANSWERED_OTHERWISE:
                due = Instant(one.acknowledged + ACT_WITHIN)
                yield self.duty(
                    Owed.ACT, one.record, one.acknowledged, due, one.consumer, one.delivery
                )
        yield from self._asked(one)
        yield from self._broken(one)
        if one.type == "voice" and not one.delivery:
            told = one.part("told")
            if not told.get("what_is_shared") and told.get("why_not") in _NOT_TOLD:
                yield self.duty(Owed.TELL, one.record, one.at, Instant(one.at + TELL_WITHIN))

    def _asked(self, one: Known) -> Iterator[Duty]:
        if one.type != "information-request" or "needed_by" not in one.part("request"):
            return
        due = Instant(one.part("request")["needed_by"])
        answers = self.answers.get(one.record, ())
        if one.delivery and self.agency not in answers:
            yield self.duty(Owed.ANSWER, one.record, one.at, due, one.consumer, one.delivery)
        for asked in one.addressed_to if not one.delivery else ():
            if agency_of(asked) not in answers:
                yield self.duty(Owed.CHASE, one.record, one.at, due, asked)

    def _broken(self, one: Known) -> Iterator[Duty]:
        emergency = self.agreement.emergency
        if one.type != BREAK_GLASS or one.delivery or not one.part("emergency"):
            return
        if emergency is not None and one.record not in self.reviewed:
            yield self.duty(Owed.REVIEW, one.record, one.at, Instant(one.at + emergency.review))

    def of_child(self, group: Sequence[Known]) -> Iterator[Duty]:
        """Yield what is owed about one child."""
        yield from self._named(group)
        yield from self._interviews(group)
        yield from self._grown(group)

    def _named(self, group: Sequence[Known]) -> Iterator[Duty]:
        posts = [one for one in group if one.type == "named-professional" and one.part("post")]
        ended = [one for one in posts if self._ended(one)]
        begins = [one.part("post")["from"] for one in posts if not self._ended(one)]
        for one in ended:
            post = one.part("post")
            last = post["until"]
            # Somebody else has begun since, or is there already.
            if any(begun >= last for begun in begins) or any(
                other.part("post")["until"] > last for other in ended
            ):
                continue
            since = Instant(last * DAY)
            to = post.get("handed_to")
            if to is not None and agency_of(to) == self.agency:
                yield self.duty(
                    Owed.TAKE_OVER,
                    one.record,
                    since,
                    Instant(since + NAME_WITHIN),
                    to,
                    one.delivery,
                )
            elif not one.delivery or self._is_hub(one.consumer):
                yield self.duty(
                    Owed.NAME,
                    one.record,
                    since,
                    Instant(since + NAME_WITHIN),
                    one.consumer,
                    one.delivery,
                )

    def _ended(self, one: Known) -> bool:
        until = one.part("post")["until"]
        return until is not None and until * DAY <= self.at

    def _is_hub(self, consumer: str) -> bool:
        return consumer in self.agreement.named.get("named-professional", ())

    def _interviews(self, group: Sequence[Known]) -> Iterator[Duty]:
        mine = [
            consumer
            for consumer in self.agreement.named.get("return-interview", ())
            if agency_of(consumer) == self.agency
        ]
        if not mine:
            return
        held = [one for one in group if one.type == "return-interview"]
        seen: set[int] = set()
        for one in group:
            back = one.part("episode").get("end_at")
            if one.type != "missing-episode" or back is None or back in seen:
                continue
            seen.add(back)
            offered = one.part("return_interview").get("offered")
            if offered or any(other.at >= back or _about(other, back) for other in held):
                continue
            due = Instant(back + INTERVIEW_WITHIN)
            yield self.duty(Owed.INTERVIEW, one.record, Instant(back), due, mine[0], one.delivery)

    def _grown(self, group: Sequence[Known]) -> Iterator[Duty]:
        links = [
            one
            for one in group
            if one.type == "involvement" and not one.delivery and self._lasts(one)
        ]
        born = next((day for one in group if (day := _born(one)) is not None), None)
        if not links or born is None:
            return
        birthday = _years_on(born, ADULT)
        since = _months_before(birthday, MONTHS_BEFORE)
        if since <= self.at < birthday:
            yield self.duty(Owed.PREPARE, links[0].record, since, birthday)

    def _lasts(self, one: Known) -> bool:
        until = one.part("link").get("until")
        return until is None or (until + 1) * DAY > self.at


ANSWERED_OTHERWISE = frozenset(
    {"action-taken", "alert", "break-glass", "correction", "court-order", "information-request",
     "information-response", "involvement", "named-professional", "protection-status", "receipt",
     "retraction"}
)  # fmt: skip
"""Record types that are taken on and need no action of their own, or are answered in their way."""


def _about(interview: Known, back: int) -> bool:
    return interview.part("interview").get("returned_at") == back


def _born(one: Known) -> date | None:
    said = one.part("identity").get("date_of_birth")
    return None if said is None else date.fromisoformat(said)


def _years_on(born: date, years: int) -> Instant:
    # Born on 29 February, one is a year older on 1 March (as the law counts from the day before).
    leap = (born.month, born.day) == (2, 29)
    day = date(born.year + years, 3, 1) if leap else born.replace(year=born.year + years)
    return Instant((day - _EPOCH).days * DAY)


def _months_before(at: Instant, months: int) -> Instant:
    day = _EPOCH + timedelta(days=at // DAY)
    month = day.month - months
    year, month = (day.year - 1, month + 12) if month < 1 else (day.year, month)
    first = date(year, month, 1)
    return Instant((first - _EPOCH).days * DAY + (min(day.day, 28) - 1) * DAY)
