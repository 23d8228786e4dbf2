"""What a step of a scenario may do, read from its place in the file."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from adapters.dates import day_of
from adapters.drafting import PURPOSES
from adapters.identifiers import age_band
from adapters.registry import FORMATS
from broker.clock import DAY, HOUR, Instant
from broker.protocol.attributes import BY_NAME
from broker.protocol.documents import Spot
from broker.protocol.narrowing import Direction
from broker.records.names import SLOT_LABELS, AgencyId, Kind
from broker.records.schemas import RecordSchema
from broker.records.statement import Indicator
from broker.runtimes.answering import Answer
from broker.runtimes.scenarios.errors import KEY, REFERENCE, VALUE
from broker.runtimes.scenarios.known import Known
from broker.runtimes.scenarios.model import (
    Acknowledges,
    Action,
    Answers,
    Child,
    Lifts,
    Narrows,
    Says,
    Sheet,
)
from broker.runtimes.scenarios.values import coded, plain, slot_value

EPOCH = date(1970, 1, 1)
DUTY = "duty officer"
RETRACTION = "retraction"
REGISTERS = ("involvement", "alert", "court-order", "staff")
"""Types that are taken back by a retraction of their own type: the registers must learn of it."""

_USUAL = (Kind.RECORD, Kind.REGISTER, Kind.CORRECTION, Kind.RETRACTION, Kind.HISTORY)
"""What a record is where nothing is said: the first of these that its type can be."""

_LISTS = ("protections", "purpose", "roles", "facts", "addressed_to")
_FLAGS = ("summary_shareable", "third_party_checked")
_LABELS = ("indicators", "handling", "age_band", *_LISTS, *_FLAGS)
_STEP = ("kind", "child", "subject", "reference", "concerns", "content", "urgent", *_LABELS)
_NAMES = MappingProxyType(
    {
        "nhs_number": "nhsNumber",
        "upn": "upn",
        "council_id": "councilId",
        "given": "firstName",
        "family": "lastName",
        "date_of_birth": "dateOfBirth",
    }
)
"""Identifiers as forms and exports write them."""

_PLACE = re.compile(r"\{(?P<child>[\w-]+)\.(?P<what>\w+)\}", re.ASCII)

LINKS = BY_NAME["consumer.involvement"].codes
"""Kinds of link between an agency and a child."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What every action is read with.

    Attributes:
        known: the protocol.
        children: of the scenario.
        folder: of the file, for files beside it.
    """

    known: Known
    children: Mapping[str, Child]
    folder: Path

    def child(self, spot: Spot) -> Child:
        """Return a child by name.

        Raises:
            ProtocolTextError: `scenario.reference`.
        """
        found = self.children.get(spot.text())
        if found is None:
            fix = f"There are: {', '.join(self.children)}."
            spot.refuse(REFERENCE, f"there is no child {spot.text()}", fix)
        return found

    def form(self, spot: Spot) -> dict[str, Any]:
        """Return a form, the child's name in it replaced by who she is."""
        given = plain(spot)
        child = spot.map().get("child")
        if child is not None and isinstance(child.value, str):
            given["child"] = form_identity(self.child(child))
        return dict(given)

    def check_filled(self, spot: Spot, text: str) -> None:
        """Refuse a text that names a child whom the scenario does not have.

        Raises:
            ProtocolTextError: `scenario.reference`.
        """
        for found in _PLACE.finditer(text):
            if found["child"] not in self.children and found["what"] in _NAMES:
                fix = f"There are: {', '.join(self.children)}."
                spot.refuse(REFERENCE, f"there is no child {found['child']}", fix)

    def filled(self, text: str) -> str:
        """Return a text with `{amy.nhs_number}` and the like replaced by what they stand for."""
        for child in self.children.values():
            for name, value in asdict(child.identifiers).items():
                text = text.replace(f"{{{child.name}.{name}}}", value or "")
        return text


Steps: TypeAlias = Mapping[str, Action | None]
"""The steps before, by id, with what each does."""

Read: TypeAlias = Callable[[Reader, Spot, str, Steps, Instant], Action]
"""Takes reader, place, agency, the steps before, and the time."""


def form_identity(child: Child) -> dict[str, str]:
    """Return a child as forms write her."""
    said = asdict(child.identifiers)
    return {name: said[own] for own, name in _NAMES.items() if said[own] is not None}


def _earlier(
    spot: Spot, steps: Steps, kinds: tuple[type[Action], ...] = (Says, Sheet), does: str = ""
) -> str:
    name = spot.text()
    if name not in steps:
        known = ", ".join(steps) or "none"
        spot.refuse(REFERENCE, f"no step before this one has the id {name}", f"There are: {known}.")
    if not isinstance(steps[name], kinds):
        fix = "Name a step that does."
        spot.refuse(REFERENCE, f"the step {name} does not {does or 'publish a record'}", fix)
    return name


def _form(reader: Reader, spot: Spot, by: str, _ids: Steps, _at: Instant) -> Sheet:
    forms = spot.value if isinstance(spot.value, list) else [spot]
    data = json.dumps({"forms": [reader.form(one) for one in forms]}).encode()
    return Sheet(f"{by}.json", data, "form", kept_back=False, line=spot.line)


