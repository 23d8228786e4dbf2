"""Whether an identifier can be one: checked here again, since a signature proves only who said it.

An invalid one links nobody: a mistyped or made-up number (0000000000, say) would else make one
child of all who have it. Sources: NHS Data Dictionary, NHS NUMBER (modulus 11); Department for
Education, Unique pupil numbers: a guide for schools and local authorities (check letter).
"""

import re
from datetime import date

_NHS = re.compile(r"[0-9]{10}", re.ASCII)
_UPN = re.compile(r"[A-Z][0-9]{11}[0-9A-Z]", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
"""Check letters by remainder; I, O and S are not among them."""


def is_nhs_number(value: str) -> bool:
    """Tell whether ten digits end in their check digit, and are not one digit ten times."""
    if _NHS.fullmatch(value) is None or len(set(value)) == 1:
        return False
    digits = [int(digit) for digit in value]
    total = sum(weight * digit for weight, digit in zip(range(10, 1, -1), digits, strict=False))
    return -total % 11 == digits[-1]


def is_upn(value: str) -> bool:
    """Tell whether a unique pupil number begins with its check letter; a temporary one may, too."""
    if _UPN.fullmatch(value) is None or value[-1] not in "0123456789" + UPN_LETTERS:
        return False
    numbers = [int(one) if one.isdigit() else UPN_LETTERS.index(one) for one in value[1:]]
    total = sum(weight * number for weight, number in enumerate(numbers, start=2))
    return UPN_LETTERS[total % len(UPN_LETTERS)] == value[0]


def is_date(value: str) -> bool:
    """Tell whether it is a day of the calendar, written as ISO 8601 does: 2011-09-25."""
    if _DATE.fullmatch(value) is None:
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
