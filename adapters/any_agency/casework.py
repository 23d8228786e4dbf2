"""Forms about a child's case: voice, named professional, return interview, court order."""

from collections.abc import Callable

from adapters.any_agency.filled import (
    PROTECTIONS,
    RECOGNITION,
    TELLING,
    Filled,
    addressed,
    indicators,
    need,
    persons,
    place_of,
    roles_of,
    same,
)
from adapters.dates import in_order, not_future
from adapters.drafting import Saying
from broker.records.names import Kind

ASKED = same("not-asked", "asked-openly", "asked-directly", "spoke-unasked")
COMMUNICATION = same("none", "interpreter", "sign-language", "easy-words", "advocate", "other")
BARRIERS = same(
    "not-believed-before",
    "fear-of-the-person",
    "fear-for-family",
    "loyalty",
    "shame",
    "nobody-asked",
    "did-not-know-it-was-abuse",
    "fear-of-police",
    "fear-of-being-moved",
    "language",
    "too-many-workers",
)
SHARING = same("agrees", "agrees-in-part", "objects", "not-asked", "cannot-say")
WHY_NOT_TOLD = same("would-add-risk", "could-not-be-reached", "too-young", "not-yet")
HELP = same("cause", "symptoms-only", "none")
OFFERS = same("accepted", "declined", "not-offered", "not-reached")
REASONS = same(
    "home",
    "school",
    "friends",
    "contact-with-family",
    "relationship",
    "exploitation",
    "substance",
    "mental-health",
    "placement",
    "not-told",
)
ORDERS = same(
    "care",
    "interim-care",
    "emergency-protection",
    "recovery",
    "child-arrangements",
    "prohibited-steps",
    "non-molestation",
    "wardship",
    "reporting-restriction",
    "disclosure",
    "secure-accommodation",
)
SAYS = same("forbids", "requires", "nothing")
OFFER_FACTS = {
    "accepted": "return:accepted",
    "declined": "return:declined",
    "not-reached": "return:declined",
    "not-offered": "return:not-offered",
}


def voice(filled: Filled) -> Saying:
    """Map what a child said and wants, and what she was told.

    A child who objects to sharing is a protection of her record: a named person decides.

    Raises:
        InputRefused: a field is missing or wrong.
    """
    form = filled.form
    on = not_future(form.need_day("on"), filled.context.at, "on")
    sharing, told = form.code("wishSharing", SHARING) or "not-asked", form.flag("toldOfSharing")
    adult, words = filled.inside("trustedAdult"), form.narrative("ownWords")
    told_on, help_ = form.day("toldOn"), form.code("helpRelatedTo", HELP)
    wants = {"not_with": form.narrative("notWith"), "next": form.narrative("wantsNext")}
    return Saying(
        type="voice",
        natural_id=filled.natural_id("voice", str(on), words),
        on=on,
        content={
            "observed": {
                "on": on,
                "recognition": form.code("recognition", RECOGNITION),
                "telling": form.code("telling", TELLING),
                "how_asked": form.code("howAsked", ASKED),
                "seen_alone": form.flag("seenAlone"),
                "communication": form.code("communication", COMMUNICATION),
            },
            "own_words": words,
            "barriers": form.codes("barriers", BARRIERS) or None,
            "wishes": {"sharing": sharing},
            "trusted_adult": None
            if adult is None
            else {"role": adult.text("role"), "known_as": adult.text("knownAs")},
            "told": {
                "what_is_shared": told,
                "why_not": form.code("whyNotTold", WHY_NOT_TOLD),
                "on": told_on,
            },
            "help": None if help_ is None else {"related_to": help_},
            "wants": wants if any(wants.values()) else None,
            "feedback": form.narrative("feedback"),
        },
        indicators=tuple(indicators(filled)),
        facts=("voice:told" if told else "voice:not-told",),
        protections=(
            *form.codes("protections", PROTECTIONS),
            *(("child-objects",) if sharing == "objects" else ()),
        ),
        roles=() if adult is None else ("professional",),
        summary_shareable=form.flag("shareable"),
        third_party_checked=form.flag("thirdPartyChecked"),
    )