def _file(reader: Reader, spot: Spot, by: str, _ids: Steps, _at: Instant) -> Action:
    given = spot.fields((), ("path", "content", "name", "format", "kept_back"))
    if ("path" in given) == ("content" in given):
        spot.refuse(KEY, "must have either path or content")
    chosen = coded(given["format"], [one.name for one in FORMATS]) if "format" in given else None
    kept_back = given["kept_back"].flag() if "kept_back" in given else False
    if "path" in given:
        path = reader.folder / given["path"].text()
        if not path.is_file():
            given["path"].refuse(REFERENCE, f"there is no file {path.name} beside the scenario")
        text, name = path.read_text(encoding="utf-8"), path.name
    elif isinstance(given["content"].value, str):
        text, name = given["content"].value, f"{by}.txt"
    else:
        text, name = json.dumps(plain(given["content"])), f"{by}.json"
    name = given["name"].text() if "name" in given else name
    reader.check_filled(given.get("content", spot), text)
    return Sheet(
        Path(reader.filled(name)).name, reader.filled(text).encode(), chosen, kept_back, spot.line
    )


def _kept_back(reader: Reader, spot: Spot, by: str, ids: Steps, at: Instant) -> Action:
    return replace(_form(reader, spot, by, ids, at), kept_back=True)


def _record(reader: Reader, spot: Spot, by: str, ids: Steps, at: Instant) -> Action:
    given = spot.fields(("type",), _STEP)
    record_type = reader.known.record_type(given["type"])
    schema = reader.known.schemas[record_type]
    kinds = {one.word: one for one in sorted(schema.kinds, key=_USUAL.index)}
    kind = kinds[given["kind"].one_of(kinds)] if "kind" in given else next(iter(kinds.values()))
    child = reader.child(given["child"]) if "child" in given else None
    subject = schema.subject
    if "subject" in given:
        subject = coded(given["subject"], label_codes("subject"))
    if child is None and subject in {"child", "unborn"}:
        spot.refuse(KEY, "does not say whom it is about", "Add child.")
    content = {}
    for name, one in (given["content"].map() if "content" in given else {}).items():
        if name not in schema.by_name:
            fix = f"It has: {', '.join(schema.by_name)}."
            one.refuse(KEY, f"{record_type} has no part {name}", fix)
        content[name] = slot_value(one, schema.by_name[name].schema, "", schema.by_name[name].codes)
    return Says(
        record_type,
        kind,
        "" if child is None else child.name,
        subject,
        given["reference"].text() if "reference" in given else f"line {spot.line}",
        _earlier(given["concerns"], ids) if "concerns" in given else "",
        _labels(reader, given, by, child, at),
        content,
        given["urgent"].flag() if "urgent" in given else record_type == "alert",
        spot.line,
    )


def _labels(
    reader: Reader, given: Mapping[str, Spot], by: str, child: Child | None, at: Instant
) -> dict[str, Any]:
    agency = reader.known.revision.agreement.roster.agencies[AgencyId(by)]
    labels: dict[str, Any] = {"purpose": PURPOSES.get(agency.type, ("safeguarding",))}
    if child is not None:
        born = child.identifiers.date_of_birth
        days = None if born is None else (date.fromisoformat(born) - EPOCH).days
        labels["age_band"] = age_band(days, day_of(at))
    for name in _LISTS:
        if name in given:
            labels[name] = tuple(sorted(_codes(given[name], label_codes(name))))
    for one in given["addressed_to"].items() if "addressed_to" in given else ():
        reader.known.consumer(one, one.text())
    for name in _FLAGS:
        if name in given:
            labels[name] = given[name].flag()
    for name in ("handling", "age_band"):
        if name in given:
            labels[name] = coded(given[name], label_codes(name))
    if "indicators" in given:
        codes = indicator_codes(reader.known.head)
        found = [_indicator(one, at, codes) for one in given["indicators"].items()]
        labels["indicators"] = tuple(sorted(found, key=lambda one: (one.code, one.on)))
    return labels


def _codes(spot: Spot, codes: Sequence[str]) -> set[str]:
    return {coded(one, codes) if codes else one.text() for one in spot.items()}


def label_codes(name: str) -> tuple[str, ...]:
    """Return the codes that a label may hold; nothing if it may hold any text."""
    known = BY_NAME.get(f"labels.{name}")
    return () if known is None else known.codes


def indicator_codes(head: RecordSchema) -> tuple[str, ...]:
    """Return the codes of signs and vulnerabilities, as the head's schema has them."""
    (labels,) = [one for one in head.slots[SLOT_LABELS].schema if one != "null"]
    (field,) = [one for one in labels["fields"] if one["name"] == "indicators"]
    (code,) = [one for one in field["type"]["items"]["fields"] if one["name"] == "code"]
    return tuple(code["codes"])


def _indicator(spot: Spot, at: Instant, codes: Sequence[str]) -> Indicator:
    if not isinstance(spot.value, dict):
        return Indicator(coded(spot, codes), day_of(at), "fact")
    given = spot.fields(("code",), ("on", "basis"))
    on = given["on"].day() // DAY if "on" in given else day_of(at)
    basis = given["basis"].one_of(("fact", "opinion")) if "basis" in given else "fact"
    return Indicator(coded(given["code"], codes), on, basis)


