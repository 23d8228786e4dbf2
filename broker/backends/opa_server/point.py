"""A decision point that asks an OPA server, over REST.

It runs where the core runs, so a call may block, and never takes longer than it may: the time is
kept here, because what the client library limits is each wait for bytes, neither the look-up of a
name nor an answer that comes drop by drop. Whatever is wrong raises; nothing is guessed.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

from opa_client.opa import OpaClient
from requests import JSONDecodeError, PreparedRequest, RequestException, Response, Session
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from broker.clock import Instant
from broker.protocol.decision_point import Answers, Explanation, answers_of, explanation_of
from broker.protocol.errors import ANSWER, SERVER, SERVER_ADDRESS, AnswerRefused
from broker.protocol.questions import Question

PACKAGE: Final = "concordat"
DECIDE: Final = "decide"
EXPLAIN: Final = "explain"
PORTS: Final = {"http": 80, "https": 443}
OK: Final = 200
CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call of the server may take.

    Attributes:
        questions: questions in one call. A server answers 500 in some 100 ms.
        seconds: of one call, from the look-up of the name to the last byte.
        octets: bytes of an answer: ten times what 500 questions bring.
        all_seconds: of all calls that one batch's questions make; a slow server must not use up the
            time that the core has for a batch.
    """

    questions: int = 500
    seconds: float = 2.0
    octets: int = 16 * 1024 * 1024
    all_seconds: float = 6.0


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int
    tls: bool


def address_of(text: str) -> Address:
    """Return the address in a text such as `http://127.0.0.1:8181`.

    Raises:
        AnswerRefused: `protocol.server.address`; it is none.
    """
    try:
        parts = urlsplit(text)
        port = parts.port or PORTS[parts.scheme]
        host = parts.hostname or ""
    except (ValueError, KeyError) as error:
        raise AnswerRefused(SERVER_ADDRESS, "scheme or port") from error
    if not host or parts.username is not None or parts.path.strip("/"):
        raise AnswerRefused(SERVER_ADDRESS, "host and port only")
    if parts.query or parts.fragment:
        raise AnswerRefused(SERVER_ADDRESS, "host and port only")
    return Address(f"[{host}]" if ":" in host else host, port, parts.scheme == "https")


class ServerPoint:
    """Answers by what an OPA server says of one revision, which it must have loaded.

    Not for several threads at once: each worker has its own.
    """

    def __init__(self, address: str, revision: bytes, limits: Limits = LIMITS) -> None:
        """Ask nothing yet.

        Args:
            address: of the server, `http://HOST:PORT` or `https://HOST:PORT`.
            revision: digest of the revision that must answer.
            limits: what one call may take.

        Raises:
            AnswerRefused: `protocol.server.address`.
        """
        self._address = address_of(address)
        self._revision = revision
        self._limits = limits
        self._client = self._connected()

    @property
    def revision(self) -> bytes:
        """Digest of the revision that it answers by."""
        return self._revision

    async def decide(self, questions: Sequence[Question], at: Instant) -> Answers:
        """Answer questions as of `at`, in this thread. None are asked, too: that it answers.

        Raises:
            AnswerRefused: `protocol.server` if there was no answer in time; `protocol.answer` if
                there was one, and it does not add up or is another revision's.
        """
        most = self._limits.questions
        starts = range(0, len(questions) or 1, most)
        until = time.monotonic() + self._limits.all_seconds
        answers: list[Answers] = []
        for start in starts:
            if time.monotonic() > until:
                raise AnswerRefused(SERVER, "too slow in all")
            some = questions[start : start + most]
            answers.append(answers_of(self._ask(DECIDE, some, at), len(some), self._revision, at))
        return Answers(self._revision, tuple(one for part in answers for one in part.decisions))

    async def explain(self, question: Question, at: Instant) -> Explanation:
        """Return every clause with the verdict of each of its conditions.

        Raises:
            AnswerRefused: as for `decide`.
        """
        return explanation_of(self._ask(EXPLAIN, (question,), at), self._revision)

    def close(self) -> None:
        """Let go of the connection. It may be asked again, on another one."""
        self._client.close_connection()

    def _ask(self, rule: str, questions: Sequence[Question], at: Instant) -> Any:  # noqa: ANN401 - JSON, or what the library gives
        """Return the value of a rule; it is not checked yet."""
        client = self._client
        asked = {"at": at, "questions": [json.loads(one.canonical) for one in questions]}

        def query() -> Any:  # noqa: ANN401 - JSON
            return client.query_rule(asked, PACKAGE, rule)

        try:
            answer = _within(self._limits.seconds, query)
        except TimeoutError as error:
            # Whoever still waits on the old connection goes on alone.
            self._client = self._connected()
            raise AnswerRefused(SERVER, "too slow") from error
        except _Unfit as error:
            raise AnswerRefused(ANSWER, str(error)) from error
        # The library's first: it counts what is not JSON among failed requests. ValueError: an
        # integer beyond all bounds.
        except (JSONDecodeError, RecursionError) as error:
            raise AnswerRefused(ANSWER, "not JSON") from error
        except (RequestException, HTTPError) as error:
            raise AnswerRefused(SERVER, type(error).__name__) from error
        except ValueError as error:
            raise AnswerRefused(ANSWER, "not JSON") from error
        if not isinstance(answer, dict) or "result" not in answer:
            raise AnswerRefused(ANSWER, "undefined")
        return answer["result"]

    def _connected(self) -> "_Client":
        where = self._address
        return _Client(self._limits, host=where.host, port=where.port, ssl=where.tls)


class _Unfit(Exception):  # noqa: N818 - an answer, not an error
    """An answer that is not even read."""


class _Client(OpaClient):  # type: ignore[misc]  # published without types
    """The library's client: it asks once, no proxy, follows nothing and reads no more than fits."""

    def __init__(self, limits: Limits, *, host: str, port: int, ssl: bool) -> None:
        self._limits = limits
        headers = {"Accept-Encoding": "identity"}
        super().__init__(
            host=host, port=port, ssl=ssl, headers=headers, retries=0, timeout=limits.seconds
        )

    def _init_session(self) -> Session:
        session: Session = super()._init_session()
        session.trust_env = False
        for scheme in PORTS:
            session.mount(f"{scheme}://", _Bounded(self._limits.octets))
        return session


class _Bounded(HTTPAdapter):
    """Hands on an answer only if it is one, and small enough."""

    def __init__(self, octets: int) -> None:
        super().__init__(max_retries=0)
        self._octets = octets

    def send(self, request: PreparedRequest, *args: Any, **settings: Any) -> Response:  # noqa: ANN401 - JSON, or what the library gives
        """Send a request; return its answer, read to the end."""
        settings["stream"] = True
        response = super().send(request, *args, **settings)
        if response.status_code != OK:
            response.close()
            # Before the session looks at it: a redirect is not followed either.
            raise _Unfit(f"status {response.status_code}")
        body = bytearray()
        # Read once more than there is: an answer that breaks off is noticed only then.
        while part := response.raw.read(CHUNK, decode_content=False):
            body += part
            if len(body) > self._octets:
                response.close()
                raise _Unfit("too large")
        response.raw.release_conn()
        response.raw = BytesIO(body)
        return response


def _within(seconds: float, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - JSON, or what the library gives
    """Return what work returns, or raise what it raises.

    Raises:
        TimeoutError: neither has come in time. The work goes on until its own limits end it.
    """
    done: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            done.put((None, error))

    Thread(target=run, daemon=True).start()
    try:
        found, error = done.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return found
