"""`tests.support.containers`: what is had of Docker, how long that takes to find out, what runs."""

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from testcontainers.core.docker_client import DockerClient

from tests.support import containers, kafka, opa, postgres
from tests.support.services import Missing
from tests.support.tree import ROOT

IMAGE = "made/up:1.2.3"
OTHER = "made/up:4.5.6"


class Registry:
    """What a made-up daemon has, what comes of a pull, and what it was asked."""

    def __init__(self, *there: str, steps: tuple[dict[str, str], ...] = ()) -> None:
        self.there = set(there)
        self.steps = steps
        self.silent = False
        self.endless = False
        self.refuses = False
        self.asked: list[str] = []
        self.removed: list[str] = []
        self.old: list[dict[str, object]] = []
        self.over = threading.Event()


class Handler(BaseHTTPRequestHandler):
    """Answers as a daemon does, as far as a look for images asks it."""

    registry: Registry
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer what there is."""
        if self.path.endswith("/version"):
            self._answer({"ApiVersion": "1.41"})
        elif "/containers/json" in self.path:
            self._answer(self.registry.old)
        elif any(f"/images/{image}/json" in self.path for image in self.registry.there):
            self._answer({"Id": "sha256:0"})
        else:
            self._answer({"message": "No such image"}, HTTPStatus.NOT_FOUND)

    def do_DELETE(self) -> None:
        """Remove a container."""
        self.registry.removed.append(self.path.split("/containers/")[1].split("?")[0])
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def do_POST(self) -> None:
        """Pull."""
        self.registry.asked.append(self.path)
        self.close_connection = True
        if self.registry.silent:
            self.registry.over.wait()
            return
        if self.registry.refuses:
            self._answer({"message": "no such host"}, HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for step in self.registry.steps:
            self._progress(step)
        while self.registry.endless and not self.registry.over.wait(0.01):
            self._progress({"status": "Downloading"})
        self.wfile.write(b"0\r\n\r\n")

    def _progress(self, step: dict[str, str]) -> None:
        line = json.dumps(step).encode() + b"\r\n"
        self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))

    def _answer(self, what: object, status: HTTPStatus = HTTPStatus.OK) -> None:
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """Return nobody: a socket that is a file has no names at its other end."""
        return ""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(socketserver.ThreadingUnixStreamServer):
    """Serves on a socket that is a file; a client that hangs up is nothing to tell."""

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def daemon(monkeypatch: pytest.MonkeyPatch, folder: Path, registry: Registry) -> Iterator[None]:
    """Run a made-up daemon that the environment names."""
    path = folder / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    handler = type("Bound", (Handler,), {"registry": registry})
    with Server(str(path), handler) as server:
        thread = threading.Thread(target=partial(server.serve_forever, 0.01))
        thread.start()
        try:
            yield
        finally:
            registry.over.set()
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a daemon for silent sooner than a run does."""
    monkeypatch.setattr(containers, "ANSWER_S", 0.5)


def _shelf(pull_s: float = 30) -> containers.Shelf:
    return containers.Shelf(containers.connect, pull_s)


# ----------------------------------------------------------------------- what can be had


