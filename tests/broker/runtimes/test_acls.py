"""Permissions in Kafka: what each party must be able to do, and what none may."""

import shlex
import subprocess
import sys
from collections.abc import Iterable
from itertools import pairwise

import pytest

from broker.runtimes import acls as made
from broker.runtimes.acls import Acl, acls, commands, principal_of
from broker.runtimes.catalogued import topics
from broker.runtimes.topics import BROKER, STREAM
from tests.support.tree import ROOT

AGENCIES = ("eastshire-council", "eastshire-police", "eastshire-police-2", "eastshire")
"""Two of them are the beginnings of others: where a permission is by prefix, that would show."""

PREFIX = "eastshire."
PARTIES = ("router", "log", "auditor", *map(principal_of, AGENCIES))
OWN = ("records.", "urgent.", "deliveries.", "quarantine.")


@pytest.fixture(scope="module", params=["", PREFIX])
def prefix(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def _may(permitted: Iterable[Acl], who: str, operation: str, topic: str) -> bool:
    """Decide as Kafka's authorizer does."""
    implied = {"Read", "Write", "Delete"} if operation == "Describe" else set()
    return any(
        one.principal == who
        and one.resource == "topic"
        and one.operation in {operation, *implied}
        and (topic.startswith(one.name) if one.prefixed else topic == one.name)
        for one in permitted
    )


def _who(permitted: Iterable[Acl], operation: str, topic: str) -> set[str]:
    return {who for who in PARTIES if _may(permitted, who, operation, topic)}


@pytest.mark.parametrize("agency", AGENCIES)
def test_what_is_an_agencys_own_is_no_other_agencys(agency: str, prefix: str) -> None:
    # given the permissions of an installation, when each party tries the agency's own topics
    permitted = acls(AGENCIES, prefix)
    me = principal_of(agency)

    # then this agency writes its records, the router reads them, and nobody else does either
    for topic in (f"{prefix}records.{agency}", f"{prefix}urgent.{agency}"):
        assert _who(permitted, "Write", topic) == {me}
        assert _who(permitted, "Read", topic) == {"router"}
    # and it reads its deliveries, the log writes them, and nobody else does either
    for topic in (f"{prefix}deliveries.{agency}", f"{prefix}quarantine.{agency}"):
        assert _who(permitted, "Read", topic) == {me}
        assert _who(permitted, "Write", topic) == {"log"}


@pytest.mark.parametrize("operation", ["Read", "Write", "Create", "Delete", "Describe"])
def test_no_agency_and_no_auditor_can_touch_what_the_broker_keeps(
    operation: str, prefix: str
) -> None:
    # given the broker's own topics, when anybody tries to do something with them
    permitted = acls(AGENCIES, prefix)
    for topic in BROKER:
        # then router or log can at most
        assert _who(permitted, operation, prefix + topic) <= {"router", "log"}
    assert _who(permitted, "Read", f"{prefix}decided") == {"log"}
    assert _who(permitted, "Write", f"{prefix}decided") == {"router"}
    assert _who(permitted, "Read", f"{prefix}registers") == {"router"}


def test_the_log_may_not_read_what_agencies_send(prefix: str) -> None:
    permitted = acls(AGENCIES, prefix)
    for topic in OWN:
        assert not _may(permitted, "log", "Read", f"{prefix}{topic}eastshire")


def test_only_the_router_deletes_and_never_what_is_kept_for_ever(prefix: str) -> None:
    # given every topic, when it is asked who may delete messages from it
    permitted = acls(AGENCIES, prefix)
    deleters = {
        topic: _who(permitted, "Delete", prefix + topic + ("eastshire" if topic in OWN else ""))
        for topic in (*STREAM, *BROKER)
    }

    # then it is the router, where everybody may be past a message
    trimmed = {*OWN, "decided"}
    assert deleters == {
        topic: {"router"} if topic in trimmed else set() for topic in (*STREAM, *BROKER)
    }


def test_everybody_reads_protocol_and_checkpoints_and_the_log_alone_writes_checkpoints(
    prefix: str,
) -> None:
    permitted = acls(AGENCIES, prefix)
    assert _who(permitted, "Read", f"{prefix}protocol") == set(PARTIES)
    assert _who(permitted, "Write", f"{prefix}protocol") == {*PARTIES} - {"log", "auditor"}
    assert _who(permitted, "Read", f"{prefix}checkpoints") == {*PARTIES} - {"router", "log"}
    assert _who(permitted, "Write", f"{prefix}checkpoints") == {"log"}
    assert _who(permitted, "Write", f"{prefix}shown") == {"log"}


def test_no_agency_makes_topics_and_none_reads_who_owns_a_lane(prefix: str) -> None:
    # given the permissions of agencies
    permitted = acls(AGENCIES, prefix)
    of_agencies = [one for one in permitted if one.principal.startswith("agency.")]

    # when they are listed, then none makes or deletes anything
    assert {one.operation for one in of_agencies} == {"Read", "Write", "Describe"}
    # and the table of owners, which decides who is fenced, is seen but not read
    owners = f"{prefix}{made.OWNERS}"
    assert _who(permitted, "Write", owners) == _who(permitted, "Read", owners) == {"router", "log"}
    assert _who(permitted, "Describe", owners) == {*PARTIES} - {"auditor"}
    # and topics and groups are named whole
    assert {one.resource for one in of_agencies if one.prefixed} == {"transactional-id"}


def test_nobody_can_fence_the_lanes_of_another(prefix: str) -> None:
    # given transactions of the router's and the log's lanes
    permitted = acls(AGENCIES, prefix)

    def who(name: str) -> set[str]:
        return {
            one.principal
            for one in permitted
            if one.resource == "transactional-id" and name.startswith(one.name)
        }

    # when it is asked who may begin one, then it is the owner alone
    assert who(f"{prefix}router/0") == who(f"{prefix}router-urgent/0") == {"router"}
    assert who(f"{prefix}sequencer/0") == who(f"{prefix}releaser/0") == {"log"}
    # and what is published outside lanes has names of its own
    assert who(f"{prefix}publisher/router/0a") == {"router"}
    assert who(f"{prefix}publisher/agency.eastshire-police/0a") == {"agency.eastshire-police"}


def test_an_agency_says_how_far_it_has_read_for_itself_only(prefix: str) -> None:
    permitted = acls(AGENCIES, prefix)
    groups = {
        (one.principal, one.operation)
        for one in permitted
        if one.resource == "group"
        and (
            f"{prefix}consumer.eastshire".startswith(one.name)
            if one.prefixed
            else one.name == f"{prefix}consumer.eastshire"
        )
    }
    assert groups == {("agency.eastshire", "Read"), ("router", "Describe")}


def test_commands_say_the_same_in_kafkas_own_words() -> None:
    # given the permissions of one agency, when they are printed by the program
    command = [sys.executable, "-m", "broker.runtimes.acls", "--prefix", PREFIX, "eastshire-police"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()

    # then each command permits one principal one resource
    assert lines == commands(acls(["eastshire-police"], PREFIX))
    said = [shlex.split(line) for line in lines]
    assert all(words[0] == "kafka-acls.sh" and "--add" in words for words in said)
    permitted = set()
    for words in said:
        options = list(pairwise(words))
        named = dict(options)
        (kind,) = {"--topic", "--group", "--transactional-id"} & set(named)
        for name, operation in options:
            if name == "--operation":
                permitted.add(
                    Acl(
                        named["--allow-principal"].removeprefix("User:"),
                        kind.removeprefix("--"),
                        named[kind],
                        named["--resource-pattern-type"] == "prefixed",
                        operation,
                    )
                )
    # and all of them together are the permissions
    assert permitted == set(acls(["eastshire-police"], PREFIX))


def test_a_name_that_a_shell_would_read_is_quoted() -> None:
    (line,) = commands([Acl("router", "topic", "a b$c", prefixed=False, operation="Read")])
    assert "'a b$c'" in line


PAGE = ROOT / "docs" / "kafka.md"


def test_the_operators_page_has_every_topic_as_the_catalogue_has_it() -> None:
    # given the catalogue's topics that lie in Kafka, when their rows are made
    rows = [
        f"| `{one.name}` | {'one' if one.single else 'all'} | "
        f"{'compact' if one.compacted else 'delete'} | {', '.join(one.producers)} | "
        f"{', '.join(one.consumers)} | {one.sealed_to} | {one.retention} |"
        for one in topics()
        if one.store != "agency"
    ]

    # then the page has them one below the other
    assert "\n".join(rows) in PAGE.read_text(encoding="utf-8")


def test_the_operators_page_has_every_permission() -> None:
    # given the permissions of one agency, and of the broker, when names with the same operations
    # are put together
    operations: dict[tuple[str, str, str], list[str]] = {}
    for one in acls(["<agency>"]):
        name = f"`{one.name}{'*' if one.prefixed else ''}`"
        operations.setdefault((one.principal, one.resource, name), []).append(one.operation)
    names: dict[tuple[str, str, str], list[str]] = {}
    for (who, resource, name), some in operations.items():
        names.setdefault((who, resource, ", ".join(some)), []).append(name)
    rows = [
        f"| `{who}` | {resource} | {', '.join(some)} | {said} |"
        for (who, resource, said), some in names.items()
    ]

    # then the page has them one below the other
    assert "\n".join(rows) in PAGE.read_text(encoding="utf-8")


def test_names_that_only_the_backend_knows_are_those_that_it_uses() -> None:
    # given the backend's own names, where its client is installed
    backend = pytest.importorskip("broker.backends.kafka.cluster")
    runtime = pytest.importorskip("broker.runtimes.kafka")

    # when they are compared with those of the permissions, then they are the same
    assert backend.OWNERS == made.OWNERS
    assert f"{runtime.CONSUMER}." == made.CONSUMER
