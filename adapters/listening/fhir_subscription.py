"""Notifications of a FHIR server's subscription (R4 rest-hook, and the R5 Backport's Bundles).

A resource comes as `PUT <path>/<type>/<id>` or as POST, events as a Bundle by POST. The
subscription is known by the secret in its channel's header, `Authorization: Bearer …`. What is safe
is answered with 200; what is not now with 503, and the server sends again; what never will be with
422. A notification without content is answered with 200 and named, for there is nothing to take:
its subscription wants a payload (`application/fhir+json`, `full-resource`). Sources: FHIR R4
Subscription; Subscriptions R5 Backport 1.1.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from adapters.configured import Configured
from adapters.errors import InputRefused
from adapters.intake import Heard, Intake
from adapters.listening.brought import (
    Brought,
    Fate,
    Reason,
    bring,
    plain_reason,
    refusal,
)
from adapters.listening.errors import (
    LISTENER_CONFIGURATION,
    MEDIA_TYPE,
    METHOD,
    NOT_NOW,
    PATH,
    RESOURCE,
    TOKEN,
    BroughtRefused,
    ListenerFailed,
)
from adapters.listening.place import Place
from adapters.listening.web import RETRY_S, Answer, Incoming, WebBounds, WebServer
from adapters.wire.fhir_notice import Sort, read_notice
from adapters.wire.secret_file import SecretFile, bearer, matches_any
from broker.errors import ConcordatError

FHIR_JSON = "application/fhir+json"
JSON_TYPES = frozenset({FHIR_JSON, "application/json"})
XML_TYPES = frozenset({"application/fhir+xml", "application/xml"})
CODES = "urn:concordat:error"
"""System of our codes in an OperationOutcome."""

ISSUES = {
    HTTPStatus.UNAUTHORIZED: "login",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "not-supported",
    HTTPStatus.REQUEST_TIMEOUT: "timeout",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too-long",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "not-supported",
    HTTPStatus.SERVICE_UNAVAILABLE: "transient",
}
"""IssueType (FHIR R4) of each status; `invalid` for what is not here."""


@dataclass(frozen=True, slots=True)
class SubscriptionListening(Configured):
    """How a listener for subscriptions is configured.

    Attributes:
        name: what status calls it.
        secrets: file of the channel's secrets, one a line.
        path: the channel's endpoint; begins with `/`.
        format: format of what comes; None: recognised.
        place: where it listens, and who may come.
        bounds: of one request.
    """

    name: str
    secrets: Path
    path: str = "/fhir"
    format: str | None = "health-fhir"
    place: Place = field(default_factory=Place)
    bounds: WebBounds = field(default_factory=WebBounds)

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ListenerFailed: `listener.configuration`.
        """
        if not self.path.startswith("/") or self.path.endswith("/"):
            raise ListenerFailed(LISTENER_CONFIGURATION, "path: begins with /, and ends without")


