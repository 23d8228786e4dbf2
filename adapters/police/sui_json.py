"""Police: `CrimeDataRecordV1` → risk-flags, missing-episode.

`docs/mappings.md` lists every element, those beyond the pilot's among them. Null in a flag means
not assessed; it stays null.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from adapters.dates import day_of, in_order, not_future
from adapters.drafting import Saying
from adapters.errors import FIELD_MISSING, InputRefused
from adapters.format import Draft
from adapters.sources.elements import Element
from adapters.sui import Part, Subject, SuiFormat
from broker.clock import Instant
from broker.records.statement import Indicator

FLAGS = (
    ("riskSexualExploitation", "sexual_exploitation", "flag:sexual-exploitation",
     "risk-of-sexual-exploitation"),
    ("riskCriminalExploitation", "criminal_exploitation", "flag:criminal-exploitation",
     "risk-of-criminal-exploitation"),
    ("riskRadicalisation", "radicalisation", "flag:radicalisation", "risk-of-radicalisation"),
    ("riskModernSlaveryAndTrafficking", "modern_slavery", "flag:modern-slavery",
     "risk-of-modern-slavery"),
    ("riskGangsAndYouthViolence", "gangs_and_youth_violence", "flag:gangs",
     "risk-of-gang-or-youth-violence"),
)  # fmt: skip
"""Element, field of the slot, fact, indicator."""

RISKS = {"high": "high", "medium": "medium", "low": "low", "very low": "low", "unknown": "unknown"}
KINDS = {"missing": "missing", "away": "away", "absent": "away"}
HANDLING = {"none": "none", "p": "P", "c": "C"}

REPEAT_DAYS = 90
REPEAT_COUNT = 3
"""Three times in ninety days: the usual trigger for a strategy discussion."""

MOST_EPISODES = 1000
"""Episodes that one child can have had; beyond that it is a slip of the finger."""

ABOUT_FLAGS = (
    "policeMarkerDetails",
    "servicesKnownTo",
    "lastPoliceProtectionPowerEvent",
    "crimeActiveStatusesAndPlans",
    *(flag[0] for flag in FLAGS),
)


def parts(subject: Subject) -> Iterator[Part]:
    """Yield the flags, if anything is said of them, and each missing episode.

    Raises:
        InputRefused: `missingEpisodes` is no list.
    """
    if any(name in subject.record for name in ABOUT_FLAGS):
        place = f"{subject.place}riskFlags"
        yield Part(place, partial(_flags, subject, place))
    episodes = tuple(subject.list_of("missingEpisodes"))
    starts = _starts([value for _, value in episodes])
    for place, value in episodes:
        yield Part(place, partial(_episode, subject, place, value, starts))


def _flags(subject: Subject, place: str) -> Draft:
    record = subject.record
    assessed = record.day("riskAssessedOn")
    today = day_of(subject.context.at)
    on = today if assessed is None else not_future(assessed, subject.context.at, "riskAssessedOn")
    values = {field: record.flag(element) for element, field, _, _ in FLAGS}
    raised = [flag for flag in FLAGS if values[flag[1]]]
    power = record.day("lastPoliceProtectionPowerEvent")
    if power is not None:
        not_future(power, subject.context.at, "lastPoliceProtectionPowerEvent")
    return subject.draft(
        Saying(
            type="risk-flags",
            natural_id=f"risk-flags/{subject.child.local_subject}",
            on=on,
            content={
                "flags": values,
                "marker": record.narrative("policeMarkerDetails"),
                "services": record.texts("servicesKnownTo") or None,
                "protection_power": None if power is None else {"last_used": power},
                "plans": subject.plans("crimeActiveStatusesAndPlans"),
            },
            indicators=tuple(Indicator(code, on, "opinion") for *_, code in raised),
            facts=tuple(fact for _, _, fact, _ in raised),
            handling=record.code("handling", HANDLING) or "none",
            third_party_checked=record.flag("thirdPartyChecked"),
        ),
        place,
    )


def _episode(subject: Subject, place: str, value: object, starts: Sequence[int]) -> Draft:
    element = subject.inside(value, "missingEpisodes[]")
    at = subject.context.at
    start_at, end_at = element.instant("startedAt"), element.instant("returnedAt")
    start = _day(element.day("date"), start_at)
    end = _day(element.day("endDate"), end_at)
    if start is None:
        raise InputRefused(FIELD_MISSING, "date")
    not_future(start, at, "date")
    if end is not None:
        not_future(end, at, "endDate")
    in_order(start, end, "endDate")
    in_order(start_at, end_at, "returnedAt")
    said = element.flag("returned")
    returned = True if said is None and end is not None else said
    risk = element.code("risk", RISKS) or "unknown"
    kind = element.code("kind", KINDS) or "missing"
    stated = element.number("episodesInLast90Days", 1, MOST_EPISODES)
    count = stated or sum(start - REPEAT_DAYS < other <= start for other in starts)
    return subject.draft(
        Saying(
            type="missing-episode",
            natural_id=subject.natural_id(element, f"missing-episode/{start}", value),
            on=start,
            content={
                "episode": {
                    "start": start,
                    "start_at": start_at,
                    "end": end,
                    "end_at": end_at,
                    "kind": kind,
                    "risk": risk,
                    "returned": returned,
                    "episodes_in_90_days": count,
                },
                "last_seen": _seen(element, "lastSeen"),
                "found": _seen(element, "found"),
                "circumstances": element.narrative("circumstances"),
                "return_interview": _interview(element),
            },
            indicators=(Indicator("missing", start, "fact"),) if kind == "missing" else (),
            facts=_facts(kind, risk, returned, count),
            third_party_checked=element.flag("thirdPartyChecked"),
            urgent=returned is False,
        ),
        place,
    )


def _facts(kind: str, risk: str, returned: bool | None, count: int) -> tuple[str, ...]:  # noqa: FBT001 - three-valued
    facts = []
    if kind == "away":
        facts.append("missing:away")
    if returned is not None:
        facts.append("missing:returned" if returned else "missing:current")
    if risk != "unknown":
        facts.append(f"missing:{risk}-risk")
    if count >= REPEAT_COUNT:
        facts.append("repeat:third-in-90-days")
    return tuple(facts)


def _seen(element: Element, name: str) -> dict[str, object] | None:
    value: dict[str, object] = {
        "at": element.instant(f"{name}At"),
        "description": element.text(f"{name}Place"),
        "postcode": element.text(f"{name}Postcode"),
    }
    return value if any(part is not None for part in value.values()) else None


def _interview(element: Element) -> dict[str, object] | None:
    # The pilot's one flag says that the interview was attended: held, whoever offered it.
    value: dict[str, object] = {
        "offered": element.flag("returnInterviewOffered"),
        "accepted": element.flag("returnInterviewAccepted"),
        "held": element.flag("returnedHomeInterviewAttended"),
        "held_on": element.day("returnInterviewDate"),
    }
    return value if any(part is not None for part in value.values()) else None


def _day(said: int | None, moment: Instant | None) -> int | None:
    return day_of(moment) if said is None and moment is not None else said


def _starts(values: Sequence[object]) -> list[int]:
    found = []
    for value in values:
        try:
            element = Element(value, "missingEpisodes[]")
            start = _day(element.day("date"), element.instant("startedAt"))
        except InputRefused:
            continue  # its own item will say so
        if start is not None:
            found.append(start)
    return found


FORMAT = SuiFormat(
    "police-sui-json",
    "police",
    "CrimeDataRecordV1",
    frozenset({"missingEpisodes", *ABOUT_FLAGS}),
    parts,
)
