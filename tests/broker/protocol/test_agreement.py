"""Reading `protocol.yaml`: good text gives values, bad text says what is wrong and where."""

import pytest

from broker.protocol.agreement import agreement_of, agreement_plain, read_agreement
from broker.protocol.errors import ProtocolTextError
from broker.records.names import ConsumerId
from tests.broker.protocol.county import COUNCIL, TYPES, county
from tests.support.tree import ROOT

TEXT = (ROOT / "policies" / "protocols" / "eastshire" / "protocol.yaml").read_text(encoding="utf-8")


def test_eastshire_is_read() -> None:
    agreement = read_agreement(TEXT.encode(), TYPES)
    assert agreement == county().agreement
    assert len(agreement.roster.agencies) == 8
    assert agreement.unlinked == "eastshire-council/mash"
    assert ConsumerId("eastshire-council/edt") in agreement.named["missing-episode"]
    assert agreement.agency_types["education"] == {
        "tells_place": True,
        "keeps_addresses": False,
        "existence_tells": False,
    }
    assert agreement.roster.agencies[COUNCIL].signatory.role == "Director of Children's Services"


def test_the_agreement_survives_plain_json() -> None:
    assert agreement_of(agreement_plain(county().agreement)) == county().agreement


@pytest.mark.parametrize(
    ("old", "new", "code", "what"),
    [
        ("eastshire.example/log", "eastshire.example", "protocol.text.value", "origin"),
        ("eastshire.example/log", "east shire/log", "protocol.text.value", "origin"),
        ("last_day: 2028-12-29", "last_day: 2027-01-01", "protocol.text.value", "review"),
        ("review: 2027-06-30", "review: 2025-06-30", "protocol.text.value", "review"),
        ("at_least: 3", "at_least: 2", "protocol.text.value", "at_least"),
        ("at_least: 3", "at_least: 9", "protocol.text.value", "at_least"),
        ("[eastshire-police, ", "[westshire-police, ", "protocol.reference", "westshire-police"),
        ("[eastshire-police, ", "[eastshire-council, ", "protocol.twice", "eastshire-council"),
        ("  - id: harbour-practice", "  - id: millbrook-surgery", "protocol.twice", "millbrook"),
        ("  - id: harbour-practice", "  - id: Harbour Practice", "protocol.text.value", "id"),
        ("      - id: edt", "      - id: mash", "protocol.twice", "eastshire-council/mash"),
        ("type: police", "type: fire-brigade", "protocol.text.value", "type"),
        ("hours: always", "hours: mostly", "protocol.text.value", "hours"),
        ("01632 960101", "a telephone", "protocol.text.value", "telephone"),
        ("unlinked: eastshire-council/mash", "unlinked: eastshire-council/hub",
         "protocol.reference", "hub"),
        ("  receipt: []", "  receipts: []", "protocol.text.key", "receipts"),
        ("  risk-flags: [eastshire-council/mash]",
         "  risk-flags: [eastshire-council/mash, eastshire-council/mash]", "protocol.twice",
         "named"),
        ("  risk-flags: 2190", "  risk-flags: 0", "protocol.text.value", "retention.risk-flags"),
        ("  social-care: {keeps_addresses: true}", "  social-care: {keeps: true}",
         "protocol.text.key", "keeps"),
        ("name: Eastshire Safeguarding", "title: Eastshire Safeguarding", "protocol.text.key",
         "title"),
    ],
)  # fmt: skip
def test_bad_text_is_refused_with_its_place(old: str, new: str, code: str, what: str) -> None:
    # given Eastshire's text with one thing wrong
    assert old in TEXT
    text = TEXT.replace(old, new, 1)

    # when it is read, then the error names code, file, line and thing
    with pytest.raises(ProtocolTextError) as caught:
        read_agreement(text.encode(), TYPES)
    assert caught.value.code.name == code
    assert caught.value.where.startswith("protocol.yaml:")
    assert what in caught.value.where
