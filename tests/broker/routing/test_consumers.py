"""Who is asked about a record, and in which relation: nobody else ever gets a question."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import FOREVER
from broker.protocol.agreement import Agreement
from broker.records.names import AgencyId, ConsumerId, RecordId
from broker.routing.consumers import About, asked
from broker.subjects.registers import Link
from broker.subjects.standing import NOBODY, Standing
from tests.support.county import ACADEMY, COUNCIL, HOSPITALS, MASH, POLICE, SCHOOL, revision

HELD = RecordId(b"r" * 16)
DESKS = ("eastshire-council/edt", MASH, "eastshire-council/missing")


def agreement() -> Agreement:
    return revision().agreement


def with_involvement(*agencies: AgencyId) -> Standing:
    involved: dict[AgencyId, tuple[str, ...]] = dict.fromkeys(agencies, ("on-roll",))
    return Standing(involved, {}, (), (), (), FOREVER)


def relations(about: About) -> dict[str, str]:
    return {one.consumer: one.relation for one in asked(about, agreement())}


EPISODE = About(POLICE, "missing-episode", Link.LINKED, with_involvement(SCHOOL))


def test_asked_are_the_involved_and_those_whom_the_protocol_names() -> None:
    # given a missing episode from the police, when a school is involved
    found = relations(EPISODE)

    # then that school is asked and the named desks; no other school, and not the source's desk
    assert found == {SCHOOL: "involved"} | dict.fromkeys(DESKS, "named")


def test_the_wrong_school_is_never_asked() -> None:
    assert ACADEMY not in relations(EPISODE)
    assert ACADEMY in relations(replace(EPISODE, standing=with_involvement(ACADEMY)))


def test_the_source_is_never_asked_whatever_its_relation() -> None:
    # given a record whose source is involved, named, addressed, holder and sender all at once
    about = About(
        COUNCIL,
        "missing-episode",
        Link.LINKED,
        with_involvement(COUNCIL),
        addressed_to=(COUNCIL, MASH),
        sender=COUNCIL,
        holders={MASH: (HELD,), ConsumerId(COUNCIL): (HELD,)},
    )

    # when the consumers are determined, then only others are asked
    assert relations(about) == {"eastshire-police/missing": "named"}


@pytest.mark.parametrize("link", [Link.UNLINKED, Link.AMBIGUOUS])
def test_a_record_without_a_known_child_goes_to_the_mash_alone(link: Link) -> None:
    # given a record that is not linked, when the consumers are determined
    found = relations(About(POLICE, "missing-episode", link, NOBODY))

    # then the MASH is asked alone, although the protocol names more desks for the type
    assert found == {MASH: "named"}


def test_a_record_about_no_child_goes_to_those_whom_the_protocol_names() -> None:
    assert relations(About(POLICE, "missing-episode", None, NOBODY)) == dict.fromkeys(
        DESKS, "named"
    )


def test_relations_come_in_their_order() -> None:
    # given consumers to which several relations fit
    about = About(
        POLICE,
        "missing-episode",
        Link.LINKED,
        with_involvement(SCHOOL, HOSPITALS),
        addressed_to=(SCHOOL, DESKS[0], "eastshire-hospitals/ward-safeguarding"),
        sender=HOSPITALS,
        holders={ConsumerId(SCHOOL): (HELD,)},
    )

    # when they are asked
    found = {one.consumer: one for one in asked(about, agreement())}

    # then each once, as holder before sender before involved before addressed before named
    assert {consumer: one.relation for consumer, one in found.items()} == {
        SCHOOL: "holder",
        HOSPITALS: "sender",
        DESKS[0]: "addressed",
        DESKS[1]: "named",
        DESKS[2]: "named",
        "eastshire-hospitals/ward-safeguarding": "addressed",
    }
    # and a desk has its agency's involvement
    ward = found[ConsumerId("eastshire-hospitals/ward-safeguarding")]
    assert ward.involvement == ("on-roll",)
    # and a holder is told what it holds
    assert found[ConsumerId(SCHOOL)].holds == (HELD,)
    assert found[MASH].holds == ()


@pytest.mark.parametrize("name", ["", "nobody", "eastshire-council/attic", "/mash", "a/b/c"])
def test_whoever_is_not_on_the_roster_is_not_asked(name: str) -> None:
    plain = relations(EPISODE)
    assert relations(replace(EPISODE, addressed_to=(name,))) == plain


AGENCIES = st.sampled_from(sorted(agreement().roster.agencies))
CONSUMERS = st.one_of(AGENCIES, st.sampled_from(agreement().roster.consumers()), st.text())


@given(
    source=AGENCIES,
    record_type=st.sampled_from(sorted(agreement().named)),
    link=st.sampled_from([*Link, None]),
    involved=st.sets(AGENCIES),
    addressed=st.lists(CONSUMERS),
    sender=st.none() | AGENCIES,
    holders=st.sets(st.sampled_from(agreement().roster.consumers())),
)
def test_everybody_who_is_asked_has_a_reason_and_is_asked_once(
    source: AgencyId,
    record_type: str,
    link: Link | None,
    involved: set[AgencyId],
    addressed: list[str],
    sender: AgencyId | None,
    holders: set[ConsumerId],
) -> None:
    # given any record
    about = About(
        source,
        record_type,
        link,
        with_involvement(*sorted(involved)),
        tuple(addressed),
        sender,
        dict.fromkeys(holders, (HELD,)),
    )

    # when the consumers are determined
    found = asked(about, agreement())

    # then they rise, are on the roster, and each relation is true
    names = [one.consumer for one in found]
    assert names == sorted(set(names))
    unlinked = link in {Link.UNLINKED, Link.AMBIGUOUS}
    named = {agreement().unlinked} if unlinked else set(agreement().named[record_type])
    because: dict[str, set[Any]] = {
        "holder": holders,
        "sender": {sender},
        "involved": involved,
        "addressed": set(addressed),
        "named": named,
    }
    for one in found:
        assert agreement().roster.has(one.consumer)
        assert one.consumer.partition("/")[0] != source
        assert one.consumer in because[one.relation]
    # and nobody with a reason was left out
    everybody = set[Any]().union(*because.values()) - {None}
    assert {
        one for one in everybody if agreement().roster.has(one) and one.partition("/")[0] != source
    } == set(names)
