"""Any agency: `PersonalDetailsRecordV1`, which gives no record of its own.

It is read for name and date of birth together with the same agency's other files about the child;
given alone it is context. Address, household, relatives and characteristics stay where they are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from adapters.errors import OTHER_AGENCY, InputRefused
from adapters.format import Context, Outcome, ReadContext, Unmapped, one_item
from adapters.sources.elements import Element
from adapters.sources.json_text import parse
from adapters.sources.text import glance
from adapters.sui import PERSONAL

AGENCY_TYPES = ("police", "health", "education", "social-care")
USED = ("firstName", "lastName", "dateOfBirth")
ONLY_HERE = '"namesOfIndividualsResidingAtMainAddress"'

_PREFIX = re.compile(r"([a-z-]+)-[0-9]+_")


@dataclass(frozen=True, slots=True)
class PersonalDetails:
    """A `Format`."""

    name: str = "personal-details-sui-json"
    agency_type: str | None = None
    streams: bool = False

    def recognises(self, head: bytes, name: str) -> bool:
        """Tell by the file's name, or by a member that only this file has."""
        return f"_{PERSONAL}." in name or '"namesOfIndividualsResidingAtMainAddress"' in glance(
            head
        )

    def companions(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - of the port
        """Name none."""
        return ()

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:
        """Yield one item of context.

        Raises:
            InputRefused: not JSON, or another agency's.
        """
        document = Element(parse(stream.read(), context.encoding), "file")
        match = _PREFIX.match(name)
        if match is not None and match[1] in AGENCY_TYPES and match[1] != context.agency_type:
            raise InputRefused(OTHER_AGENCY, "file name")
        for used in USED:
            document.raw(used)
        what = "read for name and date of birth, together with the agency's other files"
        yield from one_item("personal details", (Context("personal details", what),))
        yield Unmapped(tuple(sorted(set(document.left()))))


FORMAT = PersonalDetails()
