"""The policies may use only what OPA compiles into the module, and nothing that looks outside."""

import importlib.util
import json
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.tree import ROOT

CAPABILITIES = ROOT / "policies" / "capabilities.json"


def program() -> ModuleType:
    """Return deploy/capabilities.py, which is run as a program and belongs to no package."""
    spec = importlib.util.spec_from_file_location(
        "capabilities", ROOT / "deploy" / "capabilities.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_file_is_what_the_program_makes(opa_binary: Path) -> None:
    # given OPA's own list, when it is restricted
    own = subprocess.run(
        [opa_binary, "capabilities", "--current"], check=True, capture_output=True
    ).stdout

    # then it is the committed file
    made = program().restricted(json.loads(own))
    assert json.loads(CAPABILITIES.read_bytes()) == made


@pytest.mark.parametrize(
    "expression",
    [
        'http.send({"method": "get", "url": "http://localhost"})',
        "time.now_ns()",
        'rand.intn("x", 5)',
        'uuid.rfc4122("x")',
        "opa.runtime()",
        'net.lookup_ip_addr("localhost")',
        'io.jwt.decode_verify("x", {})',
        'sprintf("%v", [1])',
        'regex.match("a", "a")',
        'print("x")',
    ],
)
def test_what_is_left_out_does_not_compile(
    expression: str, opa_binary: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.rego"
    policy.write_text(f"package p\n\nx := y if {{\n\ty := {expression}\n}}\n", encoding="utf-8")
    command = [str(opa_binary), "check", "--capabilities", str(CAPABILITIES), str(policy)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "rego_type_error" in done.stderr or "rego_compile_error" in done.stderr


def test_a_builtin_that_opa_no_longer_has_is_noticed() -> None:
    with pytest.raises(KeyError, match="upper"):
        program().restricted(
            {"builtins": [{"name": name} for name in program().BUILTINS - {"upper"}]}
        )
