"""The report on quality: what an agency's files were like in a month, for the systems' keepers."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from io import StringIO

from adapters.quality import IDENTIFIERS, Fault, Quality, together
from adapters.readings import Noted
from broker.clock import SECOND, Instant
from broker.errors import Code, ConcordatError
from broker.runtimes.agency import AgencySide
from broker.runtimes.catalogue import sentence_of

MONTH = Code(
    "quality.month",
    "That is not a month.",
    "Write it as 2026-03.",
)

NAMES = {
    "nhs_number": "NHS number",
    "upn": "unique pupil number",
    "council_id": "council's identifier",
    "own_id": "the system's own identifier",
}
"""Identifiers, as people call them."""

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so would be worked out by a spreadsheet."""


class QualityRefused(ConcordatError):  # noqa: N818 - a command was given the wrong thing
    """The report cannot be made."""


@dataclass(frozen=True, slots=True)
class Found:
    """One fault and where it was found.

    Attributes:
        format: of the files.
        fault: summed over them.
        files: of each file, the first one that was read first: its name, how often, first places.
    """

    format: str
    fault: Fault
    files: tuple[tuple[str, int, tuple[str, ...]], ...]

    @property
    def sentence(self) -> str:
        """What happened."""
        return sentence_of(self.fault.code)[0]

    @property
    def fix(self) -> str:
        """What to do."""
        return sentence_of(self.fault.code)[1]


@dataclass(frozen=True, slots=True)
class Month:
    """What was read in a month.

    Attributes:
        agency: whose, by its name for people.
        agency_id: by its id.
        month: `2026-03`, UTC.
        noted: file by file, as they came.
        total: all together.
        found: what is wrong, by format; what rejects most comes first.
        unmapped: names of elements that are not mapped, by format.
    """

    agency: str
    agency_id: str
    month: str
    noted: tuple[Noted, ...]
    total: Quality
    found: tuple[Found, ...]
    unmapped: tuple[tuple[str, tuple[str, ...]], ...]


def month_of(at: Instant) -> str:
    """Return the month of an instant, UTC: `2026-03`."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m")


def span_of(month: str) -> tuple[Instant, Instant]:
    """Return the first instant of a month, and of the next one.

    Raises:
        QualityRefused: `quality.month`.
    """
    said = _MONTH.fullmatch(month)
    if said is None or not MINYEAR < int(said[1]) < MAXYEAR:
        raise QualityRefused(MONTH)
    year, number = int(said[1]), int(said[2])
    first = datetime(year, number, 1, tzinfo=UTC)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return (
        Instant(int(first.timestamp()) * SECOND),
        Instant(int(end.timestamp()) * SECOND),
    )


async def month_report(side: AgencySide, month: str) -> Month:
    """Return what an agency's files were like in a month.

    Raises:
        QualityRefused: `quality.month`.
        ProtocolError: no revision is in force.
        StoreError: the file of readings is damaged.
        Unavailable: it cannot be opened.
    """
    noted = tuple(await side.readings.between(*span_of(month)))
    name = side.agreement.roster.agencies[side.agency].name
    several = [one.quality for one in noted]
    return Month(
        name, side.agency, month, noted, together(several), _found(several), _unmapped(several)
    )


def _found(several: Sequence[Quality]) -> tuple[Found, ...]:
    kept: dict[tuple[str, bool, str, str], list[tuple[str, Fault]]] = defaultdict(list)
    for one in several:
        for fault in one.faults:
            kept[one.format, fault.rejects, fault.code, fault.field].append((one.file, fault))
    found = [
        Found(
            format_name,
            Fault(rejects, code, field, sum(one.count for _, one in places), places[0][1].places),
            tuple((file, one.count, one.places) for file, one in places),
        )
        for (format_name, rejects, code, field), places in kept.items()
    ]
    return tuple(sorted(found, key=lambda one: (not one.fault.rejects, -one.fault.count)))


def _unmapped(several: Sequence[Quality]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    names: dict[str, set[str]] = defaultdict(set)
    for one in several:
        if one.unmapped:
            names[one.format].update(one.unmapped)
    return tuple((name, tuple(sorted(held))) for name, held in sorted(names.items()))


def share(part: int, whole: int) -> str:
    """Return a part as people read it: `3 of 40 (7.5 %)`."""
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else "–"


FILE_COLUMNS = (
    "read_at",
    "file",
    "format",
    "contents",
    "items",
    "mapped",
    "rejected",
    "no_record_by_design",
    "records",
    "kept_back",
    "items_about_a_child",
    "cannot_link",
    *(f"{name}_{what}" for name in IDENTIFIERS for what in ("valid", "invalid", "absent")),
    "not_mapped",
)

FAULT_COLUMNS = (
    "format",
    "file",
    "rejected",
    "code",
    "field",
    "count",
    "first_places",
    "what_happened",
    "what_to_do",
)


def files_csv(month: Month) -> str:
    """Return a row for each file, for spreadsheets (RFC 4180; no cell is a formula)."""

    def rows() -> Iterator[Sequence[object]]:
        for one in month.noted:
            held = one.quality
            read_at = datetime.fromtimestamp(one.at // SECOND, UTC)
            identifiers = [
                number
                for name in IDENTIFIERS
                for number in (
                    held.identifiers[name].valid,
                    held.identifiers[name].invalid,
                    held.identifiers[name].absent,
                )
            ]
            yield (
                read_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                held.file,
                held.format,
                held.contents,
                held.read,
                held.mapped,
                held.rejected,
                held.context,
                held.records,
                held.kept_back,
                held.children,
                held.cannot_link,
                *identifiers,
                " ".join(held.unmapped),
            )

    return _csv(FILE_COLUMNS, rows())


def faults_csv(month: Month) -> str:
    """Return a row for each fault of each file, for spreadsheets."""

    def rows() -> Iterator[Sequence[object]]:
        for one in month.found:
            for file, count, places in one.files:
                yield (
                    one.format,
                    file,
                    "yes" if one.fault.rejects else "no",
                    one.fault.code,
                    one.fault.field,
                    count,
                    "; ".join(places),
                    one.sentence,
                    one.fix,
                )

    return _csv(FAULT_COLUMNS, rows())


def _csv(columns: Sequence[str], rows: Iterator[Sequence[object]]) -> str:
    written = StringIO()
    writer = csv.writer(written)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(one) for one in row])
    return written.getvalue()


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
