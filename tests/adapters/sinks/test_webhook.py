"""Deliveries as signed webhooks: what counts as handed over, and what as refused."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from adapters.sinks.errors import SinkFailed, SinkMisconfigured, SinkRefused
from adapters.sinks.port import HandOver
from adapters.sinks.webhook import LONGEST_WAIT_S, WebhookSink, WebhookSinking, retry_after_s
from adapters.wire.signature import ID_HEADER, SIGNATURE_HEADER, TIME_HEADER, verified
from adapters.wire.tls import ClientTls
from broker.clock import SECOND
from tests.adapters.listening.support import AT, FixedClock, certificates, secret_file

OLD, NEW = b"o" * 24, b"n" * 64
LINES = tuple("whsec_" + base64.b64encode(one).decode() for one in (OLD, NEW))
ONE = HandOver("ab" * 32, 7, b'{"content": {}}', frozenset())


@dataclass
class Other:
    """The other system.

    Attributes:
        status: what it answers.
        headers: with what.
        waits: seconds before it does.
        got: headers and bodies.
        url: where it is.
    """

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    waits: float = 0
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        head = {name.lower(): value for name, value in request.headers.items()}
        self.got.append((head, await request.read()))
        await asyncio.sleep(self.waits)
        return web.Response(status=self.status, headers=self.headers)


@asynccontextmanager
async def other_system(tls: object = None) -> AsyncIterator[Other]:
    other = Other()
    http = web.Server(other.take, access_log=None)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(http, "127.0.0.1", 0, ssl=tls)  # type: ignore[call-overload]  # None, or a context
    scheme = "http" if tls is None else "https"
    other.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"
    try:
        yield other
    finally:
        server.close()
        await http.shutdown(0)
        await server.wait_closed()


@asynccontextmanager
async def sink(
    folder: Path, url: str, tls: ClientTls | None = None, timeout_s: float = 5
) -> AsyncIterator[WebhookSink]:
    secrets = secret_file(folder / "secrets", *LINES)
    honours = frozenset({"no-onward"})
    config = WebhookSinking("casework", url, secrets, honours, tls or ClientTls(), timeout_s)
    made = WebhookSink(config, FixedClock())
    try:
        yield made
    finally:
        await made.close()


async def test_a_delivery_is_posted_and_signed_with_each_secret(tmp_path: Path) -> None:
    # given two secrets while one is exchanged, when a delivery is handed over twice
    async with other_system() as other, sink(tmp_path, other.url) as made:
        assert (made.name, made.honours) == ("casework", frozenset({"no-onward"}))
        await made.hand(ONE)
        await made.hand(ONE)

    # then it bears its id each time, and either secret believes it
    assert len(other.got) == 2
    for head, body in other.got:
        assert body == ONE.document
        assert head[ID_HEADER] == ONE.delivery
        assert head[TIME_HEADER] == str(AT // SECOND)
        assert head["content-type"] == "application/json"
        parts = (ONE.delivery, head[TIME_HEADER], body)
        for secret in (OLD, NEW):
            assert verified(head[SIGNATURE_HEADER], [secret], *parts)
        assert not verified(head[SIGNATURE_HEADER], [b"x" * 24], *parts)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 208])
async def test_success_is_handed_over(tmp_path: Path, status: int) -> None:
    async with other_system() as other, sink(tmp_path, other.url) as made:
        other.status = status
        await made.hand(ONE)


@pytest.mark.parametrize("status", [400, 409, 413, 422, 451])
async def test_statuses_that_speak_of_the_delivery_refuse_it(tmp_path: Path, status: int) -> None:
    async with other_system() as other, sink(tmp_path, other.url) as made:
        other.status = status
        with pytest.raises(SinkRefused) as caught:
            await made.hand(ONE)
    assert caught.value.where == f"status {status}"


@pytest.mark.parametrize("status", [302, 307, 401, 403, 404, 405, 410, 415, 429, 500, 503])
async def test_statuses_that_speak_of_the_other_side_are_tried_again(
    tmp_path: Path, status: int
) -> None:
    # given a system that redirects, does not know us, or fails, when a delivery is handed over
    async with other_system() as other, sink(tmp_path, other.url) as made:
        other.status = status
        other.headers = {"Retry-After": "120", "Location": other.url + "/elsewhere"}
        with pytest.raises(SinkFailed) as caught:
            await made.hand(ONE)

    # then it is tried again later, and no redirect was followed
    assert caught.value.retry_after_s == 120
    assert len(other.got) == 1


async def test_a_system_that_is_away_or_slow(tmp_path: Path) -> None:
    # given a system that answers too late, and then none at all, when a delivery is handed over
    async with other_system() as other, sink(tmp_path, other.url, timeout_s=0.1) as made:
        other.waits = 1
        with pytest.raises(SinkFailed) as slow:
            await made.hand(ONE)
        url = other.url
    async with sink(tmp_path, url) as made:
        with pytest.raises(SinkFailed) as away:
            await made.hand(ONE)

    # then it is tried again
    assert slow.value.code.name == away.value.code.name == "sink.away"
    assert away.value.retry_after_s is None


async def test_tls_is_checked(tmp_path: Path) -> None:
    # given a system whose certificate is of an authority of ours, and which asks for ours
    made_of = certificates(tmp_path)
    async with other_system(made_of.mutual.context()) as other:
        async with sink(tmp_path, other.url, made_of.known) as made:
            await made.hand(ONE)
        # when we don't know its authority, or it does not know ours, then nothing is handed over
        for tls in (ClientTls(), made_of.stranger, ClientTls(tmp_path / "away")):
            async with sink(tmp_path, other.url, tls) as made:
                with pytest.raises(SinkFailed):
                    await made.hand(ONE)
    assert len(other.got) == 1


async def test_a_file_of_secrets_that_was_spoiled(tmp_path: Path) -> None:
    async with other_system() as other, sink(tmp_path, other.url) as made:
        (tmp_path / "secrets").chmod(0o644)
        with pytest.raises(SinkFailed) as caught:
            await made.hand(ONE)
    assert caught.value.code.name == "wire.secret.mode"
    assert other.got == []


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 0),
        (" 17 ", 17),
        ("999999999", LONGEST_WAIT_S),
        ("Wed, 04 Mar 2026 12:00:30 GMT", 30),
        ("Wed, 04 Mar 2026 12:00:30 -0000", 30),
        ("Wed, 04 Mar 2026 11:00:00 GMT", 0),
        ("Wed, 04 Mar 2026 99:00:00 GMT", None),
        ("soon", None),
        ("-3", None),
        ("", None),
    ],
)
def test_retry_after(said: str, seconds: float | None) -> None:
    assert retry_after_s(said, AT) == seconds


@pytest.mark.parametrize(
    "url",
    [
        "http://casework.example/in",
        "ftp://127.0.0.1/",
        "https://user:word@casework.example/",
        "https:///in",
        "https://[::1/in",
        "https://casework.example:99999/",
    ],
)
def test_addresses_that_cannot_be_meant(tmp_path: Path, url: str) -> None:
    with pytest.raises(SinkMisconfigured) as caught:
        WebhookSinking("casework", url, tmp_path)
    assert caught.value.where.startswith("url")


def test_a_timeout_that_cannot_be_meant(tmp_path: Path) -> None:
    with pytest.raises(SinkMisconfigured):
        WebhookSinking("casework", "https://casework.example/", tmp_path, timeout_s=0)
