"""Education: the safeguarding lead's log of concerns (CSV), a row an incident and child → concern.

Columns as systems for recording safeguarding export them: UPN, Forename, Surname, DOB, Incident
reference, Incident date, Category, Account; and if they are there Incident time, Seen alone,
Shareable summary, Third party checked, Urgency, Decided by role. What follows from them is what
follows from the form of a concern. Categories are those of a list (`CATEGORIES`); one that the list
does not have is refused, never guessed. That somebody recorded a concern does not mean that
somebody decided to share it: only Decided by role says so.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from adapters.any_agency.filled import URGENCIES, need
from adapters.concerns import EXPLOITATION, Concern, concern_saying
from adapters.dates import iso_instant, iso_of, not_future, spreadsheet_day
from adapters.drafting import draft
from adapters.errors import FIELD_CODE, FIELD_DATE, FIELD_TWICE, ROW, InputRefused
from adapters.format import Context, Outcome, ReadContext, Unmapped, one_item
from adapters.identifiers import Child, Said, check
from adapters.sources.table import Row, columns, rows
from adapters.sources.text import TEXT_LIMIT, clean, glance
from broker.clock import Instant
from broker.records.statement import Indicator

NAME = "education-concern-csv"
NEEDED = (
    *("UPN", "FORENAME", "SURNAME", "DOB"),
    *("INCIDENT REFERENCE", "INCIDENT DATE", "CATEGORY", "ACCOUNT"),
)
MORE = (
    *("INCIDENT TIME", "SEEN ALONE", "SHAREABLE SUMMARY", "THIRD PARTY CHECKED"),
    *("URGENCY", "DECIDED BY ROLE"),
)
NARRATIVES = frozenset({"ACCOUNT", "SHAREABLE SUMMARY"})
NOT_MAPPED = ("RECORDED BY ROLE", "ACTIONS TAKEN")
"""Columns that such logs have and a concern has no slot for: named where they hold something."""

FLAGS = {
    **dict.fromkeys(("yes", "y", "true", "1"), True),
    **dict.fromkeys(("no", "n", "false", "0"), False),
}


@dataclass(frozen=True, slots=True)
class Category:
    """What follows from a category of the log; from many nothing does.

    Attributes:
        fact: coded fact.
        sign: coded sign of the inquiry's list; an opinion, since a category is a judgement.
        protection: what calls for special care.
    """

    fact: str | None = None
    sign: str | None = None
    protection: str | None = None


_EXPLOITATION = Category(fact=EXPLOITATION)
_PEER = Category(protection="suspected-child")

CATEGORIES: Mapping[str, Category] = {
    **dict.fromkeys(
        (
            *("exploitation", "child sexual exploitation", "cse"),
            *("child criminal exploitation", "cce", "county lines"),
        ),
        _EXPLOITATION,
    ),
    **dict.fromkeys(
        ("missing", "missing from home", "missing from care"), Category(sign="missing")
    ),
    **dict.fromkeys(("absence", "attendance"), Category(sign="absent-from-school")),
    **dict.fromkeys(("gangs", "gang association"), Category(sign="gang-association")),
    **dict.fromkeys(
        ("alcohol", "drugs", "drugs and alcohol", "substance misuse"),
        Category(sign="drug-or-alcohol-misuse"),
    ),
    "bereavement": Category(sign="bereavement-or-loss"),
    "homelessness": Category(sign="homeless"),
    "mental health": Category(sign="poor-mental-health"),
    "online safety": Category(sign="online-vulnerability"),
    "physical injury": Category(sign="physical-injury"),
    "self-harm": Category(sign="self-harm"),
    "suicidal thoughts": Category(sign="suicidal-thoughts-or-attempts"),
    "unexplained gifts": Category(sign="unexplained-gifts"),
    "young carer": Category(sign="young-carer"),
    **dict.fromkeys(("child-on-child abuse", "harmful sexual behaviour"), _PEER),
    **dict.fromkeys(("pregnancy", "sexual health"), Category(protection="sexual-health")),
    "allegation against staff": Category(protection="allegation-against-staff"),
    **dict.fromkeys(
        (
            *("behaviour", "bullying", "child missing education", "domestic abuse"),
            *("emotional abuse", "female genital mutilation", "forced marriage", "neglect"),
            *("physical abuse", "radicalisation", "serious violence", "sexual abuse"),
            *("wellbeing", "other"),
        ),
        Category(),
    ),
}
"""Categories of a log in small letters. Schools name their own; this list is the mapping's."""

REPEATS = "says what {} says"

_BETWEEN = re.compile(r"[,;|\n]")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(:\d{2})?", re.ASCII)


@dataclass(slots=True)
class Log:
    """What is gathered while the file is read.

    Attributes:
        children: whom each set of identifying fields means, checked once.
        rows: by a hash of the natural id, the row that gave the record, and a hash of what it says.
    """

    children: dict[tuple[str | None, ...], Child] = field(default_factory=dict)
    rows: dict[int, tuple[str, int]] = field(default_factory=dict)

    def child(self, values: Mapping[str, str | None], place: str, context: ReadContext) -> Child:
        """Return whom a row is about.

        Raises:
            InputRefused: `identity.…`, `field.date`.
        """
        key = tuple(values[name] for name in ("UPN", "FORENAME", "SURNAME", "DOB"))
        if key not in self.children:
            upn, given, family, born = key
            day = None if born is None else spreadsheet_day(born, "DOB")
            said = Said(upn=upn, given=given, family=family, born=day)
            self.children[key] = check(said, place, context.at)
        return self.children[key]


