"""One FHIR resource while it becomes records."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from adapters.drafting import Naming, Saying, draft
from adapters.format import Draft, ReadContext
from adapters.health.fhir_bundle import Entry, Shelf
from adapters.health.fhir_people import NO_LONGER, Office, Whose, office, whose
from adapters.health.fhir_tree import Branch

NAME = "health-fhir"

MADE_WHEN_ASKED = frozenset({"CareTeam"})
"""Resources that the national service makes out of another format each time that it is asked: their
ids name an answer, not what it says."""


@dataclass(slots=True)
class Item:
    """A resource with all that is needed to map it.

    Attributes:
        entry: where it stands.
        resource: the resource.
        shelf: all resources of the file.
        context: what else is known.
        naming: natural ids of this file.
        used: other resources that it is mapped with.
    """

    entry: Entry
    resource: Branch
    shelf: Shelf
    context: ReadContext
    naming: Naming
    used: list[Branch] = field(default_factory=list)

    @property
    def place(self) -> str:
        """The item's name."""
        return self.entry.place

    @property
    def type(self) -> str:
        """The resource's type."""
        return self.entry.type

    def whose(self) -> Whose | None:
        """Return whom it is about; None if that is no patient.

        Raises:
            InputRefused: `fhir.…`, `identity.…`, `field.…`.
        """
        found = whose(self.resource, self.entry, self.shelf, self.context.at)
        if found is not None and found.patient is not None:
            self.used.append(found.patient)
        return found

    def office(self, reference: Branch | None) -> Office | None:
        """Return the organisation that a reference leads to; None if it is none.

        Raises:
            InputRefused: `fhir.…`, `field.…`.
        """
        return office(reference, self.entry, self.shelf, self.used)

    def find(self, reference: Branch) -> Branch | None:
        """Return what a reference leads to, as long as it is in the file.

        Raises:
            InputRefused: `fhir.…`, `field.…`.
        """
        address = reference.address("reference")
        found = None
        if address is not None:
            found = self.shelf.find(address, self.entry, reference.path)
        if found is not None:
            found.must_be_plain()
            self.used.append(found)
        return found

    def changed_on(self) -> int | None:
        """Return the day on which the source last changed it; None if it doesn't say.

        Raises:
            InputRefused: `field.…`.
        """
        meta = self.resource.one("meta")
        return None if meta is None else meta.day("lastUpdated")

    def natural_id(self, record_type: str, about: Whose, otherwise: str) -> str:
        """Return the source's own id of what it says, else one made of child and `otherwise`.

        Raises:
            InputRefused: `field.…`.
        """
        for one in self.resource.many("identifier"):
            value = one.text("value")
            if value is not None and one.text("use") not in NO_LONGER:
                return f"{record_type}/{one.address('system') or ''}|{value}"
        if self.entry.id and self.type not in MADE_WHEN_ASKED:
            return f"{record_type}/{self.type}/{self.entry.id}"
        return self.naming.name(f"{record_type}/{about.child.local_subject}/{otherwise}", otherwise)

    def draft(self, about: Whose, saying: Saying) -> Draft:
        """Return the draft of one record."""
        return draft(about.child, saying, self.place, NAME, self.context)

    def left(self) -> tuple[str, ...]:
        """Return what nobody asked for, here and in the resources that it was mapped with."""
        names = {name for one in (self.resource, *self.used) for name in one.left()}
        return tuple(sorted(names))


def codes_of(concept: Branch) -> Iterator[tuple[str, str]]:
    """Yield system and code of each coding of a concept; the system may be empty.

    Raises:
        InputRefused: `field.…`.
    """
    for one in concept.many("coding"):
        code = one.text("code")
        one.raw("display")
        if code is not None:
            yield one.address("system") or "", code
