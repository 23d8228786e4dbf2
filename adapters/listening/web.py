"""HTTP for listeners, on aiohttp's server: bounds, time-outs, and answers without a surprise.

A request's handler gets its body whole, bounded in bytes and seconds, exactly as it was sent: what
is signed is verified over that, so nothing is unpacked. A connection must bring a whole head in
time, the first one and each that follows: whoever sends it byte by byte is cut off. The server's
own log is off: it would quote what could not be read.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from adapters.configured import Configured
from adapters.listening.brought import Reason, reason_of
from adapters.listening.errors import (
    ADDRESS,
    BODY,
    BODY_LENGTH,
    ID_REUSED,
    MEDIA_TYPE,
    METHOD,
    PATH,
    SIGNATURE,
    SLOW,
    STALE,
    TOKEN,
    BroughtRefused,
    ListenerFailed,
)
from adapters.listening.place import MOST_OCTETS, MOST_SECONDS, Place, shown, within

_SILENT = logging.getLogger("concordat.listening")
_SILENT.disabled = True

PROBLEM = "application/problem+json"
"""RFC 9457."""

PROBLEM_TYPE = "urn:concordat:error:"
"""Beginning of a problem's type; the error's code follows."""

RETRY_S = 30
"""Seconds after which what cannot be taken now may be sent again: a full disk or a store that is
away is not mended sooner."""

HEAD_OCTETS = 8 * 1024
"""Bytes of a request line or of one header."""

LINGER_S = 2
"""Seconds for which the rest of a refused body is passed over, so that the answer arrives."""

CLOSE_S = 30
"""Seconds that requests have to come to their answers when the listener ends."""

HANDSHAKE_S = 10
"""Seconds for TLS to agree."""


@dataclass(frozen=True, slots=True)
class WebBounds(Configured):
    """What one request may need.

    Attributes:
        body_octets: most bytes of a body.
        head_s: seconds in which a connection must bring a request's head, the first and each next.
        body_s: seconds in which a body must have come to its end.
    """

    body_octets: int = 4 * 1024 * 1024
    head_s: float = 15
    body_s: float = 30

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ListenerFailed: `listener.configuration`.
        """
        within("body_octets", self.body_octets, 1, MOST_OCTETS)
        within("head_s", self.head_s, 0.01, MOST_SECONDS)
        within("body_s", self.body_s, 0.01, MOST_SECONDS)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to be.

    Attributes:
        status: of HTTP.
        document: JSON.
        media_type: of the document.
        headers: besides.
    """

    status: int
    document: Mapping[str, Any]
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def problem(
    status: HTTPStatus, reason: Reason, others: tuple[Reason, ...] = (), *, retry: bool = False
) -> Answer:
    """Return a refusal as RFC 9457 has it; `code`, `fix` and `reasons` are ours.

    Args:
        status: of HTTP.
        reason: why.
        others: reasons of items.
        retry: whether the same may be sent again later.
    """
    document: dict[str, object] = {
        "type": PROBLEM_TYPE + reason.code,
        "title": reason.sentence,
        "status": status.value,
        "detail": reason.line,
        "code": reason.code,
        "fix": reason.fix,
    }
    if others:
        document["reasons"] = items_of(others)
    headers = {"Retry-After": str(RETRY_S)} if retry else {}
    return Answer(status.value, document, PROBLEM, headers)


def items_of(reasons: tuple[Reason, ...]) -> list[dict[str, str]]:
    """Return reasons as JSON shows them."""
    return [
        {"code": one.code, "where": one.where, "detail": one.sentence, "fix": one.fix}
        for one in reasons
    ]


STATUSES = {
    BODY_LENGTH.name: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    BODY.name: HTTPStatus.BAD_REQUEST,
    MEDIA_TYPE.name: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    METHOD.name: HTTPStatus.METHOD_NOT_ALLOWED,
    PATH.name: HTTPStatus.NOT_FOUND,
    SLOW.name: HTTPStatus.REQUEST_TIMEOUT,
    ID_REUSED.name: HTTPStatus.CONFLICT,
    STALE.name: HTTPStatus.UNAUTHORIZED,
    SIGNATURE.name: HTTPStatus.UNAUTHORIZED,
    TOKEN.name: HTTPStatus.UNAUTHORIZED,
}
"""The status of each refusal; 400 for what is not here."""


class Incoming:
    """A request whose body has not been read."""

    def __init__(self, request: web.BaseRequest, bounds: WebBounds) -> None:
        """Take a request of the server."""
        self._request = request
        self._bounds = bounds
        self.method = request.method
        self.path = request.path
        self.read = False

    @property
    def media_type(self) -> str:
        """The body's media type, in small letters, without parameters; empty if none is named."""
        said = self._request.headers.get("Content-Type", "")
        return said.partition(";")[0].strip().lower()

    @property
    def is_empty(self) -> bool:
        """Whether it says itself that it has no body."""
        return not self._request.can_read_body

    def header(self, name: str) -> str | None:
        """Return a header that stands there exactly once; None otherwise."""
        found = self._request.headers.getall(name, [])
        return found[0].strip() if len(found) == 1 else None

    async def body(self) -> bytes:
        """Return the body as it was sent.

        Raises:
            BroughtRefused: `listener.http.too-large`, `listener.http.body`, `listener.slow`,
                `listener.http.media-type`.
        """
        if self._request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise BroughtRefused(MEDIA_TYPE, "Content-Encoding")
        limit = self._bounds.body_octets
        if (self._request.content_length or 0) > limit:
            raise BroughtRefused(BODY_LENGTH, f"{limit} bytes")
        held = bytearray()
        try:
            async with asyncio.timeout(self._bounds.body_s):
                await self._go_on()
                async for piece in self._request.content.iter_any():
                    held += piece
                    if len(held) > limit:
                        raise BroughtRefused(BODY_LENGTH, f"{limit} bytes")
        except TimeoutError:
            raise BroughtRefused(SLOW, "body") from None
        except (ClientError, HttpProcessingError, OSError):
            # Without its cause, which may quote the body.
            raise BroughtRefused(BODY, "body") from None
        self.read = True
        return bytes(held)

    async def _go_on(self) -> None:
        """Ask for the body, if the other side waits to be asked (RFC 9110, section 10.1.1)."""
        if self._request.headers.get("Expect", "").lower() == "100-continue":
            await self._request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            # What was written is no part of the answer, and the server counts it as one.
            self._request.writer.output_size = 0


