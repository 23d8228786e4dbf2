"""Attendance codes of schools in England, in force since 19 August 2024.

Source: Department for Education, Working together to improve school attendance (2024), and the
School Attendance (Pupil Registration) (England) Regulations 2024. Which codes are absence, and of
what kind; which say that the child is present, elsewhere, or not expected; which were withdrawn.
"""

AUTHORISED = frozenset(
    {"C", "C1", "C2", "I", "J1", "M", "R", "S", "T", "Q", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7"}
)
"""Leave, illness, medical appointment, study leave, religious observance, travelling; unable to
attend."""

UNAUTHORISED = frozenset({"G", "O", "U"})
"""Holiday not granted, no good reason, arrived after the register closed."""

UNEXPLAINED = frozenset({"N"})
"""Reason not yet established. Not truancy."""

SUSPENDED = frozenset({"E"})
"""Suspended or permanently excluded: the code does not say which."""

NO_ABSENCE = frozenset({"/", "\\", "L", "B", "D", "K", "P", "V", "W", "X", "Z", "#"})
"""Present, late, taught or registered elsewhere, not required, not on roll, closed."""

WITHDRAWN = frozenset({"H", "J", "Y"})

FACTS = (
    (AUTHORISED, "absence:authorised"),
    (UNAUTHORISED, "absence:unauthorised"),
    (UNEXPLAINED, "absence:unexplained"),
    (SUSPENDED, "absence:suspended"),
)


def fact(code: str) -> str | None:
    """Return the coded fact of an absence code; None if it is no code of absence."""
    return next((name for codes, name in FACTS if code in codes), None)
