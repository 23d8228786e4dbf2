"""Files in the making: what each holds so far, and what reading it must give."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from adapters.demo_week.people import Person

Json: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Expected:
    """What reading a file must give; the manifest says it, a test compares."""

    read: int = 0
    mapped: int = 0
    records: int = 0
    context: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    warned: Counter[str] = field(default_factory=Counter)

    def good(self, items: int = 1) -> None:
        """Count items that give one record each."""
        self.read += items
        self.mapped += items
        self.records += items

    def beside(self, items: int = 1) -> None:
        """Count items of context."""
        self.read += items
        self.context += items

    def bad(self, code: str) -> None:
        """Count a rejected item."""
        self.read += 1
        self.rejected[code] += 1

    def as_json(self) -> Json:
        """Return it for the manifest."""
        return {
            "read": self.read,
            "mapped": self.mapped,
            "records": self.records,
            "context": self.context,
            "rejected": dict(sorted(self.rejected.items())),
            "warned": dict(sorted(self.warned.items())),
        }


@dataclass(slots=True)
class Sheet:
    """One file.

    Attributes:
        agency: whose.
        name: its name inside the agency's folder.
        at: when the agency publishes it.
        expected: what reading it must give.
        beside: whether it only lies beside another file and is not published itself.
    """

    agency: str
    name: str
    at: datetime
    expected: Expected = field(default_factory=Expected)
    beside: bool = False

    def text(self) -> str:
        """Return its text; the kinds of sheet say how."""
        raise NotImplementedError

    def content(self) -> bytes:
        """Return its bytes."""
        return self.text().encode()

    @property
    def path(self) -> str:
        """Its path below the week's folder."""
        return f"{self.agency}/{self.name}"

    def as_json(self) -> Json:
        """Return it for the manifest."""
        return {
            "agency": self.agency,
            "path": self.path,
            "day": self.at.date().isoformat(),
            "at": int(self.at.timestamp() * 1000),
            "publish": not self.beside,
            "expected": self.expected.as_json(),
        }


@dataclass(slots=True)
class Children(Sheet):
    """A JSON export: many children, one record each."""

    entries: list[Any] = field(default_factory=list)

    def add(self, person: Person, record: Json, items: int = 1) -> None:
        """Add a child's record that gives `items` records."""
        self.entries.append(wrapped(self.agency, person, record))
        self.expected.good(items)

    def add_bad(self, entry: Any, code: str) -> None:  # noqa: ANN401 - what no format expects
        """Add an entry that is rejected whole."""
        self.entries.append(entry)
        self.expected.bad(code)

    def text(self) -> str:
        """Return its content."""
        return _dumped({"agency": self.agency, "children": self.entries})


@dataclass(slots=True)
class Forms(Sheet):
    """A JSON file of forms."""

    forms: list[Any] = field(default_factory=list)

    def add(self, person: Person, kind: str, members: Mapping[str, Any]) -> None:
        """Add a form that gives a record."""
        self.forms.append(
            {"form": kind, "agency": self.agency, "child": said(self.agency, person), **members}
        )
        self.expected.good()

    def add_bad(self, form: Any, code: str) -> None:  # noqa: ANN401 - what no format expects
        """Add a form that is rejected."""
        self.forms.append(form)
        self.expected.bad(code)

    def text(self) -> str:
        """Return its content."""
        return _dumped({"forms": self.forms})


@dataclass(slots=True)
class Messages(Sheet):
    """HL7 v2 messages, one after the other."""

    messages: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return its content: segments end in CR, as the standard says."""
        return "".join(self.messages)


@dataclass(slots=True)
class Table(Sheet):
    """Comma-separated values."""

    rows: list[Sequence[str]] = field(default_factory=list)

    def text(self) -> str:
        """Return its content."""
        return "".join(",".join(row) + "\r\n" for row in self.rows)


@dataclass(slots=True)
class Raw(Sheet):
    """A file that is broken as a whole."""

    raw: bytes = b""

    def content(self) -> bytes:
        """Return its bytes."""
        return self.raw


def moment(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a time of the week; day 0 is Monday."""
    return datetime(2026, 3, 2 + day, hour, minute, tzinfo=UTC)


def said(agency: str, person: Person) -> Json:
    """Return what an agency's system says of a child: each has identifiers of its own."""
    found: Json = {
        "ownId": person.own_id(agency),
        "firstName": person.given,
        "lastName": person.family,
        "dateOfBirth": person.born.isoformat(),
        "nhsNumber": person.nhs,
    }
    if agency == person.school:
        found["upn"] = person.upn
    if agency == "eastshire-council":
        found["councilId"] = person.council_id
        found["upn"] = person.upn
    return found


def wrapped(agency: str, person: Person, record: Json) -> Json:
    """Return an entry of a JSON export."""
    return {**said(agency, person), "record": record}


def adt(  # noqa: PLR0913 - the fields of one message, each named
    person: Person,
    at: datetime,
    *,
    control: str,
    reason: str,
    mode: str = "U",
    event: str = "A04",
    patient_class: str = "E",
    facility: str = "EASTSHIRE-HOSPITALS",
    patient_id: str | None = None,
) -> str:
    """Return an HL7 v2.4 ADT message."""
    stamp = at.strftime("%Y%m%d%H%M%S") + "+0000"
    own = person.own_id("eastshire-hospitals")
    ids = f"{person.nhs}^^^NHS^NH~{own}^^^EGH^MR" if patient_id is None else patient_id
    pv2 = [""] * 38
    pv2[2], pv2[37] = f"^{reason}", mode
    visit = [""] * 44
    visit[0], visit[1], visit[2] = "1", patient_class, "ED^^^EASTSHIRE GENERAL"
    visit[18], visit[43] = f"V{control}", stamp
    segments = (
        f"MSH|^~\\&|EPR|{facility}|CONCORDAT|EASTSHIRE|{stamp}||ADT^{event}|{control}|P|2.4",
        f"EVN|{event}|{stamp}",
        f"PID|1||{ids}||{person.family.upper()}^{person.given.upper()}||{person.born:%Y%m%d}|U",
        "PV1|" + "|".join(visit),
        "PV2|" + "|".join(pv2),
    )
    return "".join(f"{segment}\r" for segment in segments)


def _dumped(value: Json) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
