"""An agency's copy of the protocol: as it was read, never a shorter one, damage is noticed."""

from pathlib import Path

import pytest

from broker.clock import Instant
from broker.lanes import Message, Received
from broker.routing.intake import PROTOCOL
from broker.runtimes.kept_protocol import keep_protocol, kept_protocol
from broker.runtimes.layout import InstallationError


def entries(count: int) -> list[Received]:
    """Return entries that differ in time and length."""
    return [
        Received(Message(PROTOCOL, b"", bytes(number)), 0, number, Instant(1000 + number))
        for number in range(count)
    ]


def test_a_copy_holds_what_was_read(tmp_path: Path) -> None:
    keep_protocol(tmp_path / "copy", entries(5))
    assert kept_protocol(tmp_path / "copy") == entries(5)


def test_a_longer_one_takes_its_place_and_a_shorter_one_does_not(tmp_path: Path) -> None:
    keep_protocol(tmp_path / "copy", entries(3))
    keep_protocol(tmp_path / "copy", entries(5))
    keep_protocol(tmp_path / "copy", entries(4))
    assert kept_protocol(tmp_path / "copy") == entries(5)


def test_where_there_is_none_there_is_none(tmp_path: Path) -> None:
    assert kept_protocol(tmp_path / "copy") is None


@pytest.mark.parametrize("place", [0, 30, 60, -1])
def test_one_changed_byte_is_noticed(tmp_path: Path, place: int) -> None:
    keep_protocol(tmp_path / "copy", entries(5))
    data = bytearray((tmp_path / "copy").read_bytes())
    data[place] ^= 1
    (tmp_path / "copy").write_bytes(data)
    with pytest.raises(InstallationError) as refused:
        kept_protocol(tmp_path / "copy")
    assert refused.value.code.name == "installation.damaged"


def test_a_copy_that_was_cut_is_noticed(tmp_path: Path) -> None:
    keep_protocol(tmp_path / "copy", entries(5))
    data = (tmp_path / "copy").read_bytes()
    for length in range(len(data)):
        (tmp_path / "copy").write_bytes(data[:length])
        with pytest.raises(InstallationError):
            kept_protocol(tmp_path / "copy")
