"""Questions: one form in bytes, equal for equal questions, and nothing made up."""

import json
from dataclasses import replace
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from broker.protocol.errors import ProtocolError
from broker.protocol.policy_data import canonical
from broker.protocol.questions import (
    MOST_OCTETS,
    Consumer,
    LabelFacts,
    Question,
    Source,
    ask,
    labels_of,
    question_of,
)
from broker.records.names import Kind
from broker.records.statement import Indicator, Labels
from tests.broker.protocol.county import question

words = st.one_of(
    st.none(), st.text(max_size=8), st.sampled_from(["linked", "on-roll", 'a"b\\', "é"])
)
sets = st.one_of(st.none(), st.lists(st.text(max_size=6), max_size=4).map(tuple))
flags = st.one_of(st.none(), st.booleans())
facts = st.builds(
    LabelFacts, words, words, sets, words, words, sets, sets, sets, sets, flags, flags
)
questions = st.builds(
    Question,
    st.builds(Source, words, words),
    st.builds(Consumer, words, words, words, sets, words),
    facts,
    words,
    words,
    words,
    sets,
    sets,
    words,
)


def plain(asked: Question) -> Any:  # noqa: ANN401 - JSON
    return json.loads(asked.canonical)


@given(questions)
def test_bytes_are_canonical_and_give_the_question_back(asked: Question) -> None:
    # given any question, then its bytes are what RFC 8785 makes of its content
    content = plain(asked)
    assert rfc8785.dumps(content) == asked.canonical

    # and reading them gives the question, its digest and its hash
    again = question_of(asked.canonical)
    assert again == asked
    assert (again.digest, hash(again)) == (asked.digest, hash(asked))


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=6))
def test_a_set_has_one_form(codes: list[str]) -> None:
    one = LabelFacts(facts=tuple(codes))
    other = LabelFacts(facts=tuple(sorted(set(codes), reverse=True)))
    assert one.encoded == other.encoded


def test_different_questions_differ() -> None:
    assert question() != question({"link": "unlinked"})
    assert question() != "a question"
    assert question().digest != question({"labels.handling": None}).digest


def altered(**changes: object) -> bytes:
    return canonical({**plain(question()), **changes})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        question().canonical + b" ",
        question().canonical.replace(b":", b": ", 1),
        question().canonical.replace(b'"link":"linked"', b'"link":"linked","link":"linked"'),
        altered(more=1),
        altered(link=1),
        altered(link=["linked"]),
        altered(alerts="protected-address"),
        altered(alerts=["b", "a"]),
        altered(alerts=["a", "a"]),
        altered(alerts=[1]),
        altered(consumer={}),
        altered(consumer=None),
        altered(labels={**plain(question())["labels"], "summary_shareable": "yes"}),
        altered(labels={**plain(question())["labels"], "name": "x"}),
        altered(source={"agency": "a", "type": "b", "more": "c"}),
        b"[" * 100_000,
        b" " * (MOST_OCTETS + 1),
    ],
)  # fmt: skip
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"protocol\.question"):
        question_of(data)


LABELS = Labels(
    "missing-episode",
    indicators=(Indicator("missing", 20_000, "fact"), Indicator("self-harm", 20_001, "opinion")),
    age_band="13-15",
    handling="P",
    protections=("sexual-health",),
    roles=("relative",),
    facts=("missing:current",),
    addressed_to=("eastshire-council/mash",),
    summary_shareable=True,
)


def test_labels_become_codes() -> None:
    # given signed labels, when policy looks at them
    seen = labels_of(LABELS)

    # then it sees codes, not days, bases or addressees
    assert seen.indicators == ("missing", "self-harm")
    assert (seen.age_band, seen.handling, seen.summary_shareable) == ("13-15", "P", True)
    assert seen.third_party_checked is None
    assert b"mash" not in seen.encoded.encode()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"age_band": "unknown"}, "age_band"),
        ({"age_band": "12½"}, "age_band"),
        ({"handling": "D"}, "handling"),
        ({"subject": "dragon"}, "subject"),
        ({"protections": ("sexual-health", "sexual_health")}, "protections"),
        ({"roles": ("villain",)}, "roles"),
    ],
)
def test_unlisted_codes_make_an_attribute_unknown(changes: dict[str, Any], name: str) -> None:
    assert getattr(labels_of(replace(LABELS, **changes)), name) is None


def asked(link: str) -> Question:
    return ask(
        source=Source("eastshire-police", "police"),
        consumer=Consumer("st-brannocks-school", "", "education", ("on-roll",), "involved"),
        labels=labels_of(LABELS),
        schema=bytes(32),
        kind=Kind.RECORD,
        link=link,
        alerts=("safe-contact",),
        not_visible_to=("parent",),
    )


def test_a_linked_record_is_asked_about_with_what_the_registers_say() -> None:
    found = asked("linked")
    assert (found.alerts, found.not_visible_to) == (("safe-contact",), ("parent",))
    assert found.consumer.involvement == ("on-roll",)
    assert (found.schema, found.kind, found.answer) == ("00" * 32, "record", "none")


@pytest.mark.parametrize("link", ["unlinked", "ambiguous"])
def test_of_an_unknown_child_the_registers_say_nothing(link: str) -> None:
    # given a record that is not linked, although somebody passes what registers hold
    found = asked(link)

    # then it is unknown, not empty: an empty set of alerts would clear what it must not
    assert found.alerts is None
    assert found.not_visible_to is None
    assert found.consumer.involvement is None


def test_the_consumer_s_id() -> None:
    assert Consumer("a", "", None, None, None).id == "a"
    assert Consumer("a", "b", None, None, None).id == "a/b"
