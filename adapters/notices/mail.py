"""Notices by e-mail: SMTP (RFC 5321) with STARTTLS (RFC 3207) or TLS from the start (RFC 8314).

Nothing is sent in the clear but to this machine itself. The message's id is the notice's, the same
at each try. `Auto-Submitted` (RFC 3834) keeps answering machines from answering.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from adapters.configured import Configured
from adapters.notices.errors import (
    NOTICE_AWAY,
    NOTICE_CONFIGURATION,
    NOTICE_NOT_NOW,
    NOTICE_REFUSED,
    NOTICE_UNSAFE,
    NoticeFailed,
    NoticesMisconfigured,
)
from adapters.wire.secret_file import SecretFile
from adapters.wire.tls import ClientTls
from broker.clock import SECOND, Clock
from broker.errors import ConcordatError
from broker.receipts.notices import Notice, To, subject_of, text_of
from broker.records.names import desk_of

STARTTLS, TLS, PLAIN = "starttls", "tls", "plain"
PORTS: Mapping[str, int] = {STARTTLS: 587, TLS: 465, PLAIN: 25}
"""Ports of submission (RFC 6409, RFC 8314), and of a relay on this machine."""

PERMANENT = 500
"""Replies from here on say that trying again as it is will not help (RFC 5321, 4.2.1)."""

_LOCAL = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class MailNoticing(Configured):
    """How notices by e-mail are configured.

    Attributes:
        name: what status calls it.
        host: the mail server.
        sender: address that notices come from.
        security: starttls, tls, or plain, which only this machine itself may be spoken to in.
        port: of the server; None: the usual one.
        user: for the login; None: no login.
        password: file of one line, which only its owner can read.
        desks: desk → address, `mash: mash@eastshire.example`.
        managers: desk → address of its manager.
        otherwise: address for whoever has none above; None: nobody.
        page: address of a page that shows the agency's duties.
        tls: whom it believes.
        timeout_s: seconds that the server has for each answer.
    """

    name: str
    host: str
    sender: str
    security: str = STARTTLS
    port: int | None = None
    user: str | None = None
    password: Path | None = None
    desks: dict[str, str] = field(default_factory=dict)
    managers: dict[str, str] = field(default_factory=dict)
    otherwise: str | None = None
    page: str | None = None
    tls: ClientTls = field(default_factory=ClientTls)
    timeout_s: float = 30

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            NoticesMisconfigured: `notice.configuration`.
        """
        if self.security not in PORTS:
            raise NoticesMisconfigured(NOTICE_CONFIGURATION, f"security: {', '.join(PORTS)}")
        if self.security == PLAIN and self.host not in _LOCAL:
            raise NoticesMisconfigured(NOTICE_CONFIGURATION, "security: starttls or tls")
        if (self.user is None) != (self.password is None):
            raise NoticesMisconfigured(NOTICE_CONFIGURATION, "user and password")
        if not self.timeout_s > 0:
            raise NoticesMisconfigured(NOTICE_CONFIGURATION, "timeout_s")
        addresses = {"sender": self.sender, "otherwise": self.otherwise}
        addresses |= {f"desks.{desk}": one for desk, one in self.desks.items()}
        addresses |= {f"managers.{desk}": one for desk, one in self.managers.items()}
        for place, one in addresses.items():
            if one is not None and not is_address(one):
                raise NoticesMisconfigured(NOTICE_CONFIGURATION, f"{place}: no address")
        if not (self.desks or self.managers or self.otherwise):
            raise NoticesMisconfigured(NOTICE_CONFIGURATION, "desks, managers, otherwise: nobody")

    def address(self, desk: str, to: To) -> str | None:
        """Return where a desk, `agency/desk`, or its manager reads mail; None if nobody said."""
        said = self.managers if to is To.MANAGER else self.desks
        return said.get(desk_of(desk), self.otherwise)


