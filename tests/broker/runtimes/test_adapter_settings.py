"""`adapter.yaml`: what it can say, and that nothing else is taken for granted."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.listening.fhir_subscription import SubscriptionListening
from adapters.listening.mllp import MllpListening
from adapters.listening.place import Place
from adapters.listening.webhook import WebhookListening, WebhookSource
from adapters.sinks.folder import FolderSinking
from adapters.sinks.mllp import MllpSinking
from adapters.sinks.webhook import WebhookSinking
from adapters.wire.tls import ClientTls, ServerTls
from broker.errors import ConcordatError
from broker.runtimes.adapter_settings import AdapterSettings, Watched, read_adapter_settings
from broker.runtimes.layout import InstallationError, Layout

SCHOOL = "st-brannocks-school"

EVERYTHING = """\
folders:
  - path: /srv/exports
    format: education-attendance-csv
    encoding: cp1252
  - path: drop
listeners:
  - kind: mllp
    name: admissions
    format: health-hl7-adt
    place:
      host: 0.0.0.0
      port: 2575
      allow: [10.1.0.0/16]
      tls: {certificate: tls/own.pem, key: /etc/own.key, clients: tls/clients.pem}
  - kind: webhook
    name: hooks
    place: {port: 8081}
    sources:
      - path: /concerns
        secrets: secrets/concerns
        format: form
  - kind: fhir_subscription
    name: flags
    secrets: secrets/flags
sinks:
  - kind: folder
    name: case-system
    path: out
    honours: [acknowledge-by, delete-after]
  - kind: webhook
    name: portal
    url: https://portal.example/in
    secrets: secrets/portal
    tls: {authorities: tls/portal.pem}
  - kind: mllp
    name: record
    host: 127.0.0.1
    port: 2576
    receiver: [EPR, SITE]
    timeout_s: 10
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An installation that holds nothing but the school's folder."""
    layout = Layout(tmp_path)
    layout.agency(SCHOOL).mkdir(parents=True)
    return layout


def read(layout: Layout, text: str) -> AdapterSettings:
    layout.adapter_settings(SCHOOL).write_text(text, encoding="utf-8")
    return read_adapter_settings(layout, SCHOOL)


def test_everything_that_can_be_said_is_understood(layout: Layout) -> None:
    # given settings of every kind, when they are read
    found = read(layout, EVERYTHING)

    # then each is there, and paths begin at the agency's folder
    home = layout.agency(SCHOOL)
    assert found.folders == (
        Watched(Path("/srv/exports"), "education-attendance-csv", "cp1252"),
        Watched(home / "drop"),
    )
    tls = ServerTls(home / "tls/own.pem", Path("/etc/own.key"), home / "tls/clients.pem")
    assert found.listeners == (
        MllpListening(
            "admissions",
            place=Place("0.0.0.0", 2575, tls, ("10.1.0.0/16",)),  # noqa: S104 - as written above
            format="health-hl7-adt",
        ),
        WebhookListening(
            "hooks",
            place=Place(port=8081),
            sources=(WebhookSource("/concerns", home / "secrets/concerns", "form"),),
        ),
        SubscriptionListening("flags", home / "secrets/flags"),
    )
    assert found.sinks == (
        FolderSinking("case-system", home / "out", frozenset({"acknowledge-by", "delete-after"})),
        WebhookSinking(
            "portal",
            "https://portal.example/in",
            home / "secrets/portal",
            tls=ClientTls(home / "tls/portal.pem"),
        ),
        replace(MllpSinking("record", "127.0.0.1", 2576), receiver=("EPR", "SITE"), timeout_s=10.0),
    )


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("folders: []", "no folder, no listener, no sink"),
        ("folders: [{}]", "folders.0.path"),
        ("folders: [{path: a, format: cuneiform}]", "format cuneiform"),
        ("folders: [{path: a, encoding: ebcdic}]", "encoding"),
        ("folders: [{path: a}, {path: ./a}]", "one folder twice"),
        ("folders: [{path: a, colour: red}]", "folders.0.colour"),
        ("folders: [{path: a}]\nfolders: [{path: b}]", "line 2"),
        ("[", "line"),
        ("", "file"),
        ("sinks: [{name: a}]", "sinks.0.kind"),
        ("sinks: [{kind: pigeon, name: a}]", "sinks.0.kind: pigeon"),
        ("sinks: [{kind: folder, name: a}]", "sinks.0: path"),
        ("sinks: [{kind: folder, name: a, path: b, colour: red}]", "sinks.0: colour"),
        ("sinks: [{kind: folder, name: a, path: b, honours: [chivalry]}]", "honours: chivalry"),
        ("listeners: [{kind: drum, name: a}]", "listeners.0.kind: drum"),
        ("listeners: [{kind: mllp, name: a, place: {prt: 1}}]", "listeners.0: place.prt"),
        ("listeners: [{kind: mllp, name: a, format: runes}]", "listeners.0: format runes"),
        (
            "listeners: [{kind: mllp, name: a}]\nsinks: [{kind: folder, name: a, path: b}]",
            "the name a twice",
        ),
        (
            "listeners: [{kind: webhook, name: a, sources: [{path: /, secrets: s, format: b}]}]",
            "listeners.0: format b",
        ),
    ],
)
def test_settings_that_cannot_be_used_are_refused_where_they_are_wrong(
    layout: Layout, text: str, where: str
) -> None:
    with pytest.raises(InstallationError) as refused:
        read(layout, text)
    assert refused.value.code.name == "installation.adapter-settings"
    assert where in refused.value.where


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        (
            "listeners: [{kind: mllp, name: a, place: {host: 192.0.2.1}}]",
            "listener.unprotected",
            "adapter.yaml: listeners.0: host",
        ),
        (
            "sinks: [{kind: webhook, name: a, url: 'http://portal.example', secrets: s}]",
            "sink.configuration",
            "adapter.yaml: sinks.0: url: https, beyond this machine",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_in_its_own_words(
    layout: Layout, text: str, code: str, where: str
) -> None:
    with pytest.raises(ConcordatError) as refused:
        read(layout, text)
    assert (refused.value.code.name, refused.value.where) == (code, where)


def test_what_needs_an_extra_says_so(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    # given an installation without the library for HTTP
    for name in ("adapters.listening.webhook", "adapters.sinks.webhook"):
        monkeypatch.setitem(sys.modules, name, None)

    # then what needs it is refused, and what doesn't is not
    with pytest.raises(InstallationError) as refused:
        read(layout, "sinks: [{kind: webhook, name: a, url: 'https://a.example', secrets: s}]")
    assert refused.value.code.name == "installation.http"
    assert read(layout, "sinks: [{kind: folder, name: a, path: b}]").sinks
