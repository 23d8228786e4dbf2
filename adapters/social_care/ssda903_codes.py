"""Codes of an episode in the SSDA903 return, and those that were withdrawn.

Source: Department for Education, Children looked-after by local authorities: guide to the SSDA903
collection, and its technical specification (data dictionary, code sets). The lists are those of the
returns for 2020 to 2021 up to 2022 to 2023; those of other years are read by the same ones. A later
guide may add a code: an unknown one is refused until it stands here.

None of these codes leaves the agency. They are checked because a row with a wrong one is likely to
be wrong elsewhere, and because two of them say what the days mean: the legal status tells a stay
from a mere agreement, the reason of the end tells whether the care ended.
"""

from collections.abc import Mapping

from adapters.errors import FIELD_CODE, FIELD_CODE_WITHDRAWN, FIELD_MISSING, InputRefused

AGREEMENT = "V4"
"""Legal status of an agreement on a series of short breaks, recorded instead of the single ones."""

GOES_ON = "X1"
"""Reason of an end: another episode begins on the same day."""

CODES: Mapping[str, frozenset[str]] = {
    # Care starts; else what changed: legal status, placement and carer, placement, or two of them.
    "RNE": frozenset({"S", "L", "P", "T", "B", "U"}),
    # Care orders, placement order (freeing order before), agreement, criminal law, protection.
    "LS": frozenset(
        ("C1", "C2", "D1", "E1", "V2", "V3", "V4", "J1", "J2", "J3", "L1", "L2", "L3")
    ),
    # Category of need, as in the census but without its N0 and N9.
    "CIN": frozenset(f"N{number}" for number in range(1, 9)),
    # Adoptive, home, secure or children's home, own parents or alone, residential, school,
    # short stays, foster carers, other.
    "PLACE": frozenset(
        (
            "A3", "A4", "A5", "A6", "H5", "K1", "K2", "P1", "P2", "P3", "R1", "R2", "R3", "R5",
            "S1", "T0", "T1", "T2", "T3", "T4", "U1", "U2", "U3", "U4", "U5", "U6", "Z1",
        )
    ),
    # Goes on; adopted; died; another council; back home; orders; independent; adults' services;
    # other; custody; remand ended; found to be an adult; abroad; staying put.
    "REC": frozenset(
        (
            "X1", "E11", "E12", "E2", "E3", "E4A", "E4B", "E13", "E41", "E45", "E46", "E47",
            "E48", "E5", "E6", "E7", "E8", "E9", "E14", "E15", "E16", "E17",
        )
    ),
}  # fmt: skip
"""By column, in capitals."""

WITHDRAWN: Mapping[str, frozenset[str]] = {
    "LS": frozenset({"V1"}),
    "PLACE": frozenset(
        (
            "A1", "A2", "F1", "F2", "F3", "F4", "F5", "F6", "H3", "H4", "M1", "M2", "M3", "Q1",
            "Q2",
        )
    ),
    "REC": frozenset({"E1", "E4", "E43", "E44"}),
}  # fmt: skip
"""Codes of earlier returns that were split or replaced: foster care and adoption told apart less,
missing children were a placement, special guardianship was two codes instead of four."""


def code(values: Mapping[str, str | None], name: str, *, needed: bool = False) -> str | None:
    """Return the code of a column in capitals, None if there is none.

    Raises:
        InputRefused: `field.code`, `field.code.withdrawn`; `field.missing` if it is needed.
    """
    said = (values[name] or "").upper()
    if not said:
        if needed:
            raise InputRefused(FIELD_MISSING, name)
        return None
    if said not in CODES[name]:
        withdrawn = said in WITHDRAWN.get(name, frozenset())
        raise InputRefused(FIELD_CODE_WITHDRAWN if withdrawn else FIELD_CODE, name)
    return said