class SubscriptionListener:
    """A `Listener`."""

    def __init__(
        self, config: SubscriptionListening, intake: Intake, heard: Heard = lambda *_: None
    ) -> None:
        """Take what it works with; nothing is opened yet.

        Args:
            config: how.
            intake: what makes content safe.
            heard: is told what happens.
        """
        self._config = config
        self._intake = intake
        self._heard = heard
        self._secrets = SecretFile(config.secrets, bearer)
        self._server = WebServer(config.place, config.bounds, self)

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
            WireFilesUnfit: the file of secrets or a certificate cannot be used.
        """
        self._secrets.current()
        await self._server.start()

    async def close(self) -> None:
        """Take no more, let what is being taken come to its answer, and end."""
        await self._server.close()

    def tell(self, what: str, sentence: str) -> None:
        """Tell whoever watches the listener."""
        self._heard(what, sentence)

    def refuse(self, status: HTTPStatus, reason: Reason) -> Answer:
        """Word a refusal: an OperationOutcome."""
        headers = {
            HTTPStatus.METHOD_NOT_ALLOWED: {"Allow": "POST, PUT"},
            HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
            HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": str(RETRY_S)},
        }.get(status, {})
        return _outcome(status, [_issue("error", ISSUES.get(status, "invalid"), reason)], headers)

    async def answer(self, incoming: Incoming) -> Answer:
        """Answer a request.

        Raises:
            BroughtRefused: it is refused, whatever its content is.
        """
        named = self._named(incoming)
        try:
            valid = self._secrets.current()
        except ConcordatError as error:
            return self._worded(refusal(error))
        if not matches_any(_token(incoming), valid):
            raise BroughtRefused(TOKEN, "Authorization")
        content = b"" if incoming.is_empty else await incoming.body()
        if not content and not named:
            return self._without_content(Sort.EMPTY)
        return await self._notified(incoming.media_type, content, named)

    def _named(self, incoming: Incoming) -> tuple[str, ...]:
        """Return type and id that the path names; nothing for the endpoint itself."""
        path = self._config.path
        if incoming.path != path and not incoming.path.startswith(path + "/"):
            raise BroughtRefused(PATH, "path")
        named = tuple(incoming.path.removeprefix(path).strip("/").split("/"))
        if named == ("",):
            named = ()
        if incoming.method != ("PUT" if named else "POST"):
            raise BroughtRefused(METHOD, "method")
        if len(named) not in (0, 2):
            raise BroughtRefused(PATH, "path")
        return named

    async def _notified(self, media_type: str, content: bytes, named: tuple[str, ...]) -> Answer:
        if media_type not in JSON_TYPES | XML_TYPES:
            raise BroughtRefused(MEDIA_TYPE, "Content-Type")
        try:
            notice = read_notice(content, xml=media_type in XML_TYPES)
        except InputRefused as error:
            return self._worded(refusal(error))
        if named and named != (notice.type, notice.id):
            raise BroughtRefused(RESOURCE, "resource type and id")
        if notice.sort is not Sort.CONTENT:
            return self._without_content(notice.sort)
        config = self._config
        return self._worded(await bring(self._intake, content, self.name, config.format))

    def _without_content(self, sort: Sort) -> Answer:
        self._heard(sort.value, f"{self.name}: a notification without content: {sort.value}")
        said = Reason(sort.value, "", f"The notification is: {sort.value}.", "Nothing was taken.")
        return _outcome(HTTPStatus.OK, [_issue("information", "informational", said)])

    def _worded(self, brought: Brought) -> Answer:
        self._heard(brought.fate.value, f"{self.name}: {brought.sentence}")
        if brought.fate is Fate.LATER:
            return self.refuse(HTTPStatus.SERVICE_UNAVAILABLE, plain_reason(NOT_NOW))
        if brought.fate is Fate.NEVER:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            return _outcome(status, [_issue("error", "invalid", one) for one in brought.reasons])
        safe = Reason("accepted", "", "The content is safe.", brought.sentence)
        issues = [_issue("warning", "invalid", one) for one in brought.reasons]
        return _outcome(HTTPStatus.OK, [_issue("information", "informational", safe), *issues])


def _token(incoming: Incoming) -> bytes:
    scheme, _, token = (incoming.header("Authorization") or "").partition(" ")
    return token.strip().encode("utf-8", "surrogateescape") if scheme.lower() == "bearer" else b""


def _issue(severity: str, code: str, reason: Reason) -> dict[str, object]:
    details = {"coding": [{"system": CODES, "code": reason.code}], "text": reason.sentence}
    return {
        "severity": severity,
        "code": code,
        "details": details,
        "diagnostics": f"{reason.where}: {reason.fix}" if reason.where else reason.fix,
    }


def _outcome(
    status: HTTPStatus, issues: list[dict[str, object]], headers: dict[str, str] | None = None
) -> Answer:
    document = {"resourceType": "OperationOutcome", "issue": issues}
    return Answer(status.value, document, FHIR_JSON, headers or {})
