"""Servers for tests in containers, by the images and health checks of docker-compose.yml.

A machine has this way to a server if a Docker daemon answers and the image is there or can be
pulled in little time. Whether it can is asked once in a run: after one image that cannot be
pulled, no other is tried, so that a machine without a registry does not wait for each.
"""

import os
import re
import socket
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cache
from typing import Any, Protocol

import docker.errors
import requests
from ruamel.yaml import YAML
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient, get_docker_host

from tests.support.services import Missing
from tests.support.tree import ROOT

ANSWER_S = 10
"""Longest silence of a daemon, also while it pulls: a registry that says nothing for longer is out
of reach."""

PULL_S = 60
"""Longest pull of one image. What has come by then is kept, so that a later run goes on."""

START_S = 60

LEFT_BEHIND_S = 6 * 3600
"""Age from which on a container of tests belongs to a run that was killed: none lasts so long."""

LABEL = "concordat.tests"

USUAL = "unix:///var/run/docker.sock"
"""Where a daemon listens that nobody has moved."""

# Its own reaper is one more image to pull, and wants the daemon's socket. Containers are removed by
# whoever starts them; those of a run that was killed, by a later run.
testcontainers_config.ryuk_disabled = True


class Images(Protocol):
    """What a look for images asks of a daemon; tests put a made-up one in its place."""

    def has(self, image: str) -> bool:
        """Tell whether an image is there."""

    def pull(self, image: str) -> Generator[object]:
        """Pull an image, yielding whenever there is progress."""

    def close(self) -> None:
        """Let the daemon go."""


class UnreachableError(Exception):
    """No daemon answers, or its registry doesn't; says which."""


@contextmanager
def _reaching(what: str) -> Iterator[None]:
    """Turn what goes wrong on the way to a daemon or a registry into one error."""
    try:
        yield
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise UnreachableError(f"no {what} answers ({type(error).__name__})") from error


class Daemon:
    """The Docker daemon that the environment names, or the usual one."""

    def __init__(self) -> None:
        """Connect.

        Raises:
            UnreachableError: none answers.
        """
        if not _listens(get_docker_host() or USUAL):
            raise UnreachableError("no Docker daemon answers")
        with _reaching("Docker daemon"):
            self._client = DockerClient(timeout=ANSWER_S).client
        # By itself it waits for ever for what a pull says next.
        send = self._client.api.send
        self._client.api.send = lambda *what, **how: send(*what, **(how | {"timeout": ANSWER_S}))

    def has(self, image: str) -> bool:
        """Tell whether an image is there."""
        try:
            with _reaching("Docker daemon"):
                self._client.api.inspect_image(image)
        except UnreachableError as error:
            if isinstance(error.__cause__, docker.errors.ImageNotFound):
                return False
            raise
        return True

    def pull(self, image: str) -> Generator[object]:
        """Pull an image, yielding whenever there is progress.

        Raises:
            UnreachableError: the registry says no, or nothing.
        """
        with _reaching("registry"):
            for step in self._client.api.pull(image, stream=True, decode=True):
                if "error" in step:
                    raise UnreachableError(str(step["error"]))
                yield step

    def sweep(self) -> None:
        """Remove the containers of runs that were killed."""
        with _reaching("Docker daemon"):
            for one in self._client.api.containers(all=True, filters={"label": LABEL}):
                if time.time() - one["Created"] > LEFT_BEHIND_S:
                    self._client.api.remove_container(one["Id"], v=True, force=True)

    def close(self) -> None:
        """Let the daemon go."""
        self._client.close()


def _listens(address: str) -> bool:
    """Tell whether somebody listens on a socket; of other addresses the client finds out.

    The client leaves its own socket open when nobody does.
    """
    kind, _, path = address.partition("://")
    if kind != "unix":
        return True
    with socket.socket(socket.AF_UNIX) as trial:
        return trial.connect_ex(path) == 0


