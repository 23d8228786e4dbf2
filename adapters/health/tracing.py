"""What is believed of an NHS number whose source says how far it has traced it."""

from dataclasses import replace

from adapters.format import Warned, warned
from adapters.health.errors import NHS_CONFLICT, NHS_UNVERIFIED
from adapters.identifiers import Said

TRACED = "01"
CONFLICTS = frozenset({"04", "05"})
"""Trace status of an NHS number (NHS Data Dictionary, NHS number status indicator code): verified;
no match or several, conflict of number and details."""


def doubted(
    said: Said, trace: str | None, place: str, where: str
) -> tuple[Said, tuple[Warned, ...]]:
    """Return what is believed of an NHS number whose source gives its trace status.

    Args:
        said: with the number.
        trace: two digits; None: nothing is said, and the number stands.
        place: the item.
        where: where the status stands.
    """
    if trace is None or trace == TRACED:
        return said, ()
    if trace in CONFLICTS:
        return replace(said, nhs_number=None), (warned(place, NHS_CONFLICT, where),)
    return said, (warned(place, NHS_UNVERIFIED, where),)
