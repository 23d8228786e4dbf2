"""Drafts of clauses from a policy on sharing: never wider, and no protocol before people wrote."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import InputRefused
from broker.protocol.clause_text import read_clauses
from broker.protocol.clauses import Clause, Effect
from broker.protocol.errors import KEY, ProtocolTextError
from broker.runtimes.clause_drafts import WORDS, Drafts, as_yaml
from broker.runtimes.dsa_policy import draft_clauses
from broker.runtimes.founding import county_folder, read_vocabulary

VOCABULARY = read_vocabulary(county_folder("eastshire"))
KNOWN = {"LA-1": "eastshire-council", "POLICE-1": "eastshire-police"}
DEFAULT = """
  - {id: "0", title: t, text: t, gateway: g, condition: c, confidentiality: k, necessity: n,
     effect: default, within: 1 day}
"""


def rule(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return {
        "effect": "allow",
        "modes": ["CONTENT"],
        "recordTypes": ["crime-justice.details"],
        "destOrgTypes": ["EDUCATION"],
        "purposes": ["SAFEGUARDING"],
        **changes,
    }


def directory(*rules: object, **organisation: Any) -> bytes:  # noqa: ANN401 - any JSON value
    said = {"orgId": "POLICE-1", "orgName": "County Police", "orgType": "POLICE", **organisation}
    policy = {"version": "1", "defaults": list(rules), "exceptions": []}
    return json.dumps({"organisations": [{**said, "dsaPolicy": policy}]}).encode()


def drafted(*rules: object, **organisation: Any) -> Drafts:  # noqa: ANN401 - any JSON value
    return draft_clauses(directory(*rules, **organisation), VOCABULARY, KNOWN)


def completed(drafts: Drafts) -> tuple[Clause, ...]:
    """Write what people must write, and read it as a protocol's."""
    words = "|".join(WORDS)
    text = re.sub(
        rf"^    # ({words}): .*$", r"    \1: written", as_yaml(drafts), flags=re.MULTILINE
    )
    text = text.replace("clauses: []", "clauses:") + DEFAULT
    return read_clauses(text.encode(), VOCABULARY)[:-1]


def test_an_allowance_is_a_clause_that_lacks_what_people_must_write() -> None:
    drafts = drafted(rule(validFrom="2026-01-01T00:00:00Z", validUntil="2026-03-01T00:00:00Z"))
    # given a draft as it is, then it is refused for what it lacks
    with pytest.raises(ProtocolTextError) as refused:
        read_clauses(as_yaml(drafts).encode(), VOCABULARY)
    assert refused.value.code is KEY
    # when people have written it, then it opens the cautious slots to those who have to do with her
    (clause,) = completed(drafts)
    assert clause.effect is Effect.CONTENT
    assert clause.slots == ("contact", "identity", "coded")
    when = {one.attribute: one.values for one in clause.when}
    assert when["labels.type"] == ("missing-episode", "risk-flags")
    assert when["source.agency"] == ("eastshire-police",)
    assert when["consumer.type"] == ("education",)
    assert when["consumer.relation"] == ("addressed", "involved", "named")
    assert (drafts.clauses[0].first, drafts.clauses[0].last) == ("2026-01-01", "2026-02-28")


def test_days_are_whole_within_an_allowance_and_around_a_denial() -> None:
    span = {"validFrom": "2026-01-01T08:00:00Z", "validUntil": "2026-03-01T08:00:00Z"}
    allowed, denied = drafted(rule(**span), rule(effect="deny", **span)).clauses
    assert (allowed.first, allowed.last) == ("2026-01-02", "2026-02-28")
    assert (denied.first, denied.last) == ("2026-01-01", "2026-03-01")
    (endless,) = drafted(rule(validUntil="9999-12-31T00:00:00Z")).clauses
    assert endless.last is None


