"""Children's social care export → referral."""

import pytest

from tests.adapters.reading_support import SOCIAL_CARE, Json, child, codes, content, context, read

FORMAT = "social-care-sui-json"


def test_each_referral_carries_plans_and_team() -> None:
    # Given two referrals of one day, when they are read
    first, second = read([child(SOCIAL_CARE)], FORMAT, context("social-care")).drafts
    # Then each is a record with plan and team; the enquiry is a fact of the one that has it.
    assert content(first)["referral"] == {"on": 20514, "kind": "early-help", "source": None}
    assert content(second)["referral"]["source"] == "emergency-department"
    assert content(first)["team"] == {"teams": ["Assessment team"], "key_worker": "Jo Example"}
    assert first.statement.labels.facts == ("referral:child-in-need",)
    assert second.statement.labels.facts == ("referral:child-in-need", "referral:section-47")
    assert first.statement.labels.roles == ("professional",)
    assert first.statement.natural_id != second.statement.natural_id


def test_duty_team_is_not_mapped() -> None:
    # Given the duty team's numbers, when they are read, then the roster's contact stands instead.
    reading = read([child(SOCIAL_CARE)], FORMAT, context("social-care"))
    assert reading.accounting.unmapped == ("dutyContactDetails",)
    assert reading.drafts[0].statement.contact is not None


@pytest.mark.parametrize(
    ("status", "fact"),
    [
        ("Child protection plan", "referral:protection-plan"),
        ("Looked after child", "referral:looked-after"),
        ("Section 47 enquiry", "referral:section-47"),
    ],
)
def test_standing(status: str, fact: str) -> None:
    # Given a status in words, when it is read, then the fact that it states is set.
    record = {
        "cscActiveStatusesAndPlans": [{"status": status, "plan": None}],
        "childrensServicesReferrals": [{"date": "2026-03-02", "type": "Other"}],
    }
    draft = read([child(record)], FORMAT, context("social-care")).drafts[0]
    assert draft.statement.labels.facts == (fact,)
    assert "team" not in content(draft)
    assert draft.statement.labels.roles == ()


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"type": "Early Help"}, "field.missing"),
        ({"date": "2026-03-02"}, "field.missing"),
        ({"date": "2026-03-02", "type": "Family Hub"}, "field.code"),
        ({"date": "2026-03-12", "type": "Early Help"}, "field.date.future"),
        ({"date": "2026-03-02", "type": "Early Help", "source": "?"}, "field.code"),
    ],
)
def test_refused(entry: Json, code: str) -> None:
    # Given a wrong referral, when it is read, then it is refused.
    record = {"childrensServicesReferrals": [entry]}
    assert codes(read([child(record)], FORMAT, context("social-care"))) == {code: 1}
