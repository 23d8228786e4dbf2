"""The publication rule: positive, safe where something is not known, and readable."""

import json
from dataclasses import replace

import pytest

from adapters.errors import PublicationRuleRefused
from adapters.format import Draft
from adapters.publication import PublicationRule, judge, read_publication_rule
from broker import shipped
from broker.errors import ConcordatError
from broker.protocol.documents import read_document
from broker.records.names import AgencyId
from tests.adapters.reading_support import FORMS, POLICE, Json, child, context, read, schemas

AGENCY = AgencyId("eastshire-police")
TYPES = tuple(schema.type for schema in schemas().types())
PUBLICATION = shipped.policies() / "protocols" / "eastshire" / "publication"
HEAD = """
agency: eastshire-police
text: What goes out.
stands_behind: {role: Head of public protection, desk: public-protection}
review: 2026-12-18
rules:
"""


def rule(rules: str) -> PublicationRule:
    return read_publication_rule((HEAD + rules).encode(), AGENCY, TYPES, "rule.yaml")


def one(effect: str, when: Json) -> PublicationRule:
    """JSON is YAML: one rule with these conditions."""
    text = json.dumps({"id": "R-1", "text": "Some.", "effect": effect, "when": when})
    return rule(f"  - {text}\n")


def both(publish: Json, keep_back: Json) -> PublicationRule:
    first, second = one("publish", publish), one("keep-back", keep_back)
    return replace(first, rules=(*first.rules, *second.rules))


def flags() -> Draft:
    return read([child(POLICE)], "police-sui-json", context()).drafts[0]


def concern(**changes: Json) -> Draft:
    form = {**FORMS["forms"][2], **changes}
    return read(form, "form", context("social-care")).drafts[0]


def test_nothing_goes_out_by_itself() -> None:
    # Given a rule about another type, when a record is judged, then the core keeps it back.
    verdict = judge(one("publish", {"labels.type": "alert"}), flags())
    assert (verdict.publish, verdict.rule) == (False, "core.default")


@pytest.mark.parametrize(
    "when",
    [
        {"labels.type": "risk-flags"},
        {"labels.type": ["alert", "risk-flags"], "kind": "record"},
        {"labels.facts": {"any": ["flag:gangs", "flag:radicalisation"]}},
        {"labels.facts": {"all": ["flag:gangs", "flag:sexual-exploitation"]}},
        {"labels.facts": {"none": ["flag:radicalisation"]}},
        {"labels.indicators": "some"},
        {"labels.roles": "empty"},
        {"labels.handling": {"not": "C"}},
        {"labels.age_band": ["13-15"], "decided": False},
    ],
)
def test_publishes(when: Json) -> None:
    # Given conditions that hold, when a record is judged, then it goes out by that rule.
    verdict = judge(one("publish", when), flags())
    assert (verdict.publish, verdict.rule, verdict.text) == (True, "R-1", "Some.")


@pytest.mark.parametrize(
    "when",
    [
        {"labels.facts": {"all": ["flag:gangs", "flag:radicalisation"]}},
        {"labels.facts": {"none": ["flag:gangs"]}},
        {"labels.indicators": "empty"},
        {"labels.roles": "some"},
        {"labels.handling": "C"},
        {"labels.type": {"not": "risk-flags"}},
        {"labels.third_party_checked": True},
        {"labels.third_party_checked": {"not": True}},
        {"labels.type": "risk-flags", "decided": True},
    ],
)
def test_does_not_publish(when: Json) -> None:
    # Given a condition that fails or asks for what is not known, when judged, then it stays.
    assert not judge(one("publish", when), flags()).publish


def test_an_unknown_age_never_helps() -> None:
    # Given a record of unknown age, when rules ask for the age, then publishing fails and
    # keeping back holds.
    draft = read(
        [{"nhsNumber": "9990000018", "record": POLICE}], "police-sui-json", context()
    ).drafts[0]
    young = {"labels.age_band": ["under-13", "13-15", "16-17"]}
    assert not judge(one("publish", young), draft).publish
    everything = {"labels.type": "risk-flags"}
    kept = judge(both(everything, {"labels.age_band": ["adult"]}), draft)
    assert (kept.publish, kept.rule) == (False, "R-1")


