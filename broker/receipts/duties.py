"""Duties: what an agency's people owe, and by when; pure, from what it received and what it sent.

A duty is there until what it asks for is there, and nothing else ends it: an acknowledged record on
which nobody has acted stays open. At half of its time it is a reminder; after its time it names the
desk's manager and the number that somebody answers now. What is asked, of one record:

- *acknowledge* what must be acknowledged by a time, and *act* within a day on what was taken on;
- *answer* a request for information, and, of one's own requests, *chase* whoever has not answered;
- *decide* a task: share, or write down why not;
- *review* what was sent past the broker, by a second person.

What is asked of all records of one child is in `broker/receipts/child_duties.py`.
"""

from collections.abc import Collection, Iterator, Sequence

from broker.clock import DAY, Instant
from broker.protocol.agreement import Agreement
from broker.receipts.child_duties import of_child, shared_at
from broker.receipts.known import Known, Task, of_one_child
from broker.receipts.owed import Clock, Duty, Owed
from broker.records.names import AgencyId, agency_of

ACT_WITHIN = DAY

ANSWERED_OTHERWISE = frozenset(
    {"action-taken", "alert", "break-glass", "correction", "court-order", "information-request",
     "information-response", "involvement", "named-professional", "protection-status", "receipt",
     "retraction"}
)  # fmt: skip
"""Record types that are taken on and need no action of their own, or are answered in their way."""


def duties(
    known: Sequence[Known],
    tasks: Sequence[Task],
    agency: AgencyId,
    agreement: Agreement,
    at: Instant,
) -> tuple[Duty, ...]:
    """Return all that an agency owes at `at`, what is due first coming first.

    Args:
        known: every record that it has sent or received, and that stands.
        tasks: every task that it has got.
        agency: whose duties.
        agreement: in force: desks, and who is named for what.
        at: now.
    """
    clock = Clock(agency, agreement, at)
    answers: dict[str, set[str]] = {}
    for one in known:
        if one.answers:
            answers.setdefault(one.answers, set()).add(one.source)
    found: list[Duty] = []
    for one in known:
        found += _taken_on(clock, one)
        found += _asked(clock, one, answers.get(one.record, set()))
        found += _broken(clock, one, known)
    shared = shared_at(known)
    for group in of_one_child(known, agency):
        found += of_child(clock, group, shared)
    found += [
        clock.duty(Owed.DECIDE, one.record, (one.since, one.due))
        for one in tasks
        if one.answer is None
    ]
    return tuple(sorted(found))


def _taken_on(clock: Clock, one: Known) -> Iterator[Duty]:
    if not one.delivery:
        return
    place = (one.consumer, one.delivery, one.answers)
    if one.acknowledged is None:
        if one.acknowledge_by is not None:
            times = (one.at, one.acknowledge_by)
            yield clock.duty(Owed.ACKNOWLEDGE, one.record, times, *place)
    elif not one.acted and one.type not in ANSWERED_OTHERWISE:
        times = (one.acknowledged, Instant(one.acknowledged + ACT_WITHIN))
        yield clock.duty(Owed.ACT, one.record, times, *place)


def _asked(clock: Clock, one: Known, answers: Collection[str]) -> Iterator[Duty]:
    if one.type != "information-request" or "needed_by" not in one.part("request"):
        return
    times = (one.at, Instant(one.part("request")["needed_by"]))
    if one.delivery and clock.agency not in answers:
        yield clock.duty(Owed.ANSWER, one.record, times, one.consumer, one.delivery)
    for asked in one.addressed_to if not one.delivery else ():
        if agency_of(asked) not in answers:
            yield clock.duty(Owed.CHASE, one.record, times, asked)


def _broken(clock: Clock, one: Known, known: Sequence[Known]) -> Iterator[Duty]:
    emergency = clock.agreement.emergency
    if one.type != "break-glass" or one.delivery or not one.part("emergency"):
        return
    reviewed = any(other.concerns == one.record and other.part("review") for other in known)
    if emergency is not None and not reviewed:
        yield clock.duty(Owed.REVIEW, one.record, (one.at, Instant(one.at + emergency.review)))