def named_professional(filled: Filled) -> Saying:
    """Map who is a child's named professional, and to whom she is handed over.

    Raises:
        InputRefused: a field is missing or wrong.
    """
    form = filled.form
    first, last = form.need_day("from"), form.day("until")
    in_order(first, last, "until")
    role, to = need(form.text("role"), "role"), form.text("handedTo")
    person = filled.inside("person")
    return Saying(
        type="named-professional",
        natural_id=filled.natural_id("named-professional", f"{role}/{first}", None),
        content={
            "post": {
                "role": role,
                "from": first,
                "until": last,
                "handed_to": to,
                "child_was_told": form.flag("childWasTold"),
            },
            "person": None
            if person is None
            else {name: person.text(name) for name in ("name", "telephone", "email")},
            "office": place_of(filled, "office"),
        },
        facts=("professional:handover",) if to is not None else (),
        addressed_to=tuple({*addressed(form), *((to,) if to is not None else ())}),
    )


def return_interview(filled: Filled) -> Saying:
    """Map the interview of a child who came back, or that there was none.

    Raises:
        InputRefused: a field is missing or wrong.
    """
    form = filled.form
    accepted = need(form.code("accepted", OFFERS), "accepted")
    back, offered, held = form.instant("returnedAt"), form.instant("offeredAt"), form.day("heldOn")
    third, summary = persons(filled), form.narrative("shareableSummary")
    return Saying(
        type="return-interview",
        natural_id=filled.natural_id("return-interview", f"{back}/{held}", None),
        on=held,
        content={
            "interview": {
                "returned_at": back,
                "offered_at": offered,
                "accepted": accepted,
                "held_on": held,
                "held_by": form.text("heldBy"),
                "independent": form.flag("independent"),
            },
            "reasons": form.codes("reasons", REASONS) or None,
            "account": form.narrative("account"),
            "place": place_of(filled, "place"),
            "third_party": third or None,
            "shareable_summary": summary,
        },
        indicators=tuple(indicators(filled)),
        facts=(OFFER_FACTS[accepted],),
        protections=tuple(form.codes("protections", PROTECTIONS)),
        roles=roles_of(third),
        summary_shareable=form.flag("summaryShareable") if summary is not None else None,
        third_party_checked=form.flag("thirdPartyChecked"),
    )


def court_order(filled: Filled) -> Saying:
    """Map an order of a court, and what it says of sharing.

    Raises:
        InputRefused: a field is missing or wrong; an order that requires names nobody.
    """
    form = filled.form
    first, last = form.need_day("from"), form.day("until")
    in_order(first, last, "until")
    says, to = form.code("says", SAYS) or "nothing", form.text("names")
    if says == "requires":
        need(to, "names")
    kind, third = need(form.code("kind", ORDERS), "kind"), persons(filled)
    return Saying(
        type="court-order",
        natural_id=filled.natural_id("court-order", f"{kind}/{first}", None),
        kind=Kind.REGISTER,
        content={
            "order": {
                "kind": kind,
                "court": need(form.text("court"), "court"),
                "from": first,
                "until": last,
                "says": says,
                "addressed": to,
            },
            "terms": form.narrative("terms"),
            "third_party": third or None,
        },
        facts=() if says == "nothing" else (f"order:{says}",),
        roles=roles_of(third),
        addressed_to=addressed(form),
        third_party_checked=form.flag("thirdPartyChecked"),
        urgent=True,
    )


FORMS: dict[str, Callable[[Filled], Saying]] = {
    "voice": voice,
    "named-professional": named_professional,
    "return-interview": return_interview,
    "court-order": court_order,
}
