"""Why a delivery could not be handed over: not now, or not at all. Each code is stable."""

from broker.errors import Code, ConcordatError

AWAY = Code(
    "sink.away",
    "The other system cannot be reached, or did not answer in time.",
    "Check that it runs and that this machine reaches it; the delivery is tried again by itself.",
)
NOT_NOW = Code(
    "sink.not-now",
    "The other system answered that it cannot take the delivery now.",
    "Look at the other system; the delivery is tried again by itself.",
)
ANSWER = Code(
    "sink.answer",
    "The other system's answer does not say whether it has the delivery.",
    "Check that the address is that of the right interface; the delivery is tried again.",
)
WILL_NOT = Code(
    "sink.refused",
    "The other system will not take this delivery, however often it is tried.",
    "Find out from the other system what is wrong with it, and enter it there by hand.",
)
TOO_LARGE = Code(
    "sink.too-large",
    "The delivery is larger than this sink hands over.",
    "Read it with `concordat inbox`, and enter it in the other system by hand.",
)
FOLDER = Code(
    "sink.folder",
    "The delivery cannot be written into the sink's folder.",
    "Free space on its disk, or give the adapter's user the right to write there; the delivery is "
    "tried again by itself.",
)
OBLIGATION = Code(
    "sink.obligation",
    "The delivery bears an obligation that the sink does not declare to honour.",
    "Read it with `concordat inbox`; if the system behind the sink does keep this obligation, name "
    "it under the sink's `honours` and hand over again.",
)
SINK_FAULT = Code(
    "sink.fault",
    "The sink failed in a way that nobody expected.",
    "Report it with the name of the error; the delivery is tried again by itself.",
)
SINK_CONFIGURATION = Code(
    "sink.configuration",
    "A value of the sink's configuration cannot be used.",
    "Mend the value that is named; docs/listeners.md says what each may be.",
)


class SinkFailed(ConcordatError):  # noqa: N818 - what happened, not what kind of thing
    """Not now; to be tried again.

    Attributes:
        retry_after_s: seconds for which the other side asks to be left alone; None if it did not.
    """

    def __init__(
        self,
        code: Code,
        where: str = "",
        fix: str | None = None,
        *,
        retry_after_s: float | None = None,
    ) -> None:
        """Build the error; see `ConcordatError`."""
        super().__init__(code, where, fix)
        self.retry_after_s = retry_after_s


class SinkRefused(ConcordatError):  # noqa: N818 - as `SinkFailed`
    """The other side will not take this one, however often it is tried."""


class SinkMisconfigured(ConcordatError):  # noqa: N818 - as `SinkFailed`
    """A sink cannot be made from its configuration."""
