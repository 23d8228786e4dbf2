"""Notifications of a FHIR server's subscription."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from adapters.errors import FORMAT_UNKNOWN, InputRefused
from adapters.listening.errors import ListenerFailed
from adapters.listening.fhir_subscription import SubscriptionListener, SubscriptionListening
from broker.lanes import Unavailable
from tests.adapters.listening.support import Ears, Memory, listening, secret_file, taken

SECRET = "0123456789abcdef" * 2
FLAG = b'{"resourceType": "Flag", "id": "f1"}'
FLAG_XML = b'<Flag xmlns="http://hl7.org/fhir"><id value="f1"/></Flag>'
HEADERS = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/fhir+json"}
R4B_XML = (
    b"<Bundle><entry><resource><SubscriptionStatus><type value='handshake'/>"
    b"</SubscriptionStatus></resource></entry></Bundle>"
)
XML = {**HEADERS, "Content-Type": "application/fhir+xml"}


def status_of(kind: str) -> dict[str, Any]:
    """The R4B form of a subscription's status."""
    return {"resourceType": "SubscriptionStatus", "type": kind}


def parameters_of(kind: str) -> dict[str, Any]:
    """The form of the backport to R4."""
    other = {"name": "topic", "valueCanonical": "urn:topic"}
    return {
        "resourceType": "Parameters",
        "parameter": [other, {"name": "type", "valueCode": kind}],
    }


def bundle(*resources: object, **more: object) -> bytes:
    entries = [{"resource": one} for one in resources]
    return json.dumps({"resourceType": "Bundle", "entry": entries, **more}).encode()


def xml_bundle(kind: str, *resources: bytes) -> bytes:
    status = (
        f'<Parameters><parameter><name value="topic"/></parameter><parameter>'
        f'<name value="type"/><valueCode value="{kind}"/></parameter></Parameters>'
    ).encode()
    entries = b"".join(
        b"<entry><resource>" + one + b"</resource></entry>" for one in (status, *resources)
    )
    return b'<Bundle xmlns="http://hl7.org/fhir">' + entries + b"</Bundle>"


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    issues: list[dict[str, Any]]

    @property
    def code(self) -> str:
        return str(self.issues[0]["details"]["coding"][0]["code"])


@dataclass
class Site:
    """A listener at work, and a server that notifies it."""

    intake: Memory
    ears: Ears
    session: ClientSession
    base: str

    async def send(
        self,
        method: str,
        path: str = "/fhir",
        body: bytes | None = None,
        head: Mapping[str, str] | None = None,
    ) -> Said:
        url = self.base + path
        sent = HEADERS if head is None else head
        async with self.session.request(method, url, data=body, headers=sent) as answer:
            document = json.loads(await answer.read())
            assert answer.headers["Content-Type"] == "application/fhir+json"
            assert document["resourceType"] == "OperationOutcome"
            return Said(answer.status, answer.headers, document["issue"])


@asynccontextmanager
async def site(folder: Path) -> AsyncIterator[Site]:
    config = SubscriptionListening("flags", secret_file(folder / "channel", SECRET))
    intake, ears = Memory(), Ears()
    made = SubscriptionListener(config, intake, ears)
    async with listening(made) as port, ClientSession() as session:
        assert made.name == "flags"
        yield Site(intake, ears, session, f"http://127.0.0.1:{port}")


