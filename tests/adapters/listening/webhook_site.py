"""What the tests of the webhook listener share: a listener at work, and who asks it."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from adapters.listening.place import Place
from adapters.listening.seen import Before, SeenInMemory
from adapters.listening.web import WebBounds
from adapters.listening.webhook import WebhookListener, WebhookListening, WebhookSource
from adapters.wire.signature import ID_HEADER, SIGNATURE_HEADER, TIME_HEADER, signed
from broker.clock import SECOND, Instant
from broker.lanes import Unavailable
from tests.adapters.listening.support import (
    AT,
    Ears,
    FixedClock,
    Memory,
    listening,
    secret_file,
)

OLD, NEW, FOREIGN = (bytes([number]) * 32 for number in (1, 2, 3))
BODY = b'{"personalDetails": {}}'
NOW = AT // SECOND


def written(secret: bytes) -> str:
    return "whsec_" + base64.b64encode(secret).decode()


def headers(
    body: bytes = BODY, message_id: str = "m1", seconds: int = NOW, secret: bytes = NEW
) -> dict[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        ID_HEADER: message_id,
        TIME_HEADER: str(seconds),
        SIGNATURE_HEADER: signed([secret], message_id, seconds, body),
    }


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    document: Any


class Forgetful(SeenInMemory):
    """Can neither look nor note when it is told so."""

    def __init__(self) -> None:
        super().__init__()
        self.blind = self.dumb = False

    async def look(self, source: str, message_id: str, mark: bytes) -> Before:
        if self.blind:
            raise Unavailable("seen")
        return await super().look(source, message_id, mark)

    async def note(self, source: str, message_id: str, mark: bytes, at: Instant) -> None:
        if self.dumb:
            raise Unavailable("seen")
        await super().note(source, message_id, mark, at)


@dataclass
class Site:
    """A listener at work, and whoever asks it."""

    intake: Memory
    seen: Forgetful
    ears: Ears
    clock: FixedClock
    session: ClientSession
    port: int

    async def post(
        self,
        body: bytes | AsyncIterator[bytes] = BODY,
        head: Mapping[str, str] | None = None,
        path: str = "/school",
        method: str = "POST",
    ) -> Said:
        url = f"http://127.0.0.1:{self.port}{path}"
        sent = headers() if head is None else head
        async with self.session.request(method, url, data=body, headers=sent) as answer:
            return Said(answer.status, answer.headers, json.loads(await answer.read()))


@asynccontextmanager
async def site(
    folder: Path, bounds: WebBounds | None = None, place: Place | None = None
) -> AsyncIterator[Site]:
    secrets = secret_file(folder / "school.secrets", written(OLD), written(NEW))
    config = WebhookListening(
        "hooks",
        (
            WebhookSource("/school", secrets, "education-sui-json"),
            WebhookSource("/police", secrets, None, frozenset({"application/json"})),
        ),
        place or Place(),
        bounds or WebBounds(),
    )
    intake, seen, ears, clock = Memory(), Forgetful(), Ears(), FixedClock()
    listener = WebhookListener(config, intake, clock, seen, ears)
    async with listening(listener) as port, ClientSession() as session:
        yield Site(intake, seen, ears, clock, session, port)


def request(head: Mapping[str, str], *others: str, path: str = "/school") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: here", *others]
    lines += [f"{name}: {value}" for name, value in head.items()]
    return "\r\n".join((*lines, "", "")).encode()
