"""What can be wrong with messages and resources of health systems. Each code is stable.

As everywhere in adapters, `where` names a segment, an element or a part; never a value.
"""

from adapters.errors import CORRECT
from broker.errors import Code

HL7_VERSION = Code(
    "hl7.version",
    "The HL7 message is of a version that is not read.",
    "Send version 2.3 to 2.5.1 (MSH-12).",
)
HL7_LONG = Code(
    "hl7.too-long",
    "The HL7 message is longer than 65,536 characters.",
    "Send what is attached to it another way: nothing of that is read here.",
)
HL7_CUT = Code(
    "hl7.cut",
    "The HL7 message was cut short: the next one begins, or the file ends, inside it.",
    "Have the interface send the message again.",
)
HL7_TWICE = Code(
    "hl7.segment.twice",
    "The HL7 message has a segment twice that it can have once: perhaps two messages ran together.",
    "Have the interface send the message again.",
)
HL7_CONTROL_ID = Code(
    "hl7.control-id.twice",
    "Two HL7 messages of the file have one control id.",
    "Check the interface: a message sent again must be the same, any other needs its own MSH-10.",
)
HL7_BATCH = Code(
    "hl7.batch",
    "The batch is not ended, or it holds another number of messages than it says.",
    "Compare it with what the interface sent; send the batch again if messages are missing.",
)

NHS_UNVERIFIED = Code(
    "identity.nhs-number.unverified",
    "The NHS number was not yet traced or verified; it was used all the same.",
    "Trace the patient in the Personal Demographics Service.",
)
NHS_CONFLICT = Code(
    "identity.nhs-number.conflict",
    "The source itself doubts the NHS number (no match, several, or a conflict): it was left out.",
    "Trace the patient in the Personal Demographics Service.",
)

FHIR_BUNDLE = Code(
    "fhir.bundle",
    "A FHIR Bundle of this type is not read.",
    "Send a collection, message, searchset, history or subscription-notification.",
)
FHIR_TYPE = Code(
    "fhir.resource",
    "There is no FHIR resource here that says its type.",
    "Send FHIR R4 or R4B, as JSON with resourceType or as XML of http://hl7.org/fhir.",
)
FHIR_SIZE = Code(
    "fhir.too-large",
    "The FHIR file holds more than 500,000 elements.",
    "Send a shorter period, or one page of the search after another.",
)
FHIR_MODIFIER = Code(
    "fhir.modifier",
    "The FHIR resource has a modifier extension or implicit rules that are not known here, and "
    "that may turn its meaning round.",
    "Have somebody read it; leave the modifier out if it does not change what is meant.",
)
FHIR_REFERENCE = Code(
    "fhir.reference",
    "The FHIR reference leads to nothing in the file, to more than one resource, or to one of "
    "another type.",
    "Send the resource in the same Bundle or contained, under one address.",
)
FHIR_REPLACED = Code(
    "fhir.patient.replaced",
    "The patient's FHIR resource is not in use any more, or was replaced by another one.",
    "Send the record with the patient who is now in use.",
)
FHIR_DISAGREES = Code(
    "fhir.patient.disagrees",
    "The FHIR reference to the patient and the patient's own resource name different NHS numbers.",
    CORRECT,
)
FHIR_ERROR = Code(
    "fhir.entered-in-error",
    "The source took the FHIR resource back as entered in error, or deleted it; nothing of it was "
    "published now.",
    "If it was published before, take that back: concordat retract.",
)
FHIR_STATUS = Code("fhir.status", "The status of the FHIR resource is missing or unknown.", CORRECT)
