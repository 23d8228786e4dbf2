"""Signed webhooks (Standard Webhooks 1.0): each is answered when its records are safe.

200 means that everything a message gave is in the outbox, or was kept back by the agency's rule;
503 that nothing is and the sender shall send again; any other refusal that sending the same again
is of no use. A message that was captured is of no use to whoever plays it again: its timestamp is
signed and good for five minutes, and its id is remembered. It is remembered only after its records
are safe, so that what failed may come again; and a repetition is answered as the first time.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from adapters.configured import Configured
from adapters.intake import Heard, Intake
from adapters.listening.brought import Brought, Fate, Reason, bring, plain_reason, refusal
from adapters.listening.errors import (
    HEADERS,
    ID_REUSED,
    LISTENER_CONFIGURATION,
    MEDIA_TYPE,
    METHOD,
    NOT_NOW,
    PATH,
    SIGNATURE,
    STALE,
    BroughtRefused,
    ListenerFailed,
)
from adapters.listening.place import Place
from adapters.listening.seen import Before, Seen, content_mark
from adapters.listening.web import Answer, Incoming, WebBounds, WebServer, items_of, problem
from adapters.wire.secret_file import SecretFile
from adapters.wire.signature import (
    ID_HEADER,
    SIGNATURE_HEADER,
    TIME_HEADER,
    TOLERANCE_S,
    is_id,
    seconds_of,
    secret_of,
    verified,
)
from broker.clock import SECOND, Clock
from broker.errors import ConcordatError

MEDIA_TYPES = frozenset(
    {
        "application/json",
        "application/xml",
        "application/yaml",
        "application/fhir+json",
        "application/fhir+xml",
        "application/hl7-v2",
        "application/octet-stream",
        "text/csv",
        "text/plain",
        "text/xml",
    }
)
"""Types of what formats read. A type says nothing about the format, which is configured."""


@dataclass(frozen=True, slots=True)
class WebhookSource(Configured):
    """Who brings content to one path.

    Attributes:
        path: begins with `/`.
        secrets: file of its secrets, `whsec_…`, one a line.
        format: format of what it brings; None: recognised.
        media_types: types of content that it may send.
    """

    path: str
    secrets: Path
    format: str | None = None
    media_types: frozenset[str] = MEDIA_TYPES


@dataclass(frozen=True, slots=True)
class WebhookListening(Configured):
    """How a listener for webhooks is configured.

    Attributes:
        name: what status calls it.
        sources: who brings content, each to a path of its own.
        place: where it listens, and who may come.
        bounds: of one request.
    """

    name: str
    sources: tuple[WebhookSource, ...]
    place: Place = field(default_factory=Place)
    bounds: WebBounds = field(default_factory=WebBounds)

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ListenerFailed: `listener.configuration`.
        """
        paths = [one.path for one in self.sources]
        if not paths or len(set(paths)) != len(paths):
            raise ListenerFailed(LISTENER_CONFIGURATION, "sources: each needs a path of its own")
        if not all(one.startswith("/") for one in paths):
            raise ListenerFailed(LISTENER_CONFIGURATION, "path: begins with /")


