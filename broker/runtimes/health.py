"""What `doctor` looks at: is everything that safety needs in its place?"""

import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import apsw

import adapters
import broker
from broker.access_log.reader import read_state
from broker.backends.files.store import FileTileStore
from broker.clock import DAY, HOUR, Clock
from broker.errors import ConcordatError
from broker.protocol.published import PublishedProtocol
from broker.protocol.revision import Revision
from broker.runtimes.adapter_settings import read_adapter_settings
from broker.runtimes.adapter_status import status_of
from broker.runtimes.clock_check import FIX, ClockCheck, words
from broker.runtimes.exchange import exchange_of
from broker.runtimes.explaining import published
from broker.runtimes.layout import Layout
from broker.runtimes.points import module_point
from broker.runtimes.servers import Check, bad, servers
from broker.runtimes.witness_checks import witness_checks

DISTRIBUTION = "concordat-broker"
SQLITE_NEEDED = (3, 51, 3)
"""Older ones can corrupt a file when its write-ahead log starts over."""

WARN_DAYS = 90
"""Days before the end of the protocol from which on it is said."""


@dataclass(frozen=True, slots=True)
class Telephone:
    """A number that somebody answers."""

    agency: str
    desk: str
    hours: str
    number: str
    out_of_hours: str


@dataclass(frozen=True, slots=True)
class Health:
    """All checks, and whom to ring meanwhile."""

    checks: tuple[Check, ...]
    telephones: tuple[Telephone, ...]

    @property
    def good(self) -> bool:
        """Whether every check is good."""
        return all(one.good for one in self.checks)


async def examine(layout: Layout, clock: Clock) -> Health:
    """Look at environment and installation; what can't be looked at is a bad check, no error."""
    checks = list(_environment())
    telephones: tuple[Telephone, ...] = ()
    try:
        protocol = await published(layout, clock)
        checks.append(Check("installation", good=True, said=f"found in {layout.root.name}"))
        checks += [await _clock(layout, clock)]
        checks += _protocol(protocol, clock)
        if protocol.agreement_at(clock.now()) is not None:
            revision = protocol.current(clock.now())
            checks += [one async for one in servers(layout, clock, revision)]
        telephones = tuple(_telephones(protocol, clock))
        if layout.broker.is_dir():  # an agency's host has no log
            checks += [await _log(layout)]
        checks += [one async for one in witness_checks(layout, clock, protocol)]
        checks += _agencies(layout, protocol)
        checks += [one async for one in _adapters(layout, clock)]
    except ConcordatError as error:
        checks.append(bad("installation", error))
    return Health(tuple(checks), telephones)


def _environment() -> Iterator[Check]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Check("Python", good=True, said=version)
    sqlite = apsw.sqlite_lib_version()
    found = tuple(int(part) for part in sqlite.split("."))
    yield Check(
        "SQLite",
        good=found >= SQLITE_NEEDED,
        said=sqlite,
        fix="Install the locked version of apsw: it carries a current SQLite.",
    )
    here = Path(broker.__file__).parent.parent
    beside = Path(adapters.__file__).parent.parent
    try:
        said = metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        said = ""
    yield Check(
        "packages",
        good=here == beside and bool(said),
        said=f"{DISTRIBUTION} {said}".strip(),
        fix="Other packages are called broker and adapters too: use an environment of its own.",
    )


def _protocol(protocol: PublishedProtocol, clock: Clock) -> Iterator[Check]:
    refused = ", ".join(f"entry {one.offset}: {one.code.name}" for one in protocol.refused)
    yield Check(
        "protocol entries",
        good=not refused,
        said=refused or f"{protocol.position} read, all verified from the first root",
        fix="Somebody published what counts for nothing: find out who, and tell the signatories.",
    )
    at = clock.now()
    try:
        revision = protocol.current(at)
    except ConcordatError as error:
        yield bad("revision in force", error)
        return
    agreement = revision.agreement
    left = -((at - agreement.until) // DAY)  # of which the last has begun
    yield Check(
        "revision in force",
        good=left > 0,
        said=f"{revision.digest.hex()[:16]}…, "
        + (f"{left} days left" if left > 0 else f"ended {-left} days ago"),
        fix="It has lapsed: nothing but the floor is released. Have a new revision signed.",
    )
    if 0 < left <= WARN_DAYS:
        yield Check("end of the protocol", good=True, said=f"in {left} days: renew it in time")
    yield _engine(revision)
    for agency in agreement.roster.agencies:
        if not protocol.registry.can_receive(agency):
            yield Check(
                f"keys of {agency}",
                good=False,
                said="no sealing key is registered",
                fix="Register one: nothing can be released to this agency.",
            )


async def _clock(layout: Layout, clock: Clock) -> Check:
    check = ClockCheck(clock)
    async with exchange_of(layout).public(clock) as streams:
        await check.look(streams)
    return Check("clock", good=not check.off_ms, said=words(check.off_ms), fix=FIX)


def _engine(revision: Revision) -> Check:
    try:
        module_point(revision).close()
    except ConcordatError as error:
        return bad("policy engine", error)
    return Check("policy engine", good=True, said="loads the module of the revision")


async def _log(layout: Layout) -> Check:
    try:
        state = await read_state(FileTileStore(layout.log))
    except ConcordatError as error:
        return bad("access log", error)
    size = 0 if state is None else state.tree.size
    return Check("access log", good=True, said=f"{size} entries; `log verify` checks them")


def _agencies(layout: Layout, protocol: PublishedProtocol) -> Iterator[Check]:
    here = layout.agencies()
    strangers = sorted(set(here) - set(protocol.agencies()))
    yield Check(
        "agencies",
        good=not strangers,
        said=", ".join(here),
        fix=f"Not in the protocol: {', '.join(strangers)}.",
    )
    if layout.officers.exists():
        yield Check(
            "officers' keys",
            good=True,
            said="lie here: this is a demonstration, its signatures prove nothing",
        )


async def _adapters(layout: Layout, clock: Clock) -> AsyncIterator[Check]:
    for agency in layout.agencies():
        if not layout.adapter_settings(agency).exists():
            continue
        name = f"adapter of {agency}"
        try:
            status = await status_of(
                layout, agency, read_adapter_settings(layout, agency), clock.now()
            )
        except ConcordatError as error:
            yield bad(name, error)
            continue
        refused = sum(len(one.refused) for one in status.sinks.values())
        late = [
            sink
            for sink, one in status.sinks.items()
            if one.since is not None and one.since < clock.now() - HOUR
        ]
        said = "runs" if status.runs else "does not run now"
        if status.clock_off_ms:
            said += f"; its clock is {words(status.clock_off_ms)}"
        if late:
            said += f"; deliveries wait for more than an hour: {', '.join(late)}"
        if refused:
            said += f"; {refused} deliveries were not handed over"
        yield Check(
            name,
            good=not (late or refused or status.clock_off_ms),
            said=said,
            fix=f"Look at `concordat adapter {agency} --status`.",
        )


def _telephones(protocol: PublishedProtocol, clock: Clock) -> Iterator[Telephone]:
    agreement = protocol.agreement_at(clock.now())
    if agreement is None:
        return
    for agency in agreement.roster.agencies.values():
        for desk in agency.desks.values():
            yield Telephone(
                agency.name, desk.name, desk.hours.said, desk.telephone, desk.out_of_hours
            )
