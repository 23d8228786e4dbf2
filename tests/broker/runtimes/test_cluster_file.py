"""`kafka.toml`: what it says, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from broker.runtimes.cluster_file import PREFIX, ClusterFile
from broker.runtimes.layout import InstallationError


def test_what_is_written_is_read(tmp_path: Path) -> None:
    # given a file for a production cluster, and one of a demonstration
    path = tmp_path / "stream" / "kafka.toml"
    for said in (
        ClusterFile.at("one:9092,two:9092", PREFIX, 3),
        ClusterFile.of_demonstration("localhost:9092"),
    ):
        # when it is written, then it is read as it was
        said.write(path)
        assert ClusterFile.read(path) == said


def test_two_demonstrations_have_names_of_their_own() -> None:
    one, other = (ClusterFile.of_demonstration("localhost:9092") for _ in range(2))
    assert one.prefix != other.prefix
    assert one.demonstration


@pytest.mark.parametrize(
    "make", [ClusterFile.of_demonstration, lambda address: ClusterFile.at(address, PREFIX, 1)]
)
def test_whoever_does_not_say_where_kafka_is_is_told_how(
    make: Callable[[str], ClusterFile],
) -> None:
    with pytest.raises(InstallationError) as refused:
        make("")
    assert refused.value.code.name == "usage.kafka"
    assert "CONCORDAT_KAFKA" in refused.value.fix


@pytest.mark.parametrize(
    "text", ["not toml at all [", 'bootstrap = ""', 'bootstrap = "a:1"\nprefix = "Ä"', "other = 1"]
)
def test_a_damaged_file_is_told_as_such(text: str, tmp_path: Path) -> None:
    path = tmp_path / "kafka.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InstallationError) as refused:
        ClusterFile.read(path)
    assert refused.value.code.name == "installation.damaged"
    assert refused.value.where == "kafka.toml"
