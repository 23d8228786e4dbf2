"""A file of FHIR resources: its entries, which of several versions counts, where references lead.

Rules:

1. A file is one resource or one Bundle of a type that states facts; requests (transaction, batch)
   and documents are refused.
2. Of several versions of one resource the newest counts: by `meta.lastUpdated` if each says it,
   then by `meta.versionId`, then by place (a history begins with the newest).
3. References are resolved inside the file, never over the network: contained, by the full address,
   relative to the address of the entry they stand in, else by type and id if only one entry has
   these (R4B, section 3.1.4.2 and 3.1.4.5).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from adapters.dates import iso_instant
from adapters.errors import FIELD_NUMBER, FIELD_TYPE, InputRefused
from adapters.health.errors import FHIR_BUNDLE, FHIR_REFERENCE, FHIR_TYPE
from adapters.health.fhir_tree import ADDRESS_LIMIT, Branch, Tree
from adapters.sources.elements import ITEMS_LIMIT

BUNDLE = "Bundle"
TYPES = frozenset({"collection", "message", "searchset", "history", "subscription-notification"})
"""Bundles that state facts; the last one is R5's and the backport guide's."""

ENTRY = frozenset({"id", "link", "fullUrl", "resource", "search", "request", "response"})
"""Members of an entry that are read, or tell how it came."""

DELETE = "DELETE"
UNSAID = -1
"""A time or version that an entry doesn't say."""

