"""Forms of people who ask, answer, tell by telephone, and say what was done."""

from collections.abc import Callable, Mapping

from adapters.any_agency.filled import URGENCIES, Filled, addressed, need, same
from adapters.dates import not_future
from adapters.drafting import Saying
from adapters.errors import FIELD_CODE, FIELD_MISSING, InputRefused
from broker.clock import Instant
from broker.records.digests import ID_BYTES

PURPOSES = same(
    "section-47-enquiry",
    "strategy-discussion",
    "assessment",
    "missing-child",
    "profile",
    "court",
    "other",
)
RESULTS = same("content", "nothing-held", "refused")
REASONS = same(
    "not-lawful",
    "more-detrimental",
    "third-party",
    "live-investigation",
    "child-objects",
    "not-this-agency",
)
ACTIONS = same(
    "no-further-action",
    "early-help",
    "section-17",
    "section-47",
    "strategy-discussion",
    "police-investigation",
    "disruption",
    "support-offered",
)
NO_ACTION = same(
    "threshold-not-met",
    "already-helped",
    "moved-away",
    "could-not-be-found",
    "information-wrong",
    "other",
)
ACTION_FACTS: Mapping[str, str] = {
    "no-further-action": "action:none",
    "early-help": "action:early-help",
    "section-17": "action:section-17",
    "section-47": "action:section-47",
    "strategy-discussion": "action:section-47",
}


def information_request(filled: Filled) -> Saying:
    """Map a question to others: to whom, why, under which power, until when.

    Raises:
        InputRefused: a field is missing or wrong.
    """
    form = filled.form
    purpose = need(form.code("purpose", PURPOSES), "purpose")
    urgency = form.code("urgency", URGENCIES) or "routine"
    by, question = _instant(filled, "neededBy"), form.narrative("question")
    to = addressed(form)
    if not to:
        raise InputRefused(FIELD_MISSING, "addressedTo")
    facts = [
        *(("request:section-47",) if purpose == "section-47-enquiry" else ()),
        *(("request:immediate",) if urgency == "immediate" else ()),
    ]
    return Saying(
        type="information-request",
        natural_id=filled.natural_id("information-request", f"{purpose}/{by}", [question, to]),
        content={
            "request": {
                "purpose": purpose,
                "gateway": need(form.text("gateway"), "gateway"),
                "needed_by": by,
                "urgency": urgency,
            },
            "question": need(question, "question"),
            "record_types": form.texts("recordTypes") or None,
        },
        facts=tuple(facts),
        addressed_to=to,
        urgent=bool(facts),
    )


def information_response(filled: Filled) -> Saying:
    """Map the answer to a request, which it names by its record id.

    Raises:
        InputRefused: a field is missing or wrong.
    """
    form = filled.form
    result = need(form.code("result", RESULTS), "result")
    because, answer = form.code("because", REASONS), form.narrative("answer")
    if result == "refused":
        need(because, "because")
    if result == "content":
        need(answer, "answer")
    to, request = addressed(form), form.text("request")
    if not to:
        raise InputRefused(FIELD_MISSING, "addressedTo")
    at = _instant(filled, "at")
    return Saying(
        type="information-response",
        natural_id=filled.natural_id("information-response", f"{request}/{result}", answer),
        content={
            "response": {
                "result": result,
                "because": because,
                "at": at,
                "role": need(form.text("role"), "role"),
                "request": request,
            },
            "answer": answer,
            "records": form.texts("records") or None,
        },
        facts=() if result == "content" else (f"response:{result}",),
        addressed_to=to,
        concerns=None if request is None else _record_id(request),
        urgent=True,
    )


def verbal_disclosure(filled: Filled) -> Saying:
    """Map the note of what was said by telephone or in a room.

    Raises:
        InputRefused: a field is missing or wrong.
    """
    form = filled.form
    to = addressed(form)
    if len(to) != 1:
        raise InputRefused(FIELD_MISSING if not to else FIELD_CODE, "addressedTo")
    at = _instant(filled, "at")
    return Saying(
        type="verbal-disclosure",
        natural_id=filled.natural_id("verbal-disclosure", f"{at}/{to[0]}", None),
        content={
            "disclosure": {
                "at": at,
                "by_role": need(form.text("byRole"), "byRole"),
                "to": to[0],
                "to_role": need(form.text("toRole"), "toRole"),
                "urgency": form.code("urgency", URGENCIES) or "today",
                "power": need(form.text("gateway"), "gateway"),
            },
            "said": form.narrative("said"),
            "record_types": form.texts("recordTypes") or None,
        },
        addressed_to=to,
        third_party_checked=form.flag("thirdPartyChecked"),
    )


def action_taken(filled: Filled) -> Saying:
    """Map what was done for a child; why, if nothing more is done.

    Raises:
        InputRefused: a field is missing or wrong.
    """
    form = filled.form
    code = need(form.code("action", ACTIONS), "action")
    reason = form.code("reason", NO_ACTION)
    if code == "no-further-action":
        need(reason, "reason")
    on = not_future(form.need_day("on"), filled.context.at, "on")
    return Saying(
        type="action-taken",
        natural_id=filled.natural_id("action-taken", f"{code}/{on}", None),
        on=on,
        content={
            "action": {
                "code": code,
                "on": on,
                "role": need(form.text("role"), "role"),
                "reason": reason,
            },
            "note": form.narrative("note"),
        },
        facts=(ACTION_FACTS[code],) if code in ACTION_FACTS else (),
        addressed_to=addressed(form),
        third_party_checked=form.flag("thirdPartyChecked"),
    )


def _instant(filled: Filled, name: str) -> Instant:
    found = filled.form.instant(name)
    if found is None:
        raise InputRefused(FIELD_MISSING, name)
    return found


def _record_id(hexed: str) -> bytes:
    try:
        found = bytes.fromhex(hexed)
    except ValueError as error:
        raise InputRefused(FIELD_CODE, "request") from error
    if len(found) != ID_BYTES:
        raise InputRefused(FIELD_CODE, "request")
    return found


FORMS: dict[str, Callable[[Filled], Saying]] = {
    "information-request": information_request,
    "information-response": information_response,
    "verbal-disclosure": verbal_disclosure,
    "action-taken": action_taken,
}
