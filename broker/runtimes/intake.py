"""The intake of an agency's adapter: content that other systems bring goes into the outbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.format import Format
from adapters.intake import Taken
from adapters.reading import read_bytes
from adapters.registry import named, recognise
from adapters.sources.files import HEAD_BYTES
from broker.lanes import Unavailable
from broker.runtimes.agency import AgencySide
from broker.runtimes.publishing import PublishReport, context_of, keep_reading, load_rule

NOT_OPEN = (
    "The agency's side is not open: it is about to end, or what is published is out of reach."
)


class SideIntake:
    """See `adapters.intake.Intake`: works while an agency's side is open."""

    def __init__(self) -> None:
        """Begin without a side: nothing can be taken yet."""
        self._side: AgencySide | None = None

    @asynccontextmanager
    async def open(self, side: AgencySide) -> AsyncIterator[None]:
        """Take content with a side; at the end, what is being kept comes to its end first."""
        self._side = side
        try:
            yield
        finally:
            self._side = None
            async with side.keeping:  # behind all who wait for it
                pass

    async def take(self, content: bytes, name: str, format_name: str | None = None) -> Taken:
        """Read, map, judge, sign and keep content; return when all of it is in the outbox.

        Raises:
            InputRefused: its format is unknown.
            ProtocolError: no revision is in force.
            ProtocolTextError: the publication rule cannot be read.
            LaneError: the side is not open, or the outbox cannot be written.
        """
        side = self._side
        if side is None:
            raise Unavailable("outbox", NOT_OPEN)
        rule = load_rule(side)
        reading = read_bytes(
            content, name, context_of(side, rule), _format(content, name, format_name)
        )
        report = PublishReport()
        await keep_reading(side, rule, reading, report)
        return Taken(
            reading.accounting,
            len(report.published),
            report.already,
            len(report.kept_back),
            tuple(one for _, one in report.refused),
        )


def _format(content: bytes, name: str, format_name: str | None) -> Format:
    return recognise(content[:HEAD_BYTES], name) if format_name is None else named(format_name)
