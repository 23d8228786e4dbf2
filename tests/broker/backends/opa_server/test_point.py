"""A server that is no policy server, or a bad one: nothing that it says is used."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from broker.backends.opa_server.point import Limits, ServerPoint, address_of
from broker.clock import FOREVER
from broker.protocol.errors import AnswerRefused
from broker.runtimes.policy import run_ready
from tests.broker.protocol.county import REVISION, during, question
from tests.support.kafka import free_port

FAST = Limits(seconds=0.4, octets=4096)
ROOMY = Limits(seconds=5)

Say = Callable[[BaseHTTPRequestHandler], None]


class Quiet(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    asked: list[tuple[str, dict[str, Any]]]

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients of these tests leave early."""


@contextmanager
def stub(say: Say) -> Iterator[Quiet]:
    """Run a web server that answers every question in one way."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.asked.append((self.path, json.loads(body)))
            say(self)

        def do_GET(self) -> None:
            server.asked.append((self.path, {}))
            say(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = Quiet(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def saying(body: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> Say:
    def say(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return say


def refused(say: Say, code: str, where: str, limits: Limits = FAST) -> list[str]:
    """Make sure that an answer is refused; return what was asked for."""
    with stub(say) as server:
        point = ServerPoint(f"http://127.0.0.1:{server.server_port}", REVISION, limits)
        for ask in (point.decide([question()], during()), point.explain(question(), during())):
            began = time.monotonic()
            with pytest.raises(AnswerRefused) as caught:
                run_ready(ask)
            assert time.monotonic() - began < limits.seconds + 1
            assert (caught.value.code.name, caught.value.where) == (code, where)
        point.close()
        return [path for path, _ in server.asked]


def result(value: object) -> bytes:
    return json.dumps({"result": value}).encode()


WHOLE = {"revision": REVISION.hex(), "valid_from": 0, "valid_until": FOREVER}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "not JSON"),
        (b"<html><body>Sign in</body></html>", "not JSON"),
        (b"\xff\xfe\x00garbage", "not JSON"),
        (b"[" * 4000, "not JSON"),
        (b'{"result": ' + b"9" * 4050 + b"}", "shape"),
        (b"{}", "undefined"),
        (b"[]", "undefined"),
        (b'"share"', "undefined"),
        (b'{"result": null}', "shape"),
        (b'{"result": true}', "shape"),
        (b'{"result": {}}', "shape"),
        (result({**WHOLE, "revision": "00" * 32}), "another revision"),
        (b'{"result": NaN}', "shape"),
        (b'{"result": {"revision": 1e999}}', "another revision"),
    ],
)
def test_nonsense_is_refused(body: bytes, where: str) -> None:
    asked = refused(saying(body), "protocol.answer", where)

    # then it was asked in the one way, once for each
    assert asked == ["/v1/data/concordat/decide", "/v1/data/concordat/explain"]


def test_an_integer_beyond_all_bounds_is_refused() -> None:
    limits = Limits(seconds=2, octets=100_000)
    refused(saying(b'{"result": ' + b"9" * 9000 + b"}"), "protocol.answer", "not JSON", limits)


@pytest.mark.parametrize("decisions", [[], [{}], [{"outcome": "content"}], "share", 1])
def test_decisions_that_do_not_add_up_are_refused(decisions: object) -> None:
    with stub(saying(result({**WHOLE, "decisions": decisions}))) as server:
        point = ServerPoint(f"http://127.0.0.1:{server.server_port}", REVISION, FAST)
        with pytest.raises(AnswerRefused, match=r"\[protocol\.answer\]"):
            run_ready(point.decide([question()], during()))


@pytest.mark.parametrize("status", [204, 304, 400, 401, 404, 418, 500, 502, 503, 504])
def test_any_status_but_one_is_refused(status: int) -> None:
    # given an answer that would be undefined, not a failure, if its status were not looked at
    body = b"" if status in {204, 304} else b"{}"
    asked = refused(saying(body, status), "protocol.answer", f"status {status}")

    # then nothing was tried twice
    assert len(asked) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with stub(saying(result({}))) as elsewhere:
        away = saying(b"", status, Location=f"http://127.0.0.1:{elsewhere.server_port}/v1")
        refused(away, "protocol.answer", f"status {status}")
        assert elsewhere.asked == []


def test_an_answer_that_is_too_large_is_not_read_to_its_end() -> None:
    refused(saying(b" " * 5000), "protocol.answer", "too large")


def test_an_endless_answer_is_refused() -> None:
    def say(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b" " * 1024)

    refused(say, "protocol.answer", "too large")


def test_a_packed_answer_is_not_unpacked() -> None:
    # given a server that packs without being asked to: a few bytes could stand for gigabytes
    say = saying(b"\x1f\x8b\x08\x00", Content_Encoding="gzip")
    refused(say, "protocol.answer", "not JSON")


def test_an_answer_that_breaks_off_is_refused() -> None:
    def say(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"result"')
        handler.close_connection = True

    refused(say, "protocol.server", "ProtocolError")


def silent(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(2)
    handler.close_connection = True


def dripping(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(20):
        handler.wfile.write(b"x")
        time.sleep(0.1)
    handler.close_connection = True


@pytest.mark.parametrize("say", [silent, dripping])
def test_a_slow_answer_is_not_waited_for(say: Say) -> None:
    with stub(say) as server:
        point = ServerPoint(f"http://127.0.0.1:{server.server_port}", REVISION, FAST)
        began = time.monotonic()
        with pytest.raises(AnswerRefused, match=r"\[protocol\.server\]"):
            run_ready(point.decide([question()], during()))
        assert time.monotonic() - began < 1


def test_after_a_slow_answer_the_next_is_its_own() -> None:
    # given a server that is slow once
    said = [silent, saying(b"{}")]

    def say(handler: BaseHTTPRequestHandler) -> None:
        said.pop(0)(handler)

    with stub(say) as server:
        point = ServerPoint(f"http://127.0.0.1:{server.server_port}", REVISION, FAST)
        with pytest.raises(AnswerRefused, match=r"\[protocol\.server\]"):
            run_ready(point.decide([question()], during()))
        with pytest.raises(AnswerRefused, match="undefined"):
            run_ready(point.decide([question()], during()))


def test_many_slow_answers_are_too_slow_in_all(county_answer: dict[str, Any]) -> None:
    # given a server that is just fast enough for each call, and many calls
    def say(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.1)
        saying(result(county_answer))(handler)

    with stub(say) as server:
        limits = Limits(questions=1, seconds=5, all_seconds=0.3)
        point = ServerPoint(f"http://127.0.0.1:{server.server_port}", REVISION, limits)
        with pytest.raises(AnswerRefused, match=r"in all.*\[protocol\.server\]"):
            run_ready(point.decide([question()] * 50, during()))
        assert len(server.asked) < 10


def test_nobody_there_is_refused_at_once() -> None:
    point = ServerPoint(f"http://127.0.0.1:{free_port()}", REVISION)
    began = time.monotonic()
    with pytest.raises(AnswerRefused, match=r"\(ConnectionError\).*\[protocol\.server\]"):
        run_ready(point.decide([question()], during()))
    assert time.monotonic() - began < 1


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    # given an environment that sends everything through a proxy
    with stub(saying(b"{}")) as proxy, stub(saying(b"{}")) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server_port}")
        point = ServerPoint(f"http://127.0.0.1:{server.server_port}", REVISION, FAST)
        with pytest.raises(AnswerRefused, match="undefined"):
            run_ready(point.decide([question()], during()))
        assert (len(server.asked), proxy.asked) == (1, [])


def test_a_server_may_not_say_that_it_did_not_answer(county_answer: dict[str, Any]) -> None:
    # given a decision that adds up, with a reason that is ours to give
    with stub(saying(result(county_answer))) as server:
        point = ServerPoint(f"http://127.0.0.1:{server.server_port}", REVISION, ROOMY)
        assert point.revision == REVISION
        assert len(run_ready(point.decide([question()], during())).decisions) == 1
    county_answer["decisions"][0]["reasons"] = ["unanswered"]
    with stub(saying(result(county_answer))) as server:
        point = ServerPoint(f"http://127.0.0.1:{server.server_port}", REVISION, ROOMY)
        with pytest.raises(AnswerRefused, match=r"\(reasons\)"):
            run_ready(point.decide([question()], during()))


@pytest.fixture
def county_answer() -> dict[str, Any]:
    """What an engine says of the usual question."""
    lists = ("slots", "grants", "refusals", "referrals", "obligations", "reasons", "floor_slots")
    nothing: dict[str, Any] = {name: [] for name in lists}
    decision = {**nothing, "outcome": "withhold", "floor_outcome": "withhold", "task": None}
    return {**WHOLE, "decisions": [decision]}


def test_what_is_asked_is_the_question_itself() -> None:
    with stub(saying(b"{}")) as server:
        point = ServerPoint(f"http://127.0.0.1:{server.server_port}", REVISION, FAST)
        with pytest.raises(AnswerRefused):
            run_ready(point.decide([question(), question({"alerts": None})], during()))
        ((_, body),) = server.asked
    asked = [json.loads(one.canonical) for one in (question(), question({"alerts": None}))]
    assert body == {"input": {"at": during(), "questions": asked}}


@pytest.mark.parametrize(
    ("text", "host", "port", "tls"),
    [
        ("http://127.0.0.1:8181", "127.0.0.1", 8181, False),
        ("http://opa/", "opa", 80, False),
        ("https://opa.eastshire.example", "opa.eastshire.example", 443, True),
        ("http://[::1]:8181", "[::1]", 8181, False),
    ],
)
def test_an_address(text: str, host: str, port: int, tls: bool) -> None:
    found = address_of(text)
    assert (found.host, found.port, found.tls) == (host, port, tls)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "127.0.0.1:8181",
        "ftp://127.0.0.1",
        "http://:8181",
        "http://127.0.0.1:port",
        "http://127.0.0.1:70000",
        "http://[::1:8181",
        "http://someone@127.0.0.1",
        "http://127.0.0.1/v1/data",
        "http://127.0.0.1?q=1",
        "http://127.0.0.1#top",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(AnswerRefused) as caught:
        ServerPoint(text, REVISION)
    assert caught.value.code.name == "protocol.server.address"
    assert "someone" not in str(caught.value)
