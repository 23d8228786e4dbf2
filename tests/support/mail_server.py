"""A mail server that keeps what it gets, in a thread of its own; with STARTTLS, TLS or neither."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import SMTP
from typing import Any


@dataclass
class MailServer:
    """What a mail server was told, and what it is to answer.

    Attributes:
        context: of its certificate; None: it offers no encryption.
        at_once: it speaks TLS from the first byte on.
        answers: what it answers to a command, in place of the usual.
        got: messages.
        lines: commands that it was given, in order.
        port: where it listens.
    """

    context: ssl.SSLContext | None = None
    at_once: bool = False
    answers: dict[str, str] = field(default_factory=dict)
    got: list[EmailMessage] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    port: int = 0


class _Talk(socketserver.StreamRequestHandler):
    told: MailServer

    def handle(self) -> None:
        with suppress(OSError, ssl.SSLError):
            if self.told.at_once:
                self._encrypt()
            self._say("220 mail.example")
            while line := self.rfile.readline().decode("ascii").strip():
                self.told.lines.append(line.upper())
                if not self._answer(line):
                    return

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.rfile.close()
        self.request.close()

    def _answer(self, line: str) -> bool:
        verb = line.split(" ", maxsplit=1)[0].split(":", maxsplit=1)[0].upper()
        if verb in self.told.answers:
            self._say(self.told.answers[verb])
            return True
        if verb == "EHLO":
            tls = self.told.context is not None and not isinstance(self.request, ssl.SSLSocket)
            self._say("250-mail.example")
            if tls:
                self._say("250-STARTTLS")
            self._say("250 AUTH PLAIN")
        elif verb == "STARTTLS":
            self._say("220 go on")
            self._encrypt()
        elif verb == "AUTH":
            self._say("235 welcome")
        elif verb == "DATA":
            self._say("354 go on")
            self._take()
        elif verb == "QUIT":
            self._say("221 bye")
            return False
        else:
            self._say("250 ok")
        return True

    def _take(self) -> None:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        found: Message = BytesParser(policy=SMTP).parsebytes(b"".join(lines))
        assert isinstance(found, EmailMessage)
        self.told.got.append(found)
        self._say("250 taken")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def _encrypt(self) -> None:
        assert self.told.context is not None
        self.request = self.told.context.wrap_socket(self.request, server_side=True)
        self.rfile = self.request.makefile("rb")
        self.wfile = _Whole(self.request)  # type: ignore[assignment]  # writes is all it must


class _Whole:
    """Writes all of what it is given."""

    def __init__(self, socket: ssl.SSLSocket) -> None:
        self._socket = socket

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def flush(self) -> None: ...

    def close(self) -> None: ...

    closed = False


@contextmanager
def mail_server(**told: Any) -> Iterator[MailServer]:  # noqa: ANN401 - fields of `MailServer`
    """Run one until the block ends."""
    made = MailServer(**told)
    handler = type("Talk", (_Talk,), {"told": made})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        made.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
