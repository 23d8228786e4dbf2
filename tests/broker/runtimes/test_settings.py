"""Settings of a machine: the environment first, then its file, then what stands in the code."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from broker.settings import Settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, without settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CONCORDAT_{name.upper()}", raising=False)
    return tmp_path


def test_what_stands_in_the_code_holds_where_nothing_is_set() -> None:
    # given a machine where nothing is set, when settings are read, then the county lies beside
    assert Settings().dir == Path("concordat-data")


def test_the_environment_weighs_more_than_the_file(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a file and an environment that differ, when settings are read, then the environment
    # holds, and the file where the environment says nothing
    (elsewhere / "concordat.toml").write_text('dir = "by-file"\nbatch_count = 7\n', "utf-8")
    monkeypatch.setenv("CONCORDAT_DIR", "by-environment")
    found = Settings()
    assert found.dir == Path("by-environment")
    assert found.batch_count == 7


@pytest.mark.parametrize(
    ("name", "value"),
    [("batch_count", "0"), ("batch_octets", "10"), ("core_seconds", "0"), ("memo_size", "-1")],
)
def test_what_no_broker_could_work_with_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    # given a bound that makes no sense, when settings are read, then they are refused
    monkeypatch.setenv(f"CONCORDAT_{name.upper()}", value)
    with pytest.raises(ValidationError):
        Settings()
