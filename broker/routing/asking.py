"""Questions of one record: what its signed labels and the registers give, for each consumer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.protocol.questions import Consumer, LabelFacts, Question, Source, ask, labels_of
from broker.protocol.roster import Roster
from broker.records.check import Accepted
from broker.records.names import AgencyId, ConsumerId, Kind, agency_of, desk_of
from broker.routing.consumers import Asked
from broker.subjects.registers import Link
from broker.subjects.standing import Standing


@dataclass(frozen=True, slots=True)
class Told:
    """What questions about a record take from it: nothing that is sealed.

    Attributes:
        source: its agency.
        labels: as policy sees them.
        schema: slot 0 of the record, 32 bytes.
        kind: of the record.
    """

    source: AgencyId
    labels: LabelFacts
    schema: bytes
    kind: Kind


def told_by(accepted: Accepted) -> Told:
    """Return what questions take from a record."""
    return Told(
        accepted.agency,
        labels_of(accepted.labels),
        accepted.schema.digest,
        accepted.envelope.head.kind,
    )


def questions_for(
    told: Told,
    link: Link | None,
    standing: Standing,
    who: Sequence[Asked],
    roster: Roster,
    answers: Mapping[ConsumerId, str],
) -> list[Question]:
    """Return the questions about a record, one for each of its consumers, in their order.

    Args:
        told: by the record.
        link: how it was linked; None for a record about no child, which has no alerts either.
        standing: what the registers say of its subject.
        who: the consumers.
        roster: agencies and desks.
        answers: consumer → what a person at the source has answered, if anything: share or refuse.
    """
    return [
        _question(told, link, standing, one, roster, answers.get(one.consumer, "none"))
        for one in who
    ]


def _question(
    told: Told,
    link: Link | None,
    standing: Standing,
    one: Asked,
    roster: Roster,
    answer: str,
) -> Question:
    agency = agency_of(one.consumer)
    return ask(
        source=Source(told.source, roster.type_of(told.source)),
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
        labels=told.labels,
        schema=told.schema,
        kind=told.kind,
        link=Link.UNLINKED.value if link is None else link.value,
        alerts=standing.alerts,
        not_visible_to=standing.not_visible_to,
        answer=answer,
    )
