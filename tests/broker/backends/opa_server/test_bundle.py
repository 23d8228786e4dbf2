"""The bundle of a revision: the same bytes each time, what OPA takes, and only if it may."""

import io
import json
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from broker.backends.opa_server.bundle import ROOTS, bundle_of
from broker.protocol.errors import ProtocolError
from broker.runtimes.founding import engine_files
from tests.broker.protocol.county import county
from tests.support.tree import ROOT


def unpacked(bundle: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(bundle)) as tar:
        found = {}
        for entry in tar:
            content = tar.extractfile(entry)
            assert content is not None
            assert (entry.mtime, entry.uid, entry.uname) == (0, 0, "")
            found[entry.name] = content.read()
    return found


def test_it_holds_the_revision_s_data_and_the_engine_without_its_tests() -> None:
    files = unpacked(bundle_of(county(), engine_files()))

    # then what the module reads lies where the Rego looks for it
    data = json.loads(files.pop("data.json"))
    assert data == {"protocol": county().data, "revision": county().digest.hex()}
    manifest = json.loads(files.pop(".manifest"))
    assert manifest["revision"] == county().digest.hex()
    assert set(manifest["roots"]) == set(ROOTS)

    # and beside it there is the Rego, and nothing else
    assert files == dict(engine_files().rego)
    assert not any(path.endswith("_test.rego") for path in files)


def test_it_is_the_same_each_time() -> None:
    engine = engine_files()
    turned = replace(engine, rego=dict(reversed(list(engine.rego.items()))))
    assert bundle_of(county(), engine) == bundle_of(county(), turned)


def test_a_revision_with_another_module_has_none() -> None:
    # given a release whose engine is not the one that the revision was signed with
    other = replace(engine_files(), module=county().module + b"\0")
    with pytest.raises(ProtocolError, match=r"protocol\.server\.engine"):
        bundle_of(county(), other)


def test_opa_takes_it_with_the_capabilities_that_a_policy_may_use(
    opa_binary: Path, tmp_path: Path
) -> None:
    # given the bundle, when it is checked against what a policy may call (no network, no clock)
    bundle = tmp_path / "bundle.tar.gz"
    bundle.write_bytes(bundle_of(county(), engine_files()))
    capabilities = str(ROOT / "policies" / "capabilities.json")
    command = [str(opa_binary), "check", "--strict", "-b", str(bundle)]
    command += ["--capabilities", capabilities]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
