"""The port that every format implements, and what reading a file yields.

A format is a pure mapping: bytes in, outcomes out; no clock, no network, no other file than those
it is given. Rules:

1. Before an item is mapped it is announced (`Read`), so that none can be lost: each one ends as one
   or more drafts, as rejected, or as context (`adapters/accounting.py` holds formats to it).
2. A fault in one item never stops the others. A fault of the file as a whole raises.
3. What a source says and we do not map is named (`Unmapped`), never silently dropped.
4. What we drop but can do without, such as an invalid identifier beside a valid one, is told
   (`Warned`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol, TypeAlias

from adapters.errors import InputRefused
from broker.clock import Instant
from broker.errors import Code
from broker.records.names import AgencyId
from broker.records.statement import Contact, Statement


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What a format may know besides the file.

    Attributes:
        agency: whose file it is said to be.
        agency_type: police, health, education or social-care.
        at: now, for ages and for dates that cannot lie in the future.
        contact: whom to ask about the records; from the signed roster.
        own_codes: other names by which systems know this agency: ODS code, URN, LA code.
        encoding: a text encoding that somebody has vouched for; None: found out.
        beside: files that lie beside this one, by name; those that the format asked for.
    """

    agency: AgencyId
    agency_type: str
    at: Instant
    contact: Contact | None = None
    own_codes: frozenset[str] = frozenset()
    encoding: str | None = None
    beside: Mapping[str, bytes] = field(default_factory=dict)

    def is_own(self, code: str) -> bool:
        """Tell whether `code`, from inside a file, means this agency."""
        said = code.strip().casefold()
        return said == self.agency or said in {own.casefold() for own in self.own_codes}


@dataclass(frozen=True, slots=True)
class Read:
    """An item is there: `row 12`, `missingEpisodes[0]`. Counted."""

    item: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to be, from one item.

    Attributes:
        statement: what the agency says.
        item: the item it comes from.
        urgent: whether it goes by the lanes that no bulk load delays.
        decided_by: role of the person who decided to share this very record; None if nobody did,
            so that only a rule can.
    """

    statement: Statement
    item: str
    urgent: bool = False
    decided_by: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """An item that was not mapped, and why: everything a person needs to mend it, and no value.

    Attributes:
        item: the item.
        field: its field, or the part of the file.
        code: stable code.
        reason: a sentence.
        fix: what to do.
    """

    item: str
    field: str
    code: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class Context:
    """An item that gives no record of its own; `what` says what it was used for, or why not."""

    item: str
    what: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something was left out of an item that was mapped all the same. Not counted as an item."""

    item: str
    field: str
    code: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Names of elements that hold something and are not mapped. Not counted as an item."""

    names: tuple[str, ...]


Outcome: TypeAlias = Read | Draft | Rejected | Context | Warned | Unmapped


class Format(Protocol):
    """One format of one type of agency."""

    @property
    def name(self) -> str:
        """What `--format` calls it."""
        ...

    @property
    def agency_type(self) -> str | None:
        """The type of agency whose systems produce it; None: any."""
        ...

    @property
    def streams(self) -> bool:
        """Whether it reads item by item, so that memory does not grow with the file.

        Such a format may be given files larger than others (`adapters/sources/files.py`); what it
        yields is the same each time it reads the same bytes.
        """
        ...

    def recognises(self, head: bytes, name: str) -> bool:
        """Tell from the first bytes and the file's name whether this format can read it."""
        ...

    def companions(self, name: str) -> tuple[str, ...]:
        """Return names of files that help to read `name` when they lie beside it."""
        ...

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:
        """Yield what the file holds.

        Raises:
            InputRefused: the file as a whole cannot be read, from here on.
        """
        ...


def rejected(item: str, error: InputRefused) -> Rejected:
    """Return the outcome of an item that a mapping refused."""
    code = error.code
    return Rejected(item, error.where, code.name, code.sentence, error.fix)


def warned(item: str, code: Code, where: str) -> Warned:
    """Return a warning about one field of an item."""
    return Warned(item, where, code.name, code.sentence, code.fix)


def one_item(item: str, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """Announce an item and yield what it gives: all of it, or its rejection alone."""
    yield Read(item)
    try:
        mapped = tuple(outcomes)
    except InputRefused as error:
        yield rejected(item, error)
    else:
        yield from mapped
