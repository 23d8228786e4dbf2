"""What the entries of the `protocol` topic say: one value a kind, made from and read as plain JSON.

A body is read strictly: every field there, of its kind, and none beside. Making a body and reading
it again give the same value.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from broker.clock import FOREVER, Instant
from broker.protocol.entries import Entry
from broker.protocol.errors import ENTRY, EntryRefused
from broker.protocol.narrowing import Direction
from broker.protocol.roster import Agency, Desk, read_hours
from broker.records.keys import Change, Use
from broker.records.names import AgencyId, KeyId, is_agency_id

ROUTER = AgencyId("router")
"""Who holds the broker's own sealing keys."""

LOG = AgencyId("log")
"""Who holds the keys that sign checkpoints."""

NEVER = Instant(0)
_HASH_BYTES = 32
MOST_TEXT = 2_000
"""Characters of a text in a body: a reason is a paragraph."""


@dataclass(frozen=True, slots=True)
class RootBody:
    """A root file."""

    root: bytes

    def plain(self) -> dict[str, Any]:
        """Return the body."""
        return {"kind": "root", "root": b64encode(self.root).decode()}


@dataclass(frozen=True, slots=True)
class RevisionBody:
    """A revision, and which one it follows.

    Attributes:
        number: from 1.
        previous: digest of the revision before; empty for the first one.
        digest: of this one.
        bundle: it, packed.
    """

    number: int
    previous: bytes
    digest: bytes
    bundle: bytes

    def plain(self) -> dict[str, Any]:
        """Return the body."""
        return {
            "kind": "revision",
            "number": self.number,
            "previous": self.previous.hex(),
            "digest": self.digest.hex(),
            "bundle": b64encode(self.bundle).decode(),
        }


@dataclass(frozen=True, slots=True)
class KeyBody:
    """What happens to a key.

    Attributes:
        holder: an agency, `router` or `log`.
        change: add, retire, revoke or compromised.
        use: sign, seal or witness.
        key_id: which key.
        key: raw public key where it is added; else empty.
        since: for compromised: from when on it may have been in other hands; else 0.
    """

    holder: AgencyId
    change: Change
    use: Use
    key_id: KeyId
    key: bytes = b""
    since: Instant = NEVER

    def plain(self) -> dict[str, Any]:
        """Return the body; its kind follows from the holder."""
        body: dict[str, Any] = {
            "change": self.change.value,
            "key_id": self.key_id.hex(),
            "key": self.key.hex(),
            "since": self.since,
        }
        if self.holder in {ROUTER, LOG}:
            return {"kind": f"{self.holder}-key", **body}
        return {"kind": "agency-key", "agency": self.holder, "use": self.use.value, **body}


@dataclass(frozen=True, slots=True)
class NarrowingBody:
    """A restriction; see `broker.protocol.narrowing`. `until` is FOREVER for one without an end."""

    agency: AgencyId
    direction: Direction
    counterpart: str = ""
    type: str = ""
    clause: str = ""
    until: Instant = FOREVER
    reason: str = ""
    telephone: str = ""

    def plain(self) -> dict[str, Any]:
        """Return the body."""
        return {
            "kind": "narrowing",
            "agency": self.agency,
            "direction": self.direction.value,
            "counterpart": self.counterpart,
            "type": self.type,
            "clause": self.clause,
            "until": self.until,
            "reason": self.reason,
            "telephone": self.telephone,
        }


@dataclass(frozen=True, slots=True)
class LiftBody:
    """The end of a narrowing."""

    narrowing: str

    def plain(self) -> dict[str, Any]:
        """Return the body."""
        return {"kind": "lift", "narrowing": self.narrowing}


