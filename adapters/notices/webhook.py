"""Notices as signed webhooks (Standard Webhooks 1.0), as deliveries go to a sink: same signature.

`webhook-id` is the notice's id, the same at each try. Whoever takes it knows the people: one
address takes the notices of all desks, or of those that are named.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from adapters.configured import Configured
from adapters.notices.errors import NOTICE_CONFIGURATION, NoticeFailed, NoticesMisconfigured
from adapters.sinks.errors import SinkFailed, SinkMisconfigured, SinkRefused
from adapters.sinks.port import HandOver
from adapters.sinks.webhook import WebhookSink, WebhookSinking
from adapters.wire.tls import ClientTls
from broker.clock import Clock
from broker.receipts.notices import Notice, To, document_of
from broker.records.names import desk_of


@dataclass(frozen=True, slots=True)
class WebhookNoticing(Configured):
    """How notices by webhook are configured.

    Attributes:
        name: what status calls it.
        url: where notices are posted to; https, but to this machine itself.
        secrets: file of secrets, `whsec_…`, one a line; each signs.
        desks: whose notices it takes; empty: everybody's.
        tls: whom it believes, and what it shows of itself.
        timeout_s: seconds that the other side has to answer.
    """

    name: str
    url: str
    secrets: Path
    desks: tuple[str, ...] = ()
    tls: ClientTls = field(default_factory=ClientTls)
    timeout_s: float = 30

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            NoticesMisconfigured: `notice.configuration`.
        """
        self.sinking()

    def sinking(self) -> WebhookSinking:
        """Return the same for a sink.

        Raises:
            NoticesMisconfigured: `notice.configuration`.
        """
        try:
            return WebhookSinking(
                self.name, self.url, self.secrets, frozenset(), self.tls, self.timeout_s
            )
        except SinkMisconfigured as error:
            raise NoticesMisconfigured(NOTICE_CONFIGURATION, error.where) from error


class WebhookChannel:
    """A `Channel`."""

    def __init__(self, config: WebhookNoticing, clock: Clock) -> None:
        """Take what it works with; nothing is opened yet."""
        self._config = config
        self._sink = WebhookSink(config.sinking(), clock)

    @property
    def name(self) -> str:
        """What configuration and status call it."""
        return self._config.name

    def reaches(self, desk: str, to: To) -> bool:  # noqa: ARG002 - the signature is Channel's
        """Tell whether it takes notices of this desk."""
        return not self._config.desks or desk_of(desk) in self._config.desks

    async def send(self, notice: Notice) -> None:
        """Send a notice; return when the other side has taken it.

        Raises:
            NoticeFailed: not now; to be tried again.
        """
        document = json.dumps(document_of(notice), sort_keys=True).encode()
        try:
            await self._sink.hand(HandOver(notice.id, None, document, frozenset()))
        except (SinkFailed, SinkRefused) as error:
            raise NoticeFailed(error.code, error.where, error.fix) from error

    async def close(self) -> None:
        """Give back connections."""
        await self._sink.close()
