"""Signed webhooks: HTTP itself. Bounds, time-outs, what is no HTTP, and how it ends."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from aiohttp import ClientSession

from adapters.listening.errors import ADDRESS, ListenerFailed
from adapters.listening.place import Place
from adapters.listening.seen import SeenInMemory
from adapters.listening.web import WebBounds
from adapters.listening.webhook import WebhookListener, WebhookListening, WebhookSource
from adapters.wire.errors import SECRET_FILE, WireFilesUnfit
from adapters.wire.signature import ID_HEADER
from tests.adapters.listening.support import (
    FixedClock,
    Memory,
    certificates,
    line,
    secret_file,
)
from tests.adapters.listening.webhook_site import (
    BODY,
    NEW,
    Site,
    headers,
    request,
    site,
    written,
)


@pytest.fixture(autouse=True)
def _short_farewells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.listening.web.LINGER_S", 0.2)


async def test_bodies_in_chunks_and_bodies_too_long(tmp_path: Path) -> None:
    # given a listener for short bodies
    async def pieces(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    async with site(tmp_path, WebBounds(body_octets=100)) as at:
        # when a body comes in chunks, then it is taken as one
        assert (await at.post(pieces(BODY), headers())).status == 200
        # when it is longer than it may be, said before or not, then it is refused
        long = b"x" * 101
        for body in (long, pieces(long)):
            said = await at.post(body, headers(long, "m2"))
            assert (said.status, said.document["code"]) == (413, "listener.http.too-large")
    assert at.intake.contents == [BODY]


async def raw(at: Site, data: bytes) -> bytes:
    """What comes back for bytes that no client would send."""
    async with line(at.port) as one:
        await one.send(data)
        return await one.rest()


async def test_what_is_not_http_is_refused(tmp_path: Path) -> None:
    # given bytes that are no request, or one with two lengths, when they come
    bad = [
        b"\x0bMSH|^~\\&|\x1c\r",
        b"\x16\x03\x01" + bytes(40),
        b"POST /school HTTP/1.1\r\nno colon\r\n\r\n",
        request(headers(), "Content-Length: 3", "Content-Length: 4") + b"abcd",
        request(headers(), "Content-Length: 3", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
        request({**headers(), "X-Long": "x" * 9000}, "Content-Length: 3") + b"abc",
    ]
    async with site(tmp_path) as at:
        for data in bad:
            assert b" 400 " in (await raw(at, data)).split(b"\r\n")[0]
        # then nothing of them is taken, and others are answered
        assert at.intake.got == []
        assert (await at.post()).status == 200


async def test_a_header_that_stands_twice(tmp_path: Path) -> None:
    data = request(headers(), f"{ID_HEADER}: m1", f"Content-Length: {len(BODY)}")
    async with site(tmp_path) as at, line(at.port) as one:
        await one.send(data + BODY)
        assert b"listener.webhook.headers" in await one.rest()
    assert at.intake.got == []


async def test_a_body_that_is_cut_short_or_spoiled(tmp_path: Path) -> None:
    # given bodies that end early, or whose chunks are none, when they come
    async with site(tmp_path) as at:
        async with line(at.port) as one:
            await one.send(request(headers(), f"Content-Length: {len(BODY)}") + BODY[:-1])
        async with line(at.port) as one:
            await one.send(request(headers(), "Transfer-Encoding: chunked") + b"zz\r\nabc\r\n")
            rest = await one.rest()
        # then nothing is taken
        assert b" 400 " in rest
        assert (await at.post()).status == 200
    assert at.intake.contents == [BODY]


async def test_who_sends_byte_by_byte_is_cut_off_and_harms_nobody(tmp_path: Path) -> None:
    # given connections that say nothing, drip a head, a body, or a second head
    whole = request(headers(), f"Content-Length: {len(BODY)}") + BODY
    begins = [b"", b"POST /school HTTP/1.1\r\nX: ", whole[:-3], whole + b"POST /school"]
    bounds = WebBounds(head_s=0.4, body_s=0.4)
    async with site(tmp_path, bounds) as at:

        async def drip(begin: bytes) -> bytes:
            async with line(at.port) as one:
                await one.send(begin)
                reading = asyncio.ensure_future(one.rest())
                for _ in range(8):
                    if begin:
                        one.writer.write(b"x")
                    await asyncio.sleep(0.1)
                return await reading

        # when another one asks meanwhile, then it is answered
        dripping = [asyncio.ensure_future(drip(one)) for one in begins]
        for _ in range(4):
            assert (await at.post()).status == 200
            await asyncio.sleep(0.1)
        silent, head, body, second = await asyncio.gather(*dripping)

    # then each is cut off; the one with half a body is told why, the whole request is answered
    assert silent == head == b""
    assert b" 401 " in body or b" 408 " in body
    assert second.count(b"HTTP/1.1") == 1
    assert set(at.intake.contents) == {BODY}


async def test_a_body_that_stops(tmp_path: Path) -> None:
    async with site(tmp_path, WebBounds(body_s=0.2)) as at, line(at.port) as one:
        await one.send(request(headers(), "Content-Length: 50") + b"half")
        assert b"408" in await one.rest()
    assert at.intake.got == []


async def test_a_client_that_waits_to_be_asked_for_the_body(tmp_path: Path) -> None:
    # given a client that sends its head alone, when it is told to go on, then all goes well
    head = request(headers(), f"Content-Length: {len(BODY)}", "Expect: 100-continue")
    async with site(tmp_path) as at, line(at.port) as one:
        await one.send(head)
        assert (await one.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        await one.send(BODY)
        assert b" 200 " in await one.reader.readuntil(b"\r\n\r\n")


async def test_more_connections_than_there_may_be_and_addresses(tmp_path: Path) -> None:
    # given room for one connection, when a second comes, then it is ended
    async with site(tmp_path, place=Place(connections=1)) as at:
        async with line(at.port), line(at.port) as second:
            assert await second.rest() == b""
        assert "connections already" in at.ears
    # given a network that this machine is not in, when it connects, then it is turned away
    async with site(tmp_path, place=Place(allow=("192.0.2.0/24",))) as at, line(at.port) as one:
        assert await one.rest() == b""
        assert "may not connect" in at.ears


async def test_tls(tmp_path: Path) -> None:
    # given a listener that asks for certificates, when somebody has one, then it is answered
    made = certificates(tmp_path)
    async with site(tmp_path, place=Place(tls=made.mutual)) as at:
        url = f"https://127.0.0.1:{at.port}/school"
        context = made.known.context()
        async with at.session.post(url, data=BODY, headers=headers(), ssl=context) as answer:
            assert answer.status == 200
        # when it has none, then not
        with pytest.raises(OSError):  # noqa: PT011 - which one depends on the version of TLS
            await at.session.post(url, data=BODY, headers=headers(), ssl=made.client.context())
    assert at.intake.contents == [BODY]


async def test_what_is_being_taken_comes_to_its_answer_when_the_listener_ends(
    tmp_path: Path,
) -> None:
    # given a message that is being taken, when the listener ends, then it is answered
    secrets = secret_file(tmp_path / "secrets", written(NEW))
    intake = Memory(gate=asyncio.Event())
    config = WebhookListening("hooks", (WebhookSource("/school", secrets),))
    listener = WebhookListener(config, intake, FixedClock(), SeenInMemory())
    await listener.start()
    url = f"http://{listener.address}/school"
    async with ClientSession() as session:
        asking = asyncio.ensure_future(session.post(url, data=BODY, headers=headers()))
        await intake.reached.wait()
        ending = asyncio.ensure_future(listener.close())
        await asyncio.sleep(0.05)
        assert intake.gate is not None
        intake.gate.set()
        async with await asking as answer:
            assert answer.status == 200
        await ending
    await listener.close()
    assert listener.name == "hooks"


async def test_what_a_listener_does_not_start_with(tmp_path: Path) -> None:
    # given no file of secrets, or an address that is taken, when a listener starts, it says so
    missing = WebhookListening("hooks", (WebhookSource("/a", tmp_path / "away"),))
    with pytest.raises(WireFilesUnfit) as unfit:
        await WebhookListener(missing, Memory(), FixedClock(), SeenInMemory()).start()
    assert unfit.value.code is SECRET_FILE
    async with site(tmp_path) as at:
        source = WebhookSource("/a", tmp_path / "school.secrets")
        second = WebhookListening("hooks", (source,), Place(port=at.port))
        with pytest.raises(ListenerFailed) as failed:
            await WebhookListener(second, Memory(), FixedClock(), SeenInMemory()).start()
        assert failed.value.code is ADDRESS


def spoiled(whole: bytes, number: int) -> bytes:
    """A request with something changed, cut out or put in."""
    random = Random(number)
    place = random.randrange(len(whole))
    match number % 4:
        case 0:
            return whole[:place] + random.randbytes(1) + whole[place + 1 :]
        case 1:
            return whole[:place] + whole[place + random.randint(1, 9) :]
        case 2:
            return whole[:place] + random.randbytes(random.randint(1, 9)) + whole[place:]
        case _:
            return whole[:place]


async def test_random_bytes_never_count_as_taken(tmp_path: Path) -> None:
    # given requests that are cut, doubled or spoiled at random places
    whole = request(headers(), f"Content-Length: {len(BODY)}") + BODY
    count = int(os.environ.get("CONCORDAT_FUZZ", "200"))
    bounds = WebBounds(head_s=0.2, body_s=0.2)
    async with site(tmp_path, bounds, Place(connections=500)) as at:

        async def send(number: int) -> bytes:
            async with line(at.port) as one:
                one.writer.write(spoiled(whole, number))
                return await one.rest()

        answers: list[bytes] = []
        for start in range(0, count, 80):
            numbers = range(start, min(start + 80, count))
            answers += await asyncio.gather(*(send(one) for one in numbers))
        # when all is over, then another one is answered, and only what was signed was taken
        assert (await at.post(head=headers(message_id="last"))).status == 200
    assert set(at.intake.contents) == {BODY}
    assert not any(b" 500 " in one for one in answers)