async def test_a_resource_that_is_put_or_posted(tmp_path: Path) -> None:
    # given a subscription with a payload, when resources and a bundle come, in JSON and XML
    events = bundle(status_of("event-notification"), json.loads(FLAG))
    plain = bundle(json.loads(FLAG))
    sent = [
        ("PUT", "/fhir/Flag/f1", FLAG, HEADERS),
        ("PUT", "/fhir/Flag/f1", FLAG_XML, XML),
        ("POST", "/fhir", FLAG, HEADERS),
        ("POST", "/fhir/", events, HEADERS),
        ("POST", "/fhir", plain, HEADERS),
        ("POST", "/fhir", xml_bundle("event-notification", FLAG_XML), XML),
    ]
    async with site(tmp_path) as at:
        answers = [await at.send(*one) for one in sent]

    # then each is handed to the intake as it came, and answered when it is safe
    assert [one.status for one in answers] == [200] * len(sent)
    assert {one.code for one in answers} == {"accepted"}
    assert at.intake.got == [(body, "flags", "health-fhir") for _, _, body, _ in sent]


@pytest.mark.parametrize(
    ("body", "head", "named"),
    [
        (None, HEADERS, "empty"),
        (b"", HEADERS, "empty"),
        (bundle(), HEADERS, "empty"),
        (b'{"resourceType": "Bundle"}', HEADERS, "empty"),
        (bundle(status_of("event-notification")), HEADERS, "empty"),
        (bundle(status_of("handshake")), HEADERS, "handshake"),
        (bundle(parameters_of("handshake")), HEADERS, "handshake"),
        (bundle(parameters_of("heartbeat")), HEADERS, "heartbeat"),
        (xml_bundle("heartbeat"), XML, "heartbeat"),
        (xml_bundle("event-notification"), XML, "empty"),
        (R4B_XML, XML, "handshake"),
    ],
)
async def test_notifications_without_content_are_named(
    tmp_path: Path, body: bytes | None, head: Mapping[str, str], named: str
) -> None:
    # given a notification without content, when it comes, then it is answered and named as such
    async with site(tmp_path) as at:
        said = await at.send("POST", body=body, head=head)
    assert (said.status, said.code) == (200, named)
    assert said.issues[0]["severity"] == "information"
    assert at.intake.got == []
    assert at.ears.whats() == [named]


@pytest.mark.parametrize(
    ("method", "path", "body", "head", "status", "code"),
    [
        ("POST", "/fhir", FLAG, {"Authorization": "Bearer wrong"}, 401, "authorisation"),
        ("POST", "/fhir", FLAG, {"Authorization": f"Basic {SECRET}"}, 401, "authorisation"),
        ("POST", "/fhir", FLAG, {"Authorization": "Bearer \u00e9"}, 401, "authorisation"),
        ("POST", "/fhir", FLAG, {}, 401, "authorisation"),
        ("POST", "/other", FLAG, HEADERS, 404, "path"),
        ("POST", "/fhirs", FLAG, HEADERS, 404, "path"),
        ("PUT", "/fhir/Flag", FLAG, HEADERS, 404, "path"),
        ("PUT", "/fhir", FLAG, HEADERS, 405, "method"),
        ("POST", "/fhir/Flag/f1", FLAG, HEADERS, 405, "method"),
        ("DELETE", "/fhir/Flag/f1", None, HEADERS, 405, "method"),
        ("POST", "/fhir", FLAG, {**HEADERS, "Content-Type": "text/csv"}, 415, "media-type"),
        ("PUT", "/fhir/Flag/f2", FLAG, HEADERS, 400, "resource"),
        ("PUT", "/fhir/Encounter/f1", FLAG_XML, XML, 400, "resource"),
    ],
)
async def test_what_is_refused_whatever_it_holds(
    tmp_path: Path,
    method: str,
    path: str,
    body: bytes | None,
    head: Mapping[str, str],
    status: int,
    code: str,
) -> None:
    # given a request from nobody we know, or to another place, when it comes, then it is refused
    async with site(tmp_path) as at:
        said = await at.send(method, path, body, head)
    assert said.status == status
    assert said.code.endswith(code)
    assert ("WWW-Authenticate" in said.headers) is (status == 401)
    assert ("Allow" in said.headers) is (status == 405)
    assert at.intake.got == []


