"""Council: SSDA903 return, `episodes.csv` joined with `header.csv` → protection-status, as history.

One row of `episodes.csv` is one item, and says that the child was looked after from one day to
another. A stay in care is a chain of episodes, since each change of placement or legal status
begins a new one: each gives a record of its own, which stays the same record in the next return.
`header.csv`, read from beside it, adds date of birth and unique pupil number. Where the child lived
and lives, with whom and why goes nowhere.
Source: Department for Education, Children looked-after by local authorities: guide to the SSDA903
collection (module Episodes); codes in `adapters/social_care/ssda903_codes.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from adapters.format import Outcome, ReadContext
from adapters.social_care.ssda903 import beside, rows_of
from adapters.social_care.ssda903_facts import (
    EPISODE_COLUMNS,
    EPISODE_NEEDED,
    EPISODES_NAME,
    looked_after,
)
from adapters.sources.table import columns
from adapters.sources.text import glance


@dataclass(frozen=True, slots=True)
class Episodes:
    """`episodes.csv`; a `Format`."""

    name: str = EPISODES_NAME
    agency_type: str | None = "social-care"
    streams: bool = True

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the port
        """Tell by the columns that only this module has."""
        return {"CHILD", "DECOM", "RNE"} <= set(columns(glance(head)))

    def companions(self, name: str) -> tuple[str, ...]:
        """Name the header module of the same return."""
        return beside(name, "episodes")

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:  # noqa: ARG002 - of the port
        """Yield what each row holds.

        Raises:
            InputRefused: columns are missing, or the text stops being a table.
        """
        yield from rows_of(stream, context, EPISODE_NEEDED, EPISODE_COLUMNS, looked_after)


FORMAT = Episodes()
