"""What an agency's adapter does: `adapter.yaml` in the agency's folder.

    folders:
      - path: /srv/exports/attendance
        format: education-attendance-csv
        encoding: cp1252
    listeners:
      - kind: mllp
        name: admissions
        place: {port: 2575}
    sinks:
      - kind: folder
        name: case-system
        path: /srv/imports
        honours: [acknowledge-by]
    notices:
      - kind: mail
        name: mail
        host: smtp.eastshire.example
        sender: concordat@eastshire.example
        desks: {mash: mash@eastshire.example}

A path that is not absolute begins at the agency's folder. What a listener, a sink or a
channel of notices can be told is what its own dataclass holds; docs/listeners.md and
docs/notices.md say it in words.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from adapters.errors import InputRefused
from adapters.listening.errors import ListenerFailed
from adapters.listening.mllp import MllpListening
from adapters.notices.errors import NoticesMisconfigured
from adapters.notices.mail import MailNoticing
from adapters.registry import named
from adapters.sinks.errors import SinkMisconfigured
from adapters.sinks.folder import FolderSinking
from adapters.sinks.mllp import MllpSinking
from adapters.sources.text import VOUCHED
from adapters.sources.yaml_text import parse_yaml
from broker.errors import Code
from broker.protocol.clauses import Kind
from broker.runtimes.layout import InstallationError, Layout

if TYPE_CHECKING:  # needed for HTTP only, and an extra
    from adapters.listening.fhir_subscription import SubscriptionListening
    from adapters.listening.webhook import WebhookListening
    from adapters.notices.webhook import WebhookNoticing
    from adapters.sinks.webhook import WebhookSinking

    Listening = MllpListening | WebhookListening | SubscriptionListening
    Sinking = FolderSinking | MllpSinking | WebhookSinking
    Channelling = MailNoticing | WebhookNoticing

ABSENT = Code(
    "installation.adapter-absent",
    "This agency's adapter has no settings.",
    "Write its adapter.yaml; docs/adapter.md shows one.",
)
WRONG = Code(
    "installation.adapter-settings",
    "The settings of this agency's adapter cannot be used.",
    "Mend what is named; docs/adapter.md shows how it is written.",
)
NO_HTTP = Code(
    "installation.http",
    "A listener or sink over HTTP is configured, and the library for it is not installed.",
    "Install the distribution with its extra: concordat-broker[http].",
)

OBLIGATIONS = frozenset(one.value for one in Kind)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Watched:
    """A folder that is watched.

    Attributes:
        path: the folder.
        format: of its files; None: recognised.
        encoding: that somebody vouches for; None: found out.
    """

    path: Path
    format: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class AdapterSettings:
    """What an adapter does.

    Attributes:
        folders: that it watches.
        listeners: that it opens.
        sinks: that it hands over to.
        notices: channels by which its people are told what they owe.
    """

    folders: tuple[Watched, ...] = ()
    listeners: tuple["Listening", ...] = ()
    sinks: tuple["Sinking", ...] = ()
    notices: tuple["Channelling", ...] = ()


class _Folder(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    path: str = Field(min_length=1)
    format: str | None = None
    encoding: str | None = None


class _Kind(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    kind: str


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    folders: list[_Folder] = []
    listeners: list[_Kind] = []
    sinks: list[_Kind] = []
    notices: list[_Kind] = []


def read_adapter_settings(layout: Layout, agency: str) -> AdapterSettings:
    """Return what an agency's adapter does.

    Raises:
        InstallationError: `installation.adapter-absent`, `installation.adapter-settings`,
            `installation.http`.
        ListenerFailed: what a listener is told cannot be meant.
        SinkMisconfigured: what a sink is told cannot be meant.
        NoticesMisconfigured: what a channel of notices is told cannot be meant.
    """
    path = layout.adapter_settings(agency)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InstallationError(ABSENT, path.name) from error
    try:
        said = _Settings.model_validate(parse_yaml(data))
    except InputRefused as error:
        raise InstallationError(WRONG, f"{path.name}: {error.where}", error.fix) from error
    except ValidationError as error:
        raise _wrong(path.name, error) from error
    home = layout.agency(agency)
    found = AdapterSettings(
        _folders(path.name, home, said.folders),
        tuple(_each(f"{path.name}: listeners", home, said.listeners, _listening)),
        tuple(_each(f"{path.name}: sinks", home, said.sinks, _sinking)),
        tuple(_each(f"{path.name}: notices", home, said.notices, _channelling)),
    )
    if not (found.folders or found.listeners or found.sinks or found.notices):
        raise InstallationError(WRONG, f"{path.name}: no folder, no listener, no sink, no notices")
    names = [one.name for one in (*found.listeners, *found.sinks, *found.notices)]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise InstallationError(WRONG, f"{path.name}: the name {twice} twice")
    return found


def _folders(file: str, home: Path, said: Sequence[_Folder]) -> tuple[Watched, ...]:
    _known(file, [one.format for one in said])
    found = tuple(Watched(home / one.path, one.format, one.encoding) for one in said)
    if any(one.encoding not in {None, *VOUCHED} for one in found):
        raise InstallationError(WRONG, f"{file}: encoding")
    if len({one.path.resolve() for one in found}) < len(found):
        raise InstallationError(WRONG, f"{file}: one folder twice")
    return found


def _each(
    where: str, home: Path, said: Sequence[_Kind], kinds: Callable[[str], type[Value] | None]
) -> list[Value]:
    """Return what each entry of a section says, as the dataclass of its kind."""
    found = []
    for number, one in enumerate(said):
        place = f"{where}.{number}"
        try:
            kind = kinds(one.kind)
        except ModuleNotFoundError as error:
            raise InstallationError(NO_HTTP, place) from error
        if kind is None:
            raise InstallationError(WRONG, f"{place}.kind: {one.kind}")
        found.append(_one(place, home, one.model_extra or {}, kind))
    return found


def _one(place: str, home: Path, said: Mapping[str, Any], kind: type[Value]) -> Value:
    try:
        value: Value = _at_home(TypeAdapter(kind).validate_python(said), home)
    except ValidationError as error:
        raise _wrong(place, error) from error
    except (ListenerFailed, SinkMisconfigured, NoticesMisconfigured) as error:
        raise type(error)(error.code, f"{place}: {error.where}", error.fix) from error
    sources: tuple[Any, ...] = getattr(value, "sources", ())
    _known(place, [getattr(one, "format", None) for one in (value, *sources)])
    strange = sorted(getattr(value, "honours", frozenset()) - OBLIGATIONS)
    if strange:
        raise InstallationError(WRONG, f"{place}.honours: {strange[0]}")
    return value


def _known(place: str, formats: Sequence[str | None]) -> None:
    for one in formats:
        if one is not None:
            try:
                named(one)
            except InputRefused as error:
                raise InstallationError(WRONG, f"{place}: format {one}", error.fix) from error


def _at_home(value: Any, home: Path) -> Any:  # noqa: ANN401 - settings of any kind
    """Return settings whose paths, wherever they stand, begin at the agency's folder."""
    if isinstance(value, Path):
        return home / value
    if isinstance(value, tuple):
        return tuple(_at_home(one, home) for one in value)
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    fields = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    return dataclasses.replace(value, **{name: _at_home(one, home) for name, one in fields.items()})


