"""HL7 v2 ADT^A01, A03, A04, A08 of emergencies → emergency-attendance."""

import pytest

from adapters.dates import iso_instant
from adapters.reading import Reading
from tests.adapters.reading_support import ADT, NHS, codes, content, context, only, read


def message(text: str) -> Reading:
    return read(text, "health-hl7-adt", context("health"))


def changed(old: str, new: str) -> Reading:
    assert old in ADT
    return message(ADT.replace(old, new))


def test_registration_is_mapped() -> None:
    # Given a registration at five past two, when it is read
    draft = only(message(ADT))
    # Then identity comes from repeats by their kind, time from PV1-44, escapes are undone.
    ids = draft.statement.identifiers
    assert (ids.nhs_number, ids.own_id, ids.family, ids.given) == (NHS, "H-77", "MARSH", "ELLIE")
    assert ids.date_of_birth == "2011-09-25"
    assert content(draft)["attendance"] == {
        "arrival": 20516,
        "arrival_at": iso_instant("2026-03-04T02:03Z", "at"),
        "mode": "ambulance",
        "disposition": "admitted",
    }
    assert content(draft)["reason"] == "Fall on stairs & cut"
    assert content(draft)["site"] == {"organisation": "EASTSHIRE GENERAL", "department": "ED"}
    assert draft.statement.natural_id == "emergency-attendance/V1"
    assert draft.urgent


def test_what_is_not_mapped_is_named() -> None:
    # Given next of kin, sex, address and a local segment, when they are read, then they are named.
    assert message(ADT + "ZPD|1\r").accounting.unmapped == (
        "NK1 (next of kin)",
        "PID-11 (address)",
        "PID-8 (sex)",
        "ZPD (local segment)",
    )


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_ends(ending: str) -> None:
    # Given segments that end in LF or CR LF, when they are read, then it is the same.
    assert message(ADT.replace("\r", ending)).drafts == message(ADT).drafts


def test_batches_and_framing() -> None:
    # Given two messages in a batch, between framing bytes, when they are read
    second = ADT.replace("|V1|", "|V2|")
    text = f"FHS|^~\\&\rBHS|^~\\&\r\x0b{ADT}\x1c\r\x0b{second}\x1c\rBTS|2\rFTS|1\r"
    reading = message(text)
    # Then both are mapped.
    assert [d.statement.natural_id[-2:] for d in reading.drafts] == ["V1", "V2"]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("ADT^A04", "ADT^A11", "another event than A01, A03, A04, A08"),
        ("PV1|1|E|", "PV1|1|O|", "a visit that did not begin as an emergency"),
        ("PV1|1|E|", "PV1|1|I|", "a visit that did not begin as an emergency"),
        ("PV1|1", "PVX|1", "a visit that did not begin as an emergency"),
    ],
)
def test_context(old: str, new: str, what: str) -> None:
    # Given another event or class, when it is read, then it is context.
    account = changed(old, new).accounting
    assert (account.context, account.rejected) == (1, ()), what


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("MSH|^~\\&|", "XXX|^~\\&|", "hl7.message"),
        ("|ADT^A04|", "|ORU^R01|", "hl7.message"),
        ("MSH|^~\\&|EPR", "MSH||EPR", "hl7.message"),
        ("|EASTSHIRE-HOSPITALS|", "|WESTSHIRE|", "input.other-agency"),
        ("|EASTSHIRE-HOSPITALS|", "||", "field.missing"),
        ("||20110925|", "||20110931|", "field.date"),
        ("20260304020300+0000", "20260304990300", "field.date"),
        ("20260304020300+0000", "20260306", "field.date.future"),
        ("ELLIE", "E\x01", "field.text"),
    ],
)
def test_refused(old: str, new: str, code: str) -> None:
    # Given a wrong message before a good one, when both are read, then only the wrong is refused.
    assert old in ADT
    reading = message(ADT.replace(old, new) + ADT)
    assert codes(reading) == {code: 1}
    assert reading.accounting.mapped == 1


def test_a_patient_with_a_name_alone_is_mapped() -> None:
    # Given a patient without any number, when it is read, then name and date of birth tell.
    draft = only(changed(f"H-77^^^EGH^MR~{NHS}^^^NHS^NH", ""))
    assert draft.statement.identifiers.nhs_number is None
    assert draft.statement.identifiers.family == "MARSH"


