"""What one record waits with until policy has spoken, and who goes on waiting after it has."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from broker.access_log.decided import Archive
from broker.lanes import Received
from broker.records.names import ConsumerId
from broker.routing.consumers import Asked
from broker.routing.deciding import Case, Verdict, waits_for
from broker.routing.held import Waiting, Why
from broker.subjects.registers import Link, Subject
from broker.subjects.standing import Standing


@dataclass(frozen=True, slots=True)
class Linked:
    """A record with what linking it gave.

    Attributes:
        link: how it found its subject; None for records about no child.
        subject: who; None unless linked.
        standing: what the registers say of the subject.
    """

    link: Link | None
    subject: Subject | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class Queued:
    """A record whose questions are yet to be answered.

    Attributes:
        case: the record with all that is known of it.
        who: consumers to ask.
        answers: consumer → what a person at the source has said: share or refuse; none of others.
        still: others that go on waiting for a held record.
        archive: the record, if it is new.
        cause: the message that made us decide.
        ends: what may have ended for those who are asked; whoever still waits for one of these is
            not concluded. Empty if it is not this that made us decide.
    """

    case: Case
    who: tuple[Asked, ...]
    answers: Mapping[ConsumerId, str]
    still: tuple[Waiting, ...]
    archive: Archive | None
    cause: Received
    ends: Collection[Why] = frozenset()


def without_stopped(one: Queued, verdicts: list[Verdict]) -> tuple[Queued, list[Verdict]]:
    """Return a reopened record without those who are still stopped; they go on waiting."""
    free: list[Verdict] = []
    still = list(one.still)
    for verdict in verdicts:
        why = waits_for(verdict.decision)
        if why is not None and why in one.ends:
            still.append(verdict.waiting(why))
        else:
            free.append(verdict)
    return replace(one, still=tuple(still)), free
