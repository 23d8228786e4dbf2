"""The county's month, moved so that it ends today: parts of an installation go by the real time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

from adapters.demo_week import events, sheets
from adapters.demo_week.people import MONDAY
from benchmarks import county
from benchmarks.county import NOW
from broker.clock import DAY, Instant


def days_since(now: Instant) -> int:
    """Return by how many days the month is to be moved so that it has just ended."""
    return (now - NOW) // DAY


def moved(days: int) -> Instant:
    """Return when everything of the moved month is published."""
    return Instant(NOW + days * DAY)


@contextmanager
def later(days: int) -> Iterator[None]:
    """Have whatever is made of the county while the context lasts happen so many days later."""
    by = timedelta(days=days)

    def moment(day: int, hour: int, minute: int = 0) -> datetime:
        return sheets.moment(day, hour, minute) + by

    with (
        patch.object(events, "moment", moment),
        patch.object(events, "MONDAY", MONDAY + by),
        patch.object(county, "moment", moment),
    ):
        yield
