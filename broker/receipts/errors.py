"""Why a consumer refuses what came on its topic. Each code is stable."""

from broker.errors import Code, ConcordatError

TELL_OPERATOR = "Hand nothing over; tell the broker's operator and the other signatories."

SHAPE = Code("delivery.shape", "The delivery is not built as the format says.", TELL_OPERATOR)
SOURCE = Code(
    "delivery.source",
    "The source's signature over the record does not stand.",
    TELL_OPERATOR,
)
SLOTS = Code(
    "delivery.slots", "More or other slots are open than the decision grants.", TELL_OPERATOR
)
TOLD = Code("delivery.told", "The delivery is not what the access log committed to.", TELL_OPERATOR)
PROOF = Code("delivery.proof", "The proof of the log entry does not stand.", TELL_OPERATOR)
CHECKPOINT = Code(
    "delivery.checkpoint",
    "The proof rests on a checkpoint that was not published, or does not follow the last one.",
    TELL_OPERATOR,
)
PROTOCOL = Code(
    "delivery.protocol",
    "The decision rests on a protocol that differs from the one published here.",
    TELL_OPERATOR,
)
RECIPIENT = Code("delivery.recipient", "The delivery is meant for somebody else.", TELL_OPERATOR)


class DeliveryRefused(ConcordatError):  # noqa: N818 - the design's word
    """A delivery does not verify: it is kept aside and handed to nobody."""


RING = "Ring whoever is said to have sent it, by a number from the roster; do not act on the file."

GLASS_SHAPE = Code(
    "emergency.shape", "The file is no emergency disclosure that was sealed to this agency.", RING
)
GLASS_SOURCE = Code(
    "emergency.source", "The source's signatures over the disclosure do not stand.", RING
)
GLASS_RECIPIENT = Code("emergency.recipient", "The disclosure is meant for somebody else.", RING)
GLASS_LIST = Code(
    "emergency.list",
    "The signed protocol does not let this role send this to this desk.",
    "Use the telephone; the roles, desks and slots stand in the protocol's section on emergencies.",
)
GLASS_LATE = Code(
    "emergency.late",
    "The disclosure's time has passed, or has not begun.",
    "Ask the source again; what was sent in an emergency is kept for its hours alone.",
)
GLASS_OWN = Code(
    "emergency.record",
    "An agency can send in an emergency only a record of its own.",
    "Name a record that this agency has published, by its id or enough of its beginning.",
)
GLASS_REVIEW = Code(
    "emergency.review",
    "Another person reviews it, once.",
    "Let somebody review it who did not send it; the first review stands.",
)


class EmergencyRefused(ConcordatError):  # noqa: N818 - the design's word
    """What was sent past the broker is not taken, or may not be sent."""


NO_DELIVERY = Code(
    "inbox.absent",
    "There is no such delivery in the inbox.",
    "List the inbox and name one delivery by its id, or enough of its beginning.",
)
AMBIGUOUS = Code(
    "inbox.ambiguous",
    "Several deliveries begin like that.",
    "Name more of the delivery's id.",
)
ANSWERED = Code(
    "task.answered", "This task was answered before.", "The first answer stands; nothing to do."
)
NO_TEXT = Code(
    "usage.response",
    "An answer says what is known; a refusal says why.",
    "Add --text with the answer, or --because with the reason.",
)
NOT_SENT = Code(
    "quarantine.unknown",
    "This agency's outbox did not send that message.",
    "Tell the operator: somebody else may have written to the agency's topic.",
)
SENT_AGAIN = Code(
    "quarantine.retried",
    "This message was sent again before.",
    "If it was not accepted then either, it lies in quarantine a second time: retry that one.",
)


NOT_WITHDRAWN = Code(
    "inbox.not-withdrawn",
    "Nobody has taken this record back.",
    "Un-file what a retraction names: the inbox shows it as withdrawn.",
)
UNFILED = Code(
    "inbox.unfiled",
    "This desk said before that it has un-filed the record.",
    "The first word stands; nothing to do.",
)


class InboxError(ConcordatError):
    """A person named something that the inbox does not hold, or that is done already."""


NO_RECORD = Code(
    "outbox.absent",
    "This agency's outbox holds no such record.",
    "Name a record that this agency has published, by its id or enough of its beginning.",
)
SEVERAL = Code(
    "outbox.ambiguous", "Several records begin like that.", "Name more of the record's id."
)
NO_SUBJECT = Code(
    "retraction.subject",
    "What people say of another record is not withdrawn: retractions, receipts, answers.",
    "Withdraw the record itself. What was withdrawn by mistake is published anew, as another one.",
)
TAKEN_BEFORE = Code(
    "retraction.already",
    "This record was withdrawn before.",
    "`concordat retractions` shows who has un-filed it; the first reason stands.",
)
TOO_EARLY = Code(
    "usage.found",
    "A day in the future, or none: it cannot have been found out then.",
    "Give the day as 2026-03-04, today or before.",
)
SAME = Code(
    "retraction.uncorrected",
    "The files hold no other version of that record, or the publication rule keeps it back.",
    "Correct it in the agency's own system and export it anew; or `concordat retract` it.",
)
NO_INCIDENT = Code(
    "incident.absent",
    "There is no such incident.",
    "`concordat incidents AGENCY` lists them; name one by its id or the record's.",
)
CLOSED = Code(
    "incident.closed",
    "About this incident it was decided before.",
    "The first decision stands; write to the Information Commissioner what has changed since.",
)


class WithdrawalError(ConcordatError):
    """A record cannot be withdrawn or corrected so, or an incident not be closed so."""
