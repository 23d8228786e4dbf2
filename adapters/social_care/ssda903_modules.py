"""Council: SSDA903 return, the files that give no record: each is known, and says why not.

A council exports them beside `episodes.csv`. Each is recognised by its column heads; its rows are
context, its columns are named as unmapped. What they hold stays in the council.
Source: Department for Education, Children looked-after by local authorities: guide to the SSDA903
collection (modules UASC, OC2, OC3, AD1, Placed for adoption, Previous permanence, Reviews, and
since 2024 Social worker).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from adapters.format import Context, Outcome, ReadContext, Unmapped, one_item
from adapters.sources.table import columns, rows
from adapters.sources.text import glance

NO_UASC = "that a child sought asylum alone is about her right to stay, and no sign of a risk"
NO_OC2 = "health checks, screening and convictions of a year, without a day and for statistics only"
NO_OC3 = "how a care leaver lives and works: a young adult, with whom the council keeps in touch"
NO_AD1 = "about adopters: who adopts a child is protected information, and is shared with nobody"
NO_ADOPTION = "a decision on adoption: it could lead from the child's old name to the new one"
NO_PERMANENCE = "an earlier adoption or order: it could lead from the child's new name to the old"
NO_REVIEWS = "days of reviews and how the child took part in them: no record type holds that"
NO_WORKERS = "registrations of social workers, who are named by a form if they are to be asked"


@dataclass(frozen=True, slots=True)
class Module:
    """A file of the return that gives no record; a `Format`.

    Attributes:
        sign: columns by which it is known; no other file has them together.
        holds: its other columns, beside CHILD and DOB.
        why: why its rows give no record.
    """

    name: str
    sign: tuple[str, ...]
    holds: tuple[str, ...]
    why: str
    agency_type: str | None = "social-care"
    streams: bool = True

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the port
        """Tell by the columns that only this module has."""
        return {"CHILD", *self.sign} <= set(columns(glance(head)))

    def companions(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - of the port
        """Name none."""
        return ()

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:  # noqa: ARG002 - of the port
        """Yield one item of context a row.

        Raises:
            InputRefused: columns are missing, or the text stops being a table.
        """
        for row in rows(stream, ("CHILD", *self.sign), context.encoding):
            place = f"row {row.number}"
            yield from one_item(place, (Context(place, self.why),))
        yield Unmapped((*self.sign, *self.holds))


UASC = Module("social-care-ssda903-uasc", ("DUC",), ("SEX",), NO_UASC)
OC2 = Module(
    "social-care-ssda903-oc2",
    ("SDQ_SCORE",),
    (
        "CONVICTED", "HEALTH_ASSESSMENT", "HEALTH_CHECK", "IMMUNISATIONS", "INTERVENTION_OFFERED",
        "INTERVENTION_RECEIVED", "SDQ_REASON", "SUBSTANCE_MISUSE", "TEETH_CHECK",
    ),
    NO_OC2,
)  # fmt: skip
OC3 = Module("social-care-ssda903-oc3", ("IN_TOUCH",), ("ACCOM", "ACTIV"), NO_OC3)
AD1 = Module(
    "social-care-ssda903-ad1",
    ("DATE_INT", "DATE_MATCH"),
    ("FOSTER_CARE", "LS_ADOPTR", "NB_ADOPTR", "SEX_ADOPTR"),
    NO_AD1,
)
ADOPTION = Module(
    "social-care-ssda903-adoption",
    ("DATE_PLACED",),
    ("DATE_PLACED_CEASED", "REASON_PLACED_CEASED"),
    NO_ADOPTION,
)
PERMANENCE = Module(
    "social-care-ssda903-permanence", ("PREV_PERM",), ("DATE_PERM", "LA_PERM"), NO_PERMANENCE
)
REVIEWS = Module("social-care-ssda903-reviews", ("REVIEW_CODE",), ("REVIEW",), NO_REVIEWS)
WORKERS = Module(
    "social-care-ssda903-workers", ("SW_ID",), ("SW_DEC", "SW_DECOM", "SW_REASON"), NO_WORKERS
)
