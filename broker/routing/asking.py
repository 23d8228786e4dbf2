"""Questions of one record: what its signed labels and the registers give, for each consumer."""

from collections.abc import Mapping, Sequence

from broker.protocol.questions import Consumer, LabelFacts, Question, Source, ask, labels_of
from broker.protocol.roster import Roster
from broker.records.check import Accepted
from broker.records.names import ConsumerId, agency_of, desk_of
from broker.routing.consumers import Asked
from broker.subjects.registers import Link, Standing


def questions_for(
    accepted: Accepted,
    link: Link | None,
    standing: Standing,
    who: Sequence[Asked],
    roster: Roster,
    answers: Mapping[ConsumerId, str],
) -> list[Question]:
    """Return the questions about a record, one for each of its consumers, in their order.

    Args:
        accepted: the record.
        link: how it was linked; None for a record about no child, which has no alerts either.
        standing: what the registers say of its subject.
        who: the consumers.
        roster: agencies and desks.
        answers: consumer → what a person at the source has answered, if anything: share or refuse.
    """
    labels = labels_of(accepted.labels)
    return [
        _question(accepted, labels, link, standing, one, roster, answers.get(one.consumer, "none"))
        for one in who
    ]


def _question(
    accepted: Accepted,
    labels: LabelFacts,
    link: Link | None,
    standing: Standing,
    one: Asked,
    roster: Roster,
    answer: str,
) -> Question:
    source = accepted.agency
    agency = agency_of(one.consumer)
    return ask(
        source=Source(source, roster.type_of(source)),
        consumer=Consumer(
            agency,
            desk_of(one.consumer),
            roster.type_of(agency),
            one.involvement,
            one.relation,
            one.addressed,
            standing.ordered(one.consumer),
            one.staff,
        ),
        labels=labels,
        schema=accepted.schema.digest,
        kind=accepted.envelope.head.kind,
        link=Link.UNLINKED.value if link is None else link.value,
        alerts=standing.alerts,
        not_visible_to=standing.not_visible_to,
        answer=answer,
    )
