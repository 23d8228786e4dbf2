"""Where a listener may listen, and how an MLLP listener may be configured."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.listening.errors import (
    ANYBODY,
    LISTENER_CONFIGURATION,
    UNPROTECTED,
    ListenerFailed,
)
from adapters.listening.mllp import MllpListening
from adapters.listening.place import Place
from adapters.wire.tls import ServerTls
from tests.adapters.listening.mllp_sender import CONFIG


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        (lambda: replace(CONFIG, frame_octets=0), "frame_octets"),
        (lambda: replace(CONFIG, idle_s=0), "idle_s"),
        (lambda: replace(CONFIG, frame_s=1e9), "frame_s"),
        (lambda: replace(CONFIG, processing=frozenset({"X"})), "processing"),
        (lambda: replace(CONFIG, processing=frozenset()), "processing"),
        (lambda: replace(CONFIG, encoding="ebcdic"), "encoding"),
    ],
)
def test_a_configuration_that_cannot_be_meant(
    changed: Callable[[], MllpListening], where: str
) -> None:
    with pytest.raises(ListenerFailed) as caught:
        changed()
    assert caught.value.code is LISTENER_CONFIGURATION
    assert caught.value.where.startswith(where)


def test_beyond_this_machine_there_is_tls_and_somebody_is_asked(tmp_path: Path) -> None:
    # given addresses that others reach, when nothing protects the way, then it is refused
    for host in ("0.0.0.0", "hospital.example", "::"):  # noqa: S104 - that is what is tried
        with pytest.raises(ListenerFailed) as caught:
            Place(host)
        assert caught.value.code is UNPROTECTED
    # when nobody is asked who they are, then a listener that does not ask either is refused
    tls = ServerTls(tmp_path / "any.pem")
    with pytest.raises(ListenerFailed) as caught:
        replace(CONFIG, place=Place("::", tls=tls))
    assert caught.value.code is ANYBODY
    # when it is said who may come, then it is taken
    replace(CONFIG, place=Place("::", tls=tls, allow=("192.0.2.7",)))
    replace(CONFIG, place=Place("192.0.2.1", plain=True, allow=("192.0.2.7",)))
    replace(CONFIG, place=Place("::", tls=replace(tls, clients=tmp_path / "ca.pem")))
    replace(CONFIG, place=Place("localhost"))
    with pytest.raises(ListenerFailed):
        Place(allow=("somewhere",))


@pytest.mark.parametrize(
    ("peer", "admitted"),
    [
        ("192.0.2.7", True),
        ("::ffff:192.0.2.7", True),
        ("192.0.3.7", False),
        ("fe80::1%eth0", True),
        ("", False),
    ],
)
def test_who_is_admitted(peer: str, *, admitted: bool) -> None:
    assert Place(allow=("192.0.2.0/24", "fe80::/10")).admits(peer) is admitted