@dataclass(frozen=True, slots=True)
class RosterBody:
    """An agency's desks as they are from now on; which desks there are, only a revision changes."""

    agency: AgencyId
    desks: tuple[Desk, ...]

    def plain(self) -> dict[str, Any]:
        """Return the body."""
        return {
            "kind": "roster",
            "agency": self.agency,
            "desks": [
                {
                    "id": desk.id,
                    "name": desk.name,
                    "hours": desk.hours.said,
                    "telephone": desk.telephone,
                    "out_of_hours": desk.out_of_hours,
                    "manager": desk.manager,
                }
                for desk in self.desks
            ],
        }

    def fits(self, agency: Agency) -> bool:
        """Tell whether these are the desks that the agency has."""
        return {desk.id for desk in self.desks} == agency.desks.keys()


Body = RootBody | RevisionBody | KeyBody | NarrowingBody | LiftBody | RosterBody


def body_of(entry: Entry) -> Body:
    """Return what an entry says.

    Raises:
        EntryRefused: `protocol.entry.shape`.
    """
    plain = dict(entry.body)
    try:
        body = _read(entry.kind, plain)
    except (KeyError, ValueError, TypeError, AttributeError, Base64Error) as error:
        raise EntryRefused(ENTRY, f"{entry.kind}: a field") from error
    # What reading did not look at, making does not give back: one check for every field too many.
    if body.plain() != plain:
        _refuse(entry.kind)
    return body


def _refuse(kind: str) -> NoReturn:
    raise EntryRefused(ENTRY, f"{kind}: fields")


def _read(kind: str, plain: Mapping[str, Any]) -> Body:
    match kind:
        case "root":
            return RootBody(b64decode(plain["root"], validate=True))
        case "revision":
            return RevisionBody(
                _number(plain["number"]),
                _digest(plain["previous"]) if plain["previous"] else b"",
                _digest(plain["digest"]),
                b64decode(plain["bundle"], validate=True),
            )
        case "agency-key" | "router-key" | "log-key":
            return _key(kind, plain)
        case "narrowing":
            return NarrowingBody(
                _agency(plain["agency"]),
                Direction(plain["direction"]),
                _text(plain["counterpart"]),
                _text(plain["type"]),
                _text(plain["clause"]),
                Instant(_number(plain["until"])),
                _text(plain["reason"]),
                _text(plain["telephone"]),
            )
        case "lift":
            return LiftBody(_text(plain["narrowing"]))
        case _:
            return RosterBody(_agency(plain["agency"]), tuple(_desk(one) for one in plain["desks"]))


def _key(kind: str, plain: Mapping[str, Any]) -> KeyBody:
    holder, use = {
        "router-key": (ROUTER, Use.SEAL),
        "log-key": (LOG, Use.SIGN),
    }.get(kind, (None, None))
    change = Change(plain["change"])
    key = _digest(plain["key"]) if change is Change.ADD else b""
    since = _number(plain["since"]) if change is Change.COMPROMISED else 0
    return KeyBody(
        holder or _agency(plain["agency"]),
        change,
        use or Use(plain["use"]),
        KeyId(_digest(plain["key_id"])),
        key,
        Instant(since),
    )


def _desk(plain: Mapping[str, Any]) -> Desk:
    hours = read_hours(_text(plain["hours"]))
    if hours is None:
        raise ValueError("hours")
    texts = {name: _text(value) for name, value in plain.items() if name != "hours"}
    return Desk(hours=hours, **texts)


def _agency(value: Any) -> AgencyId:  # noqa: ANN401 - a JSON value
    if not is_agency_id(value) or value in {ROUTER, LOG}:
        raise ValueError("agency")
    return AgencyId(value)


def _digest(value: str) -> bytes:
    raw = bytes.fromhex(value)
    if len(raw) != _HASH_BYTES or raw.hex() != value:
        raise ValueError("32 bytes in hex")
    return raw


def _number(value: Any) -> int:  # noqa: ANN401 - a JSON value
    if type(value) is not int or not 0 <= value <= FOREVER:
        raise ValueError("number")
    return value


def _text(value: Any) -> str:  # noqa: ANN401 - a JSON value
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        raise ValueError("text")
    return value
