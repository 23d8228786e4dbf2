"""What both health formats say of an emergency attendance, as coded facts."""

from adapters.dates import day_of
from broker.clock import HOUR, Instant

NIGHT_FROM = 22
NIGHT_UNTIL = 6
"""Hours in the United Kingdom between which an attendance counts as at night."""


def facts(arrival_at: Instant | None, disposition: str | None) -> tuple[str, ...]:
    """Return the facts of one attendance."""
    found = ["attendance:emergency"]
    if arrival_at is not None and _at_night(arrival_at):
        found.append("attendance:night")
    if disposition == "admitted":
        found.append("attendance:admitted")
    if disposition == "left-before-treatment":
        found.append("attendance:left-before-treatment")
    return tuple(found)


def _at_night(at: Instant) -> bool:
    # Whether an hour later or earlier is another day tells the hour without a time zone table.
    ends_today = day_of(Instant(at + (24 - NIGHT_FROM) * HOUR)) != day_of(at)
    began_today = day_of(Instant(at - NIGHT_UNTIL * HOUR)) != day_of(at)
    return ends_today or began_today