def test_without_a_daemon_nothing_is_had(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # given an address where nobody listens
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")

    # when images are looked for, then the reason is the daemon, and it is asked once
    shelf = _shelf()
    assert shelf.why_not(IMAGE) == "no Docker daemon answers"
    with daemon(monkeypatch, tmp_path, Registry(OTHER)):
        assert shelf.why_not(OTHER) == "no Docker daemon answers"


def test_an_image_that_is_there_is_not_pulled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # given a daemon that has the image
    registry = Registry(IMAGE)
    with daemon(monkeypatch, tmp_path, registry):
        # when it is looked for, then it is had
        assert _shelf().why_not(IMAGE) == ""
    assert registry.asked == []


def test_an_image_that_can_be_pulled_is_had(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # given a daemon whose registry has it
    registry = Registry(steps=({"status": "Downloading"}, {"status": "Pull complete"}))
    with daemon(monkeypatch, tmp_path, registry):
        # when it is looked for twice, then it is pulled once, by its full name
        shelf = _shelf()
        assert [shelf.why_not(IMAGE) for _ in range(2)] == ["", ""]
    (asked,) = registry.asked
    assert "fromImage=made%2Fup" in asked
    assert "tag=1.2.3" in asked


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ("silent", "no registry answers"),
        ("refuses", "no registry answers"),
        ("endless", "pulling takes longer than 0.3 s"),
    ],
)
def test_a_registry_out_of_reach_is_found_out_once_and_soon(
    trouble: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # given a daemon that has one image and whose registry says nothing, says no, or never ends
    registry = Registry(OTHER)
    setattr(registry, trouble, True)
    with daemon(monkeypatch, tmp_path, registry):
        # when several images are looked for that are not there
        began = time.monotonic()
        shelf = _shelf(pull_s=0.3)
        reasons = [shelf.why_not(f"{IMAGE}{last}") for last in range(5)]

        # then each says why, and one pull was tried
        assert all(why in reason for reason in reasons)
        assert "Docker has no image made/up:1.2.34" in reasons[-1]
        assert len(registry.asked) == 1
        assert time.monotonic() - began < 5

        # and what is there is had nonetheless
        assert shelf.why_not(OTHER) == ""


def test_an_image_that_no_registry_has_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # given a registry that fails half-way
    registry = Registry(steps=({"status": "Downloading"}, {"error": "manifest unknown"}))
    with daemon(monkeypatch, tmp_path, registry):
        assert _shelf().why_not(IMAGE) == f"Docker has no image {IMAGE}: manifest unknown"


def test_containers_of_a_run_that_was_killed_are_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # given a container of tests from yesterday, and one of a run beside this
    registry = Registry(IMAGE)
    registry.old = [
        {"Id": "yesterday", "Created": time.time() - 86400},
        {"Id": "now", "Created": time.time() - 60},
    ]
    with daemon(monkeypatch, tmp_path, registry):
        # when images are looked for
        _shelf().why_not(IMAGE)

    # then only the old one is gone
    assert registry.removed == ["yesterday"]


# ------------------------------------------------------------------- which image, which way


def test_images_are_those_of_the_compose_file() -> None:
    # given what docker-compose.yml says
    text = (ROOT / "docker-compose.yml").read_text("utf-8")

    # when an image is asked for, then it is the one pinned there, or the one that is named instead
    for service in ("kafka", "postgres", "opa"):
        assert f":-{containers.pinned(service, {})}}}" in text
    assert containers.pinned("kafka", {"KAFKA_IMAGE": "own/kafka:1"}) == "own/kafka:1"


@pytest.mark.parametrize(
    ("service", "by_docker", "otherwise"),
    [(kafka, "in_docker", "jars"), (postgres, "in_docker", "binaries"), (opa, "in_docker", "opa")],
    ids=["kafka", "postgres", "opa"],
)
def test_a_server_is_looked_for_in_docker_first_and_then_made(
    service: object, by_docker: str, otherwise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = service.find  # type: ignore[attr-defined]  # of each service module
    missing = Missing("it", "no container.")

    # given Docker that has it, when it is looked for, then nothing else is tried
    monkeypatch.setattr(service, by_docker, lambda: "a container")
    monkeypatch.setattr(service, otherwise, lambda: pytest.fail("made, without need"))
    assert find.__wrapped__() == "a container"

    # given Docker that has not, when it is looked for, then it is made here
    monkeypatch.setattr(service, by_docker, lambda: missing)
    monkeypatch.setattr(service, otherwise, lambda: Path("here"))
    assert find.__wrapped__().args == (Path("here"),)

    # given a machine that can do neither, then it is missing, with both reasons
    monkeypatch.setattr(service, otherwise, lambda: Missing("it", "no program."))
    assert find.__wrapped__() == Missing("it", "no container. no program.")


@pytest.mark.parametrize("service", [kafka, postgres, opa], ids=["kafka", "postgres", "opa"])
def test_without_docker_the_reason_names_the_service(
    service: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # given a machine without Docker
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    monkeypatch.setattr(containers, "SHELF", _shelf())

    # when a container is asked for, then it is missing
    missing = service.in_docker()  # type: ignore[attr-defined]  # of each service module
    assert isinstance(missing, Missing)
    assert missing.why == "no Docker daemon answers."


# ------------------------------------------------------------------------------ what runs


def _containers(service: str) -> int:
    """Return how many containers of tests run the image of a service."""
    image = containers.found(service, service)
    if isinstance(image, Missing):
        return 0
    client = DockerClient().client
    try:
        chosen = {"label": containers.LABEL, "ancestor": image}
        return len(client.api.containers(filters=chosen))
    finally:
        client.close()


def test_a_broker_comes_back_with_what_it_had(tmp_path: Path) -> None:
    # given a broker, in a container just where there is its image
    has = not isinstance(containers.found("kafka", "Kafka"), Missing)
    before = _containers("kafka")
    with kafka.own_broker(tmp_path) as broker:
        assert _containers("kafka") - before == has

        # and given a topic
        client = AdminClient({"bootstrap.servers": broker.address})
        for made in client.create_topics([NewTopic("kept", 1, 1)]).values():
            made.result(30)

        # when it is killed, twice over, and started again
        broker.kill()
        broker.kill()
        broker.start()

        # then it is where it was, with the topic
        there = AdminClient({"bootstrap.servers": broker.address}).list_topics(timeout=30)
        assert "kept" in there.topics

    # and nothing of it is left
    assert _containers("kafka") == before


async def test_a_database_is_in_a_container_just_where_there_is_its_image() -> None:
    has = not isinstance(containers.found("postgres", "PostgreSQL"), Missing)
    before = _containers("postgres")
    with postgres.own_server() as server:
        assert _containers("postgres") - before == has
        async with postgres.administrator(server.address) as connection:
            assert await connection.fetchval("SHOW fsync") == "off"
    assert _containers("postgres") == before


def test_what_does_not_get_healthy_says_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    # given an image that can be had, and a server that ends at once
    image = containers.found("postgres", "PostgreSQL")
    if isinstance(image, Missing):
        return  # nothing runs in containers here
    monkeypatch.setattr(containers, "START_S", 20)
    made = containers.container(image).with_envs(POSTGRES_USER="x", POSTGRES_DB="x")

    # when it is started, then the error is what it said last, and it is removed
    before = _containers("postgres")
    with (
        pytest.raises(TimeoutError, match="POSTGRES_PASSWORD"),
        containers.running(made, "postgres", 5432),
    ):
        pass
    assert _containers("postgres") == before
