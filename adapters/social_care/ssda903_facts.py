"""What the SSDA903 return says of a child, from whichever file: missing, or looked after.

The tables and the XML form say the same facts. Both hand them over here by the column names of the
tables, so that one fact has one natural id and one content, whichever form it came in. All is
history: the return is sent once a year about the year before.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from adapters.dates import british_day, in_order, not_future
from adapters.drafting import Naming, Saying, draft
from adapters.errors import DISAGREES, FIELD_CODE, FIELD_DATE, FIELD_MISSING, InputRefused
from adapters.format import Context, Outcome, ReadContext, Unmapped, warned
from adapters.identifiers import Child, Said, check
from adapters.social_care.ssda903_codes import AGREEMENT, GOES_ON, code
from broker.records.names import Kind
from broker.records.statement import Indicator

MISSING_NAME = "social-care-ssda903-missing"
EPISODES_NAME = "social-care-ssda903-episodes"
"""Systems of the records, whichever form the fact came in; formats of the tables."""

MISSING_COLUMNS = ("CHILD", "DOB", "MISSING", "MIS_START", "MIS_END")
EPISODE_COLUMNS = (
    "CHILD", "DECOM", "RNE", "LS", "CIN", "PLACE", "PLACE_PROVIDER", "DEC", "REC",
    "REASON_PLACE_CHANGE", "HOME_POST", "PL_POST", "URN",
)  # fmt: skip
EPISODE_NEEDED = ("CHILD", "DECOM", "RNE", "LS", "CIN", "PLACE", "DEC", "REC")

EPISODE_NOT_MAPPED = tuple(
    name for name in EPISODE_COLUMNS if name not in {"CHILD", "DECOM", "DEC"}
)
"""No slot may hold them: postcodes of home and placement lead to a child who may be protected, and
so do the placement's kind, its provider and its registration; the others are the council's own."""

KINDS = {"M": "missing", "A": "away"}

AGREED = "an agreement on short breaks: it does not say on which days the child was looked after"

HEADER_BIRTH = "DOB in header.csv"

Values = Mapping[str, str | None]
"""A row by the column names of the tables, each text cleaned."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the header says of a child: date of birth and unique pupil number, as written."""

    born: str
    upn: str


Mapper: TypeAlias = Callable[[Values, Held | None, str, Naming, ReadContext], Iterator[Outcome]]
"""Yields what a row gives: its values, what the header says of the child, its place."""


def missing_episode(
    values: Values, held: Held | None, place: str, naming: Naming, context: ReadContext
) -> Iterator[Outcome]:
    """Map a row of the module Missing to a missing-episode.

    Raises:
        InputRefused: a part is missing or wrong.
    """
    council_id, kind_code = values["CHILD"], (values["MISSING"] or "").upper()
    if council_id is None:
        raise InputRefused(FIELD_MISSING, "CHILD")
    kind = KINDS.get(kind_code)
    if kind is None:
        raise InputRefused(FIELD_CODE if kind_code else FIELD_MISSING, "MISSING")
    start, end = _day(values, "MIS_START"), _day(values, "MIS_END")
    if start is None:
        raise InputRefused(FIELD_MISSING, "MIS_START")
    not_future(start, context.at, "MIS_START")
    in_order(start, end, "MIS_END")
    agrees = held is None or held.born == (values["DOB"] or held.born)
    if not agrees:
        yield warned(place, DISAGREES, HEADER_BIRTH)
    upn = held.upn if held is not None and agrees else None
    born = _day(values, "DOB")
    in_order(born, start, "DOB")
    child = check(Said(upn=upn or None, council_id=council_id, born=born), place, context.at)
    yield from child.warnings
    saying = Saying(
        type="missing-episode",
        natural_id=naming.name(f"missing-episode/{council_id}/{start}", values),
        on=start,
        kind=Kind.HISTORY,
        content={
            "episode": {
                "start": start,
                "start_at": None,
                "end": end,
                "end_at": None,
                "kind": kind,
                "risk": "unknown",
                "returned": None if end is None else True,
                "episodes_in_90_days": None,
            }
        },
        indicators=(Indicator("missing", start, "fact"),) if kind == "missing" else (),
        facts=_missing_facts(kind, end),
    )
    yield draft(child, saying, place, MISSING_NAME, context)


def looked_after(
    values: Values, held: Held | None, place: str, naming: Naming, context: ReadContext
) -> Iterator[Outcome]:
    """Map an episode of care to a protection-status: looked after from its first to its last day.

    Raises:
        InputRefused: a part is missing or wrong.
    """
    council_id, start = values["CHILD"], _day(values, "DECOM")
    if council_id is None or start is None:
        raise InputRefused(FIELD_MISSING, "CHILD" if council_id is None else "DECOM")
    not_future(start, context.at, "DECOM")
    status = code(values, "LS", needed=True)
    for name in ("RNE", "CIN", "PLACE"):
        code(values, name)
    end, ended = _end(values, start, context)
    if end is None and ended is not None:
        yield warned(place, DISAGREES, "REC without DEC")
    yield Unmapped(tuple(name for name in EPISODE_NOT_MAPPED if values.get(name)))
    if status == AGREEMENT:
        yield Context(place, AGREED)
        return
    child, outcomes = _whose(council_id, held, start, place, context)
    yield from outcomes
    facts = _status_facts(end, ended)
    saying = Saying(
        type="protection-status",
        natural_id=naming.name(f"protection-status/{council_id}/{start}", (end, facts)),
        on=start,
        kind=Kind.HISTORY,
        content={"status": {"kind": "looked-after", "from": start, "until": end, "category": None}},
        facts=facts,
    )
    yield draft(child, saying, place, EPISODES_NAME, context)


def _end(values: Values, start: int, context: ReadContext) -> tuple[int | None, str | None]:
    """Return last day and reason; an end without a day is no end only if the care goes on."""
    end, ended = _day(values, "DEC"), code(values, "REC")
    if end is not None:
        not_future(end, context.at, "DEC")
        in_order(start, end, "DEC")
        if ended is None:
            raise InputRefused(FIELD_MISSING, "REC")
    elif ended not in (None, GOES_ON):
        raise InputRefused(FIELD_MISSING, "DEC")
    return end, ended


def _whose(
    council_id: str, held: Held | None, start: int, place: str, context: ReadContext
) -> tuple[Child, tuple[Outcome, ...]]:
    """Return the child with what the header adds, and what is to be told of that."""
    told: tuple[Outcome, ...] = ()
    born = None
    if held is not None and held.born:
        try:
            born = british_day(held.born, HEADER_BIRTH)
        except InputRefused:
            told = (warned(place, FIELD_DATE, HEADER_BIRTH),)
    in_order(born, start, HEADER_BIRTH)
    upn = None if held is None else held.upn
    child = check(Said(upn=upn or None, council_id=council_id, born=born), place, context.at)
    return child, (*told, *child.warnings)


def _status_facts(end: int | None, ended: str | None) -> tuple[str, ...]:
    """Return what is so after the episode; the next one says it where the care goes on."""
    if end is None:
        return ("status:looked-after",)
    return () if ended == GOES_ON else ("status:ended",)


def _missing_facts(kind: str, end: int | None) -> tuple[str, ...]:
    away = ("missing:away",) if kind == "away" else ()
    return away if end is None else (*away, "missing:returned")


def _day(values: Values, name: str) -> int | None:
    value = values[name]
    return None if value is None else british_day(value, name)