class WebhookListener:
    """A `Listener`."""

    def __init__(
        self,
        config: WebhookListening,
        intake: Intake,
        clock: Clock,
        seen: Seen,
        heard: Heard = lambda *_: None,
    ) -> None:
        """Take what it works with; nothing is opened yet.

        Args:
            config: how.
            intake: what makes messages safe.
            clock: what timestamps are held against.
            seen: remembers what was taken.
            heard: is told what happens.
        """
        self._config = config
        self._intake = intake
        self._clock = clock
        self._seen = seen
        self._heard = heard
        self._server = WebServer(config.place, config.bounds, self)
        self._sources = {
            one.path: (one, SecretFile(one.secrets, secret_of)) for one in config.sources
        }

    @property
    def name(self) -> str:
        """What configuration and status call it."""
        return self._config.name

    @property
    def address(self) -> str:
        """Where it listens, once it does; empty before."""
        return self._server.address

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            ListenerFailed: `listener.address`.
            WireFilesUnfit: a file of secrets or a certificate cannot be used.
        """
        for _, secrets in self._sources.values():
            secrets.current()
        await self._server.start()

    async def close(self) -> None:
        """Take no more, let what is being taken come to its answer, and end."""
        await self._server.close()

    def tell(self, what: str, sentence: str) -> None:
        """Tell whoever watches the listener."""
        self._heard(what, sentence)

    def refuse(self, status: HTTPStatus, reason: Reason) -> Answer:
        """Word a refusal: RFC 9457."""
        said = problem(status, reason)
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            return Answer(said.status, said.document, said.media_type, {"Allow": "POST"})
        return said

    async def answer(self, incoming: Incoming) -> Answer:
        """Answer a request.

        Raises:
            BroughtRefused: it is refused, whatever its content is.
        """
        if incoming.path not in self._sources:
            raise BroughtRefused(PATH, "path")
        if incoming.method != "POST":
            raise BroughtRefused(METHOD, "method")
        source, secrets = self._sources[incoming.path]
        message_id, timestamp, signature = self._signing(incoming)
        if incoming.media_type not in source.media_types:
            raise BroughtRefused(MEDIA_TYPE, "Content-Type")
        try:
            valid = secrets.current()
        except ConcordatError as error:
            return self._worded(refusal(error))
        body = await incoming.body()
        if not verified(signature, valid, message_id, timestamp, body):
            raise BroughtRefused(SIGNATURE, SIGNATURE_HEADER)
        return self._worded(await self._take(source, message_id, body))

    def _signing(self, incoming: Incoming) -> tuple[str, str, str]:
        """Return the three headers; the timestamp is not far from now, and not yet verified."""
        message_id = incoming.header(ID_HEADER) or ""
        timestamp = incoming.header(TIME_HEADER) or ""
        signature = incoming.header(SIGNATURE_HEADER) or ""
        seconds = seconds_of(timestamp)
        if not is_id(message_id) or not signature:
            raise BroughtRefused(HEADERS, ID_HEADER if signature else SIGNATURE_HEADER)
        if seconds is None:
            raise BroughtRefused(HEADERS, TIME_HEADER)
        if abs(self._clock.now() - seconds * SECOND) > TOLERANCE_S * SECOND:
            raise BroughtRefused(STALE, TIME_HEADER)
        return message_id, timestamp, signature

    async def _take(self, source: WebhookSource, message_id: str, body: bytes) -> Brought:
        mark = content_mark(body)
        try:
            before = await self._seen.look(source.path, message_id, mark)
        except ConcordatError as error:
            return refusal(error)
        if before is Before.OTHER:
            raise BroughtRefused(ID_REUSED, ID_HEADER)
        if before is Before.TAKEN:
            return Brought(Fate.SAFE)
        brought = await bring(self._intake, body, self.name, source.format)
        if brought.fate is Fate.SAFE:
            try:
                await self._seen.note(source.path, message_id, mark, self._clock.now())
            except ConcordatError as error:
                # Its records are safe, and are known when it comes again.
                return refusal(error)
        return brought

    def _worded(self, brought: Brought) -> Answer:
        self._heard(brought.fate.value, f"{self.name}: {brought.sentence}")
        if brought.fate is Fate.SAFE:
            return Answer(HTTPStatus.OK, counts_of(brought))
        if brought.fate is Fate.LATER:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, plain_reason(NOT_NOW), retry=True)
        reason, *others = brought.reasons
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, reason, tuple(others))


def counts_of(brought: Brought) -> dict[str, object]:
    """Return what is answered about safe content: counts, and items that were rejected."""
    taken = brought.taken
    if taken is None:
        return {"taken": "before"}
    return {
        "taken": "now",
        "read": taken.account.read,
        "new": taken.signed,
        "known": taken.already,
        "kept_back": taken.kept_back,
        "rejected": items_of(brought.reasons),
    }
