"""A school year in figures: what it may hold, and what counts as persistent absence."""

FIRST_YEAR = 2000
LAST_YEAR = 2100
MOST_SESSIONS = 400
"""Half days: a school year has 380."""

PERSISTENT = 90.0
"""Per cent of attendance at or below which absence is persistent (a tenth missed)."""


def persistent(attendance: float | None) -> tuple[str, ...]:
    """Return the coded fact that follows from a year's attendance, per cent; or none."""
    missed = attendance is not None and attendance <= PERSISTENT
    return ("absence:persistent",) if missed else ()
