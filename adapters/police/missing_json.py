"""Police: reports of missing children → missing-episode.

`docs/mappings.md` has the shape. Grades of risk are those of the College of Policing's Authorised
Professional Practice on missing persons: high, medium, low, and no apparent risk (absent). One
report is one episode: a later report with its reference is the next version of it.
"""

from collections.abc import Iterator

from adapters.dates import day_of, in_order, not_future
from adapters.drafting import Saying, draft
from adapters.errors import FIELD_MISSING, InputRefused
from adapters.format import Outcome
from adapters.identifiers import check
from adapters.police.reports import Report, ReportFormat
from adapters.police.sui_json import MOST_EPISODES, REPEAT_COUNT
from adapters.sources.elements import Element
from adapters.sui import identity
from broker.clock import Instant
from broker.records.statement import Indicator

GRADES = {
    "high": "high",
    "medium": "medium",
    "low": "low",
    "no apparent risk": "low",
    "absent": "low",
    "not yet graded": "unknown",
}
AWAY = frozenset({"no apparent risk", "absent"})
"""Grades with which a child counts as away, not as missing."""


def report(said: Report) -> Iterator[Outcome]:
    """Map one report.

    Raises:
        InputRefused: `field.…`, `identity.…`.
    """
    element, at = said.element, said.context.at
    reference = said.need_reference()
    person = said.inside("person")
    if person is None:
        raise InputRefused(FIELD_MISSING, "person")
    child = check(identity(person), said.place, at)
    yield from child.warnings
    start_at = element.instant("missingSince")
    start = element.day("missingOn")
    if start is None and start_at is not None:
        start = day_of(start_at)
    if start is None:
        raise InputRefused(FIELD_MISSING, "missingSince")
    not_future(start, at, "missingSince")
    end_at, returned = _end(said, start_at, at)
    in_order(start, None if end_at is None else day_of(end_at), "returnedAt")
    grade = (element.text("grading") or "not yet graded").casefold()
    risk = element.code("grading", GRADES) or "unknown"
    kind = "away" if grade in AWAY else "missing"
    count = element.number("episodesInLast90Days", 1, MOST_EPISODES)
    yield draft(
        child,
        Saying(
            type="missing-episode",
            natural_id=f"missing-episode/{reference}",
            on=start,
            content={
                "episode": {
                    "start": start,
                    "start_at": start_at,
                    "end": None if end_at is None else day_of(end_at),
                    "end_at": end_at,
                    "kind": kind,
                    "risk": risk,
                    "returned": returned,
                    "episodes_in_90_days": count or 1,
                },
                "last_seen": _place(said.inside("lastSeen")),
                "found": _place(said.inside("found")),
                "circumstances": element.narrative("circumstances"),
                "return_interview": _interview(said.inside("returnInterview")),
            },
            indicators=(Indicator("missing", start, "fact"),) if kind == "missing" else (),
            facts=_facts(kind, risk, count or 1, returned=returned),
            third_party_checked=element.flag("thirdPartyChecked"),
            urgent=not returned,
        ),
        said.place,
        said.system,
        said.context,
    )


def _end(said: Report, start_at: Instant | None, at: Instant) -> tuple[Instant | None, bool]:
    """Return when the child was back, and whether she is."""
    end_at = said.element.instant("returnedAt")
    flag = said.element.flag("returned")
    if end_at is not None:
        not_future(day_of(end_at), at, "returnedAt")
        in_order(start_at, end_at, "returnedAt")
    return end_at, end_at is not None if flag is None else flag


def _facts(kind: str, risk: str, count: int, *, returned: bool) -> tuple[str, ...]:
    found = ["missing:away"] if kind == "away" else []
    found.append("missing:returned" if returned else "missing:current")
    if risk != "unknown":
        found.append(f"missing:{risk}-risk")
    if count >= REPEAT_COUNT:
        found.append("repeat:third-in-90-days")
    return tuple(found)


def _place(element: Element | None) -> dict[str, object] | None:
    if element is None:
        return None
    value: dict[str, object] = {
        "at": element.instant("at"),
        "description": element.text("place"),
        "postcode": element.text("postcode"),
    }
    return value if any(part is not None for part in value.values()) else None


def _interview(element: Element | None) -> dict[str, object] | None:
    if element is None:
        return None
    value: dict[str, object] = {
        "offered": element.flag("offered"),
        "accepted": element.flag("accepted"),
        "held": element.flag("held"),
        "held_on": element.day("heldOn"),
    }
    return value if any(part is not None for part in value.values()) else None


FORMAT = ReportFormat("police-missing-json", "missingReports", report)
