"""Why: lines that a colleague might say, and the short answer before there is a record."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from broker.backends.opa_module import ModulePoint
from broker.protocol.clauses import Condition, Kind, Test
from broker.protocol.decisions import Obligation
from broker.protocol.errors import ProtocolError
from broker.protocol.explain import Line, Mark, as_text, explain
from broker.protocol.may_i_share import Verdict, hypothetical, may_i_share
from broker.protocol.wording import (
    PHRASES,
    failed_words,
    listing,
    met_words,
    obligation_words,
    slot_words,
    span_words,
    unknown_words,
    wanted_words,
)
from tests.broker.protocol.county import COUNCIL, county, during, point, question


async def lines(changes: Mapping[str, Any], **after: Any) -> tuple[Line, ...]:  # noqa: ANN401 - JSON
    asked = question(changes)
    with point() as module:
        (decision,) = module.decide_now([asked], during()).decisions
        decision = replace(decision, **after)
        return explain(county(), asked, decision, await module.explain(asked, during()))


def said(found: tuple[Line, ...], mark: Mark) -> list[str]:
    return [line.text for line in found if line.mark is mark]


async def test_content_is_explained() -> None:
    found = await lines({"labels.facts": ["missing:high-risk"], "alerts": ["protected-address"]})
    assert found[0].text == (
        "St Brannock's School gets: name and date of birth, whom to ask and episode."
    )
    opens = said(found, Mark.OPENS)
    assert opens[0] == (
        "Clause 2.2 (A child at high risk is missing - those who work with her) opens name and"
        " date of birth, whom to ask and episode, because the recipient has the child on roll;"
        " the record says: the risk was assessed as high. Gateway: Children Act 2004 s.11;"
        " Education Act 2002 s.175; police common-law powers."
    )
    (closes,) = said(found, Mark.CLOSES)
    assert closes == (
        "Clause 6.3 (A protected address is protected in every record) closes last seen and found,"
        " because alerts in force for the child: protected-address; it is about a child."
    )
    assert "The recipient must acknowledge it within 1 hour." in said(found, Mark.OBLIGES)


async def test_existence_is_explained() -> None:
    found = await lines({"labels.type": "risk-flags"})
    assert found[0].text == "St Brannock's School is told whom to ask, and nothing more."


async def test_a_referral_is_explained() -> None:
    found = await lines(
        {"labels.type": "risk-flags", "labels.handling": "C", "consumer.agency": COUNCIL,
         "consumer.desk": "mash", "consumer.type": "social-care", "consumer.relation": "named",
         "consumer.involvement": []}
    )  # fmt: skip
    assert found[0].text.endswith("gets nothing until somebody at the source has answered.")
    waits, task = said(found, Mark.WAITS)
    assert waits == (
        "Clause 5.1 (Handling code C - ask the officer who holds it) waits, because the handling"
        " code is C."
    )
    assert task == "A person at eastshire-police must answer within 4 hours."
    assert (
        "Clause 3.1 (The MASH sees what may add up to risk) would open something, but another"
        " clause keeps it closed."
    ) in said(found, Mark.DOES_NOT)


async def test_withholding_is_explained() -> None:
    found = await lines({"consumer.involvement": None, "labels.indicators": ["missing"]})
    assert found[0].text == "St Brannock's School gets nothing."
    assert said(found, Mark.DEFAULT) == [
        "Clause 1.1: Nothing is released unless a clause below says so."
    ]
    assert (
        "Clause 4.1 (Everyone who works with a child knows that she went missing) does not apply:"
        " whether the recipient works with the child is not known."
    ) in said(found, Mark.DOES_NOT)
    assert "27 clauses are about other types of record." in said(found, Mark.ELSEWHERE)


async def test_a_refusal_by_the_source_is_explained() -> None:
    found = await lines({"answer": "refuse"})
    assert said(found, Mark.DEFAULT) == [
        "The safeguarding lead of the sending agency has decided not to share it."
    ]


async def test_a_narrowing_is_named() -> None:
    found = await lines({}, narrowings=("N7",))
    assert said(found, Mark.NARROWED) == ["Narrowing N7 has suspended what was granted."]


async def test_every_clause_is_accounted_for() -> None:
    # given any decision, when it is explained
    found = await lines({"labels.facts": ["missing:high-risk"]})

    # then each clause about the type is in some line, and the others are counted
    text = as_text(found)
    for clause in county().clauses:
        if clause.may_concern("missing-episode") and clause.effect.value not in {
            "default",
            "oblige",
        }:
            assert clause.id in text, clause.id
    assert as_text(found[:1]) == found[0].text


async def test_a_clause_whose_day_has_not_come_says_so() -> None:
    asked = question()
    with point() as module:
        (decision,) = module.decide_now([asked], during()).decisions
        considered = dict(await module.explain(asked, during()))
    considered["4.2"] = replace(considered["4.2"], current=False)
    assert (
        "Clause 4.2 (The child's social worker has the facts) is not in force on that day."
    ) in said(explain(county(), asked, decision, considered), Mark.DOES_NOT)


async def test_consumers_have_names() -> None:
    desk = {"consumer.agency": COUNCIL, "consumer.desk": "edt", "consumer.type": "social-care"}
    assert (await lines(desk))[0].text.startswith("Emergency duty team (EDT), Eastshire Council")
    assert (await lines({"consumer.agency": "westshire"}))[0].text.startswith("westshire gets")
    assert (await lines({"consumer.agency": None}))[0].text.startswith("Any agency of type")


# ------------------------------------------------------------------------------ words


@pytest.mark.parametrize(
    ("words", "text"),
    [((), ""), (("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c")],
)
def test_listings(words: tuple[str, ...], text: str) -> None:
    assert listing(words) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (86_400_000, "1 day"),
        (172_800_000, "2 days"),
        (5_400_000, "90 minutes"),
        (3_600_000, "1 hour"),
        (7_000, "7 seconds"),
    ],
)
def test_spans(ms: int, text: str) -> None:
    assert span_words(ms) == text


def test_slots_by_name() -> None:
    assert slot_words((0, 7, 9), {"9": "last_seen"}) == "whom to ask and last seen"
    assert slot_words((0,), {}) == "nothing"
    assert slot_words((30,), {}) == "nothing"


@pytest.mark.parametrize(
    ("kind", "detail", "text"),
    [
        (Kind.ACKNOWLEDGE_BY, "PT4H", "acknowledge it within 4 hours"),
        (Kind.DELETE_AFTER, "P1D", "delete it after 1 day"),
        (Kind.NOT_VISIBLE_TO, "parent", "keep it out of sight of the parent"),
        (Kind.DO_NOT_FORWARD, "", "not pass it on"),
        (Kind.SAFE_CONTACT, "", "use only the safe way of contact"),
        (
            Kind.EMBARGO_UNTIL,
            "5",
            "not act on it openly before the day that the source has named",
        ),
        ("sing", "", "sing"),
    ],
)
def test_obligations(kind: str, detail: str, text: str) -> None:
    assert obligation_words(Obligation(kind, detail)) == text


@pytest.mark.parametrize(
    ("condition", "changes", "wanted", "failed"),
    [
        (Condition("consumer.type", Test.IN, ("health", "police")), {},
         "the recipient must be health or police", "the recipient is education"),
        (Condition("consumer.type", Test.NOT_IN, ("education",)), {},
         "the recipient must not be education", "the recipient is education"),
        (Condition("consumer.desk", Test.IN, ("mash",)), {},
         "the desk must be mash", "it goes to no desk in particular"),
        (Condition("labels.facts", Test.ALL, ("missing:current", "missing:high-risk")),
         {"labels.facts": ["missing:current"]},
         "the record must say: missing now, not yet found and the risk was assessed as high",
         "the record says: missing now, not yet found"),
        (Condition("consumer.involvement", Test.SOME), {"consumer.involvement": []},
         "the recipient must work with the child",
         "the recipient has no current link to the child"),
        (Condition("alerts", Test.EMPTY), {"alerts": ["court-order"]},
         "an alert for the child must not be in force",
         "alerts in force for the child: court-order"),
        (Condition("labels.third_party_checked", Test.IN, (True,)),
         {"labels.third_party_checked": False},
         "it needs that the sender checked it for other people's details",
         "the sender did not check it for other people's details"),
        (Condition("labels.third_party_checked", Test.NOT_IN, (True,)),
         {"labels.third_party_checked": True},
         "it needs that the sender did not check it for other people's details",
         "the sender checked it for other people's details"),
        (Condition("special.source_tells_place", Test.IN, (True,)), {},
         "it needs that the sender's name tells a protected place",
         "the sender's name tells no protected place"),
    ],
)  # fmt: skip
def test_conditions_in_words(
    condition: Condition, changes: dict[str, Any], wanted: str, failed: str
) -> None:
    assert wanted_words(condition) == wanted
    assert failed_words(condition, question(changes)) == f"{wanted}, but {failed}"


def test_met_and_unknown_in_words() -> None:
    condition = Condition("special.source_tells_place", Test.IN, (True,))
    assert met_words(condition, question()) == "the sender's name tells a protected place"
    other = Condition("special.source_tells_place", Test.IN, (False,))
    assert met_words(other, question()) == "the sender's name tells no protected place"
    assert (
        unknown_words(condition) == "whether the sender's name tells a protected place is not known"
    )


@pytest.mark.parametrize("name", sorted(PHRASES))
def test_every_phrase_has_its_gaps(name: str) -> None:
    phrase = PHRASES[name]
    assert "{}" in phrase.wants
    assert "{}" in phrase.is_
    assert phrase.nothing
    assert phrase.unknown


# ------------------------------------------------------------------------------ may I share?

MASH = "eastshire-council/mash"


async def asked(
    sender: str, to: str, record_type: str, **labels: str
) -> tuple[Verdict, str, tuple[Line, ...]]:
    given = {name.replace("__", "."): value for name, value in labels.items()}
    about = hypothetical(county(), sender, to, record_type, given)
    with point() as module:
        found = await may_i_share(county(), module, about, during())
    assert found.question == about
    return found.verdict, found.lines[0].text, found.lines


async def test_yes() -> None:
    verdict, text, found = await asked("st-brannocks-school", MASH, "concern")
    assert (verdict, text) == (Verdict.YES, "Yes, you may share this under clause 3.1.")
    assert found[-1].text.startswith("Assumed: ")


async def test_only_whom_to_ask() -> None:
    verdict, text, _ = await asked(
        "eastshire-police", "education", "risk-flags", handling="P", involvement="on-roll"
    )
    assert verdict is Verdict.EXISTENCE
    assert text == "Under clause 4.4 you may tell them whom to ask, and nothing more."


async def test_ask_first() -> None:
    verdict, text, _ = await asked("eastshire-police", MASH, "risk-flags", handling="C")
    assert verdict is Verdict.ASK_FIRST
    assert text == "Not before the person whom the protocol names has answered."


async def test_it_depends_on_what_is_not_said() -> None:
    verdict, _, found = await asked("education", "health", "concern")
    assert verdict is Verdict.DEPENDS
    (depends,) = said(found, Mark.DEPENDS)
    assert depends == (
        "Clause 4.6 (A concern travels as the summary that its writer made for it) would let"
        " something go, if this holds: the recipient must work with the child; it needs that the"
        " sender wrote a summary to be shared; it needs that the sender checked it for other"
        " people's details."
    )
    assert not [line for line in found if line.mark is Mark.DOES_NOT and line.clause == "4.6"]


async def test_it_depends_on_the_handling_code() -> None:
    verdict, _, _ = await asked("eastshire-police", MASH, "risk-flags")
    assert verdict is Verdict.DEPENDS


async def test_no() -> None:
    verdict, text, _ = await asked(
        "eastshire-hospitals", "eastshire-police", "emergency-attendance"
    )
    assert verdict is Verdict.NO
    assert "your safeguarding lead decides" in text


async def test_labels_may_be_given_by_their_full_names() -> None:
    verdict, _, _ = await asked(
        "eastshire-police",
        "st-brannocks-school",
        "missing-episode",
        labels__facts="missing:high-risk, missing:current",
        consumer__involvement="on-roll",
        third_party_checked="false",
    )
    assert verdict is Verdict.YES


@pytest.mark.parametrize(
    ("sender", "to", "record_type", "labels", "code"),
    [
        ("westshire", MASH, "concern", {}, "who"),
        ("police", "eastshire-council/hub", "concern", {}, "who"),
        ("police", MASH, "rumour", {}, "what"),
        ("police", MASH, "concern", {"colour": "red"}, "label"),
        ("police", MASH, "concern", {"handling": "D"}, "label"),
        ("police", MASH, "concern", {"handling": "C,P"}, "label"),
        ("police", MASH, "concern", {"third_party_checked": "maybe"}, "label"),
        ("police", MASH, "concern", {"special.source_tells_place": "true"}, "label"),
    ],
)
def test_what_the_protocol_does_not_know_is_said(
    sender: str, to: str, record_type: str, labels: dict[str, str], code: str
) -> None:
    with pytest.raises(ProtocolError) as caught:
        hypothetical(county(), sender, to, record_type, labels)
    assert caught.value.code.name == f"protocol.may-i-share.{code}"


def test_a_type_of_agency_has_no_desk_yet() -> None:
    about = hypothetical(county(), "police", "social-care", "concern", {})
    assert about.consumer.desk is None
    assert about.consumer.agency is None
    assert isinstance(ModulePoint, type)
