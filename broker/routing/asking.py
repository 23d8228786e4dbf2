"""Questions of one record: what its signed labels and the registers give, for each consumer."""

from broker.protocol.questions import Consumer, LabelFacts, Question, Source, ask
from broker.protocol.roster import Roster
from broker.records.check import Accepted
from broker.records.names import agency_of, desk_of
from broker.routing.consumers import Asked
from broker.subjects.registers import Link, Standing


def question_for(
    accepted: Accepted,
    labels: LabelFacts,
    link: Link | None,
    standing: Standing,
    one: Asked,
    roster: Roster,
    answer: str,
) -> Question:
    """Return the question about a record for one consumer.

    Args:
        accepted: the record.
        labels: its labels as policy sees them.
        link: how it was linked; None for a record about no child, which has no alerts either.
        standing: what the registers say of its subject.
        one: the consumer.
        roster: agencies and desks.
        answer: what a person at the source has answered: none, share or refuse.
    """
    source = accepted.agency
    agency = agency_of(one.consumer)
    return ask(
        source=Source(source, roster.type_of(source)),
        consumer=Consumer(
            agency, desk_of(one.consumer), roster.type_of(agency), one.involvement, one.relation
        ),
        labels=labels,
        schema=accepted.schema.digest,
        kind=accepted.envelope.head.kind,
        link=Link.UNLINKED.value if link is None else link.value,
        alerts=standing.alerts,
        not_visible_to=standing.not_visible_to,
        answer=answer,
    )