@pytest.mark.parametrize(
    ("body", "head", "code"),
    [
        (b"{", HEADERS, "input.json"),
        (b"[]", HEADERS, "input.shape"),
        (b'{"resourceType": 1}', HEADERS, "input.shape"),
        (b'{"resourceType": "Flag", "id": "1", "id": "2"}', HEADERS, "input.json.duplicate"),
        (bundle(status_of("query-status")), HEADERS, "input.shape"),
        (bundle(parameters_of("")), HEADERS, "input.shape"),
        (b"<Flag>", XML, "input.xml"),
        (b"\xff\xfe\x00", XML, "input.xml"),
        (b"<!DOCTYPE f [<!ENTITY a 'b'>]><Flag>&a;</Flag>", XML, "input.xml.dtd"),
        (b"<a>" * 1000, XML, "input.xml"),
        (b'{"a":' * 20_000, HEADERS, "input.json"),
    ],
)
async def test_what_is_no_resource(
    tmp_path: Path, body: bytes, head: Mapping[str, str], code: str
) -> None:
    # given a body that is no resource, when it comes, then it is refused for good
    async with site(tmp_path) as at:
        said = await at.send("POST", body=body, head=head)
    assert (said.status, said.code) == (422, code)
    assert at.intake.got == []


async def test_odd_bundles_go_to_the_intake(tmp_path: Path) -> None:
    # given bundles of odd shapes, when they come, then the format says what is wrong with them
    odd = [
        b'{"resourceType": "Bundle", "id": 7, "entry": [1, {"resource": {"resourceType": "X"}}]}',
        bundle({"resourceType": "Parameters", "parameter": [3, {"name": "other"}]}),
        b"<Bundle><entry><resource><Parameters/></resource></entry></Bundle>",
    ]
    async with site(tmp_path) as at:
        for body in odd:
            head = XML if body.startswith(b"<") else HEADERS
            assert (await at.send("POST", body=body, head=head)).code == "accepted"
    assert at.intake.contents == odd


async def test_bundles_in_bundles_are_looked_at_no_deeper(tmp_path: Path) -> None:
    # given a bundle of bundles of bundles, when it comes, then nobody follows it down
    deep = b'{"resourceType":"Bundle","entry":[{"resource":' * 150 + FLAG + b"}]}" * 150
    async with site(tmp_path) as at:
        assert (await at.send("POST", body=deep)).code == "accepted"


@pytest.mark.parametrize(
    ("said", "status", "severity"),
    [
        (Unavailable("9990000018"), 503, "error"),
        (RuntimeError("9990000018"), 503, "error"),
        (InputRefused(FORMAT_UNKNOWN, "file"), 422, "error"),
        (taken(0, rejected=3), 422, "error"),
        (taken(1, rejected=1), 200, "warning"),
    ],
)
async def test_what_is_answered_when_it_is_not_all_well(
    tmp_path: Path, said: BaseException, status: int, severity: str
) -> None:
    # given an intake that fails, refuses or takes some, when a resource comes
    async with site(tmp_path) as at:
        at.intake.said = said
        answer = await at.send("POST", body=FLAG)

    # then the server is told whether to send it again
    assert answer.status == status
    assert answer.issues[-1]["severity"] == severity
    assert ("Retry-After" in answer.headers) is (status == 503)
    assert "9990000018" not in str(answer.issues)


async def test_a_file_of_secrets_that_was_spoiled(tmp_path: Path) -> None:
    # given a listener at work, when others may read its secrets, then nothing is taken
    async with site(tmp_path) as at:
        (tmp_path / "channel").chmod(0o640)
        assert (await at.send("POST", body=FLAG)).status == 503
    assert at.intake.got == []
    assert "wire.secret.mode" in at.ears


def test_a_path_that_cannot_be_meant(tmp_path: Path) -> None:
    for path in ("fhir", "/fhir/", "/"):
        with pytest.raises(ListenerFailed):
            SubscriptionListening("flags", tmp_path, path)