def stated(child: Child, link: str, first: int, last: int | None, line: int) -> Says:
    """Return the record that says that an agency works with a child."""
    return Says(
        "involvement",
        Kind.REGISTER,
        child.name,
        "child",
        f"involvement/{child.name}/{link}",
        "",
        {},
        {"link": {"kind": link, "from": first, "until": last}, "site": None},
        urgent=False,
        line=line,
    )


def _involves(reader: Reader, spot: Spot, _by: str, _ids: Steps, at: Instant) -> Action:
    given = spot.fields(("child", "as"), ("from", "until"))
    first = given["from"].day() // DAY if "from" in given else day_of(at) - 30
    last = given["until"].day() // DAY if "until" in given else None
    if last is not None and last < first:
        given["until"].refuse(VALUE, "is before from", "Let it end on or after its first day.")
    link = coded(given["as"], LINKS)
    return stated(reader.child(given["child"]), link, first, last, spot.line)


def _alert(reader: Reader, spot: Spot, _by: str, _ids: Steps, at: Instant) -> Action:
    given = spot.fields(("child", "kind"), ("who", "from", "until", "note"))
    child = reader.child(given["child"])
    kind = coded(given["kind"], BY_NAME["alerts"].codes)
    for one in given["who"].items() if "who" in given else ():
        coded(one, BY_NAME["not_visible_to"].codes)
    said = {
        "kind": kind,
        "from": given["from"].day() // DAY if "from" in given else day_of(at),
        "until": given["until"].day() // DAY if "until" in given else None,
        "who": given["who"].texts() if "who" in given else [],
    }
    labels = {"protections": ("court-order",)} if kind == "court-order" else {}
    content: dict[str, Any] = {"alert": said}
    if "note" in given:
        content["note"] = given["note"].text()
    return Says(
        "alert",
        Kind.REGISTER,
        child.name,
        "child",
        f"alert/{child.name}/{kind}",
        "",
        labels,
        content,
        urgent=True,
        line=spot.line,
    )


def _retract(reader: Reader, spot: Spot, _by: str, ids: Steps, at: Instant) -> Action:
    given = spot.fields(("step", "reason"), ("tell",))
    step = _earlier(given["step"], ids)
    fields = _fields(reader.known.schemas[RETRACTION].by_name[RETRACTION].schema)
    withdrawn = {
        "reason": coded(given["reason"], fields["reason"]["codes"]),
        "on": day_of(at),
        "role": DUTY,
        "tell": coded(given["tell"], fields["tell"]["codes"]) if "tell" in given else "un-file",
    }
    return Says(
        RETRACTION,
        Kind.RETRACTION,
        "",
        "record",
        f"retraction/{step}",
        step,
        {},
        {RETRACTION: withdrawn},
        urgent=False,
        line=spot.line,
    )


def _fields(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - Avro
    """Return the fields of a slot that holds a record, by name."""
    (record,) = [one for one in kind if one != "null"]
    return {one["name"]: one for one in record["fields"]}


def _answer(_reader: Reader, spot: Spot, _by: str, ids: Steps, _at: Instant) -> Action:
    given = spot.fields(("to", "say"), ("reason", "role"))
    return Answers(
        _earlier(given["to"], ids),
        given["say"].one_of([one.value for one in Answer]),
        given["reason"].text() if "reason" in given else "as the scenario says",
        given["role"].text() if "role" in given else "safeguarding lead",
    )


def _narrow(reader: Reader, spot: Spot, _by: str, _ids: Steps, _at: Instant) -> Action:
    given = spot.fields(("direction",), ("with", "type", "clause", "hours", "reason"))
    return Narrows(
        given["direction"].one_of([one.value for one in Direction]),
        reader.known.consumer(given["with"], given["with"].text()) if "with" in given else "",
        reader.known.record_type(given["type"]) if "type" in given else "",
        reader.known.clauses(given["clause"])[0] if "clause" in given else "",
        given["hours"].number(1, 10 * 365 * DAY // HOUR) if "hours" in given else None,
        given["reason"].text() if "reason" in given else "",
    )


def _lift(_reader: Reader, spot: Spot, _by: str, ids: Steps, _at: Instant) -> Action:
    return Lifts(_earlier(spot, ids, (Narrows,), "narrow anything"))


def _acknowledge(_reader: Reader, spot: Spot, _by: str, _ids: Steps, _at: Instant) -> Action:
    if spot.value != "all":
        spot.refuse(VALUE, "must be all")
    return Acknowledges(DUTY)


ACTIONS: Mapping[str, Read] = MappingProxyType(
    {
        "form": _form,
        "kept_back": _kept_back,
        "file": _file,
        "record": _record,
        "involves": _involves,
        "alert": _alert,
        "retract": _retract,
        "answer": _answer,
        "narrow": _narrow,
        "lift": _lift,
        "acknowledge": _acknowledge,
    }
)
"""By the key that a step gives."""