def test_a_patient_whom_nothing_tells() -> None:
    # Given a patient without numbers and date of birth, when it is read, then it is refused.
    text = ADT.replace(f"{NHS}^^^NHS^NH", "1^^^^XX").replace("20110925", "")
    assert codes(message(text)) == {"identity.insufficient": 1}


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [("|" * 35 + "A", "|" * 35 + "Q", "PV2-38"), ("|" * 17 + "09", "|" * 17 + "77", "PV1-36")],
)
def test_a_code_that_can_be_done_without_is_told(old: str, new: str, field: str) -> None:
    # Given an unknown mode or disposition, when it is read, then the child's visit still counts.
    reading = changed(old, new)
    assert reading.accounting.mapped == 1
    assert [(w.code, w.field) for w in reading.accounting.warnings] == [("field.code", field)]


def test_time_falls_back() -> None:
    # Given no admit time, when it is read, then the event's recorded time stands in.
    text = ADT.replace("20260304020300+0000", "")
    found = content(only(message(text)))["attendance"]["arrival_at"]
    assert found == iso_instant("2026-03-04T02:05Z", "at")
    nowhere = text.replace("EVN|A04|20260304020500+0000", "EVN|A04").replace(
        "|EAST|20260304020500+0000|", "|EAST||"
    )
    assert codes(message(nowhere)) == {"field.missing": 1}


def test_visits_without_a_number_are_told_apart_by_control_id() -> None:
    # Given two registrations of one day without visit numbers, one of them sent twice
    first = ADT.replace("|V1|", "||")
    second = first.replace("|C1|", "|C2|")
    names = [d.statement.natural_id for d in message(first + second + first).drafts]
    # When they are read, then the repeated one has its own name again.
    assert names[0] == names[2] != names[1]


def test_sexual_health_by_service() -> None:
    # Given the service of genitourinary medicine, when it is read, then the label is set.
    draft = only(changed("|101|", "|360|"))
    assert draft.statement.labels.protections == ("sexual-health",)


def test_no_site() -> None:
    # Given no location, when it is read, then the slot stays empty.
    assert "site" not in content(only(changed("ED^^^EASTSHIRE GENERAL", "")))


@pytest.mark.parametrize("event", ["A01", "A03", "A08"])
def test_each_event_says_how_the_visit_stands(event: str) -> None:
    # Given another event about the same visit, when it is read, then it is the same item again.
    draft = only(changed("ADT^A04", f"ADT^{event}"))
    assert draft.statement.natural_id == only(message(ADT)).statement.natural_id
    assert content(draft) == content(only(message(ADT)))


def test_a_later_message_about_a_visit_is_its_next_version() -> None:
    # Given a registration, an update of the reason and a discharge, in one file
    update = ADT.replace("ADT^A04", "ADT^A08").replace("Fall on stairs", "Fall at home")
    end = ADT.replace("ADT^A04", "ADT^A03").replace("|" * 17 + "09", "|" * 17 + "01")
    drafts = message(ADT + update + end).drafts
    # When they are read, then one item has three states, in the order of the file.
    assert len({one.statement.natural_id for one in drafts}) == 1
    ends = [content(one)["attendance"]["disposition"] for one in drafts]
    assert ends == ["admitted", "admitted", "discharged"]
    assert content(drafts[1])["reason"] == "Fall at home & cut"


def test_an_unplanned_admission_is_an_emergency_that_ended_in_a_bed() -> None:
    # Given an inpatient whose admission was an emergency, with no disposition yet
    text = ADT.replace("ADT^A04", "ADT^A01").replace("|" * 17 + "09", "|" * 17)
    pv1 = next(line for line in text.split("\r") if line.startswith("PV1"))
    fields = pv1.split("|")
    fields[2], fields[4] = "I", "E"
    draft = only(message(text.replace(pv1, "|".join(fields))))
    # When it is read, then the child was admitted.
    assert content(draft)["attendance"]["disposition"] == "admitted"
    assert "attendance:admitted" in draft.statement.labels.facts


@pytest.mark.parametrize("event", ["A03", "A08"])
def test_the_time_of_a_later_event_is_no_arrival(event: str) -> None:
    # Given a discharge without the time of arrival, when it is read, then it is refused.
    text = ADT.replace("ADT^A04", f"ADT^{event}").replace("20260304020300+0000", "")
    assert codes(message(text)) == {"field.missing": 1}


def test_the_time_of_discharge_is_named() -> None:
    # Given a discharge with its time, when it is read, then the time is named as not mapped.
    text = ADT.replace("20260304020300+0000", "20260304020300+0000|20260304060000+0000")
    assert "PV1-45 (time of discharge)" in message(text).accounting.unmapped
