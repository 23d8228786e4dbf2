"""The one table of attributes: what a clause may ask for, who says it, what holds if nobody does.

`docs/attributes.md` shows the same table to people; a test compares the two. An attribute that is
not known is null in the question. What null does is the same for all: it never helps a release.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Shape(StrEnum):
    """What values an attribute has."""

    CODE = "code"
    CODES = "codes"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing that a clause may ask for.

    Attributes:
        name: as clauses write it, `group.name`, or a name alone.
        shape: one code, a set of codes, or true and false.
        owner: who says it.
        default: what holds if the owner does not say it.
        about: what it means, for people.
        codes: the codes that there are; empty where others keep the list (agencies, desks).
        strict: a code that is not listed makes the attribute unknown. So it is for everything that
            can close a slot: a misspelt protection must not count as none.
    """

    name: str
    shape: Shape
    owner: str
    default: str
    about: str
    codes: tuple[str, ...] = ()
    strict: bool = False

    @property
    def group(self) -> str:
        """The part of the question that it lies in; empty for the top."""
        group, dot, _ = self.name.rpartition(".")
        return group if dot else ""

    @property
    def leaf(self) -> str:
        """Its name inside that part."""
        return self.name.rpartition(".")[2]


SOURCE = "source, signed"
REGISTERS = "registers, folded from signed records"
ROSTER = "protocol"
ROUTER = "router"
RECORD = "record's envelope, signed"
RULE = "special rule, from the question alone"
UNKNOWN = "unknown"

FACTS: MappingProxyType[str, str] = MappingProxyType(
    {
        "missing:current": "missing now, not yet found",
        "missing:returned": "came back or was found",
        "missing:high-risk": "the risk was assessed as high",
        "missing:medium-risk": "the risk was assessed as medium",
        "missing:low-risk": "the risk was assessed as low or very low",
        "missing:away": "away from a placement without permission",
        "repeat:third-in-90-days": "at least the third of its kind within 90 days",
        "attendance:emergency": "came to an emergency department",
        "attendance:night": "came between 22:00 and 06:00",
        "attendance:admitted": "was admitted to a ward",
        "attendance:left-before-treatment": "left before being seen or treated",
        "absence:authorised": "absent with leave, or unable to attend",
        "absence:unauthorised": "absent without leave",
        "absence:unexplained": "absent, the reason is not yet established",
        "absence:suspended": "suspended or permanently excluded",
        "absence:persistent": "missed at least a tenth of the year's sessions",
        "flag:sexual-exploitation": "at risk of child sexual exploitation",
        "flag:criminal-exploitation": "at risk of criminal exploitation",
        "flag:radicalisation": "at risk of radicalisation",
        "flag:modern-slavery": "at risk of modern slavery or trafficking",
        "flag:gangs": "at risk from gangs or youth violence",
        "referral:section-47": "a section 47 enquiry was begun",
        "referral:child-in-need": "the child is a child in need (section 17)",
        "referral:protection-plan": "there is a child protection plan",
        "referral:looked-after": "the child is looked after",
        "concern:exploitation": "the concern is about exploitation",
        "concern:immediate": "the writer fears immediate harm",
        "return:accepted": "a return interview was accepted",
        "return:declined": "a return interview was declined, or she could not be reached",
        "return:not-offered": "no return interview was offered",
        "appointment:not-brought": "was not brought to an appointment, or did not come",
        "appointment:third-in-year": "at least the third within twelve months",
        "status:protection-plan": "a child protection plan is in force",
        "status:looked-after": "the child is looked after",
        "status:unborn-plan": "a plan for an unborn child is in force",
        "status:ended": "the plan or the care has ended",
        "suspension:permanent": "permanently excluded",
        "assessment:exploitation": "an assessment found exploitation, trafficking or gangs",
        "assessment:section-47": "the assessment is a section 47 enquiry",
        "voice:told": "the child was told what is shared",
        "voice:not-told": "the child was not told what is shared",
        "professional:handover": "the named professional hands over",
        "request:immediate": "the answer is needed at once",
        "request:section-47": "asked for a section 47 enquiry",
        "response:nothing-held": "nothing is held about the child",
        "response:refused": "the answer was refused",
        "action:none": "no further action",
        "action:early-help": "early help was offered",
        "action:section-17": "an assessment as a child in need was begun",
        "action:section-47": "a section 47 enquiry was begun, or a strategy discussion held",
        "order:forbids": "a court order forbids sharing",
        "order:requires": "a court order requires sharing",
        "peer:child": "who is suspected is a child, with needs of her or his own",
    }
)
"""Small coded facts that an adapter may put into labels, with what each one means."""

