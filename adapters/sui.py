"""What the four JSON exports of the Single Unique Identifier pilot have in common.

Two shapes of file are read:

- one child's record as the pilot has it: identity is in the file's name
  (`education-9449303223_EducationDetailsRecordV1.json`) and in the same agency's
  `…_PersonalDetailsRecordV1.json` beside it, never in another agency's;
- many children: `{"agency": …, "children": [{"nhsNumber": …, "dateOfBirth": …, "record": {…}}]}`,
  or that list alone, or one such object alone.

A list inside a record is as many items: each missing episode, attendance or referral is a record of
its own.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple, TypeAlias

from adapters.drafting import Naming, Saying, draft
from adapters.errors import COMPANION, OTHER_AGENCY, SHAPE, InputRefused
from adapters.format import (
    Context,
    Draft,
    Outcome,
    Read,
    ReadContext,
    Unmapped,
    one_item,
    rejected,
    warned,
)
from adapters.identifiers import Child, Said, check
from adapters.sources.elements import ITEMS_LIMIT, Element
from adapters.sources.json_text import parse
from adapters.sources.text import glance

PERSONAL = "PersonalDetailsRecordV1"

_NAME = re.compile(r"(?P<prefix>[a-z-]+)-(?P<nhs>[0-9]+)_(?P<record>[A-Za-z]+RecordV[0-9]+)\.json")
_CHILD_MEMBERS = frozenset({"children", "record"})


class Part(NamedTuple):
    """One item of a child's record: its place, and what maps it."""

    place: str
    map: Callable[[], Draft | Context]


@dataclass(slots=True)
class Subject:
    """One child's record while it is mapped.

    Attributes:
        child: whom it is about.
        record: the object to map.
        system: the format's name.
        place: what stands before the names of items.
        context: what else is known.
        naming: natural ids of this file.
        objects: objects inside the record, with the name of their list, for what is left over.
    """

    child: Child
    record: Element
    system: str
    place: str
    context: ReadContext
    naming: Naming
    objects: list[tuple[str, Element]] = field(default_factory=list)

    def inside(self, value: object, name: str) -> Element:
        """Return an object inside the record; what nobody asks of it will be named.

        Raises:
            InputRefused: it is no object.
        """
        element = Element(value, name)
        self.objects.append((name, element))
        return element

    def list_of(self, name: str) -> Iterator[tuple[str, object]]:
        """Yield place and value of each entry of a list.

        Raises:
            InputRefused: it is no list, or too long.
        """
        for number, value in enumerate(self.record.entries(name)):
            yield f"{self.place}{name}[{number}]", value

    def natural_id(self, element: Element, key: str, item: object) -> str:
        """Return the source's own reference of an item, else one made from what it says."""
        reference = element.text("reference")
        if reference is not None:
            return f"{key.partition('/')[0]}/{reference}"
        record_type, _, rest = key.partition("/")
        return self.naming.name(f"{record_type}/{self.child.local_subject}/{rest}", item)

    def draft(self, saying: Saying, item: str) -> Draft:
        """Return the draft of one record."""
        return draft(self.child, saying, item, self.system, self.context)

    def plans(self, name: str) -> list[dict[str, str | None]] | None:
        """Return the statuses and plans of a list; None if there are none.

        Raises:
            InputRefused: an entry is no object with texts.
        """
        found = []
        for value in self.record.entries(name):
            entry = self.inside(value, f"{name}[]")
            found.append({"status": entry.text("status"), "plan": entry.text("plan")})
        return found or None

    def outcomes(self, part: Part) -> Iterator[Outcome]:
        """Map one item; of an item that gives no record, nothing is left over.

        Raises:
            InputRefused: the item is.
        """
        before = len(self.objects)
        outcome: Draft | Context | None = None
        try:
            outcome = part.map()
            yield outcome
        finally:
            if not isinstance(outcome, Draft):
                del self.objects[before:]

    def left(self) -> Unmapped:
        """Return what nobody asked for."""
        names = set(self.record.left())
        for name, element in self.objects:
            names.update(f"{name}.{one}" for one in element.left())
        return Unmapped(tuple(sorted(names)))


Mapper: TypeAlias = Callable[[Subject], Iterator[Part]]


