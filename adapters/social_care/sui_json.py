"""Children's social care: `ChildrensServicesDetailsRecordV1` → referral, one for each referral.

The duty team's contact details are not mapped: whom to ask is the desk of the signed roster.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from adapters.dates import not_future
from adapters.drafting import Saying
from adapters.errors import FIELD_MISSING, InputRefused
from adapters.format import Draft
from adapters.sui import Part, Subject, SuiFormat

REFERRALS = "childrensServicesReferrals"
PLANS = "cscActiveStatusesAndPlans"

KINDS = {"social care": "social-care", "early help": "early-help", "other": "other"}
SOURCES = {
    "individual": "individual",
    "school": "school",
    "health": "health",
    "a&e": "emergency-department",
    "police": "police",
    "council": "council",
    "court": "court",
    "housing": "housing",
    "other": "other",
    "anonymous": "anonymous",
}
STANDINGS = (
    ("child in need", "referral:child-in-need"),
    ("child protection", "referral:protection-plan"),
    ("looked after", "referral:looked-after"),
    ("section 47", "referral:section-47"),
)
"""Words of a status or plan, and the fact that they state."""


def parts(subject: Subject) -> Iterator[Part]:
    """Yield each referral.

    Raises:
        InputRefused: plans or teams are not what they should be.
    """
    record = subject.record
    plans = subject.plans(PLANS)
    teams = record.texts("teamInvolvement")
    worker = record.text("keyWorker")
    team = {"teams": teams, "key_worker": worker} if teams or worker else None
    about: dict[str, object] = {"plan": plans, "team": team}
    facts = standing(plans or [])
    for place, value in subject.list_of(REFERRALS):
        yield Part(place, partial(_referral, subject, place, value, about, facts))


def standing(plans: Sequence[dict[str, str | None]]) -> tuple[str, ...]:
    """Return the facts that statuses and plans state."""
    said = " ".join(text.casefold() for plan in plans for text in plan.values() if text)
    return tuple(fact for words, fact in STANDINGS if words in said)


def _referral(
    subject: Subject,
    place: str,
    value: object,
    about: dict[str, object],
    facts: tuple[str, ...],
) -> Draft:
    element = subject.inside(value, f"{REFERRALS}[]")
    on = not_future(element.need_day("date"), subject.context.at, "date")
    kind = element.code("type", KINDS)
    if kind is None:
        raise InputRefused(FIELD_MISSING, "type")
    enquiry = ("referral:section-47",) if element.flag("section47") else ()
    return subject.draft(
        Saying(
            type="referral",
            natural_id=subject.natural_id(element, f"referral/{on}-{kind}", value),
            on=on,
            content={
                **about,
                "referral": {"on": on, "kind": kind, "source": element.code("source", SOURCES)},
                "needs": element.texts("needs") or None,
                "narrative": element.narrative("narrative"),
            },
            facts=(*facts, *enquiry),
            roles=("professional",) if about["team"] else (),
            third_party_checked=element.flag("thirdPartyChecked"),
        ),
        place,
    )


FORMAT = SuiFormat(
    "social-care-sui-json",
    "social-care",
    "ChildrensServicesDetailsRecordV1",
    frozenset({REFERRALS, PLANS, "keyWorker", "teamInvolvement"}),
    parts,
)