LABELS = (
    Attribute("labels.type", Shape.CODE, SOURCE, UNKNOWN, "type of the record"),
    Attribute(
        "labels.subject",
        Shape.CODE,
        SOURCE,
        UNKNOWN,
        "whom or what the record is about",
        ("child", "unborn", "person", "place", "business", "group", "record"),
        strict=True,
    ),
    Attribute(
        "labels.indicators",
        Shape.CODES,
        SOURCE,
        UNKNOWN,
        "coded signs and vulnerabilities (list: schemas/head)",
    ),
    Attribute(
        "labels.age_band",
        Shape.CODE,
        SOURCE,
        UNKNOWN,
        "the subject's age when the record was written",
        ("unborn", "under-13", "13-15", "16-17", "18-25", "adult"),
        strict=True,
    ),
    Attribute(
        "labels.handling",
        Shape.CODE,
        SOURCE,
        UNKNOWN,
        "handling code of 3x5x2: none, P (may be shared), C (under conditions)",
        ("none", "P", "C"),
        strict=True,
    ),
    Attribute(
        "labels.protections",
        Shape.CODES,
        SOURCE,
        UNKNOWN,
        "what calls for special care",
        (
            "sexual-health",
            "court-order",
            "live-investigation",
            "allegation-against-staff",
            "suspected-child",
            "child-objects",
        ),
        strict=True,
    ),
    Attribute(
        "labels.purpose",
        Shape.CODES,
        SOURCE,
        UNKNOWN,
        "why the source shares",
        ("safeguarding", "child-protection", "prevention-of-crime", "direct-care"),
    ),
    Attribute(
        "labels.roles",
        Shape.CODES,
        SOURCE,
        UNKNOWN,
        "roles of other persons in the record",
        ("suspect", "suspected-child", "relative", "carer", "professional", "friend"),
        strict=True,
    ),
    Attribute(
        "labels.facts",
        Shape.CODES,
        SOURCE,
        UNKNOWN,
        "small coded facts, listed below",
        tuple(FACTS),
    ),
    Attribute(
        "labels.summary_shareable",
        Shape.FLAG,
        SOURCE,
        UNKNOWN,
        "the sender wrote a summary to be shared",
    ),
    Attribute(
        "labels.third_party_checked",
        Shape.FLAG,
        SOURCE,
        UNKNOWN,
        "the sender checked the free text for other people's details",
    ),
)
"""What the source signs of a record for policy to look at."""

ATTRIBUTES = (
    Attribute(
        "kind",
        Shape.CODE,
        RECORD,
        UNKNOWN,
        "what the record does",
        ("record", "correction", "retraction", "register", "history"),
    ),
    Attribute(
        "link",
        Shape.CODE,
        ROUTER,
        "unlinked",
        "whether the record was linked to one child",
        ("linked", "unlinked", "ambiguous"),
    ),
    Attribute(
        "answer",
        Shape.CODE,
        SOURCE,
        "none",
        "what a person at the source answered to a task",
        ("none", "share", "refuse"),
    ),
    Attribute(
        "alerts",
        Shape.CODES,
        REGISTERS,
        UNKNOWN,
        "alerts in force for the child; unknown while the record is not linked",
        ("protected-address", "safe-contact", "court-order", "not-visible-to"),
    ),
    Attribute(
        "not_visible_to",
        Shape.CODES,
        REGISTERS,
        UNKNOWN,
        "who must not see what is recorded; unknown while the record is not linked",
        ("parent", "carer", "subject", "relative"),
    ),
    Attribute("source.agency", Shape.CODE, RECORD, UNKNOWN, "the agency that sent the record"),
    Attribute("source.type", Shape.CODE, ROSTER, UNKNOWN, "the type of that agency"),
    Attribute("consumer.agency", Shape.CODE, ROSTER, UNKNOWN, "the agency that would receive it"),
    Attribute(
        "consumer.desk", Shape.CODE, ROSTER, UNKNOWN, "the desk; empty for the agency as a whole"
    ),
    Attribute("consumer.type", Shape.CODE, ROSTER, UNKNOWN, "the type of the receiving agency"),
    Attribute(
        "consumer.involvement",
        Shape.CODES,
        REGISTERS,
        UNKNOWN,
        "its current links to the child; unknown while the record is not linked",
        ("on-roll", "registered", "allocated", "placed", "open-case"),
    ),
    Attribute(
        "consumer.relation",
        Shape.CODE,
        ROUTER,
        UNKNOWN,
        "why it is asked about this record",
        ("involved", "named", "holder", "addressed", "sender"),
    ),
    Attribute(
        "consumer.addressed",
        Shape.FLAG,
        SOURCE,
        UNKNOWN,
        "the source names it in the record",
    ),
    Attribute(
        "consumer.order",
        Shape.CODE,
        REGISTERS,
        UNKNOWN,
        "what a court order in force says of it; unknown while the record is not linked",
        ("none", "forbids", "requires"),
    ),
    Attribute(
        "consumer.staff",
        Shape.CODE,
        REGISTERS,
        "not-checked",
        "whether the subject, a relative or a suspect works there",
        ("match", "none-found", "not-checked"),
    ),
    *LABELS,
    Attribute(
        "special.source_tells_place",
        Shape.FLAG,
        RULE,
        UNKNOWN,
        "the child's address is protected and the sender's own name tells where she is",
    ),
    Attribute(
        "special.existence_tells",
        Shape.FLAG,
        RULE,
        UNKNOWN,
        "that the sender knows the child at all tells what it is about",
    ),
)
"""Every attribute, in the order of the documentation."""

BY_NAME: MappingProxyType[str, Attribute] = MappingProxyType({one.name: one for one in ATTRIBUTES})
