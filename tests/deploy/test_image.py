"""The small programs of the image: founding, health, mount points."""

import http.server
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tree import ROOT

PROGRAMS = ROOT / "deploy" / "image"
OFFICERS = "officers-of-the-demonstration.json"

INIT = """\
#!{python}
import os, pathlib, sys
county = pathlib.Path(sys.argv[sys.argv.index("--dir") + 1])
(county / "asked").write_text(" ".join(sys.argv[1:]))
if (code := int(os.environ.get("CODE", "0"))) == 0:
    (county / "{officers}").write_text("private")
    (county / "1.root.json").write_text("root")
sys.exit(code)
"""
"""Stands in for `concordat`: what is tried here is where things are put."""


def _run(program: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PROGRAMS / program, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
        capture_output=True,
        text=True,
        check=False,
    )


# -------------------------------------------------------------------------------- founding


@pytest.fixture
def county(tmp_path: Path) -> Path:
    """Make a folder as a container of the image has it, and a `concordat` on the path."""
    county = tmp_path / "county"
    for below in ("broker", "officers"):
        (county / below).mkdir(parents=True)
    command = tmp_path / "bin" / "concordat"
    command.parent.mkdir()
    command.write_text(INIT.format(python=sys.executable, officers=OFFICERS))
    command.chmod(0o755)
    return county


def _found(county: Path, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    path = f"{county.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return _run("found.py", *options, CONCORDAT_DIR=str(county), PATH=path, **settings)


def test_founding_puts_the_officers_keys_where_nobody_else_looks(county: Path) -> None:
    # given an empty county, when it is founded
    done = _found(county, "--runtime", "kafka")

    # then `init` ran with these options
    assert done.returncode == 0
    assert (county / "asked").read_text() == f"init --dir {county} --runtime kafka"
    # and the officers' keys lie in their own folder, for its owner alone, and not beside the root
    kept = county / "officers" / OFFICERS
    assert kept.read_text() == "private"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert not (county / OFFICERS).exists()


def test_a_second_founding_leaves_the_county_as_it_is(county: Path) -> None:
    # given a county
    _found(county)
    (county / "asked").unlink()

    # when its container starts once more, then nothing is founded
    done = _found(county)
    assert done.returncode == 0
    assert "founded before" in done.stdout
    assert not (county / "asked").exists()


def test_keys_that_an_interrupted_founding_left_are_put_away(county: Path) -> None:
    # given a county whose founding was killed right after `init` ended
    (county / "1.root.json").write_text("root")
    (county / OFFICERS).write_text("private")

    # when the container starts once more, then the keys are put away
    assert _found(county).returncode == 0
    assert not (county / OFFICERS).exists()
    assert (county / "officers" / OFFICERS).read_text() == "private"


def test_a_founding_that_fails_says_so(county: Path) -> None:
    assert _found(county, CODE="3").returncode == 3


def test_the_password_is_written_as_clients_read_it(county: Path, tmp_path: Path) -> None:
    # given a password with the two signs that such a file must escape
    secret = tmp_path / "secret"
    secret.write_text("a:b\\c\n", encoding="utf-8")

    # when the county is founded
    program = (PROGRAMS / "found.py").read_text("utf-8")
    moved = tmp_path / "found.py"
    moved.write_text(program.replace("/run/secrets/postgres-password", str(secret)))
    path = f"{county.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        [sys.executable, moved],
        env={**os.environ, "CONCORDAT_DIR": str(county), "PATH": path},
        check=True,
    )

    # then the broker's folder has it for any server, for its owner alone: others are ignored
    passfile = county / "broker" / "pgpass"
    assert passfile.read_text() == "*:*:*:*:a\\:b\\\\c\n"
    assert passfile.stat().st_mode & 0o777 == 0o600


# ---------------------------------------------------------------------------------- health


def test_a_young_heartbeat_is_life(tmp_path: Path) -> None:
    # given a heartbeat of this host's process
    (tmp_path / f"router-{platform.node()}.alive").touch()

    # when it is looked for, then it is found, by argument or by setting
    pattern = f"{tmp_path}/router-{{host}}.alive"
    assert _run("healthy.py", pattern).returncode == 0
    assert _run("healthy.py", CONCORDAT_HEARTBEAT=pattern).returncode == 0


def test_an_old_heartbeat_is_no_life(tmp_path: Path) -> None:
    # given a heartbeat of a minute ago
    old = tmp_path / "log.alive"
    old.touch()
    os.utime(old, (time.time() - 60,) * 2)

    # when it is looked at, then it does not count, until the process writes again
    assert _run("healthy.py", str(old)).returncode == 1
    old.touch()
    assert _run("healthy.py", str(old)).returncode == 0


def test_another_hosts_heartbeat_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "router-elsewhere.alive").touch()
    assert _run("healthy.py", f"{tmp_path}/router-{{host}}.alive").returncode == 1


@pytest.mark.parametrize("setting", ["", "/nowhere/router.alive"])
def test_no_heartbeat_is_no_life(setting: str) -> None:
    assert _run("healthy.py", CONCORDAT_HEARTBEAT=setting).returncode == 1


class _Bundles(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/bundle.tar.gz" else 404)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """Serve something that answers."""
    with http.server.HTTPServer(("127.0.0.1", 0), _Bundles) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_address_that_answers_is_life(address: str) -> None:
    assert _run("healthy.py", f"{address}/bundle.tar.gz").returncode == 0
    assert _run("healthy.py", f"{address}/other").returncode == 1


def test_an_address_that_nobody_serves_is_no_life() -> None:
    assert _run("healthy.py", "http://127.0.0.1:9/bundle.tar.gz").returncode == 1


# ------------------------------------------------------------------------------ mount points


def test_the_image_has_a_mount_point_for_every_party(tmp_path: Path) -> None:
    # given the protocol that the image ships, when its mount points are made
    county = tmp_path / "county"
    assert _run("mount_points.py", str(county)).returncode == 0

    # then there is one for each party, empty and for its owner alone
    made = {path.relative_to(county).as_posix() for path in county.rglob("*")}
    agencies = {name for name in made if name.startswith("agencies/")}
    assert made - agencies == {"agencies", "broker", "officers", "stream"}
    assert {"agencies/eastshire-police", "agencies/st-brannocks-school"} <= agencies
    assert {path.stat().st_mode & 0o777 for path in (county, *county.rglob("*"))} == {0o700}
