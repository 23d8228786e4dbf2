"""Forms about persons, places and groups that may exploit children, for the local profile.

Only the police grade what they hold (3x5x2); whoever else submits something submits information.
"""

from collections.abc import Callable, Mapping

from adapters.any_agency.filled import HANDLING, Filled, addressed, need, persons, roles_of, same
from adapters.any_agency.filled import place_of as place_named
from adapters.dates import not_future
from adapters.drafting import Saying
from adapters.errors import NOT_GRADED, InputRefused

ABOUT = same(
    "sexual-exploitation",
    "criminal-exploitation",
    "missing-children",
    "supply-of-drugs",
    "trafficking",
    "violence",
)
STATUSES = same("adult", "child-with-own-needs", "not-known")
PLACES = same(
    "business", "open-space", "transport", "online", "hotel", "school", "home", "other"
)  # fmt: skip
GROUPS = same("gang", "network", "group", "business")
SOURCES = same("1", "2", "3")
INTELLIGENCE = {code.casefold(): code for code in "ABCDE"}
GRADERS = frozenset({"police"})
"""Types of agency that grade intelligence."""

MOST_MEMBERS = 10_000


def person_of_concern(filled: Filled) -> Saying:
    """Map what is known of a person; a child among them has needs of her or his own.

    Raises:
        InputRefused: a field is missing or wrong.
    """
    status = filled.form.code("status", STATUSES) or "not-known"
    child = status == "child-with-own-needs"
    more = {"dual_status": status, "referred": filled.form.flag("referred")}
    return _saying(
        filled,
        "person",
        more,
        facts=("peer:child",) if child else (),
        protections=("suspected-child",) if child else (),
    )


def place_of_concern(filled: Filled) -> Saying:
    """Map what is known of a place.

    Raises:
        InputRefused: a field is missing or wrong.
    """
    return _saying(filled, "place", {"kind": need(filled.form.code("kind", PLACES), "kind")})


def group_of_concern(filled: Filled) -> Saying:
    """Map what is known of a gang, a network or another group.

    Raises:
        InputRefused: a field is missing or wrong.
    """
    kind = need(filled.form.code("kind", GROUPS), "kind")
    return _saying(
        filled, "group", {"kind": kind, "size": filled.form.number("size", 1, MOST_MEMBERS)}
    )


def _saying(
    filled: Filled,
    subject: str,
    more: Mapping[str, object],
    facts: tuple[str, ...] = (),
    protections: tuple[str, ...] = (),
) -> Saying:
    form = filled.form
    on = not_future(form.need_day("on"), filled.context.at, "on")
    about = need(form.code("about", ABOUT), "about")
    handling, third = form.code("handling", HANDLING), persons(filled)
    grading = None
    source, intelligence = form.code("source", SOURCES), form.code("intelligence", INTELLIGENCE)
    if source is not None or intelligence is not None or handling is not None:
        if filled.context.agency_type not in GRADERS:
            raise InputRefused(NOT_GRADED, "source")
        graded = handling if handling in {"P", "C"} else None
        grading = {"source": source, "intelligence": intelligence, "handling": graded}
    information = form.narrative("information")
    return Saying(
        type=f"{subject}-of-concern",
        natural_id=filled.natural_id(f"{subject}-of-concern", f"{about}/{on}", information),
        on=on,
        content={
            "concern": {"on": on, "about": about, **more},
            "grading": grading,
            "information": need(information, "information"),
            "place": place_named(filled, "place"),
            "third_party": third or None,
        },
        facts=facts,
        protections=protections,
        roles=roles_of(third),
        handling=handling or "none",
        addressed_to=addressed(form),
        third_party_checked=form.flag("thirdPartyChecked"),
        subject=subject,
    )


FORMS: dict[str, Callable[[Filled], Saying]] = {
    "person-of-concern": person_of_concern,
    "place-of-concern": place_of_concern,
    "group-of-concern": group_of_concern,
}
