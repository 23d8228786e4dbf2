"""Deliveries as signed webhooks (Standard Webhooks 1.0): POST of the document as it is.

`webhook-id` is the delivery's id, the same at each try, by which the other side knows a repetition.
A delivery has been handed over when the other side answers with a status of success, and not
before. Redirects are not followed: content would go where nobody configured it to go.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar

from adapters.configured import Configured
from adapters.sinks.errors import (
    AWAY,
    NOT_NOW,
    SINK_CONFIGURATION,
    WILL_NOT,
    SinkFailed,
    SinkMisconfigured,
    SinkRefused,
)
from adapters.sinks.port import HandOver
from adapters.wire.secret_file import SecretFile
from adapters.wire.signature import ID_HEADER, SIGNATURE_HEADER, TIME_HEADER, secret_of, signed
from adapters.wire.tls import ClientTls
from broker.clock import SECOND, Clock, Instant
from broker.errors import ConcordatError

REFUSED = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS,
    }
)
"""Statuses that speak of this very delivery, so that trying again is of no use. All others but 2xx
speak of the other side or of the way there (401, 404, 410, a redirect, 5xx): no delivery is to
blame, and each waits until somebody has mended that."""

LONGEST_WAIT_S = 24 * 3600
"""Seconds that a Retry-After is believed: nobody means to be left alone for longer."""

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
_LOCAL = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class WebhookSinking(Configured):
    """How a sink of webhooks is configured.

    Attributes:
        name: what status calls it.
        url: where deliveries are posted to; https, but to this machine itself.
        secrets: file of secrets, `whsec_…`, one a line; each signs.
        honours: kinds of obligations that the system behind it keeps.
        tls: whom it believes, and what it shows of itself.
        timeout_s: seconds that the other side has to answer.
    """

    name: str
    url: str
    secrets: Path
    honours: frozenset[str] = frozenset()
    tls: ClientTls = field(default_factory=ClientTls)
    timeout_s: float = 30

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            SinkMisconfigured: `sink.configuration`.
        """
        try:
            parts = urlsplit(self.url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise SinkMisconfigured(SINK_CONFIGURATION, "url") from error
        if not host or parts.username is not None or parts.scheme not in ("https", "http"):
            raise SinkMisconfigured(SINK_CONFIGURATION, "url: https://host/path")
        if parts.scheme == "http" and host not in _LOCAL:
            raise SinkMisconfigured(SINK_CONFIGURATION, "url: https, beyond this machine")
        if not self.timeout_s > 0:
            raise SinkMisconfigured(SINK_CONFIGURATION, "timeout_s")


class WebhookSink:
    """A `Sink`."""

    def __init__(self, config: WebhookSinking, clock: Clock) -> None:
        """Take what it works with; nothing is opened yet.

        Args:
            config: how.
            clock: for timestamps.
        """
        self._config = config
        self._clock = clock
        self._secrets = SecretFile(config.secrets, secret_of)
        self._session: ClientSession | None = None

    @property
    def name(self) -> str:
        """What configuration and status call it."""
        return self._config.name

    @property
    def honours(self) -> frozenset[str]:
        """Kinds of obligations that the system behind it keeps, as its agency declares."""
        return self._config.honours

    async def hand(self, one: HandOver) -> None:
        """Hand a delivery over; return when the other side has it for good.

        Raises:
            SinkFailed: not now; to be tried again.
            SinkRefused: the other side will not take this one.
        """
        try:
            tls = self._config.tls.context() if self._session is None else None
            secrets = self._secrets.current()
        except ConcordatError as error:
            raise SinkFailed(error.code, error.where, error.fix) from error
        if self._session is None:
            self._session = ClientSession(
                cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=self._config.timeout_s),
                auto_decompress=False,
            )
            self._tls = tls
        seconds = self._clock.now() // SECOND
        headers = {
            "Content-Type": "application/json",
            ID_HEADER: one.delivery,
            TIME_HEADER: str(seconds),
            SIGNATURE_HEADER: signed(secrets, one.delivery, seconds, one.document),
        }
        try:
            async with self._session.post(
                self._config.url,
                data=one.document,
                headers=headers,
                allow_redirects=False,
                ssl=self._tls or True,
            ) as answer:
                self._heed(answer)
        except (TimeoutError, ClientError, OSError) as error:
            # Without its cause, which may quote what came.
            raise SinkFailed(AWAY, type(error).__name__) from None

    def _heed(self, answer: ClientResponse) -> None:
        """Return if an answer says that the other side has the delivery."""
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return
        where = f"status {answer.status}"
        if answer.status in REFUSED:
            raise SinkRefused(WILL_NOT, where)
        wait = retry_after_s(answer.headers.get("Retry-After", ""), self._clock.now())
        raise SinkFailed(NOT_NOW, where, retry_after_s=wait)

    async def close(self) -> None:
        """Give back connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()


def retry_after_s(said: str, now: Instant) -> float | None:
    """Return for how many seconds a Retry-After asks; None if it says nothing that is understood.

    Args:
        said: seconds, or a date of HTTP (RFC 9110, section 10.2.3).
        now: what a date is held against.
    """
    text = said.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return min(max(aware.timestamp() - now / SECOND, 0.0), LONGEST_WAIT_S)
