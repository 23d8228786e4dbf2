"""What each party may do in a Kafka cluster: as few permissions as its part needs.

Made from the catalogue of topics. `python -m broker.runtimes.acls --prefix P AGENCY …` prints them
as commands of Kafka's own `kafka-acls.sh`; Concordat itself never sets any. The cluster must refuse
what is not permitted (`allow.everyone.if.no.acl.found=false`).

Principals: `router` (which also publishes the operator's entries about its own keys), `log`
(sequencer and releaser), `auditor`, and `agency.<agency>`. A process that is router and log at once
has the permissions of both.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from shlex import quote

from broker.access_log.alarms import ALARMS
from broker.access_log.releaser import GROUP as RELEASER
from broker.access_log.sequencer import GROUP as SEQUENCER
from broker.access_log.witness import COSIGNATURES
from broker.runtimes.catalogued import Topic, topics
from broker.runtimes.tidying import ROUTER, URGENT

OWNERS = "owners"
"""Table of the lanes' owners; the backend's own, so it is not in the catalogue."""

PUBLISHER = "publisher/"
"""Begins the transactional id of what publishes and owns no lane; its principal follows."""

OPERATOR = "router"
"""The principal that publishes the operator's entries."""

TURN = "turn/"
"""Begins the group of those who take turns at a task."""

CONSUMER = "consumer."
"""Begins the group to which an agency says how far it has read."""

PARTIES = {
    "router": ("router", "operator"),
    "log": ("sequencer", "releaser"),
    "auditor": ("auditor",),
}
"""Principal → parties of the catalogue."""

OF_AGENCY = ("adapter", "agency", "officer")
"""Parties that an agency is."""

LANES = {"router": (ROUTER, URGENT), "log": (SEQUENCER, RELEASER)}
"""Principal → groups whose lanes it owns."""

OF_WITNESSES = (COSIGNATURES, ALARMS)
"""What agencies write, who make no topics: the log makes these for them, and does no more there."""

TRIMMED = ("records.", "urgent.", "deliveries.", "quarantine.", "decided")
"""What the router deletes once everybody is past it."""


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One permission.

    Attributes:
        principal: who: `router`, `log`, `auditor`, `agency.<agency>`.
        resource: `topic`, `group` or `transactional-id`.
        name: of the resource, or its beginning.
        prefixed: whether it is only the beginning.
        operation: Read, Write, Create, Delete or Describe; the first two include Describe.
    """

    principal: str
    resource: str
    name: str
    prefixed: bool
    operation: str


def principal_of(agency: str) -> str:
    """Return the principal of an agency; no other has a dot in its name."""
    return f"agency.{agency}"


def acls(agencies: Iterable[str], prefix: str = "") -> tuple[Acl, ...]:
    """Return every permission that an installation needs, sorted.

    Args:
        agencies: the agencies of the roster.
        prefix: begins the name of every topic, group and transaction of the installation.

    Raises:
        ShippedError: the installation has no catalogue.
    """
    catalogue = [topic for topic in topics() if topic.store != "agency"]
    found = [*_broker(catalogue), *_for_witnesses(), *_auditor(catalogue)]
    for agency in agencies:
        found += _agency(agency, catalogue)
    return tuple(
        sorted(
            Acl(one.principal, one.resource, prefix + one.name, one.prefixed, one.operation)
            for one in set(found)
        )
    )


def _broker(catalogue: Sequence[Topic]) -> Iterator[Acl]:
    for principal, groups in LANES.items():
        for topic in catalogue:
            for operation in _operations(topic, PARTIES[principal]):
                yield Acl(principal, "topic", topic.stem, topic.of_agencies, operation)
                # An agency that joins gets its topics from whoever needs them first.
                yield Acl(principal, "topic", topic.stem, topic.of_agencies, "Create")
        for operation in ("Read", "Write", "Create"):
            yield Acl(principal, "topic", OWNERS, prefixed=False, operation=operation)
        for group in groups:
            yield Acl(principal, "group", group, prefixed=False, operation="Read")
            yield from _transactions(principal, f"{group}/")
        yield Acl(principal, "group", TURN + principal, prefixed=False, operation="Read")
    yield from _transactions(OPERATOR, f"{PUBLISHER}{OPERATOR}/")
    # The router tidies: it looks how far the others are, and deletes what all are past.
    for topic in catalogue:
        if topic.stem in TRIMMED:
            for operation in ("Delete", "Describe"):
                yield Acl("router", "topic", topic.stem, topic.of_agencies, operation)
    for group in LANES["log"]:
        yield Acl("router", "group", group, prefixed=False, operation="Describe")
    yield Acl("router", "group", CONSUMER, prefixed=True, operation="Describe")


def _for_witnesses() -> Iterator[Acl]:
    for topic in OF_WITNESSES:
        for operation in ("Create", "Describe"):
            yield Acl("log", "topic", topic, prefixed=False, operation=operation)


def _auditor(catalogue: Sequence[Topic]) -> Iterator[Acl]:
    for topic in catalogue:
        for operation in _operations(topic, PARTIES["auditor"]):
            yield Acl("auditor", "topic", topic.stem, topic.of_agencies, operation)


def _agency(agency: str, catalogue: Sequence[Topic]) -> Iterator[Acl]:
    """Yield the permissions of an agency: whole names only, its own."""
    who = principal_of(agency)
    for topic in catalogue:
        name = topic.stem + (agency if topic.of_agencies else "")
        for operation in _operations(topic, OF_AGENCY):
            yield Acl(who, "topic", name, prefixed=False, operation=operation)
    # It must see that the table is there, or it would try to make it; it reads no row.
    yield Acl(who, "topic", OWNERS, prefixed=False, operation="Describe")
    yield Acl(who, "group", CONSUMER + agency, prefixed=False, operation="Read")
    yield from _transactions(who, f"{PUBLISHER}{who}/")


def _operations(topic: Topic, parties: Iterable[str]) -> Iterator[str]:
    wanted = set(parties)
    if wanted & set(topic.consumers):
        yield "Read"
    if wanted & set(topic.producers):
        yield "Write"


def _transactions(principal: str, beginning: str) -> Iterator[Acl]:
    yield Acl(principal, "transactional-id", beginning, prefixed=True, operation="Write")


def commands(wanted: Iterable[Acl]) -> list[str]:
    """Return the commands that permit it, one for each principal and resource.

    They expect the cluster's address in `KAFKA`, and the settings of an administrator's client in
    the file `ADMIN`.
    """
    lines = []
    for (who, resource, name, prefixed), some in groupby(sorted(wanted), _place):
        operations = " ".join([f"--operation {one.operation}" for one in some])
        pattern = "prefixed" if prefixed else "literal"
        lines.append(
            'kafka-acls.sh --bootstrap-server "$KAFKA" --command-config "$ADMIN" --add '
            f"--allow-principal {quote(f'User:{who}')} {operations} "
            f"--{resource} {quote(name)} --resource-pattern-type {pattern}"
        )
    return lines


def _place(one: Acl) -> tuple[str, str, str, bool]:
    return one.principal, one.resource, one.name, one.prefixed


def main() -> None:
    """Print the commands."""
    parser = argparse.ArgumentParser(description="Print what each party may do in Kafka.")
    parser.add_argument("--prefix", default="", help="begins every name of the installation")
    parser.add_argument("agencies", nargs="+", metavar="AGENCY")
    given = parser.parse_args()
    sys.stdout.writelines(f"{one}\n" for one in commands(acls(given.agencies, given.prefix)))


if __name__ == "__main__":
    main()
