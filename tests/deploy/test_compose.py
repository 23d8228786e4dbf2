"""What docker-compose.yml promises: pinned images, no privileges, parties apart.

Read without Docker; `make compose-check` starts it.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.tree import ROOT

PARTIES = {"broker", "officers", "kafka", "postgres"}
"""Volumes that belong to one party which is not an agency."""

SHARED = {"stream", "inside"}
"""Networks that are not one agency's."""

ONE_SHOT = {"init", "demo"}
"""Services that end by themselves, and so have no health to look at."""

Service = Mapping[str, Any]


def _yaml(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(ROOT / path)
    return loaded


@cache
def _compose() -> dict[str, Any]:
    return _yaml("docker-compose.yml")


def _services() -> dict[str, Service]:
    services: dict[str, Service] = _compose()["services"]
    return services


def _agencies() -> list[str]:
    protocol = _yaml("policies/protocols/eastshire/protocol.yaml")
    return [one["id"] for one in protocol["agencies"]]


def _default(text: str) -> str:
    """Return what `${NAME:-default}` is without a setting."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def _mounts(service: Service) -> dict[str, tuple[str, str]]:
    """Return place → (volume or file, `ro` or nothing)."""
    found = {}
    for line in service.get("volumes", ()):
        source, place, *options = line.split(":")
        found[place] = (source, ",".join(options))
    return found


def _octets(size: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([mg])", size).groups()  # type: ignore[union-attr]  # it matches, or the test fails
    return int(number) * {"m": 2**20, "g": 2**30}[unit]


every_service = pytest.mark.parametrize("name", sorted(_services()))
every_agency = pytest.mark.parametrize("agency", _agencies())


# -------------------------------------------------------------------------------- images


@every_service
def test_an_image_is_pinned_by_its_full_version(name: str) -> None:
    # given the image of a service, when its tag is read, then it has all the parts of a version
    tag = _default(_services()[name]["image"]).rpartition(":")[2]
    more = 1 if name == "postgres" else 2  # PostgreSQL has no third
    assert re.fullmatch(rf"\d+(\.\d+){{{more}}}(-static)?", tag)


def test_our_own_image_has_the_version_of_the_tree() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    own = {one["image"] for one in _services().values() if one["image"].startswith("concordat")}
    assert own == {f"concordat:{version}"}
    assert f'image.version="{version}"' in (ROOT / "Dockerfile").read_text("utf-8")


@pytest.mark.parametrize(
    ("service", "script", "pattern"),
    [
        ("opa", "scripts/opa", r"^version=(.+)$"),
        ("kafka", "scripts/kafka-server/pom.xml", r"kafka_2.13</artifactId>\s*<version>(.+)<"),
    ],
)
def test_a_server_has_the_version_that_the_tests_run_with(
    service: str, script: str, pattern: str
) -> None:
    # given the version that this tree is tested with
    found = re.search(pattern, (ROOT / script).read_text("utf-8"), re.MULTILINE)
    assert found is not None

    # when the service's image is read, then it is the same
    tag = _default(_services()[service]["image"]).rpartition(":")[2]
    assert tag.removesuffix("-static") == found[1]


def test_the_python_image_is_the_same_everywhere() -> None:
    # given the image that the Dockerfile builds on
    text = (ROOT / "Dockerfile").read_text("utf-8")
    found = re.search(r"^ARG PYTHON_IMAGE=(python:3\.\d+\.\d+-slim-\w+)$", text, re.MULTILINE)
    assert found is not None

    # when Compose builds, then it builds on that
    assert _default(_services()["init"]["build"]["args"]["PYTHON_IMAGE"]) == found[1]


def test_one_service_builds_and_the_others_use_what_it_built() -> None:
    assert [name for name, one in _services().items() if "build" in one] == ["init"]


# ---------------------------------------------------------------------------- privileges


@every_service
def test_a_service_has_no_privileges(name: str) -> None:
    service = _services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    granted = {"cap_add", "devices", "ipc", "network_mode", "pid", "privileged", "userns_mode"}
    assert granted & service.keys() == set()


@every_service
def test_a_service_runs_as_a_user_that_is_not_root(name: str) -> None:
    # a number, so that it is seen here, and of user and group
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", _services()[name]["user"])


@every_service
def test_a_service_has_limits(name: str) -> None:
    service = _services()[name]
    assert _octets(service["mem_limit"]) <= 2 * 2**30
    assert 0 < service["cpus"] <= 2  # more than the host has would be refused
    assert 0 < service["pids_limit"] <= 512
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


@every_service
def test_a_temporary_folder_has_a_size(name: str) -> None:
    for line in _services()[name].get("tmpfs", ()):
        assert re.search(r":size=\d+m", _default(line))


# -------------------------------------------------------------------------------- health


@every_service
def test_a_service_that_runs_has_a_health_check_and_comes_back(name: str) -> None:
    service = _services()[name]
    if name in ONE_SHOT:
        assert service["healthcheck"] == {"disable": True}
        assert service["restart"] == "no"
        return
    assert service["restart"] == "unless-stopped"
    if service["image"].startswith("concordat:"):
        # its image has the check, which wants to be told what to look at
        assert "healthcheck" not in service
        assert service["environment"]["CONCORDAT_HEARTBEAT"]
    else:
        assert service["healthcheck"]["test"][0] == "CMD"


def test_the_image_has_a_health_check() -> None:
    assert "HEALTHCHECK --interval" in (ROOT / "Dockerfile").read_text("utf-8")


@every_service
def test_what_a_service_waits_for_has_a_condition_that_can_come_true(name: str) -> None:
    for other, wait in _services()[name].get("depends_on", {}).items():
        ends = other in ONE_SHOT
        expected = "service_completed_successfully" if ends else "service_healthy"
        assert wait["condition"] == expected


def test_everything_of_ours_waits_until_the_county_is_founded() -> None:
    own = {n for n, one in _services().items() if one["image"].startswith("concordat:")}
    waits = {n for n in own if "init" in _services()[n]["depends_on"]}
    assert own - waits == ONE_SHOT


# ---------------------------------------------------------------------------- parties apart


@every_agency
def test_an_agency_has_a_service_of_its_own(agency: str) -> None:
    service = _services()[agency]
    assert service["command"] == ["run", "agency", agency]


def test_there_is_no_service_of_an_agency_that_the_protocol_does_not_have() -> None:
    asked = {n for n, one in _services().items() if one.get("command", [])[:2] == ["run", "agency"]}
    assert asked == set(_agencies())


@every_agency
def test_an_agency_mounts_its_own_folder_and_the_public_part_to_read(agency: str) -> None:
    assert _mounts(_services()[agency]) == {
        "/county": ("public", "ro"),
        f"/county/agencies/{agency}": (agency, ""),
    }


@every_agency
def test_an_agency_shares_a_network_with_kafka_alone(agency: str) -> None:
    # given the networks of an agency
    (network,) = _services()[agency]["networks"]

    # when it is looked for who else is on them, then that is Kafka, and nobody else
    there = {name for name, one in _services().items() if network in one["networks"]}
    assert there == {agency, "kafka"}
    assert network not in SHARED


@every_agency
def test_an_agency_is_told_nothing_of_the_brokers_servers(agency: str) -> None:
    told = _services()[agency]["environment"].keys()
    assert told == {"CONCORDAT_DIR", "CONCORDAT_KAFKA", "CONCORDAT_HEARTBEAT"}
    assert "secrets" not in _services()[agency]


def test_only_the_founding_mounts_the_folders_of_several_parties() -> None:
    own = PARTIES | set(_agencies())
    several = {
        name
        for name, service in _services().items()
        if len(own & {source for source, _options in _mounts(service).values()}) > 1
    }
    assert several == {"init"}


def test_the_founding_has_every_party_in_its_place() -> None:
    places = {place: source for place, (source, _ro) in _mounts(_services()["init"]).items()}
    assert places == {
        "/county": "public",
        "/county/broker": "broker",
        "/county/officers": "officers",
        **{f"/county/agencies/{agency}": agency for agency in _agencies()},
    }


def test_nobody_else_writes_the_public_part() -> None:
    writers = {
        name for name, service in _services().items() if ("public", "") in _mounts(service).values()
    }
    assert writers == {"init"}


def test_a_party_has_one_volume() -> None:
    assert _compose()["volumes"].keys() == {"public", *PARTIES, *_agencies()}


# -------------------------------------------------------------------------------- networks


@every_service
def test_nothing_is_published(name: str) -> None:
    assert "ports" not in _services()[name]


def test_no_network_leads_outside() -> None:
    networks = _compose()["networks"]
    assert networks.keys() == SHARED | {f"at-{agency}" for agency in _agencies()}
    assert all(one == {"internal": True} for one in networks.values())


@pytest.mark.parametrize("server", ["opa", "postgres"])
def test_a_server_of_the_broker_is_on_the_inside_only(server: str) -> None:
    assert _services()[server]["networks"] == ["inside"]


# --------------------------------------------------------------------------------- secrets


def test_no_setting_holds_a_password() -> None:
    # given every setting of every service
    settings = {
        f"{name}.{key}": str(value)
        for name, service in _services().items()
        for key, value in service.get("environment", {}).items()
    }

    # when they are searched for passwords, then there is none, only where one lies
    named = {key for key in settings if "PASSWORD" in key}
    assert named == {"postgres.POSTGRES_PASSWORD_FILE"}
    assert not any(re.search(r"://[^/@]*:[^/@]*@", value) for value in settings.values())


def test_the_password_is_given_to_the_server_and_the_founding_only() -> None:
    assert {n for n, one in _services().items() if "secrets" in one} == {"init", "postgres"}
    # and it is never committed
    file = _compose()["secrets"]["postgres-password"]["file"]
    assert file == "./deploy/secrets/postgres-password"
    assert "/secrets/" in (ROOT / "deploy" / ".gitignore").read_text("ascii").splitlines()


# ----------------------------------------------------------------------------------- OPA


def test_opa_follows_the_bundle_and_keeps_no_decisions() -> None:
    # given OPA's settings, as the service mounts them
    assert _mounts(_services()["opa"])["/etc/opa/opa.yaml"] == ("./deploy/opa.yaml", "ro")
    settings = _yaml("deploy/opa.yaml")

    # when they are read, then there are no decision logs, no status, no plugins: a bundle alone
    assert settings.keys() == {"services", "bundles"}
    (bundle,) = settings["bundles"].values()
    assert bundle["polling"]["long_polling_timeout_seconds"] > 0

    # and it comes from the service that serves it
    address = settings["services"][bundle["service"]]["url"] + bundle["resource"]
    served = _services()["bundle"]
    assert address == "http://bundle:8282/bundle.tar.gz"
    assert served["command"] == ["run", "bundle", "--host", "0.0.0.0", "--port", "8282"]  # noqa: S104 - inside its container
    assert "inside" in served["networks"]


def test_opa_says_nothing_of_what_it_is_asked() -> None:
    # at the level info OPA writes a line for each request, at debug its body, too
    assert "--log-level=error" in _services()["opa"]["command"]
