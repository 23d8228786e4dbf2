"""How an agency's adapter does: read from its files, whether it runs or not."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from adapters.notices.port import ChannelStanding
from adapters.sinks.hand_overs import Standing
from broker.backends.sqlite.hand_overs import SqliteHandOvers
from broker.backends.sqlite.notices import SqliteNotices
from broker.backends.sqlite.outbox import SqliteOutbox
from broker.clock import Instant
from broker.errors import Code
from broker.runtimes.adapter_settings import AdapterSettings, Watched
from broker.runtimes.keystore import AgencyKeys
from broker.runtimes.layout import InstallationError, Layout
from broker.runtimes.serving import check_heartbeat
from broker.runtimes.watching import DONE, ERROR, REJECTED, WORK, lying_in
from broker.runtimes.witness_status import WitnessStatus, read_status

HERE = "here"
PLACES_SHOWN = (HERE, WORK, DONE, REJECTED, ERROR)

NO_SINK = Code(
    "installation.no-sink",
    "This agency's adapter has no such sink.",
    "Take a name that stands under `sinks` in its adapter.yaml.",
)


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """A watched folder.

    Attributes:
        path: the folder.
        counts: files in it, and in the four folders of it.
    """

    path: Path
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ListenerStatus:
    """A listener.

    Attributes:
        name: what configuration calls it.
        address: where it listens; empty if the adapter does not run.
        counts: of what happened since the adapter runs.
    """

    name: str
    address: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class AdapterStatus:
    """How an adapter does.

    Attributes:
        runs: whether it does.
        unsent: records that wait in the outbox.
        folders: that it watches.
        listeners: that it opens.
        sinks: how each one stands.
        notices: how each channel of notices stands.
        witness: how far the log is witnessed, as the agency has seen it last; None if never.
        at: when this was asked.
        nobody_told: desks, and managers, that owe something and that no channel reaches, as far as
            an adapter that runs has seen.
        clock_off_ms: by how much its host's clock is ahead of what the message store stamps, in
            milliseconds, negative if behind; 0: nothing shows that it differs by minutes.
    """

    runs: bool
    unsent: int
    folders: tuple[FolderStatus, ...]
    listeners: tuple[ListenerStatus, ...]
    sinks: Mapping[str, Standing]
    notices: Mapping[str, ChannelStanding]
    witness: WitnessStatus | None
    at: Instant
    nobody_told: tuple[str, ...] = ()
    clock_off_ms: int = 0

    @property
    def good(self) -> bool:
        """Whether it runs by a right clock, nothing waits or has failed, and no witness warns."""
        handed = not any(one.refused or one.code for one in self.sinks.values())
        told = not any(one.code for one in self.notices.values()) and not self.nobody_told
        witnessed = self.witness is None or self.witness.good(self.at)
        return self.runs and handed and told and witnessed and not self.clock_off_ms


async def status_of(
    layout: Layout, agency: str, settings: AdapterSettings, at: Instant
) -> AdapterStatus:
    """Return how an adapter does at `at`.

    Raises:
        StoreError: a file of the agency's folder cannot be used.
        Unavailable: the same, for now.
    """
    try:
        check_heartbeat(layout, agency)
        runs = True
    except InstallationError:
        runs = False
    return AdapterStatus(
        runs,
        await _unsent(layout, agency),
        tuple(_folder(one) for one in settings.folders),
        _listeners(layout, agency, settings, runs=runs),
        await _sinks(layout, agency, settings),
        await _notices(layout, agency, settings),
        read_status(layout, agency),
        at,
        tuple(_said(layout, agency, runs=runs).get("nobody_told", ())),
        _said(layout, agency, runs=runs).get("clock_off_ms", 0),
    )


async def wait_again(layout: Layout, agency: str, settings: AdapterSettings, sink: str) -> int:
    """Let all that a sink would not take wait again; return how many deliveries.

    Raises:
        InstallationError: `installation.no-sink`.
        StoreError: what sinks have cannot be read.
        Unavailable: the same, for now.
    """
    if sink not in [one.name for one in settings.sinks]:
        raise InstallationError(NO_SINK, sink)
    with SqliteHandOvers.open(layout.hand_overs(agency)) as held:
        return await held.again(sink)


def status_document(status: AdapterStatus) -> dict[str, object]:
    """Return an adapter's status as JSON shows it."""
    return {
        "runs": status.runs,
        "unsent": status.unsent,
        "folders": [{"path": str(one.path), **one.counts} for one in status.folders],
        "listeners": [asdict(one) for one in status.listeners],
        "sinks": [
            {
                "name": name,
                "handed_over": one.handed,
                "last_ms": one.last,
                "waiting": one.waiting,
                "waiting_since_ms": one.since,
                "trouble": one.code or None,
                "refused": [
                    {
                        "delivery": refused.delivery.hex(),
                        "code": refused.code,
                        "where": refused.where,
                        "at_ms": refused.at,
                    }
                    for refused in one.refused
                ],
            }
            for name, one in status.sinks.items()
        ],
        "notices": [
            {
                "name": name,
                "sent": one.sent,
                "last_ms": one.last,
                "waiting": one.waiting,
                "waiting_since_ms": one.since,
                "trouble": one.code or None,
            }
            for name, one in status.notices.items()
        ],
        "nobody_told": list(status.nobody_told),
        "clock_off_ms": status.clock_off_ms,
        "witness": _witness_document(status),
    }


