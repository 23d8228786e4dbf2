"""What a scenario may name of a protocol: its agencies and desks, record types, parts, clauses."""

from dataclasses import dataclass
from typing import Self

from broker.protocol.clauses import CODED, HEAD_SLOTS, IDENTIFIERS, slots_of
from broker.protocol.documents import Spot
from broker.protocol.revision import Revision
from broker.protocol.wording import listing
from broker.records.names import agency_of
from broker.records.schemas import RecordSchema, SchemaSet
from broker.runtimes.scenarios.errors import REFERENCE, VALUE


@dataclass(frozen=True, slots=True)
class Known:
    """A protocol, as the reader of scenarios needs it.

    Attributes:
        revision: what the scenario is played by.
        schemas: its record schemas, the newest version of each type.
        head: of slots that every record has.
    """

    revision: Revision
    schemas: dict[str, RecordSchema]
    head: RecordSchema

    @classmethod
    def of(cls, revision: Revision) -> Self:
        """Return what a revision knows."""
        held = {path: data for path, data in revision.files.items() if path.startswith("schemas/")}
        known = SchemaSet(held)
        versions = sorted(known.types(), key=lambda one: [int(n) for n in one.version.split(".")])
        newest = {one.type: one for one in versions}
        return cls(revision, newest, known.head(next(iter(newest.values())).head))

    def consumer(self, spot: Spot, name: str) -> str:
        """Return the name of an agency or a desk.

        Raises:
            ProtocolTextError: `scenario.reference`.
        """
        if not self.revision.agreement.roster.has(name):
            agency = self.revision.agreement.roster.agencies.get(agency_of(name))
            known = self.revision.agreement.roster.agencies if agency is None else agency.desks
            what = "agency" if agency is None else "desk"
            fix = f"The protocol has: {', '.join(known)}."
            spot.refuse(REFERENCE, f"there is no {what} {name}", fix)
        return name

    def agency(self, spot: Spot) -> str:
        """Return the name of an agency, not of a desk.

        Raises:
            ProtocolTextError: `scenario.reference`, `scenario.value`.
        """
        name = self.consumer(spot, spot.text())
        if name != agency_of(name):
            spot.refuse(VALUE, "must be an agency", "Leave the desk out.")
        return name

    def record_type(self, spot: Spot) -> str:
        """Return the name of a record type.

        Raises:
            ProtocolTextError: `scenario.reference`.
        """
        name = spot.text()
        if name not in self.schemas:
            fix = f"There are: {', '.join(sorted(self.schemas))}."
            spot.refuse(REFERENCE, f"there is no record type {name}", fix)
        return name

    def clauses(self, spot: Spot) -> tuple[str, ...]:
        """Return ids of clauses, or codes why something was decided without one.

        Raises:
            ProtocolTextError: `scenario.reference`.
        """
        for one in spot.items():
            if self.revision.clause(one.text()) is None:
                one.refuse(REFERENCE, f"there is no clause {one.text()}")
        return tuple(spot.texts())

    def parts(self, spot: Spot, record_type: str) -> tuple[str, ...]:
        """Return words for parts of a record, `tag:place` for what `{tag: place}` says.

        Raises:
            ProtocolTextError: `scenario.reference`.
        """
        types = [self.schemas[record_type]] if record_type else list(self.schemas.values())
        words = []
        for one in spot.items():
            word = one.text() if not isinstance(one.value, dict) else f"tag:{_tag(one)}"
            if not any(slots_of(word, schema) for schema in types):
                where = f" in {record_type}" if record_type else ""
                names = [*HEAD_SLOTS, IDENTIFIERS, CODED]
                if record_type:
                    names += self.schemas[record_type].by_name
                one.refuse(
                    REFERENCE, f"there is no part {word}{where}", f"There are: {listing(names)}."
                )
            words.append(word)
        return tuple(words)

    def names(self, slots: frozenset[int], record_type: str) -> tuple[str, ...]:
        """Return the names of slots of a type, rising by number; schema and labels have none."""
        schema = self.schemas[record_type]
        specs = {**self.head.slots, **schema.slots}
        whole = slots_of(IDENTIFIERS, schema)
        if not whole <= slots:
            whole = frozenset()
        names = [specs[number].name for number in sorted(slots - whole) if number in specs]
        return (*(IDENTIFIERS,) * bool(whole), *names)


def _tag(spot: Spot) -> str:
    return spot.fields(("tag",))["tag"].text()
