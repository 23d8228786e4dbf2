"""How far the log is witnessed, as an agency has seen it last: kept for whoever asks without it."""

import json
from dataclasses import dataclass
from typing import Any

from broker.access_log.alarms import Raised
from broker.access_log.errors import LogError
from broker.access_log.witness import LATE, Standing
from broker.clock import Instant
from broker.runtimes.layout import Layout, replace_file


@dataclass(frozen=True, slots=True)
class WitnessStatus:
    """What an agency has seen last.

    Attributes:
        witnesses: how many agencies have cosigned the newest checkpoint.
        of: how many agencies there are.
        witnessed: the size that enough of them have cosigned.
        newest: size of the newest checkpoint.
        waiting: since when a checkpoint lacks its quorum; None if none does.
        offset: of that checkpoint.
        warned: code of why this agency signs nothing; empty if nothing is wrong.
        alarms: (agency, code) of each alarm that stands.
    """

    witnesses: int
    of: int
    witnessed: int
    newest: int
    waiting: Instant | None
    offset: int
    warned: str
    alarms: tuple[tuple[str, str], ...]

    def late(self, at: Instant) -> bool:
        """Tell whether a checkpoint lacks its quorum for longer than it may."""
        return self.waiting is not None and at - self.waiting >= LATE

    def good(self, at: Instant) -> bool:
        """Whether nobody need be told."""
        return not (self.warned or self.alarms or self.late(at))


def keep_status(
    layout: Layout,
    agency: str,
    standing: Standing,
    alarms: tuple[Raised, ...],
    warned: LogError | None,
) -> None:
    """Write the file, if it would say anything else than it says."""
    plain = {
        "witnesses": len(standing.by(standing.newest - 1)) if standing.newest else 0,
        "of": len(standing.agencies),
        "witnessed": standing.witnessed,
        "newest": standing.newest,
        "waiting_since_ms": standing.waiting,
        "offset": standing.offset,
        "warned": "" if warned is None else warned.code.name,
        "alarms": [[one.alarm.agency, one.alarm.code] for one in alarms],
    }
    data = json.dumps(plain, indent=1).encode()
    path = layout.witness_status(agency)
    if not path.exists() or path.read_bytes() != data:
        replace_file(path, data)


def read_status(layout: Layout, agency: str) -> WitnessStatus | None:
    """Return what an agency has seen last; None if it has never looked, or the file is damaged."""
    try:
        plain: dict[str, Any] = json.loads(layout.witness_status(agency).read_bytes())
        waiting = plain["waiting_since_ms"]
        return WitnessStatus(
            int(plain["witnesses"]),
            int(plain["of"]),
            int(plain["witnessed"]),
            int(plain["newest"]),
            None if waiting is None else Instant(int(waiting)),
            int(plain["offset"]),
            str(plain["warned"]),
            tuple((str(who), str(code)) for who, code in plain["alarms"]),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
