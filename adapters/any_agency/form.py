"""Any agency: the JSON form for involvement, alert and concern.

One form, a list of forms, or `{"forms": […]}`. Each names its kind in `form`, the child in `child`,
and may name its agency, which must be the one that publishes it. A form is filled in by a person:
`decidedBy` names the role of whoever decided to share it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, TypeAlias

from adapters.dates import day_of, in_order, not_future
from adapters.drafting import Naming, Saying, draft
from adapters.errors import FIELD_CODE, FIELD_MISSING, OTHER_AGENCY, SHAPE, InputRefused
from adapters.format import Outcome, ReadContext, Unmapped, one_item
from adapters.health.protected import protections
from adapters.identifiers import Child, check
from adapters.sources.elements import ITEMS_LIMIT, Element
from adapters.sources.json_text import parse
from adapters.sources.text import glance
from adapters.sui import identity
from broker.records.names import Kind
from broker.records.statement import Indicator

NAME = "form"


def _same(*codes: str) -> dict[str, str]:
    return {code.casefold(): code for code in codes}


LINKS = _same("on-roll", "registered", "allocated", "placed", "open-case")
ALERTS = _same("protected-address", "safe-contact", "court-order", "not-visible-to")
HIDDEN_FROM = _same("parent", "carer", "subject", "relative")
URGENCIES = _same("immediate", "today", "routine")
ROLES = _same("suspect", "relative", "carer", "professional")
BASES = _same("fact", "opinion")
RECOGNITION = _same("none", "partial", "clear")
TELLING = _same("hidden", "signs-and-symptoms", "prompted", "purposeful")
HANDLING = _same("none", "P", "C")
PROTECTIONS = _same("sexual-health", "court-order")
CATEGORIES = {"exploitation": "concern:exploitation"}
INDICATORS = _same(
    "chaotic-household", "history-of-abuse", "bereavement-or-loss", "gang-association",
    "school-with-exploited-children", "learning-disability", "sexual-orientation-undisclosed",
    "friends-exploited", "homeless", "lacks-friends-of-own-age", "gang-neighbourhood",
    "residential-care", "hostel-or-bed-and-breakfast", "low-self-esteem", "young-carer", "missing",
    "physical-injury", "drug-or-alcohol-misuse", "offending", "repeat-sexual-health",
    "absent-from-school", "change-in-appearance", "online-vulnerability", "estranged-from-family",
    "unexplained-gifts", "recruiting-others", "poor-mental-health", "self-harm",
    "suicidal-thoughts-or-attempts",
)  # fmt: skip
"""What a form may name; the list stands in schemas/head and a test compares the two."""

_CONSUMER = re.compile(r"[a-z0-9-]{1,63}(/[a-z0-9-]{1,63})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Filled:
    """A form while it is mapped.

    Attributes:
        form: the form itself.
        objects: all objects in it, for what is left over.
        child: whom it is about.
        context: what else is known.
        naming: natural ids of this file.
    """

    form: Element
    objects: list[Element]
    child: Child
    context: ReadContext
    naming: Naming

    def inside(self, name: str) -> Element | None:
        """Return an object inside the form.

        Raises:
            InputRefused: it is no object.
        """
        element = self.form.element(name)
        if element is not None:
            self.objects.append(element)
        return element

    def natural_id(self, record_type: str, rest: str, item: object) -> str:
        """Return the form's reference, else an id made from what it says."""
        reference = self.form.text("reference")
        if reference is not None:
            return f"{record_type}/{reference}"
        return self.naming.name(f"{record_type}/{self.child.local_subject}/{rest}", item)


