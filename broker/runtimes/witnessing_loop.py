"""Witnessing day and night: an agency's part looks now and then, whatever else it does."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from broker.access_log.alarms import ALARMS
from broker.access_log.published import CHECKPOINTS
from broker.access_log.witness import COSIGNATURES
from broker.runtimes import receiving, witnessing
from broker.runtimes.agency import AgencySide
from broker.runtimes.receiving import ReceiveReport

WITNESS_S = 2.0
"""Pause between two looks, in seconds: one cosignature each at most, and soon enough that most
deliveries are witnessed before somebody has opened them."""

TOPICS = (CHECKPOINTS, COSIGNATURES, ALARMS)


@dataclass(slots=True)
class Witnessing:
    """What is remembered from look to look.

    Attributes:
        said: told what happens, and why.
        counts: what happened is added here.
    """

    said: Callable[[str, str], None]
    counts: Counter[str]
    _looked: float = -WITNESS_S
    _ends: tuple[int, ...] = ()
    _warned: str = ""

    async def look(self, side: AgencySide) -> None:
        """Look, if it is time and anything has come since.

        Raises:
            LogError: the published log does not follow on what this agency has seen of it.
            Unavailable: a store cannot be reached.
        """
        if time.monotonic() < self._looked + WITNESS_S:
            return
        self._looked = time.monotonic()
        ends = tuple([await side.stream.end(topic) for topic in TOPICS])
        if ends == self._ends:
            return
        report = await receiving.look(side)
        seen = report.witnessed
        if seen is not None and not seen.registered:
            # The protocol changes, so that this side is opened anew.
            await witnessing.register(side)
            return
        self._say(report)
        if not report.not_witnessed:
            self._ends = ends
            self.counts["witnessed"] += 1

    def _say(self, report: ReceiveReport) -> None:
        seen = report.witnessed
        warned = report.not_witnessed
        if seen is not None and seen.warned is not None:
            warned = f"{seen.warned.code.name} {seen.warned.where}".strip()
        if warned and warned != self._warned:
            self.said("does not witness", warned)
        self._warned = warned