class Shelf:
    """Which images can be had, found out once for each, and not at all after a failed pull."""

    def __init__(self, connect: Callable[[], Images], pull_s: float = PULL_S) -> None:
        self._connect = connect
        self._pull_s = pull_s
        self._why: dict[str, str] = {}
        self._no_daemon = ""
        self._no_registry = ""

    def why_not(self, image: str) -> str:
        """Return why an image cannot be had, or nothing if it can."""
        if image not in self._why:
            self._why[image] = self._no_daemon or self._look(image)
        return self._why[image]

    def _look(self, image: str) -> str:
        try:
            daemon = self._connect()
        except UnreachableError as error:
            self._no_daemon = str(error)
            return self._no_daemon
        with closing(daemon):
            try:
                if daemon.has(image):
                    return ""
                self._no_registry = self._no_registry or self._pull(daemon, image)
            except UnreachableError as error:
                self._no_registry = str(error)
        return f"Docker has no image {image}: {self._no_registry}" if self._no_registry else ""

    def _pull(self, daemon: Images, image: str) -> str:
        """Pull an image; return what keeps it from being had."""
        until = time.monotonic() + self._pull_s
        with closing(daemon.pull(image)) as steps:
            for _step in steps:
                if time.monotonic() > until:
                    return f"pulling takes longer than {self._pull_s:g} s"
        return ""


def connect() -> Daemon:
    """Reach the daemon, and clear away what killed runs have left there."""
    daemon = Daemon()
    with suppress(UnreachableError):  # another run may have removed it
        daemon.sweep()
    return daemon


SHELF = Shelf(connect)


@cache
def compose(service: str) -> Mapping[str, Any]:
    """Return a service of docker-compose.yml."""
    services = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]
    found: Mapping[str, Any] = services[service]
    return found


def pinned(service: str, environment: Mapping[str, str]) -> str:
    """Return the image of a service, as Compose would: pinned, or what the environment names."""
    named: str = compose(service)["image"]
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda one: environment.get(one[1]) or one[2], named)


def found(service: str, called: str) -> str | Missing:
    """Return the image of a service, if it can be had.

    Args:
        service: its name in docker-compose.yml.
        called: its name for people.
    """
    image = pinned(service, os.environ)
    why = SHELF.why_not(testcontainers_config.hub_image_name_prefix + image)
    return Missing(called, f"{why}.") if why else image


def container(image: str, **settings: str) -> DockerContainer:
    """Return a container of an image, not yet started."""
    return DockerContainer(image).with_kwargs(labels={LABEL: "yes"}, **settings)


@contextmanager
def running(
    made: DockerContainer,
    service: str,
    port: int,
    prepare: Callable[["Server"], None] = lambda _: None,
) -> Iterator["Server"]:
    """Run a server until the block ends.

    Args:
        made: its container, not yet started.
        service: its name in docker-compose.yml, whose health check it has to pass.
        port: what it listens on in its container.
        prepare: called when the container runs, before the wait for its health.
    """
    with made:
        server = Server(made, port, compose(service)["healthcheck"]["test"][1:])
        prepare(server)
        server.wait()
        yield server


class Server:
    """A server in a container; it can be killed and started again on the same port and data."""

    def __init__(self, container: DockerContainer, port: int, check: list[str]) -> None:
        self.container = container
        self._port = port
        self._check = [word.replace("$$", "$") for word in check]  # as Compose reads it
        self._runs = True

    @property
    def place(self) -> str:
        """Host and port that tests reach it at."""
        host = self.container.get_container_host_ip()
        port = self.container.get_exposed_port(self._port)
        return f"{'127.0.0.1' if host == 'localhost' else host}:{port}"

    def start(self) -> None:
        """Start it again, and wait until it is healthy."""
        self.container.get_wrapped_container().start()
        self._runs = True
        self.wait()

    def wait(self) -> None:
        """Wait until the check of docker-compose.yml says that it is healthy.

        Raises:
            TimeoutError: it is not; with the end of what it said.
        """
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            try:
                if self.container.exec(self._check).exit_code == 0:
                    return
            except docker.errors.APIError:
                break  # it has ended
            time.sleep(0.2)
        raise TimeoutError(b"\n".join(self.container.get_logs())[-2000:].decode("utf-8", "replace"))

    def kill(self) -> None:
        """Kill it, as a power cut would; nothing happens if it is not running."""
        if self._runs:
            self.container.get_wrapped_container().kill()
            self.container.get_wrapped_container().wait()
            self._runs = False
