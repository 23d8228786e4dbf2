"""What is different beside the clauses: agencies, who is asked, dates, quorum, engine."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from broker.clock import DAY, Instant
from broker.protocol.agreement import Agreement, Quorum
from broker.protocol.agreement_difference import agreement_changes
from broker.protocol.difference import Change, What
from broker.protocol.reach import Reach
from broker.protocol.revision import MODULE, Revision
from broker.protocol.roster import Person, Roster
from broker.records.names import AgencyId, ConsumerId
from tests.broker.protocol.county import COUNCIL, POLICE, SCHOOL, county


def changes(**parts: Any) -> tuple[Change, ...]:  # noqa: ANN401 - parts of an agreement
    before = county()
    after = replace(before, agreement=replace(before.agreement, **parts))
    return agreement_changes(before, after)


def with_agency(agency: AgencyId, **parts: Any) -> Roster:  # noqa: ANN401 - parts of an agency
    agencies = county().agreement.roster.agencies
    return Roster({**agencies, agency: replace(agencies[agency], **parts)})


def test_the_same_is_no_difference() -> None:
    assert changes() == ()


def test_an_agency_that_joins_or_leaves() -> None:
    agencies = dict(county().agreement.roster.agencies)
    gone = agencies.pop(SCHOOL)
    (found,) = changes(roster=Roster(agencies))
    assert (found.about, found.what, found.reach) == (SCHOOL, What.REMOVED, Reach.LESS)
    after = county()
    before = replace(after, agreement=replace(after.agreement, roster=Roster(agencies)))
    (found,) = agreement_changes(before, after)
    assert (found.what, found.reach) == (What.ADDED, Reach.MORE)
    assert gone.signatory.name in found.lines[1]
    guest = replace(after.agreement, roster=with_agency(SCHOOL, guest=True))
    (found,) = agreement_changes(before, replace(after, agreement=guest))
    assert "as a guest" in found.lines[0]


DESK = next(iter(county().agreement.roster.agencies[POLICE].desks.values()))


@pytest.mark.parametrize(
    ("parts", "reach", "said"),
    [
        ({"name": "The Force"}, Reach.SAME, "is called The Force."),
        ({"type": "health"}, Reach.EITHER, "It was police, and is health"),
        ({"guest": True}, Reach.LESS, "It is a guest now"),
        (
            {"signatory": Person("Ann Other", "Chief Constable")},
            Reach.SAME,
            "For it signs Ann Other (Chief Constable), not ",
        ),
        ({"deputies": ()}, Reach.SAME, "In their place may sign: nobody."),
        ({"desks": {}}, Reach.SAME, f"It has a desk no longer: {DESK.name}."),
        ({"desks": {"new": replace(DESK, id="new")}}, Reach.SAME, "It has a desk more: "),
        (
            {"desks": {DESK.id: replace(DESK, telephone="01632 960999")}},
            Reach.SAME,
            "01632 960999",
        ),
    ],
)
def test_an_agency_that_is_different(parts: dict[str, Any], reach: Reach, said: str) -> None:
    (found,) = changes(roster=with_agency(POLICE, **parts))
    assert found.reach is reach
    assert any(said in line for line in found.lines), found.lines


def test_a_guest_that_becomes_a_member() -> None:
    after = county()
    before = replace(
        after, agreement=replace(after.agreement, roster=with_agency(POLICE, guest=True))
    )
    (found,) = agreement_changes(before, after)
    assert (found.reach, found.lines[0][:21]) == (Reach.MORE, "It is no guest any lo")


AGREEMENT = county().agreement


def later(days: int, of: Instant) -> Instant:
    return Instant(of + days * DAY)


@pytest.mark.parametrize(
    ("parts", "reach", "said"),
    [
        ({"in_force": later(1, AGREEMENT.in_force)}, Reach.LESS, "The first day is 2 January"),
        ({"in_force": later(-1, AGREEMENT.in_force)}, Reach.MORE, "The first day is 31 December"),
        ({"until": later(1, AGREEMENT.until)}, Reach.MORE, "The last day is 30 December 2028"),
        ({"until": later(-1, AGREEMENT.until)}, Reach.LESS, "not 29 December 2028."),
        ({"review": later(1, AGREEMENT.review)}, Reach.SAME, "read again on 1 July 2027"),
        (
            {"quorum": Quorum((POLICE,), 2)},
            Reach.SAME,
            "2 agencies have signed, among them eastshire-police; before, when 3 agencies",
        ),
        ({"quorum": Quorum((), 2)}, Reach.SAME, "when 2 agencies have signed; before"),
        ({"unlinked": ConsumerId(POLICE)}, Reach.EITHER, "is asked eastshire-police, not"),
        ({"staff_match": None}, Reach.EITHER, "is asked nobody, not"),
        ({"emergency": None}, Reach.EITHER, "in an emergency"),
        ({"name": "Another"}, Reach.SAME, "and is now “Another”."),
        (
            {"retention": {**AGREEMENT.retention, "referral": 1, "new-type": 2}},
            Reach.SAME,
            "Each new-type is kept for 2 days, not no set time.",
        ),
        (
            {"agency_types": {**AGREEMENT.agency_types, "police": {"tells_place": True}}},
            Reach.EITHER,
            "police was plain, and is tells_place.",
        ),
        (
            {"agency_types": {**AGREEMENT.agency_types, "housing": {}}},
            Reach.EITHER,
            "housing is new: nothing in particular.",
        ),
        (
            {
                "agency_types": {
                    name: flags
                    for name, flags in AGREEMENT.agency_types.items()
                    if name != "police"
                }
            },
            Reach.EITHER,
            "police is there no longer.",
        ),
    ],
)
def test_a_part_that_is_different(parts: dict[str, Any], reach: Reach, said: str) -> None:
    (found,) = changes(**parts)
    assert any(said in line for line in found.lines), found.lines
    assert found.reach is reach


def test_who_is_asked() -> None:
    named = {**AGREEMENT.named, "referral": (ConsumerId(COUNCIL),)}
    come, gone = changes(named=named)
    assert (come.reach, gone.reach) == (Reach.MORE, Reach.LESS)
    assert come.lines == ("About each referral are asked now, too: eastshire-council.",)


@pytest.mark.parametrize(
    ("change", "about"),
    [
        (lambda files: {**files, MODULE: b"another"}, "engine"),
        (lambda files: {**files, "engine/more.rego": b"package more"}, "engine"),
        (lambda files: {**files, "schemas/new/1.0.avsc": b"{}"}, "forms of records"),
    ],
)
def test_another_engine_or_other_forms_are_told(
    change: Callable[[dict[str, bytes]], dict[str, bytes]], about: str
) -> None:
    before = county()
    after: Revision = replace(before, files=change(dict(before.files)))
    (found,) = agreement_changes(before, after)
    assert (found.about, found.reach) == (about, Reach.EITHER)


def test_an_agreement_is_compared_in_every_part() -> None:
    # given the parts of an agreement, then each is told when it is another one
    told = {"roster", "named", "unlinked", "staff_match", "in_force", "until", "review"}
    told |= {"quorum", "agency_types", "retention", "emergency", "name", "origin", "purposes"}
    assert set(Agreement.__dataclass_fields__) == told