_HISTORY = re.compile(r"/_history/[^/]*$")
_TAIL = re.compile(r"(?:^|/)([A-Z][A-Za-z]{1,63}/[A-Za-z0-9.-]{1,64})$", re.ASCII)
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}", re.ASCII)
_VERSION = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One entry of a Bundle, or the one resource of a file.

    Attributes:
        place: the item.
        type: of the resource; empty if there is none.
        id: of the resource; empty if it has none.
        address: full address without a version; empty if it has none.
        resource: the resource; None if the entry has none.
        deleted: the entry says that the resource was deleted.
        rank: of its version: time of its last change in ms and version, each -1 if it doesn't say;
            place among the entries.
        fault: why the entry cannot be read; None if it can.
    """

    place: str
    type: str
    id: str
    address: str
    resource: Branch | None
    deleted: bool
    rank: tuple[int, int, int]
    fault: InputRefused | None = None

    @property
    def local(self) -> str:
        """Type and id, as relative references have them; empty without both."""
        if self.type and self.id:
            return f"{self.type}/{self.id}"
        match = _TAIL.search(self.address)
        return match[1] if match else ""

    @property
    def key(self) -> str:
        """What is the same for all versions of one resource, and for no other."""
        return self.address or self.local or self.place

    def newer(self, other: "Entry") -> bool:
        """Tell whether it is a newer version of the same resource than another one."""
        for own, its in zip(self.rank, other.rank, strict=True):
            if own != its and (own, its).count(UNSAID) == 0:
                return own > its
        return False


class Shelf:
    """The resources of one file."""

    def __init__(self, document: object, *, xml: bool) -> None:
        """Take a parsed file.

        Raises:
            InputRefused: `fhir.resource`, `fhir.bundle`, `field.…`.
        """
        self._xml = xml
        self._others: set[str] = set()
        members = _object(document, "file")
        if _type(members) == BUNDLE:
            self.bundle: Branch | None = Branch(members, BUNDLE, xml=xml)
            self.entries = tuple(self._of_bundle(self.bundle))
        elif _type(members):
            self.bundle = None
            self.entries = (self._alone(members),)
        else:
            raise InputRefused(FHIR_TYPE, "file")
        self._newest: dict[str, Entry] = {}
        for one in self.entries:
            last = self._newest.get(one.key)
            if last is None or one.newer(last):
                self._newest[one.key] = one
        self._locals: dict[str, list[Entry]] = {}
        for one in self._newest.values():
            self._locals.setdefault(one.local, []).append(one)

    def counts(self, entry: Entry) -> bool:
        """Tell whether an entry is the newest version of its resource in the file."""
        return self._newest[entry.key] is entry

    def left(self) -> set[str]:
        """Return names of what the Bundle and its entries hold beside resources."""
        return set() if self.bundle is None else {*self.bundle.left(), *self._others}

    def find(self, reference: str, entry: Entry, where: str) -> Branch | None:
        """Return what a reference in an entry leads to; None if the file does not hold it.

        Raises:
            InputRefused: `fhir.reference`: more than one resource.
        """
        if reference.startswith("#"):
            return self._contained(reference[1:], entry, where)
        plain = _HISTORY.sub("", reference)
        if "://" in plain or plain.startswith("urn:"):
            found = self._newest.get(plain)
            return None if found is None else found.resource
        tail = _TAIL.search(entry.address)
        if tail is not None:
            beside = self._newest.get(entry.address[: tail.start(1)] + plain)
            if beside is not None:
                return beside.resource
        several = self._locals.get(plain, []) if plain else []
        if len(several) > 1:
            raise InputRefused(FHIR_REFERENCE, where)
        return several[0].resource if several else None

    def _contained(self, name: str, entry: Entry, where: str) -> Branch | None:
        if entry.resource is None or not name:
            return None
        found = [one for one in entry.resource.many("contained") if one.text("id") == name]
        if len(found) > 1:
            raise InputRefused(FHIR_REFERENCE, where)
        return found[0] if found else None

    def _alone(self, members: Tree) -> Entry:
        return self._held(Branch(members, _type(members), xml=self._xml), _type(members), "", 0)

    def _of_bundle(self, bundle: Branch) -> Iterator[Entry]:
        said = bundle.text("type")
        if said not in TYPES:
            raise InputRefused(FHIR_BUNDLE, "Bundle.type")
        for name in ("meta", "total", "link", "timestamp", "identifier"):
            bundle.raw(name)
        entries = bundle.raw("entry")
        if entries is None:
            return
        if not isinstance(entries, list):
            raise InputRefused(FIELD_TYPE, "Bundle.entry")
        if len(entries) > ITEMS_LIMIT:
            raise InputRefused(FIELD_NUMBER, "Bundle.entry")
        for number, one in enumerate(entries):
            newer = len(entries) - number if said == "history" else number
            yield self._entry(one, f"entry[{number}]", newer)

    def _entry(self, value: object, place: str, newer: int) -> Entry:
        try:
            entry = Branch(_object(value, "entry"), "entry", xml=self._xml)
            entry.must_not_be_modified()
            self._others.update(entry.others(ENTRY))
            address = _HISTORY.sub("", entry.address("fullUrl") or "")
            request = entry.one("request")
            held = entry.one("resource")
            if held is None:
                deleted = request is not None and request.text("method") == DELETE
                url = None if request is None else request.address("url")
                answer = entry.one("response")
                at = UNSAID if answer is None else _instant(answer, "lastModified")
                address = address or _HISTORY.sub("", url or "")
                return Entry(
                    place, "", "", address, None, deleted=deleted, rank=(at, UNSAID, newer)
                )
            return self._held(held, place, address, newer)
        except InputRefused as error:
            return Entry(place, "", "", "", None, deleted=False, rank=(0, 0, 0), fault=error)

    def _held(self, held: Branch, place: str, address: str, newer: int) -> Entry:
        type_ = held.type
        if not type_:
            raise InputRefused(FHIR_TYPE, "entry.resource")
        if type_ == BUNDLE:
            raise InputRefused(FHIR_BUNDLE, "entry.resource")
        held.path = type_
        meta = held.one("meta")
        at = version = UNSAID
        if meta is not None:
            meta.raw("profile")
            meta.raw("source")
            at = _instant(meta, "lastUpdated")
            number = _quiet(meta, "versionId")
            version = int(number) if _VERSION.fullmatch(number) else UNSAID
        own = _quiet(held, "id")
        return Entry(place, type_, own, address, held, deleted=False, rank=(at, version, newer))


def _object(value: object, where: str) -> Tree:
    if not isinstance(value, dict):
        raise InputRefused(FHIR_TYPE, where)
    return value


def _type(members: Tree) -> str:
    said = members.get("resourceType")
    return said if isinstance(said, str) and _TYPE.fullmatch(said) else ""


def _quiet(branch: Branch, name: str) -> str:
    """Return a text that only orders or names; what is wrong with it harms nobody."""
    try:
        return branch.text(name, ADDRESS_LIMIT) or ""
    except InputRefused:
        return ""


def _instant(branch: Branch, name: str) -> int:
    said = _quiet(branch, name)
    try:
        return iso_instant(said, name)
    except InputRefused:
        return UNSAID
