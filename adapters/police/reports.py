"""What exports of police reports have in common: one list of reports, each an item of its own.

{"agency": "eastshire-police", "<member>": [{"reference": "…", …}, …]}
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, TypeAlias

from adapters.errors import FIELD_MISSING, OTHER_AGENCY, SHAPE, InputRefused
from adapters.format import Outcome, ReadContext, Unmapped, one_item
from adapters.sources.elements import ITEMS_LIMIT, Element
from adapters.sources.json_text import parse
from adapters.sources.text import glance


@dataclass(frozen=True, slots=True)
class Report:
    """One report while it is mapped.

    Attributes:
        element: the report.
        place: what accounts call it.
        system: the format's name.
        context: what else is known.
        objects: objects inside it, by name, for what is left over.
    """

    element: Element
    place: str
    system: str
    context: ReadContext
    objects: list[tuple[str, Element]] = field(default_factory=list)

    def inside(self, name: str) -> Element | None:
        """Return an object inside the report; what nobody asks of it will be named.

        Raises:
            InputRefused: it is no object.
        """
        found = self.element.element(name)
        if found is not None:
            self.objects.append((name, found))
        return found

    def need_reference(self) -> str:
        """Return the report's reference, by which its versions are known.

        Raises:
            InputRefused: `field.missing`, `field.text`.
        """
        reference = self.element.text("reference")
        if reference is None:
            raise InputRefused(FIELD_MISSING, "reference")
        return reference

    def left(self) -> Unmapped:
        """Return what nobody asked for."""
        names = set(self.element.left())
        for name, element in self.objects:
            names.update(f"{name}.{one}" for one in element.left())
        return Unmapped(tuple(sorted(names)))


Mapper: TypeAlias = Callable[[Report], Iterator[Outcome]]


@dataclass(frozen=True, slots=True)
class ReportFormat:
    """One kind of report; a `Format`.

    Attributes:
        name: what `--format` calls it.
        member: the list's name in the file.
        mapper: yields what one report gives.
        agency_type: whose systems produce it.
    """

    name: str
    member: str
    mapper: Mapper
    agency_type: str | None = "police"
    streams: bool = False

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the port
        """Tell by the list's name."""
        text = glance(head)
        return text.startswith("{") and f'"{self.member}"' in text

    def companions(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - of the port
        """Name none."""
        return ()

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:  # noqa: ARG002 - of the port
        """Yield what each report gives.

        Raises:
            InputRefused: the file as a whole cannot be read.
        """
        document = parse(stream.read(), context.encoding)
        if not isinstance(document, dict):
            raise InputRefused(SHAPE, "file")
        wrapper = Element(document, "file")
        agency = wrapper.text("agency")
        if agency is not None and not context.is_own(agency):
            raise InputRefused(OTHER_AGENCY, "agency")
        reports = wrapper.raw(self.member)
        if not isinstance(reports, list) or len(reports) > ITEMS_LIMIT:
            raise InputRefused(SHAPE, self.member)
        yield Unmapped(tuple(sorted(wrapper.left())))
        for number, value in enumerate(reports):
            place = f"{self.member}[{number}]"
            yield from one_item(place, self._report(value, place, context))

    def _report(self, value: object, place: str, context: ReadContext) -> Iterator[Outcome]:
        report = Report(Element(value, self.member), place, self.name, context)
        yield from self.mapper(report)
        yield report.left()