class Site(Protocol):
    """What a listener answers, and how it says no."""

    @property
    def name(self) -> str:
        """The listener's name."""
        ...

    def tell(self, what: str, sentence: str) -> None:
        """Tell whoever watches the listener."""
        ...

    async def answer(self, incoming: Incoming) -> Answer:
        """Answer a request.

        Raises:
            BroughtRefused: it is refused; `refuse` words it.
        """
        ...

    def refuse(self, status: HTTPStatus, reason: Reason) -> Answer:
        """Word a refusal as the protocol has it."""
        ...


class WebServer:
    """One address and its site; what an HTTP listener stands on."""

    def __init__(self, place: Place, bounds: WebBounds, site: Site) -> None:
        """Take what it works with; nothing is opened yet.

        Args:
            place: where, and who may come.
            bounds: of a request.
            site: answers.
        """
        self._place = place
        self._bounds = bounds
        self._site = site
        self._http: _Server | None = None
        self._server: asyncio.Server | None = None
        self.address = ""

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            ListenerFailed: `listener.address`.
            WireFilesUnfit: `wire.tls`.
        """
        place = self._place
        context = None if place.tls is None else place.tls.context()
        loop = asyncio.get_running_loop()
        http = _Server(self._answer, self._turned_away, self._bounds.head_s)
        try:
            self._server = await loop.create_server(
                http,
                place.host,
                place.port,
                ssl=context,
                ssl_handshake_timeout=None if context is None else HANDSHAKE_S,
            )
        except OSError as error:
            wanted = shown(place.host, place.port)
            raise ListenerFailed(ADDRESS, f"{self._site.name}: {wanted}") from error
        self._http = http
        self.address = shown(place.host, self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Take no more, let what is being taken come to its answer, and end."""
        if self._server is None or self._http is None:
            return
        server, self._server = self._server, None
        server.close()
        await self._http.shutdown(CLOSE_S)
        await server.wait_closed()

    def _turned_away(self, peer: str, connections: int) -> bool:
        """Tell whether a connection is not taken."""
        if not self._place.admits(peer):
            self._site.tell(
                "refused", f"{self._site.name}: an address that may not connect: {peer}"
            )
            return True
        if connections >= self._place.connections:
            self._site.tell(
                "refused", f"{self._site.name}: there are {connections} connections already"
            )
            return True
        return False

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        incoming = Incoming(request, self._bounds)
        try:
            answer = await self._site.answer(incoming)
        except BroughtRefused as error:
            status = STATUSES.get(error.code.name, HTTPStatus.BAD_REQUEST)
            answer = self._site.refuse(status, reason_of(error))
            self._site.tell("refused", f"{self._site.name}: {error.code.name}")
        response = web.Response(
            status=answer.status,
            body=json.dumps(answer.document).encode(),
            headers={"Content-Type": answer.media_type, "Cache-Control": "no-store"},
        )
        response.headers.update(answer.headers)
        if not incoming.read and not incoming.is_empty:
            response.force_close()
        return response


class _Server(web.Server):
    """Makes connections that may be turned away."""

    def __init__(
        self,
        handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        turned_away: Callable[[str, int], bool],
        head_s: float,
    ) -> None:
        super().__init__(handle)
        self.turned_away = turned_away
        self.head_s = head_s

    def __call__(self) -> RequestHandler:
        return _Connection(self)


class _Connection(RequestHandler):
    """A connection that is not answered if it should not be there.

    aiohttp ends one that has no whole head when its time to be kept alive is over, the first head
    included (since 3.14).
    """

    __slots__ = ("_away", "_server")

    def __init__(self, server: _Server) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=server.head_s,
            logger=_SILENT,
            access_log=None,  # type: ignore[arg-type]  # as aiohttp's own runner gives it
            max_line_size=HEAD_OCTETS,
            max_field_size=HEAD_OCTETS,
            lingering_time=LINGER_S,
            auto_decompress=False,
        )
        self._server = server
        self._away = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = str((transport.get_extra_info("peername") or ("",))[0])
        self._away = self._server.turned_away(peer, len(self._server.connections))
        if not self._away:
            super().connection_made(transport)
        elif isinstance(transport, asyncio.Transport):
            transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        if not self._away:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._away:
            super().data_received(data)
