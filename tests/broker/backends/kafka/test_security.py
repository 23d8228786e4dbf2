"""Settings of TLS and SASL: which fit together, and that every client gets them."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.backends.kafka import cluster as clients
from broker.backends.kafka import turn as turns
from broker.backends.kafka.cluster import Cluster
from broker.backends.kafka.security import Security
from tests.broker.backends.kafka.certificates import Authority

MADE: dict[str, Callable[[Cluster], object]] = {
    "consumer": lambda cluster: cluster.consumer(),
    "producer": lambda cluster: cluster.producer("router/0"),
    "admin": lambda cluster: cluster.admin(),
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What clients were made with, of those that are made from now on."""
    found: list[dict[str, Any]] = []

    def client(*_: object, **settings: object) -> None:
        found.append(settings)

    for name in ("AIOKafkaConsumer", "AIOKafkaProducer", "AIOKafkaAdminClient"):
        monkeypatch.setattr(clients, name, client)
    return found


@pytest.fixture
def secured(tmp_path: Path) -> Security:
    """TLS with a certificate and a login."""
    authority = Authority(tmp_path)
    password = tmp_path / "password"
    password.write_text("correct horse\n", encoding="utf-8")
    return Security(
        "SASL_SSL",
        ca_file=authority.file,
        cert_file=authority.vouch("router"),
        username="router",
        password_file=password,
    )


@pytest.mark.parametrize("kind", MADE)
def test_every_client_is_made_with_certificates_and_login(
    kind: str, secured: Security, made: list[dict[str, Any]]
) -> None:
    # given a cluster that is reached with TLS and a login, when a client is made
    MADE[kind](Cluster("kafka.example:9093", security=secured))

    # then it has the protocol, the context and the login, without the file's newline
    (settings,) = made
    assert settings["bootstrap_servers"] == "kafka.example:9093"
    assert settings["security_protocol"] == "SASL_SSL"
    assert settings["sasl_mechanism"] == "SCRAM-SHA-512"
    assert settings["sasl_plain_username"] == "router"
    assert settings["sasl_plain_password"] == "correct horse"
    context = settings["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    # and of authorities the named one alone is believed
    (believed,) = context.get_ca_certs()
    assert believed["subject"] == ((("commonName", "authority"),),)


@pytest.mark.parametrize("kind", MADE)
def test_without_security_no_client_has_any(kind: str, made: list[dict[str, Any]]) -> None:
    MADE[kind](Cluster("127.0.0.1:9092"))
    (settings,) = made
    assert settings["security_protocol"] == "PLAINTEXT"
    assert not {"ssl_context", "sasl_plain_password"} & settings.keys()


async def test_who_waits_for_a_turn_has_them_too(
    secured: Security, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given processes that take turns, when one joins them
    found: list[dict[str, Any]] = []

    def client(**settings: object) -> None:
        found.append(settings)
        raise OSError

    monkeypatch.setattr(turns, "AIOKafkaConsumer", client)
    with pytest.raises(OSError):  # noqa: PT011 - the client that was not made
        async with turns.take_turns(Cluster("kafka.example:9093", security=secured), "router"):
            pass

    # then its client is secured as all others are
    (settings,) = found
    assert settings["security_protocol"] == "SASL_SSL"
    assert "ssl_context" in settings


def test_certificates_of_the_system_are_believed_where_none_is_named() -> None:
    # given TLS without a named authority, when a client's settings are made
    options = Security("SSL").options()

    # then the cluster's certificate is verified all the same
    assert options["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert options.keys() == {"security_protocol", "ssl_context"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ca_file": Path("ca.pem")}, "SSL or SASL_SSL"),
        ({"username": "router", "password_file": Path("password")}, "SASL_SSL, and it alone"),
        ({"protocol": "SSL", "key_file": Path("key.pem")}, "needs its certificate"),
        ({"protocol": "SSL", "username": "router"}, "SASL_SSL, and it alone"),
        ({"protocol": "SASL_SSL"}, "user name and password"),
        ({"protocol": "SASL_SSL", "username": "router"}, "user name and password"),
        ({"protocol": "SASL_SSL", "password_file": Path("password")}, "user name and password"),
    ],
)
def test_settings_that_would_not_be_used_are_refused(settings: dict[str, Any], said: str) -> None:
    # given settings that do not fit the protocol, when they are taken, then that is said
    with pytest.raises(ValueError, match=said):
        Security(**settings)


def test_a_password_is_never_shown(secured: Security) -> None:
    assert "correct horse" not in repr(secured)
    assert "correct horse" not in repr(Cluster("kafka.example:9093", security=secured))
