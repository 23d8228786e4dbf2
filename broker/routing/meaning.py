"""What a record means to the router, beside the questions that it raises: pure, from signed bytes.

Which types are about a child and which about another record, what a record states for the
registers, what it takes back or replaces, and what it must say to mean anything at all.
"""

from typing import Any

from broker.clock import Instant
from broker.records.check import Accepted
from broker.records.errors import LABELS, VALUE, RecordRefused
from broker.records.names import FIRST_TYPE_SLOT, ZERO_ID, Kind, RecordId
from broker.records.statement import Labels
from broker.subjects.states import Alert, Involvement, Order, States

ANSWER = "answer"
RECEIPT = "receipt"
ALERT = "alert"
INVOLVEMENT = "involvement"
COURT_ORDER = "court-order"
STAFF = "staff"
BREAK_GLASS = "break-glass"
RETRACTION = "retraction"
CORRECTION = "correction"

ON_A_CHILD = frozenset({INVOLVEMENT, ALERT, COURT_ORDER})
"""Record types whose records the registers of children are folded from."""

BETWEEN_PEOPLE = frozenset({ANSWER, RECEIPT})
"""Record types by which people tell each other what became of a record."""

ON_A_RECORD = frozenset({RETRACTION, CORRECTION})
"""Record types that say what is wrong with another record of their source."""

WITH_MAIN_PART = BETWEEN_PEOPLE | ON_A_RECORD | ON_A_CHILD | {STAFF}
"""Record types that say nothing if their first slot is empty, unless they take something back that
is of their own type."""

ABOUT_A_CHILD = frozenset({"child", "unborn"})
"""Subjects that are linked."""

ANSWERS = frozenset({"share", "refuse"})


def main_part(accepted: Accepted) -> dict[str, Any]:
    """Return the first slot of a record's type, one object, which some types cannot do without.

    Raises:
        RecordRefused: `record.value`; the slot is empty.
    """
    value: dict[str, Any] = first_slot(accepted)
    return value


def first_slot(accepted: Accepted) -> Any:  # noqa: ANN401 - what the type's schema says
    """Return the first slot of a record's type.

    Raises:
        RecordRefused: `record.value`; the slot is empty.
    """
    spec = accepted.schema.slots[FIRST_TYPE_SLOT]
    value = spec.decode(accepted.envelope.slots[FIRST_TYPE_SLOT].value)
    if value is None:
        raise RecordRefused(VALUE, f"slot {spec.name}")
    return value


def must_mean_something(accepted: Accepted) -> None:
    """Refuse a record whose parts are each right, but which says nothing, or contradicts itself.

    Raises:
        RecordRefused: `record.value`; its main part is empty. `record.labels`; it takes back, or
            answers, nothing; or the labels of an answer are not what the person has answered.
    """
    labels = accepted.labels
    takes_back = accepted.envelope.head.kind is Kind.RETRACTION
    if labels.type in ON_A_RECORD or (labels.type in WITH_MAIN_PART and not takes_back):
        first_slot(accepted)
    about_another = labels.type == ANSWER or labels.type in ON_A_RECORD
    if labels.concerns is None and (takes_back or about_another):
        raise RecordRefused(LABELS, "labels.concerns")
    if labels.type == ANSWER:
        said = main_part(accepted)
        if labels.answer not in ANSWERS or labels.answer != said["answer"]:
            raise RecordRefused(LABELS, "labels.answer")
        if labels.concerns != said["record_id"]:
            raise RecordRefused(LABELS, "labels.concerns")


def is_about_a_child(labels: Labels) -> bool:
    """Tell whether a record with such labels is linked at all."""
    on_a_record = BETWEEN_PEOPLE | ON_A_RECORD
    return labels.type not in on_a_record and labels.subject in ABOUT_A_CHILD


def entry_kind(accepted: Accepted) -> str:
    """Return the kind of the log entries that a record makes."""
    if accepted.labels.type in BETWEEN_PEOPLE:
        return "receipt"
    return "register" if accepted.envelope.head.kind is Kind.REGISTER else "decision"


def replaced_by(accepted: Accepted) -> tuple[RecordId, ...]:
    """Return which of its source's records no longer stand: taken back, or said anew."""
    head, concerns = accepted.envelope.head, accepted.labels.concerns
    found = []
    if head.kind is Kind.RETRACTION and concerns is not None:
        found.append(RecordId(concerns))
    if head.supersedes != ZERO_ID:
        found.append(head.supersedes)
    return tuple(found)


def taken_back_by(accepted: Accepted) -> RecordId | None:
    """Return which record of its source a retraction takes back."""
    concerns = accepted.labels.concerns
    takes_back = accepted.envelope.head.kind is Kind.RETRACTION
    return RecordId(concerns) if takes_back and concerns is not None else None


def register_of(accepted: Accepted) -> States | None:
    """Return what a record states of a child for the registers, if anything."""
    labels = accepted.labels
    if labels.type not in ON_A_CHILD or accepted.envelope.head.kind is Kind.RETRACTION:
        return None
    said = main_part(accepted)
    if labels.type == ALERT:
        return Alert(said["kind"], said["from"], said["until"], tuple(sorted(said["who"])))
    if labels.type == COURT_ORDER:
        return Order(said["says"], said["addressed"], said["from"], said["until"])
    own_id = accepted.identifiers.own_id
    return Involvement(said["kind"], said["from"], said["until"], own_id)


def sent_past_the_broker(accepted: Accepted) -> Instant | None:
    """Return when a record says that another one was sent past the broker; None if it does not."""
    if accepted.labels.type != BREAK_GLASS:
        return None
    spec = accepted.schema.slots[FIRST_TYPE_SLOT]
    said = spec.decode(accepted.envelope.slots[FIRST_TYPE_SLOT].value)
    return None if said is None else Instant(said["at"])
