"""Who would be asked about a record that nobody has sent yet, and what: the router's own rules.

A source does not know who else is involved with a child, and looking ahead must not tell it. So
everybody is asked twice: without involvement, which whom the protocol or the record itself names
would be asked whoever is involved; and as if every agency of the roster were involved with the
child in every way that there is. The second answer says "if": it is the most that each would get.
"""

from dataclasses import dataclass

from broker.protocol.agreement import Agreement
from broker.protocol.attributes import BY_NAME
from broker.protocol.questions import Question
from broker.records.names import ConsumerId
from broker.records.statement import Labels
from broker.routing.asking import Told, questions_for
from broker.routing.consumers import About, asked
from broker.routing.meaning import is_about_a_child
from broker.subjects.registers import Link
from broker.subjects.standing import NOBODY, Standing

IN_EVERY_WAY = tuple(sorted(BY_NAME["consumer.involvement"].codes))


@dataclass(frozen=True, slots=True)
class Supposed:
    """What would be asked about one consumer.

    Attributes:
        consumer: who.
        certain: what is asked whoever is involved with the child; None if nothing is.
        involved: what is asked if its agency is involved in every way; None for a record that is
            about no child.
    """

    consumer: ConsumerId
    certain: Question | None
    involved: Question | None


def suppose(told: Told, labels: Labels, agreement: Agreement) -> tuple[Supposed, ...]:
    """Return the questions about a record, as if it were linked and no alert were in force.

    Who holds what an alert protects is not supposed: nobody knows that but the router.

    Args:
        told: what questions take from the record.
        labels: of the record.
        agreement: in force.
    """
    child = is_about_a_child(labels)
    certain = _asked(told, labels, agreement, NOBODY, Link.LINKED if child else None)
    involved = (
        _asked(told, labels, agreement, _all_involved(agreement), Link.LINKED) if child else {}
    )
    return tuple(
        Supposed(consumer, certain.get(consumer), involved.get(consumer))
        for consumer in sorted({*certain, *involved})
    )


def _asked(
    told: Told, labels: Labels, agreement: Agreement, standing: Standing, link: Link | None
) -> dict[ConsumerId, Question]:
    about = About(told.source, labels.type, link, standing, labels.addressed_to)
    who = asked(about, agreement)
    questions = questions_for(told, link, standing, who, agreement.roster, {})
    return {one.consumer: question for one, question in zip(who, questions, strict=True)}


def _all_involved(agreement: Agreement) -> Standing:
    involved = dict.fromkeys(agreement.roster.agencies, IN_EVERY_WAY)
    return Standing(involved, {}, (), (), (), NOBODY.until)