@dataclass(frozen=True, slots=True)
class ConcernCsv:
    """A `Format`."""

    name: str = NAME
    agency_type: str | None = "education"
    streams: bool = True

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the port
        """Tell by its columns."""
        return {"INCIDENT REFERENCE", "INCIDENT DATE", "ACCOUNT"} <= set(columns(glance(head)))

    def companions(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - of the port
        """Name none."""
        return ()

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:  # noqa: ARG002 - of the port
        """Yield what each row gives.

        Raises:
            InputRefused: columns are missing, or the text stops being a table.
        """
        log = Log()
        for row in rows(stream, NEEDED, context.encoding):
            place = f"row {row.number}"
            yield from one_item(place, _map(row, place, log, context))


def _map(row: Row, place: str, log: Log, context: ReadContext) -> Iterator[Outcome]:
    if row.values is None:
        raise InputRefused(ROW, "row")
    values = {
        name: clean(row.values.get(name, ""), name, TEXT_LIMIT)
        if name in NARRATIVES
        else clean(row.values.get(name, ""), name)
        for name in (*NEEDED, *MORE)
    }
    reference = need(values["INCIDENT REFERENCE"], "INCIDENT REFERENCE")
    child = log.child(values, place, context)
    categories = _categories(values)
    natural_id = f"concern/{reference}/{child.local_subject}"
    saying = concern_saying(_concern(values, categories, context), natural_id)
    said = hash(repr((saying, values["DECIDED BY ROLE"])))
    first, known = log.rows.setdefault(hash(natural_id), (place, said))
    if known != said:
        raise InputRefused(FIELD_TWICE, "INCIDENT REFERENCE")
    yield Unmapped(_left(row, categories))
    if first != place:
        yield Context(place, REPEATS.format(first))
        return
    yield from (replace(one, item=place) for one in child.warnings)
    one = draft(child, saying, place, NAME, context)
    yield replace(one, decided_by=values["DECIDED BY ROLE"])


def _concern(
    values: Mapping[str, str | None], categories: tuple[Category, ...], context: ReadContext
) -> Concern:
    on = spreadsheet_day(need(values["INCIDENT DATE"], "INCIDENT DATE"), "INCIDENT DATE")
    not_future(on, context.at, "INCIDENT DATE")
    urgency = (values["URGENCY"] or "routine").casefold()
    if urgency not in URGENCIES:
        raise InputRefused(FIELD_CODE, "URGENCY")
    summary = values["SHAREABLE SUMMARY"]
    return Concern(
        on=on,
        urgency=URGENCIES[urgency],
        account=values["ACCOUNT"],
        summary=summary,
        at=_moment(values, on),
        seen_alone=_flag(values, "SEEN ALONE"),
        indicators=tuple(
            Indicator(sign, on, "opinion")
            for sign in sorted({c.sign for c in categories if c.sign})
        ),
        facts=tuple(sorted({c.fact for c in categories if c.fact})),
        protections=tuple(sorted({c.protection for c in categories if c.protection})),
        # The column is for what may be shared: who fills it in has written it for that.
        shareable=summary is not None,
        third_party_checked=_flag(values, "THIRD PARTY CHECKED"),
    )


def _categories(values: Mapping[str, str | None]) -> tuple[Category, ...]:
    said = need(values["CATEGORY"], "CATEGORY")
    names = [" ".join(name.casefold().split()) for name in _BETWEEN.split(said)]
    found = [CATEGORIES.get(name) for name in names if name]
    if not found or None in found:
        raise InputRefused(FIELD_CODE, "CATEGORY")
    return tuple(one for one in found if one is not None)


def _moment(values: Mapping[str, str | None], on: int) -> Instant | None:
    said = values["INCIDENT TIME"]
    if said is None:
        return None
    match = _CLOCK.fullmatch(said)
    if match is None:
        raise InputRefused(FIELD_DATE, "INCIDENT TIME")
    return iso_instant(f"{iso_of(on)}T{match[1]:0>2}:{match[2]}", "INCIDENT TIME")


def _flag(values: Mapping[str, str | None], name: str) -> bool | None:
    said = values[name]
    if said is None:
        return None
    if said.casefold() not in FLAGS:
        raise InputRefused(FIELD_CODE, name)
    return FLAGS[said.casefold()]


def _left(row: Row, categories: tuple[Category, ...]) -> tuple[str, ...]:
    values = row.values or {}
    named = [name for name in NOT_MAPPED if values.get(name, "").strip()]
    if Category() in categories:
        named.append("CATEGORY")
    extra = sum(name not in (*NEEDED, *MORE, *NOT_MAPPED) for name in values)
    return (*named, *((f"{extra} more columns",) if extra else ()))


FORMAT = ConcernCsv()