def _listening(kind: str) -> type["Listening"] | None:
    # Imported only where one is configured: those over HTTP need an extra.
    if kind == "webhook":
        from adapters.listening.webhook import WebhookListening  # noqa: PLC0415 - an extra

        return WebhookListening
    if kind == "fhir_subscription":
        from adapters.listening.fhir_subscription import SubscriptionListening  # noqa: PLC0415 - an extra

        return SubscriptionListening
    return MllpListening if kind == "mllp" else None


def _sinking(kind: str) -> type["Sinking"] | None:
    if kind == "webhook":
        from adapters.sinks.webhook import WebhookSinking  # noqa: PLC0415 - as above

        return WebhookSinking
    kinds: Mapping[str, type[FolderSinking | MllpSinking]]
    kinds = {"folder": FolderSinking, "mllp": MllpSinking}
    return kinds.get(kind)


def _channelling(kind: str) -> type["Channelling"] | None:
    if kind == "webhook":
        from adapters.notices.webhook import WebhookNoticing  # noqa: PLC0415 - as above

        return WebhookNoticing
    return MailNoticing if kind == "mail" else None


def _wrong(where: str, error: ValidationError) -> InstallationError:
    first = error.errors()[0]
    place = ".".join(str(one) for one in first["loc"])
    return InstallationError(WRONG, f"{where}: {place}: {first['msg']}")
