"""Police export → risk-flags, missing-episode."""

import pytest

from adapters.dates import iso_day, iso_instant
from adapters.format import Draft
from tests.adapters.reading_support import POLICE, Json, child, codes, content, context, only, read

FORMAT = "police-sui-json"


def episode(**members: Json) -> Draft:
    record = {"missingEpisodes": [{"date": "2026-03-03", **members}]}
    return only(read([child(record)], FORMAT, context()))


def test_flags_keep_not_assessed_apart_from_no() -> None:
    # Given flags that are true, false and null, when they are read
    flags = read([child(POLICE)], FORMAT, context()).drafts[0]
    # Then null stays null, and only what is true becomes fact and indicator.
    assert content(flags)["flags"] == {
        "sexual_exploitation": True,
        "criminal_exploitation": False,
        "radicalisation": None,
        "modern_slavery": None,
        "gangs_and_youth_violence": True,
    }
    labels = flags.statement.labels
    assert labels.facts == ("flag:gangs", "flag:sexual-exploitation")
    assert [(one.code, one.basis) for one in labels.indicators] == [
        ("risk-of-gang-or-youth-violence", "opinion"),
        ("risk-of-sexual-exploitation", "opinion"),
    ]
    assert {one.on for one in labels.indicators} == {iso_day("2026-03-01", "d")}
    assert (labels.handling, labels.age_band) == ("P", "13-15")
    assert content(flags)["protection_power"] == {"last_used": iso_day("2025-10-30", "d")}
    assert not flags.urgent


def test_flags_of_no_date_stand_under_today() -> None:
    # Given an assessment without a date and a power never used, when it is read
    record = {"riskRadicalisation": True, "lastPoliceProtectionPowerEvent": None}
    draft = only(read([child(record)], FORMAT, context()))
    # Then its sign stands under the day of reading.
    assert draft.statement.labels.indicators[0].on == iso_day("2026-03-04", "d")
    assert "protection_power" not in content(draft)


def test_a_current_episode_is_urgent() -> None:
    # Given a girl who is missing, when her record is read
    draft = read([child(POLICE)], FORMAT, context()).drafts[1]
    # Then it says so, where she was last seen, and takes the urgent lanes.
    assert draft.urgent
    assert draft.statement.labels.facts == ("missing:current", "missing:high-risk")
    start = iso_instant("2026-03-03T21:40Z", "at")
    assert content(draft)["episode"]["start_at"] == start
    assert content(draft)["last_seen"]["description"] == "Bus station"
    assert "found" not in content(draft)
    assert content(draft)["return_interview"]["offered"] is False


def test_the_pilot_s_thin_episode() -> None:
    # Given a date and one flag, as the pilot has it, when it is read
    draft = read([child(POLICE)], FORMAT, context()).drafts[2]
    # Then nothing is made up: whether she is back is not known, the interview was held.
    assert content(draft)["episode"]["returned"] is None
    assert content(draft)["return_interview"]["held"] is True
    assert draft.statement.labels.facts == ()
    assert not draft.urgent


def test_three_in_ninety_days() -> None:
    # Given episodes, the first of them 90 days before the last and another one 89
    days = ["2025-12-03", "2025-12-04", "2026-02-01", "not a day", "2026-03-03"]
    record = {"missingEpisodes": [{"date": day} for day in days] + [None]}
    reading = read([child(record)], FORMAT, context())
    # When they are read, then only the last is the third in 90 days.
    counts = [content(draft)["episode"]["episodes_in_90_days"] for draft in reading.drafts]
    assert counts == [1, 2, 3, 3]
    facts = [draft.statement.labels.facts for draft in reading.drafts]
    assert facts[1] == ()
    assert facts[3] == ("repeat:third-in-90-days",)
    assert codes(reading) == {"field.date": 1, "field.type": 1}


def test_what_the_source_counts_wins() -> None:
    # Given the force's own count, when it is read, then it is taken.
    draft = episode(episodesInLast90Days=4)
    assert content(draft)["episode"]["episodes_in_90_days"] == 4
    assert "repeat:third-in-90-days" in draft.statement.labels.facts


@pytest.mark.parametrize(
    ("members", "facts"),
    [
        ({"kind": "absent", "risk": "low"}, ("missing:away", "missing:low-risk")),
        ({"endDate": "2026-03-04", "risk": "medium"}, ("missing:medium-risk", "missing:returned")),
        ({"returned": True}, ("missing:returned",)),
        ({"risk": "Very Low"}, ("missing:low-risk",)),
    ],
)
def test_facts(members: Json, facts: tuple[str, ...]) -> None:
    # Given an episode, when it is read, then its facts are those that it states.
    assert episode(**members).statement.labels.facts == facts


def test_away_is_no_sign_of_going_missing() -> None:
    # Given a child away from a placement, when it is read, then no indicator is set.
    assert episode(kind="away").statement.labels.indicators == ()
    assert episode().statement.labels.indicators[0].code == "missing"


def test_start_may_be_a_time_alone() -> None:
    # Given a time without a date, when it is read, then the day is that of the time.
    record = {"missingEpisodes": [{"startedAt": "2026-03-03T23:10:00Z", "foundPlace": "Pier"}]}
    draft = only(read([child(record)], FORMAT, context()))
    assert content(draft)["episode"]["start"] == iso_day("2026-03-03", "d")
    assert content(draft)["found"]["description"] == "Pier"


@pytest.mark.parametrize(
    ("members", "code", "field"),
    [
        ({"date": None}, "field.missing", "date"),
        ({"date": "2026-03-05"}, "field.date.future", "date"),
        ({"endDate": "2026-03-06"}, "field.date.future", "endDate"),
        ({"endDate": "2026-03-02"}, "field.date.order", "endDate"),
        (
            {"startedAt": "2026-03-03T21:00Z", "returnedAt": "2026-03-03T20:00Z"},
            "field.date.order",
            "returnedAt",
        ),
        ({"risk": "severe"}, "field.code", "risk"),
        ({"kind": "lost"}, "field.code", "kind"),
        ({"returned": "yes"}, "field.type", "returned"),
        ({"circumstances": "x" * 10_001}, "field.text", "circumstances"),
        ({"episodesInLast90Days": 0}, "field.number", "episodesInLast90Days"),
    ],
)
def test_refused(members: Json, code: str, field: str) -> None:
    # Given a wrong field, when the episode is read, then field and reason are told.
    record = {"missingEpisodes": [{"date": "2026-03-03", **members}]}
    account = read([child(record)], FORMAT, context()).accounting
    assert [(one.code, one.field) for one in account.rejected] == [(code, field)]


@pytest.mark.parametrize("name", ["riskAssessedOn", "lastPoliceProtectionPowerEvent"])
def test_no_assessment_in_the_future(name: str) -> None:
    # Given a date to come, when the flags are read, then they are refused.
    record = {"riskSexualExploitation": True, name: "2026-04-01"}
    assert codes(read([child(record)], FORMAT, context())) == {"field.date.future": 1}


def test_what_is_not_mapped_is_named() -> None:
    # Given elements that nobody maps, inside and outside of items
    record = {
        "missingEpisodes": [{"date": "2026-03-03", "vehicle": "x"}],
        "crimes": [1],
        "no": None,
    }
    # When they are read, then each that holds something is named; rejected items name nothing.
    account = read([child(record)], FORMAT, context()).accounting
    assert account.unmapped == ("crimes", "missingEpisodes[].vehicle")
    record["missingEpisodes"] = [{"date": "x", "vehicle": "x"}]
    assert read([child(record)], FORMAT, context()).accounting.unmapped == ("crimes",)