def _witness_document(status: AdapterStatus) -> dict[str, object] | None:
    seen = status.witness
    if seen is None:
        return None
    return {
        "witnesses": seen.witnesses,
        "of": seen.of,
        "witnessed": seen.witnessed,
        "published": seen.newest,
        "waiting_since_ms": seen.waiting,
        "late": seen.late(status.at),
        "warned": seen.warned or None,
        "alarms": [{"agency": who, "code": code} for who, code in seen.alarms],
    }


async def _unsent(layout: Layout, agency: str) -> int:
    keys = AgencyKeys.load(layout.agency_keys(agency))
    with SqliteOutbox.open(layout.outbox(agency), keys.id_key) as outbox:
        return await outbox.unsent()


def _folder(watched: Watched) -> FolderStatus:
    places = {HERE: watched.path, **{name: watched.path / name for name in PLACES_SHOWN[1:]}}
    return FolderStatus(watched.path, {name: lying_in(path) for name, path in places.items()})


def _listeners(
    layout: Layout, agency: str, settings: AdapterSettings, *, runs: bool
) -> tuple[ListenerStatus, ...]:
    known: dict[str, tuple[str, Mapping[str, int]]] = {}
    for one in _said(layout, agency, runs=runs).get("listeners", ()):
        known[one["name"]] = (one["address"], one["counts"])
    return tuple(
        ListenerStatus(one.name, *known.get(one.name, ("", {}))) for one in settings.listeners
    )


async def _sinks(layout: Layout, agency: str, settings: AdapterSettings) -> Mapping[str, Standing]:
    if not settings.sinks:
        return {}
    with SqliteHandOvers.open(layout.hand_overs(agency)) as held:
        return {one.name: await held.standing(one.name) for one in settings.sinks}


def _said(layout: Layout, agency: str, *, runs: bool) -> dict[str, Any]:
    """Return what an adapter that runs has written down of itself."""
    path = layout.adapter_status(agency)
    said: dict[str, Any] = json.loads(path.read_bytes()) if runs and path.exists() else {}
    return said


async def _notices(
    layout: Layout, agency: str, settings: AdapterSettings
) -> Mapping[str, ChannelStanding]:
    if not settings.notices:
        return {}
    with SqliteNotices.open(layout.notices(agency)) as held:
        return {one.name: await held.standing(one.name) for one in settings.notices}