def is_address(text: str) -> bool:
    """Tell whether a text is one mail address and nothing more."""
    if not (text.isascii() and text.isprintable()) or " " in text:
        return False
    try:
        found = Address(addr_spec=text)
    except (MessageError, IndexError, ValueError):
        return False
    return bool(found.username and found.domain)


class MailChannel:
    """A `Channel`."""

    def __init__(self, config: MailNoticing, clock: Clock) -> None:
        """Take what it works with; nothing is opened yet."""
        self._config = config
        self._clock = clock
        self._password = None
        if config.password is not None:
            self._password = SecretFile(config.password, _password)

    @property
    def name(self) -> str:
        """What configuration and status call it."""
        return self._config.name

    def reaches(self, desk: str, to: To) -> bool:
        """Tell whether somebody's address is known."""
        return self._config.address(desk, to) is not None

    async def send(self, notice: Notice) -> None:
        """Send a notice; return when the server has taken it.

        Raises:
            NoticeFailed: not now; to be tried again.
        """
        message = self.message(notice)
        try:
            password = None if self._password is None else self._password.current()[0].decode()
            context = None if self._config.security == PLAIN else self._config.tls.context()
        except ConcordatError as error:
            raise NoticeFailed(error.code, error.where, error.fix) from error
        # The library waits for the server, so it waits in a thread of its own.
        await asyncio.to_thread(self._deliver, message, context, password)

    def message(self, notice: Notice) -> EmailMessage:
        """Return the message of a notice: the same at each try."""
        config = self._config
        address = config.address(notice.desk, notice.to)
        if address is None:
            raise NoticeFailed(NOTICE_CONFIGURATION, f"no address of {notice.desk}")
        message = EmailMessage(policy=SMTP)
        message["From"] = config.sender
        message["To"] = address
        message["Subject"] = subject_of(notice)
        message["Date"] = datetime.fromtimestamp(self._clock.now() / SECOND, UTC)
        message["Message-ID"] = f"<{notice.id}@{config.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text_of(notice, config.page), cte="quoted-printable")
        return message

    def _deliver(
        self, message: EmailMessage, context: ssl.SSLContext | None, password: str | None
    ) -> None:
        try:
            with self._connection(context) as server:
                if self._config.user is not None and password is not None:
                    server.login(self._config.user, password)
                server.send_message(message)
        except ssl.SSLError:
            raise NoticeFailed(NOTICE_UNSAFE, "certificate") from None
        except smtplib.SMTPNotSupportedError:
            raise NoticeFailed(NOTICE_UNSAFE, self._config.security) from None
        except smtplib.SMTPRecipientsRefused as error:
            statuses = [status for status, _ in error.recipients.values()]
            raise _refused("address", max(statuses, default=0)) from None
        except smtplib.SMTPResponseException as error:
            raise _refused(_step(error), error.smtp_code) from None
        except (smtplib.SMTPException, OSError) as error:
            # Without its cause, which may quote what the server said.
            raise NoticeFailed(NOTICE_AWAY, type(error).__name__) from None

    def _connection(self, context: ssl.SSLContext | None) -> smtplib.SMTP:
        config = self._config
        port = PORTS[config.security] if config.port is None else config.port
        if config.security == TLS:
            return smtplib.SMTP_SSL(config.host, port, timeout=config.timeout_s, context=context)
        server = smtplib.SMTP(config.host, port, timeout=config.timeout_s)
        try:
            if context is not None:
                server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server

    async def close(self) -> None:
        """Do nothing: a connection lasts as long as one notice."""


def _password(line: str) -> bytes:
    return line.encode("ascii")


def _step(error: smtplib.SMTPResponseException) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "login"
    return "sender" if isinstance(error, smtplib.SMTPSenderRefused) else "message"


def _refused(step: str, status: int) -> NoticeFailed:
    code = NOTICE_REFUSED if status >= PERMANENT else NOTICE_NOT_NOW
    return NoticeFailed(code, f"{step}: status {status}")
