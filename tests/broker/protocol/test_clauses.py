"""Reading `clauses.yaml`, and what clauses mean once they are read."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import DAY, FOREVER, HOUR, SECOND
from broker.protocol.clause_text import read_clauses
from broker.protocol.clauses import (
    Clause,
    Effect,
    Kind,
    Stated,
    clause_of,
    clause_plain,
    slots_of,
    span_ms,
    span_text,
)
from broker.protocol.errors import ProtocolTextError
from broker.protocol.policy_data import ANY_TYPE, engine_order, policy_data
from tests.broker.protocol.county import SCHEMAS, county, vocabulary

DEFAULT = """
  - id: "0"
    title: t
    text: t
    gateway: t
    condition: t
    confidentiality: t
    necessity: t
    effect: default
    within: 1 day
"""


def clause_text(effect: str, *lines: str, name: str = "1") -> str:
    head = DEFAULT.replace('"0"', f'"{name}"').replace(
        "effect: default\n    within: 1 day", f"effect: {effect}"
    )
    return head.rstrip() + "\n" + "".join(f"    {line}\n" for line in lines)


def read(*clauses: str) -> tuple[Clause, ...]:
    text = "clauses:" + DEFAULT + "".join(clauses)
    return read_clauses(text.encode(), vocabulary())


def one(effect: str, *lines: str) -> Clause:
    return read(clause_text(effect, *lines))[1]


WHEN = ("when:", "  consumer.type: health")


def test_eastshire_is_read_and_survives_plain_json() -> None:
    clauses = county().clauses
    assert len(clauses) == 55
    assert tuple(clause_of(clause_plain(clause)) for clause in clauses) == clauses
    assert county().clause("2.1") in clauses
    assert county().clause("9.9") is None


def test_every_clause_has_its_words_and_its_legal_ground() -> None:
    for clause in county().clauses:
        for word in ("title", "text", "gateway", "condition", "confidentiality", "necessity"):
            assert len(getattr(clause, word)) > 3, (clause.id, word)


def test_a_clause_in_all_its_parts() -> None:
    # given a clause that uses everything
    clause = one(
        "content",
        "floor: true",
        "first_day: 2026-02-01",
        "last_day: 2026-02-28",
        "slots: [contact, episode, {tag: place}]",
        "obligations:",
        "  - acknowledge-by: 4 hours",
        "  - do-not-forward",
        "  - not-visible-to: parent",
        "  - embargo-until: 2026-03-01",
        "when:",
        "  labels.type: missing-episode",
        "  labels.facts: {any: [missing:high-risk]}",
        "  labels.indicators: some",
        "  labels.protections: empty",
        "  labels.roles: {none: [suspect]}",
        "  consumer.involvement: {all: [on-roll]}",
        "  consumer.type: {not: police}",
        "  labels.third_party_checked: true",
    )

    # then each part is where it belongs
    assert (clause.effect, clause.floor) == (Effect.CONTENT, True)
    assert clause.until - clause.first == 28 * DAY
    assert clause.slots == ("contact", "episode", "tag:place")
    assert clause.obligations == (
        Stated(Kind.ACKNOWLEDGE_BY, "PT4H"),
        Stated(Kind.DO_NOT_FORWARD),
        Stated(Kind.NOT_VISIBLE_TO, "parent"),
        Stated(Kind.EMBARGO_UNTIL, str(1_772_323_200_000)),
    )
    assert [(each.attribute, each.test.value, each.values) for each in clause.when] == [
        ("labels.type", "in", ("missing-episode",)),
        ("labels.facts", "any", ("missing:high-risk",)),
        ("labels.indicators", "some", ()),
        ("labels.protections", "empty", ()),
        ("labels.roles", "none", ("suspect",)),
        ("consumer.involvement", "all", ("on-roll",)),
        ("consumer.type", "not_in", ("police",)),
        ("labels.third_party_checked", "in", (True,)),
    ]


def test_an_existence_clause_opens_whom_to_ask() -> None:
    assert one("existence", *WHEN).slots == ("contact",)


def test_a_referral_may_open_nothing_itself() -> None:
    clause = one("refer", "within: 4 hours", "slots: []", "when:", "  labels.handling: C")
    assert (clause.within, clause.slots) == (4 * HOUR, ())


@pytest.mark.parametrize(
    ("effect", "lines", "code", "what"),
    [
        ("share", (), "protocol.text.value", "effect"),
        ("content", ("slots: [contact]",), "protocol.clause.effect", "lacks when"),
        ("content", WHEN, "protocol.clause.effect", "lacks slots"),
        ("content", (*WHEN, "slots: [contact]", "within: 1 day"), "protocol.clause.effect",
         "has within"),
        ("content", (*WHEN, "slots: []"), "protocol.text.value", "slots"),
        ("content", (*WHEN, "slots: [shoe_size]"), "protocol.reference", "shoe_size"),
        ("content", (*WHEN, "slots: [labels]"), "protocol.reference", "labels"),
        ("content", (*WHEN, "slots: [{tag: secret}]"), "protocol.text.value", "tag"),
        ("content", ("slots: [contact]", "when:", "  labels.type: concern"),
         "protocol.clause.effect", "whoever asks"),
        ("content", ("slots: [site]", "when:", "  labels.type: concern", "  consumer.type: health"),
         "protocol.reference", "site"),
        ("existence", (*WHEN, "slots: [contact]"), "protocol.clause.effect", "has slots"),
        ("refuse", (*WHEN, "slots: [all]", "floor: true"), "protocol.clause.effect", "has floor"),
        ("refer", (*WHEN, "slots: []"), "protocol.clause.effect", "lacks within"),
        ("oblige", (), "protocol.clause.effect", "lacks obligations"),
        ("oblige", ("obligations: [acknowledge-by]",), "protocol.text.value", "needs a detail"),
        ("oblige", ("obligations: [not-visible-to]",), "protocol.text.value", "needs a detail"),
        ("oblige", ("obligations: [{safe-contact: now}]",), "protocol.text.value", "no detail"),
        ("oblige", ("obligations: [{not-visible-to: {of: alerts}}]",), "protocol.text.value", "of"),
        ("oblige", ("obligations: [{sing: loudly}]",), "protocol.text.key", "sing"),
        ("existence", ("when:", "  consumer.shoe: 9"), "protocol.reference", "consumer.shoe"),
        ("existence", ("when:", "  consumer.type: bakery"), "protocol.reference", "bakery"),
        ("existence", ("when:", "  consumer.agency: westshire"), "protocol.reference", "westshire"),
        ("existence", ("when:", "  consumer.desk: hub"), "protocol.reference", "hub"),
        ("existence", ("when:", "  consumer.type: []"), "protocol.text.value", "names nothing"),
        ("existence", ("when:", "  consumer.type: [health, health]"), "protocol.twice", "health"),
        ("existence", ("when:", "  consumer.type: {only: health}"), "protocol.text.key", "only"),
        ("existence", ("when:", "  consumer.involvement: on-roll"), "protocol.text.value",
         "involvement"),
        ("existence", ("when:", "  consumer.involvement: {any: [on-roll], none: [placed]}"),
         "protocol.text.value", "one comparison"),
        ("existence", ("when:", "  labels.third_party_checked: maybe", "  consumer.type: health"),
         "protocol.text.value", "third_party_checked"),
        ("existence", (*WHEN, "first_day: 2026-02-02", "last_day: 2026-02-01"),
         "protocol.text.value", "ends before"),
        ("existence", (*WHEN, "colour: red"), "protocol.text.key", "colour"),
        ("existence", ("when: always",), "protocol.text.value", "when"),
    ],
)  # fmt: skip
def test_bad_clauses_are_refused_with_their_place(
    effect: str, lines: tuple[str, ...], code: str, what: str
) -> None:
    with pytest.raises(ProtocolTextError) as caught:
        one(effect, *lines)
    assert caught.value.code.name == code
    assert caught.value.where.startswith("clauses.yaml:")
    assert what in caught.value.where


def test_one_default_and_no_id_twice() -> None:
    with pytest.raises(ProtocolTextError, match=r"protocol\.clause\.default"):
        read(DEFAULT.replace('"0"', '"1"'))
    with pytest.raises(ProtocolTextError, match=r"protocol\.clause\.default"):
        read_clauses(("clauses:" + clause_text("existence", *WHEN)).encode(), vocabulary())
    with pytest.raises(ProtocolTextError, match=r"protocol\.twice"):
        read(DEFAULT)


@pytest.mark.parametrize(
    ("word", "slots"),
    [
        ("contact", {7}),
        ("identifiers", {2, 3, 4, 5, 6}),
        ("coded", {8, 9, 10, 12}),
        ("all", set(range(2, 32))),
        ("tag:place", {9, 10}),
        ("tag:narrative", {11}),
        ("tag:third-party", set()),
        ("last_seen", {9}),
        ("site", set()),
    ],
)
def test_words_for_slots(word: str, slots: set[int]) -> None:
    assert slots_of(word, SCHEMAS.named("missing-episode", "1.0")) == slots


def test_third_parties_are_tagged() -> None:
    assert slots_of("tag:third-party", SCHEMAS.named("concern", "1.0")) == {12}


@given(st.integers(1, 10**9))
def test_spans_are_written_and_read(seconds: int) -> None:
    assert span_ms(span_text(seconds * SECOND)) == seconds * SECOND


@pytest.mark.parametrize("wrong", ["", "P", "PT", "PT1X", "1D", "PT01H ", "P-1D", "PT1H1M"])
def test_what_is_no_span(wrong: str) -> None:
    with pytest.raises(ValueError, match="span"):
        span_ms(wrong)


def test_half_a_second_is_no_span() -> None:
    with pytest.raises(ValueError, match="whole number"):
        span_text(500)


def index(data: Mapping[str, Any], record_type: str) -> set[str]:
    return {name for names in data["index"][record_type].values() for name in names}


def test_the_index_leaves_out_only_what_cannot_apply() -> None:
    # given Eastshire's policy data
    data = county().data

    # then a clause is missing from a type's index exactly if its own words rule the type out
    acting = {clause.id for clause in county().clauses if clause.effect is not Effect.DEFAULT}
    assert index(data, ANY_TYPE) == acting == data["clauses"].keys()
    for record_type in ("concern", "risk-flags", "receipt"):
        expected = {
            clause.id
            for clause in county().clauses
            if clause.id in acting and record_type in (clause.types() or {record_type})
        }
        assert index(data, record_type) == expected


def test_a_negated_type_rules_types_out_too() -> None:
    clause = one("existence", "when:", "  labels.type: {not: concern}", "  consumer.type: health")
    assert clause.types() is None
    assert not clause.may_concern("concern")
    assert clause.may_concern("referral")


def test_a_grant_leaves_out_schemas_in_which_it_opens_nothing() -> None:
    # given two clauses that speak of a place, one opening it, one closing it
    opens = clause_text("content", *WHEN, "slots: [site]")
    closes = clause_text("refuse", *WHEN, "slots: [{tag: place}]", name="2")
    data = policy_data(county().agreement, read(opens, closes), SCHEMAS.types())

    # then the one names the schemas that have such a slot, the other every schema
    assert len(data["clauses"]["1"]["slots"]) == 2
    assert len(data["clauses"]["2"]["slots"]) == len(SCHEMAS.types())
    assert [] in data["clauses"]["2"]["slots"].values()


def test_the_order_in_the_engine_is_by_what_settles_it() -> None:
    clause = county().clause("2.2")
    assert clause is not None
    assert [each.attribute for each in engine_order(clause)] == [
        "consumer.involvement",
        "labels.facts",
        "link",
        "kind",
        "labels.type",
    ]


def test_boundaries_are_of_protocol_and_clauses() -> None:
    dated = clause_text("existence", *WHEN, "first_day: 2026-03-01", "last_day: 2026-03-31")
    agreement = county().agreement
    data = policy_data(agreement, read(dated), SCHEMAS.types())
    assert data["boundaries"] == sorted(
        {agreement.in_force, 1_772_323_200_000, 1_775_001_600_000, agreement.until}
    )
    assert FOREVER not in data["boundaries"]