def involvement(filled: Filled) -> Saying:
    """Map a link between agency and child.

    Raises:
        InputRefused: a field is missing or wrong.
    """
    form = filled.form
    kind = _need(form.code("kind", LINKS), "kind")
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
    kind = _need(form.code("kind", ALERTS), "kind")
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
    urgency = form.code("urgency", URGENCIES) or "routine"
    account, summary = form.narrative("account"), form.narrative("shareableSummary")
    if account is None and summary is None:
        raise InputRefused(FIELD_MISSING, "account")
    shareable = form.flag("summaryShareable")
    persons = [Element(value, "persons") for value in form.entries("persons")]
    filled.objects.extend(persons)
    third = [{"role": p.code("role", ROLES), "name": p.text("name")} for p in persons]
    said = [account, summary]
    return Saying(
        type="concern",
        natural_id=filled.natural_id("concern", str(on), said),
        on=on,
        content={
            "concern": {
                "on": on,
                "at": moment,
                "urgency": urgency,
                "seen_alone": form.flag("seenAlone"),
            },
            "account": account,
            "voice": _voice(filled),
            "shareable_summary": summary,
            "third_party": third or None,
        },
        indicators=tuple(_indicators(filled)),
        facts=(
            *form.codes("categories", CATEGORIES),
            *(("concern:immediate",) if urgency == "immediate" else ()),
        ),
        roles=tuple(role for one in third if (role := one["role"]) is not None),
        protections=(*form.codes("protections", PROTECTIONS), *protections(account, summary)),
        handling=form.code("handling", HANDLING) or "none",
        addressed_to=_addressed(form),
        summary_shareable=shareable if summary is not None else None,
        third_party_checked=form.flag("thirdPartyChecked"),
        urgent=urgency == "immediate",
    )


Mapping: TypeAlias = Callable[[Filled], Saying]
FORMS: dict[str, Mapping] = {"involvement": involvement, "alert": alert, "concern": concern}


@dataclass(frozen=True, slots=True)
class Form:
    """A `Format`."""

    name: str = NAME
    agency_type: str | None = None

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the port
        """Tell by the member that names the kind of form."""
        text = glance(head)
        return text[:1] in ("{", "[") and re.search(r'"forms?"\s*:', text) is not None

    def companions(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - of the port
        """Name none."""
        return ()

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:  # noqa: ARG002 - of the port
        """Yield what each form says.

        Raises:
            InputRefused: not JSON, or no form and no list of forms.
        """
        document = parse(stream.read(), context.encoding)
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
    kind = _need(form.text("form"), "form")
    mapping = FORMS.get(kind)
    if mapping is None:
        raise InputRefused(FIELD_CODE, "form")
    agency = form.text("agency")
    if agency is not None and not context.is_own(agency):
        raise InputRefused(OTHER_AGENCY, "agency")
    wrapper = form.element("child")
    if wrapper is None:
        raise InputRefused(FIELD_MISSING, "child")
    child = check(identity(wrapper), place, context.at)
    filled = Filled(form, [form, wrapper], child, context, naming)
    saying = mapping(filled)
    yield from child.warnings
    one = draft(child, saying, place, NAME, context)
    yield replace(one, decided_by=form.text("decidedBy"))
    left = {name for element in filled.objects for name in element.left()}
    yield Unmapped(tuple(sorted(left)))


def _need(value: str | None, field: str) -> str:
    if value is None:
        raise InputRefused(FIELD_MISSING, field)
    return value


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


def _indicators(filled: Filled) -> Iterator[Indicator]:
    for value in filled.form.entries("indicators"):
        one = Element(value, "indicators")
        filled.objects.append(one)
        code = _need(one.code("code", INDICATORS), "indicators.code")
        basis = _need(one.code("basis", BASES), "indicators.basis")
        on = not_future(one.need_day("on"), filled.context.at, "indicators.on")
        yield Indicator(code, on, basis)


def _addressed(form: Element) -> tuple[str, ...]:
    consumers = form.texts("addressedTo")
    if any(_CONSUMER.fullmatch(consumer) is None for consumer in consumers):
        raise InputRefused(FIELD_CODE, "addressedTo")
    return tuple(consumers)


FORMAT = Form()