def test_keeping_back_wins() -> None:
    # Given a record that both rules apply to, when it is judged, then it stays.
    wide = {"labels.type": "risk-flags"}
    assert not judge(both(wide, {"labels.facts": {"any": ["flag:gangs"]}}), flags()).publish
    assert judge(both(wide, {"labels.facts": {"any": ["flag:radicalisation"]}}), flags()).publish


def test_sexual_health_leaves_by_a_person_s_decision_only() -> None:
    # Given a rule that would publish every concern
    wide = one("publish", {"labels.type": "concern"})
    told = {"account": "Asked about contraception."}
    # When nobody decided, or somebody did, then only the second goes out.
    kept = judge(wide, concern(**told, decidedBy=None), went_out=True)
    assert (kept.publish, kept.rule) == (False, "core.sexual-health")
    assert judge(wide, concern(**told)).publish


def test_a_change_of_what_went_out_goes_out() -> None:
    # Given flags that were lowered, which no rule publishes, when an earlier version went out
    narrow = one("publish", {"labels.type": "alert"})
    verdict = judge(narrow, flags(), went_out=True)
    # Then the change goes out too.
    assert (verdict.publish, verdict.rule) == (True, "core.change")


@pytest.mark.parametrize(
    "rules",
    [
        "  - {id: R, text: T, effect: publish}\n",
        "  - {id: R, text: T, effect: allow, when: {labels.type: alert}}\n",
        "  - {id: R, text: T, effect: publish, when: {labels.type: rumour}}\n",
        "  - {id: R, text: T, effect: publish, when: {consumer.type: police}}\n",
        "  - {id: R, text: T, effect: publish, when: {labels.name: Ellie}}\n",
        "  - {id: R, text: T, effect: publish, when: {labels.facts: {any: []}}}\n",
        "  - {id: R, text: T, effect: publish, when: {labels.facts: {any: [x], all: [x]}}}\n",
        "  - {id: R, text: T, effect: publish, when: {labels.facts: often}}\n",
        "  - {id: R, text: T, effect: publish, when: {labels.third_party_checked: maybe}}\n",
        2 * "  - {id: R, text: T, effect: publish, when: {labels.type: alert}}\n",
        "  - {id: R, id: R, text: T, effect: publish, when: {labels.type: alert}}\n",
        "  - &a {id: R, text: T, effect: publish, when: {labels.type: alert}}\n",
        "  - {text: T, effect: publish, when: {labels.type: alert}}\n",
        "  oops\n",
    ],
)
def test_a_rule_that_says_what_it_should_not(rules: str) -> None:
    # Given a rule with a mistake, when it is read, then file and line are told.
    with pytest.raises(ConcordatError) as caught:
        rule(rules)
    assert caught.value.where.startswith("rule.yaml:")


def test_another_agency_s_rule() -> None:
    # Given another agency's rule, when it is read, then it is refused.
    with pytest.raises(PublicationRuleRefused):
        read_publication_rule(HEAD.encode() + b"  []\n", AgencyId("other"), TYPES, "rule.yaml")


def test_every_agency_of_eastshire_has_a_rule_that_reads() -> None:
    # Given the protocol's agencies and their desks
    protocol = PUBLICATION.parent / "protocol.yaml"
    top = read_document(protocol.read_bytes(), "protocol.yaml").map()
    desks = {
        agency.map()["id"].text(): {
            desk.map()["id"].text() for desk in agency.map()["desks"].items()
        }
        for agency in top["agencies"].items()
    }
    # When each one's rule is read
    ids: list[str] = []
    for agency, known in desks.items():
        path = PUBLICATION / f"{agency}.yaml"
        found = read_publication_rule(path.read_bytes(), AgencyId(agency), TYPES, path.name)
        # Then somebody at a desk of the roster stands behind it.
        assert found.desk in known
        ids += [each.id for each in found.rules]
    assert len(ids) == len(set(ids))
    assert {path.stem for path in PUBLICATION.glob("*.yaml")} == set(desks)