def test_a_denial_closes_all_whatever_the_purpose() -> None:
    drafts = drafted(rule(effect="deny", purposes=["GENERAL_ENQUIRY"], reason="See\n- id: x"))
    (clause,) = completed(drafts)
    assert (clause.effect, clause.slots) == (Effect.REFUSE, ("all",))
    assert "labels.purpose" not in {one.attribute for one in clause.when}
    assert "See - id: x" in as_yaml(drafts)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"recordTypes": ["personal.details"]}, "part of every record"),
        ({"recordTypes": ["housing.details"]}, "No record type"),
        ({"destOrgTypes": ["HOUSING"]}, "Nobody in this protocol"),
        ({"destOrgTypes": []}, "to whom"),
        ({"destOrgTypes": [], "destOrgIds": ["X-9"]}, "X-9"),
        ({"purposes": ["GENERAL_ENQUIRY"]}, "No purpose"),
        ({"purposes": []}, "no purpose"),
        ({"effect": "deny", "destOrgIds": ["LA-1"]}, "by hand"),
        ({"effect": "deny", "destOrgTypes": [], "destOrgIds": ["LA-1", "X-9"]}, "X-9"),
    ],
)
def test_what_no_clause_says_is_left_and_told(changes: dict[str, Any], why: str) -> None:
    drafts = drafted(rule(**changes), rule())
    assert len(drafts.clauses) == 1
    ((where, told),) = drafts.left
    assert where == "organisations[0].dsaPolicy.defaults[0]"
    assert why in told


def test_an_organisation_of_nobody_gives_nothing() -> None:
    drafts = drafted(rule(), orgId="X-1", orgType="FAUX")
    assert not drafts.clauses
    assert len(drafts.left) == 1
    assert completed(drafts) == ()


def test_a_rule_that_cannot_be_read_stops_no_other() -> None:
    bad = [rule(effect="perhaps"), rule(modes=[]), rule(validFrom="soon"), "none", rule(modes="X")]
    drafts = drafted(*bad, rule(modes=["EXISTENCE", "CONTENT"]))
    assert [error.code.name for _, error in drafts.refused] == [
        *("field.code", "field.missing", "field.date", "field.type", "field.type")
    ]
    assert [one.effect for one in drafts.clauses] == ["content"]
    wrong = json.loads(directory(rule()))
    wrong["organisations"] += [{"orgId": ["x"]}]
    assert draft_clauses(json.dumps(wrong).encode(), VOCABULARY).refused


def test_a_policy_alone_holds_for_every_agency() -> None:
    policy = {"defaults": [rule()]}
    for said in (policy, {"dsaPolicy": policy}):
        (clause,) = completed(draft_clauses(json.dumps(said).encode(), VOCABULARY))
        assert not any(one.attribute.startswith("source.") for one in clause.when)
    with pytest.raises(InputRefused):
        draft_clauses(b"{}", VOCABULARY)


SOME = st.lists(
    st.sampled_from(["EDUCATION", "HEALTH", "POLICE", "HOUSING", "OTHER", "LOCAL_AUTHORITY"]),
    max_size=3,
)
RULES = st.fixed_dictionaries(
    {
        "effect": st.sampled_from(["allow", "deny"]),
        "modes": st.lists(st.sampled_from(["EXISTENCE", "CONTENT"]), min_size=1, max_size=2),
        "recordTypes": st.lists(
            st.sampled_from(["education.details", "health.details", "personal.details", "x.y"]),
            min_size=1,
            max_size=3,
        ),
        "destOrgTypes": SOME,
        "destOrgIds": st.lists(st.sampled_from(["LA-1", "POLICE-1", "X-9"]), max_size=2),
        "purposes": st.lists(
            st.sampled_from(["SAFEGUARDING", "CHILD_PROTECTION", "GENERAL_ENQUIRY"]), max_size=2
        ),
        "reason": st.one_of(st.none(), st.text(max_size=20)),
    }
)


@given(st.lists(RULES, max_size=4), st.text(max_size=20))
def test_every_draft_is_a_clause_once_people_have_written(
    rules: list[dict[str, Any]], name: str
) -> None:
    drafts = drafted(*rules, orgName=name)
    assert len(drafts.clauses) + len(drafts.left) + len(drafts.refused) >= bool(rules)
    assert len(completed(drafts)) == len(drafts.clauses)