@dataclass(frozen=True, slots=True)
class SuiFormat:
    """One agency type's export; a `Format`.

    Attributes:
        name: what `--format` calls it.
        agency_type: whose systems produce it.
        record_name: its name in file names.
        members: names that only this export's objects have.
        mapper: yields the items of one child's record.
        streams: no: JSON is parsed as a whole.
    """

    name: str
    agency_type: str
    record_name: str
    members: frozenset[str]
    mapper: Mapper
    streams: bool = False

    def recognises(self, head: bytes, name: str) -> bool:
        """Tell by the file's name, or by a member that only this export has."""
        if f"_{self.record_name}." in name:
            return True
        text = glance(head)
        return text[:1] in ("{", "[") and any(f'"{member}"' in text for member in self.members)

    def companions(self, name: str) -> tuple[str, ...]:
        """Name the same agency's file of personal details about the same child."""
        match = _NAME.fullmatch(name)
        if match is None:
            return ()
        return (f"{match['prefix']}-{match['nhs']}_{PERSONAL}.json",)

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:
        """Yield what the file holds.

        Raises:
            InputRefused: the file as a whole cannot be read.
        """
        document = parse(stream.read(), context.encoding)
        match = _NAME.fullmatch(name)
        if match is not None and match["prefix"] != self.agency_type:
            raise InputRefused(OTHER_AGENCY, "file name")
        naming = Naming()
        if isinstance(document, dict) and not document.keys() & _CHILD_MEMBERS:
            yield from self._single(document, match, context, naming)
            return
        for place, value in _children(document, context):
            yield from self._wrapped(value, place, context, naming)

    def _single(
        self,
        document: dict[str, object],
        match: re.Match[str] | None,
        context: ReadContext,
        naming: Naming,
    ) -> Iterator[Outcome]:
        said = Said(nhs_number=match["nhs"] if match else None)
        for companion, data in context.beside.items():
            try:
                said = _with_personal(said, parse(data, context.encoding))
            except InputRefused:
                kind = companion.rpartition("_")[2].removesuffix(".json")
                yield warned("record", COMPANION, kind)
        yield from self._map(said, Element(document, "record"), "", context, naming)

    def _wrapped(
        self, value: object, place: str, context: ReadContext, naming: Naming
    ) -> Iterator[Outcome]:
        try:
            wrapper = Element(value, "child")
            said = identity(wrapper)
            record = Element(wrapper.raw("record"), "record")
        except InputRefused as error:
            yield Read(place)
            yield rejected(place, error)
            return
        yield Unmapped(tuple(sorted(wrapper.left())))
        yield from self._map(said, record, f"{place}.", context, naming)

    def _map(
        self, said: Said, record: Element, prefix: str, context: ReadContext, naming: Naming
    ) -> Iterator[Outcome]:
        whole = prefix.removesuffix(".") or "record"
        try:
            child = check(said, whole, context.at)
            subject = Subject(child, record, self.name, prefix, context, naming)
            parts = tuple(self.mapper(subject))
        except InputRefused as error:
            yield Read(whole)
            yield rejected(whole, error)
            return
        yield from child.warnings
        if not parts:
            yield from one_item(whole, (Context(whole, "nothing in it gives a record"),))
        for part in parts:
            yield from one_item(part.place, subject.outcomes(part))
        yield subject.left()


def identity(wrapper: Element) -> Said:
    """Return what a wrapper says of whom its record is about.

    Raises:
        InputRefused: a value of another kind, or no date.
    """
    return Said(
        wrapper.text("nhsNumber"),
        wrapper.text("upn"),
        wrapper.text("councilId"),
        wrapper.text("ownId"),
        wrapper.text("firstName"),
        wrapper.text("lastName"),
        wrapper.day("dateOfBirth"),
    )


def _with_personal(said: Said, document: object) -> Said:
    personal = Element(document, "personal details")
    return Said(
        nhs_number=said.nhs_number,
        given=personal.text("firstName"),
        family=personal.text("lastName"),
        born=personal.day("dateOfBirth"),
    )


def _children(document: object, context: ReadContext) -> Iterator[tuple[str, object]]:
    if isinstance(document, dict) and "record" in document:
        yield "child", document
        return
    children = document
    if isinstance(document, dict):
        wrapper = Element(document, "file")
        agency = wrapper.text("agency")
        if agency is not None and not context.is_own(agency):
            raise InputRefused(OTHER_AGENCY, "agency")
        children = wrapper.raw("children")
    if not isinstance(children, list) or len(children) > ITEMS_LIMIT:
        raise InputRefused(SHAPE, "children")
    for number, value in enumerate(children):
        yield f"children[{number}]", value


def address_of(element: Element | None) -> tuple[str | None, str | None]:
    """Return an address on one line without its postcode, and the postcode.

    Raises:
        InputRefused: a line is no text.
    """
    if element is None:
        return None, None
    lines = [element.text(name) for name in ("line1", "line2", "townOrCity", "county")]
    return ", ".join(line for line in lines if line) or None, element.text("postcode")
