"""The two shapes of the JSON exports, and where identity comes from."""

import json

import pytest

from tests.adapters.reading_support import (
    NHS,
    OTHER_NHS,
    POLICE,
    SOCIAL_CARE,
    Json,
    child,
    codes,
    context,
    only,
    read,
)

FLAGS = {"riskSexualExploitation": True}
FORMAT = "police-sui-json"
NAME = f"police-{NHS}_CrimeDataRecordV1.json"
PERSONAL = f"police-{NHS}_PersonalDetailsRecordV1.json"


@pytest.mark.parametrize(
    "document",
    [
        child(FLAGS),
        [child(FLAGS)],
        {"children": [child(FLAGS)]},
        {"agency": "eastshire-police", "children": [child(FLAGS)]},
        {"agency": "EPOL", "children": [child(FLAGS)]},
    ],
)
def test_wrapped_children(document: Json) -> None:
    # Given one child in each shape, when it is read, then identity comes from the wrapper.
    draft = only(read(document, FORMAT, context(own_codes=frozenset({"epol"}))))
    assert draft.statement.identifiers.nhs_number == NHS
    assert draft.statement.identifiers.date_of_birth == "2011-09-25"


def test_single_record_with_personal_details_beside() -> None:
    # Given the pilot's shape and the agency's own personal details
    personal = {"firstName": "Ellie", "lastName": "Marsh", "dateOfBirth": "2011-09-25"}
    beside = {PERSONAL: json.dumps(personal).encode()}
    # When it is read, then the NHS number is the file name's, the rest the personal details'.
    ids = only(read(FLAGS, FORMAT, context(beside=beside), NAME)).statement.identifiers
    assert (ids.nhs_number, ids.given, ids.family) == (NHS, "Ellie", "Marsh")
    assert ids.date_of_birth == "2011-09-25"


@pytest.mark.parametrize("data", [b"", b'{"firstName": ', b"[]", b'{"dateOfBirth": "31/12/2011"}'])
def test_broken_personal_details_are_left_out_and_told(data: bytes) -> None:
    # Given personal details that cannot be read, when the record is read
    reading = read(FLAGS, FORMAT, context(beside={PERSONAL: data}), NAME)
    # Then it is mapped without them, and both what is broken and what is missing is told.
    assert reading.accounting.mapped == 1
    assert [one.code for one in reading.accounting.warnings] == [
        "input.companion",
        "identity.no-date-of-birth",
    ]
    assert NHS not in repr(reading.accounting)


def test_companions_are_the_same_agency_s() -> None:
    # Given file names, when companions are asked for, then only the same agency's file is named.
    from adapters.police.sui_json import FORMAT as POLICE_FORMAT  # noqa: PLC0415 - the value itself

    assert POLICE_FORMAT.companions(NAME) == (PERSONAL,)
    assert POLICE_FORMAT.companions("week.json") == ()


@pytest.mark.parametrize(
    ("document", "name", "code"),
    [
        (FLAGS, f"health-{NHS}_CrimeDataRecordV1.json", "input.other-agency"),
        ({"agency": "westshire-police", "children": []}, "x", "input.other-agency"),
        ({"children": {}}, "x", "input.shape"),
        ("text", "x", "input.shape"),
        (FLAGS, "x", "identity.insufficient"),
        (FLAGS, "police-9990000019_CrimeDataRecordV1.json", "identity.nhs-number"),
        ({**FLAGS, "missingEpisodes": 3}, NAME, "field.type"),
    ],
)
def test_refused(document: Json, name: str, code: str) -> None:
    # Given what belongs to another, has no shape, or is about nobody, then it is refused.
    assert codes(read(json.dumps(document), FORMAT, context(), name)) == {code: 1}


def test_bad_children_stop_no_other() -> None:
    # Given good and bad children, when they are read
    document = [
        "text",
        {"nhsNumber": NHS, "dateOfBirth": "2011-02-30", "record": FLAGS},
        {"nhsNumber": NHS, "record": None},
        child(FLAGS),
        child({"handling": "P"}),
    ]
    reading = read(document, FORMAT, context())
    # Then each bad one is rejected by its place, the good one is mapped, the empty one is context.
    account = reading.accounting
    assert [(one.item, one.code) for one in account.rejected] == [
        ("children[0]", "field.type"),
        ("children[1]", "field.date"),
        ("children[2]", "field.type"),
    ]
    assert (account.mapped, account.context) == (1, 1)


def test_equal_items_have_one_name_and_different_ones_two() -> None:
    # Given two referrals of one day and service that differ, and one exported twice
    one = {"date": "2026-03-02", "type": "Early Help", "narrative": "first"}
    two = {**one, "narrative": "second"}
    record = {"childrensServicesReferrals": [one, two, one]}
    reading = read([child(record)], "social-care-sui-json", context("social-care"))
    # When they are read, then natural ids say which are the same.
    names = [draft.statement.natural_id for draft in reading.drafts]
    assert names[0] == names[2] != names[1]
    assert names[1] == f"{names[0]}#2"


def test_children_do_not_share_names() -> None:
    # Given two children with equal records, when they are read, then natural ids differ.
    document = [child(SOCIAL_CARE), child(SOCIAL_CARE, nhsNumber=OTHER_NHS)]
    reading = read(document, "social-care-sui-json", context("social-care"))
    names = [draft.statement.natural_id for draft in reading.drafts]
    assert len(set(names)) == len(names) == 4


def test_the_agency_s_own_reference_names_the_item() -> None:
    # Given an episode with a reference, when it is read again with an end
    names = []
    for extra in ({}, {"returned": True, "returnedAt": "2026-03-04T06:50:00Z"}):
        episode = {**POLICE["missingEpisodes"][0], **extra}
        draft = only(read([child({"missingEpisodes": [episode]})], FORMAT, context()))
        names.append(draft.statement.natural_id)
    # Then both are one item.
    assert names == ["missing-episode/EP-1"] * 2
