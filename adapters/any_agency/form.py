"""Any agency: forms, as JSON or YAML, for what people write and ask.

One form, a list of forms, or `{"forms": […]}`. Each names its kind in `form`, the child in `child`
(what is about a person, a place or a group needs none), and may name its agency, which must be the
one that publishes it. A form is filled in by a person: `decidedBy` names the role of whoever
decided to share it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, TypeAlias

from adapters.any_agency import asking, casework, intelligence
from adapters.any_agency.filled import (
    HANDLING,
    NOBODY,
    PROTECTIONS,
    RECOGNITION,
    TELLING,
    URGENCIES,
    Filled,
    addressed,
    indicators,
    need,
    persons,
    same,
)
from adapters.concerns import EXPLOITATION, Concern, concern_saying
from adapters.dates import day_of, in_order, not_future
from adapters.drafting import Naming, Saying, draft
from adapters.errors import FIELD_CODE, FIELD_MISSING, OTHER_AGENCY, SHAPE, InputRefused
from adapters.format import Outcome, ReadContext, Unmapped, one_item
from adapters.identifiers import check
from adapters.sources.elements import ITEMS_LIMIT, Element
from adapters.sources.files import HEAD_BYTES
from adapters.sources.json_text import parse
from adapters.sources.text import glance
from adapters.sources.yaml_text import parse_yaml
from adapters.sui import identity
from broker.records.names import Kind

NAME = "form"

LINKS = same("on-roll", "registered", "allocated", "placed", "open-case")
ALERTS = same("protected-address", "safe-contact", "court-order", "not-visible-to")
HIDDEN_FROM = same("parent", "carer", "subject", "relative")
CATEGORIES = {"exploitation": EXPLOITATION}


def involvement(filled: Filled) -> Saying:
    """Map a link between agency and child.

    Raises:
        InputRefused: a field is missing or wrong.
    """
    form = filled.form
    kind = need(form.code("kind", LINKS), "kind")
    first, last = form.need_day("from"), form.day("until")
    in_order(first, last, "until")
    site = filled.inside("site")
    return Saying(
        type="involvement",
        natural_id=filled.natural_id("involvement", f"{kind}/{first}", None),
        kind=Kind.REGISTER,
        content={
            "link": {"kind": kind, "from": first, "until": last},
            "site": None
            if site is None
            else {name: site.text(name) for name in ("name", "address", "postcode")},
        },
    )


def alert(filled: Filled) -> Saying:
    """Map an alert.

    Raises:
        InputRefused: a field is missing or wrong.
    """
    form = filled.form
    kind = need(form.code("kind", ALERTS), "kind")
    who = form.codes("who", HIDDEN_FROM)
    if kind == "not-visible-to" and not who:
        raise InputRefused(FIELD_MISSING, "who")
    first, last = form.need_day("from"), form.day("until")
    in_order(first, last, "until")
    return Saying(
        type="alert",
        natural_id=filled.natural_id("alert", f"{kind}/{first}", None),
        kind=Kind.REGISTER,
        content={
            "alert": {"kind": kind, "from": first, "until": last, "who": who},
            "note": form.narrative("note"),
        },
        protections=("court-order",) if kind == "court-order" else (),
        urgent=True,
    )


def concern(filled: Filled) -> Saying:
    """Map what a professional has seen or been told.

    Raises:
        InputRefused: a field is missing or wrong.
    """
    form, at = filled.form, filled.context.at
    moment = form.instant("at")
    on = form.day("on")
    on = day_of(moment) if on is None and moment is not None else form.need_day("on")
    not_future(on, at, "on")
    account, summary = form.narrative("account"), form.narrative("shareableSummary")
    third = tuple({"role": one["role"], "name": one["name"]} for one in persons(filled))
    found = Concern(
        on=on,
        urgency=form.code("urgency", URGENCIES) or "routine",
        account=account,
        summary=summary,
        at=moment,
        seen_alone=form.flag("seenAlone"),
        voice=_voice(filled),
        third=third,
        indicators=tuple(indicators(filled)),
        facts=tuple(form.codes("categories", CATEGORIES)),
        protections=tuple(form.codes("protections", PROTECTIONS)),
        handling=form.code("handling", HANDLING) or "none",
        addressed_to=addressed(form),
        shareable=form.flag("summaryShareable"),
        third_party_checked=form.flag("thirdPartyChecked"),
    )
    return concern_saying(found, filled.natural_id("concern", str(on), [account, summary]))


Mapping: TypeAlias = Callable[[Filled], Saying]
FORMS: dict[str, Mapping] = {
    "involvement": involvement,
    "alert": alert,
    "concern": concern,
    **asking.FORMS,
    **casework.FORMS,
    **intelligence.FORMS,
}
"""Kind of form → its mapping."""


@dataclass(frozen=True, slots=True)
class Form:
    """A `Format`."""

    name: str = NAME
    agency_type: str | None = None
    streams: bool = False

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the port
        """Tell by the member that names the kind of form."""
        text = glance(head)
        if text[:1] in ("{", "["):
            return re.search(r'"forms?"\s*:', text) is not None
        return re.search(r"^(?:- )?\s*forms?:", text, re.MULTILINE) is not None

    def companions(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - of the port
        """Name none."""
        return ()

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:  # noqa: ARG002 - of the port
        """Yield what each form says.

        Raises:
            InputRefused: neither JSON nor YAML, or no form and no list of forms.
        """
        data = stream.read()
        text = glance(data[:HEAD_BYTES])
        document = (parse if text[:1] in ("{", "[") else parse_yaml)(data, context.encoding)
        if isinstance(document, dict) and "form" in document:
            document = [document]
        elif isinstance(document, dict):
            document = document.get("forms")
        if not isinstance(document, list) or len(document) > ITEMS_LIMIT:
            raise InputRefused(SHAPE, "forms")
        naming = Naming()
        for number, value in enumerate(document):
            place = f"forms[{number}]"
            yield from one_item(place, _map(value, place, naming, context))


def _map(value: object, place: str, naming: Naming, context: ReadContext) -> Iterator[Outcome]:
    form = Element(value, place)
    kind = need(form.text("form"), "form")
    mapping = FORMS.get(kind)
    if mapping is None:
        raise InputRefused(FIELD_CODE, "form")
    agency = form.text("agency")
    if agency is not None and not context.is_own(agency):
        raise InputRefused(OTHER_AGENCY, "agency")
    wrapper = form.element("child")
    if wrapper is not None:
        child = check(identity(wrapper), place, context.at)
        filled = Filled(form, [form, wrapper], child, context, naming)
    elif kind in intelligence.FORMS:
        child = NOBODY
        filled = Filled(form, [form], child, context, naming)
    else:
        raise InputRefused(FIELD_MISSING, "child")
    saying = mapping(filled)
    yield from child.warnings
    one = draft(child, saying, place, NAME, context)
    yield replace(one, decided_by=form.text("decidedBy"))
    left = {name for element in filled.objects for name in element.left()}
    yield Unmapped(tuple(sorted(left)))


def _voice(filled: Filled) -> dict[str, object] | None:
    voice = filled.inside("voice")
    if voice is None:
        return None
    return {
        "own_words": voice.narrative("ownWords"),
        "recognition": voice.code("recognition", RECOGNITION),
        "telling": voice.code("telling", TELLING),
        "wishes": voice.narrative("wishes"),
        "told_of_sharing": voice.flag("toldOfSharing"),
    }


FORMAT = Form()
