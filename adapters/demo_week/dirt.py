"""What real exports are full of: rows and files that must be refused, each with its code.

Every good row around them must go through all the same.
"""

from collections.abc import Sequence

from adapters.demo_week.events import absence, day
from adapters.demo_week.people import (
    COUNCIL,
    FAIRFIELD,
    HARBOUR_ACADEMY,
    HARBOUR_PRACTICE,
    POLICE,
    ST_BRANNOCKS,
    Person,
)
from adapters.demo_week.sheets import (
    Children,
    Forms,
    Messages,
    Raw,
    Sheet,
    Table,
    adt,
    moment,
    said,
    wrapped,
)

WRONG_DIGIT = "9990000019"
"""An NHS number whose check digit is wrong."""


def police(sheet: Children, people: Sequence[Person]) -> None:
    """Add a child that nothing tells, an impossible date, an unknown risk, and no object."""
    episode = {"date": day(0), "risk": "low"}
    record = {"missingEpisodes": [episode]}
    sheet.add_bad({"nhsNumber": WRONG_DIGIT, "record": record}, "identity.nhs-number")
    sheet.add_bad("a line that somebody typed", "field.type")
    mixed = {
        "missingEpisodes": [
            {"date": "2026-02-30", "risk": "low"},
            {"date": "2026-02-20", "risk": "severe"},
            {"date": "2026-02-21", "risk": "low", "returned": True},
        ]
    }
    sheet.entries.append(wrapped(POLICE, people[0], mixed))
    sheet.expected.bad("field.date")
    sheet.expected.bad("field.code")
    sheet.expected.good()
    # A wrong NHS number beside full name and date of birth: mapped without it, and told.
    weak = wrapped(POLICE, people[1], {"missingEpisodes": [{"date": day(0), "risk": "low"}]})
    sheet.entries.append({**weak, "nhsNumber": WRONG_DIGIT})
    sheet.expected.good()
    sheet.expected.warned["identity.nhs-number"] += 1


def hospital(sheet: Messages, people: Sequence[Person]) -> None:
    """Add messages of other kinds, another sender's, broken ones, and a child with a name only."""
    at = moment(2, 12)
    sheet.messages.insert(0, "EVN|A04|20260304\r")
    sheet.expected.bad("hl7.message")
    others = (
        ({"event": "A11"}, None),
        ({"patient_class": "O"}, None),
        ({"facility": "WESTSHIRE-GENERAL"}, "input.other-agency"),
    )
    for number, (change, code) in enumerate(others):
        message = adt(people[0], at, control=f"D{number}", reason="Review", **change)
        sheet.messages.append(message)
        if code is None:
            sheet.expected.beside()
        else:
            sheet.expected.bad(code)
    broken = adt(people[1], at, control="D3", reason="Sprain")
    sheet.messages.append(broken.replace(f"{at:%Y%m%d%H%M%S}+0000", "20260399"))
    sheet.expected.bad("field.date")
    nameless = adt(people[2], at, control="D4", reason="Burn", patient_id="")
    # Lines that end in LF alone, as some interfaces write them.
    sheet.messages.append(nameless.replace("\r", "\n"))
    sheet.expected.good()


def school(sheet: Children, people: Sequence[Person]) -> None:
    """Add a withdrawn code, a day to come, a child who was there, and a row exported twice."""
    for code, on, refused in (
        ("H", day(1), "field.code.withdrawn"),
        ("O", "2027-03-02", "field.date.future"),
    ):
        sheet.entries.append(wrapped(sheet.agency, people[0], absence(sheet.agency, on, code)))
        sheet.expected.bad(refused)
    sheet.entries.append(wrapped(sheet.agency, people[1], absence(sheet.agency, day(1), "/")))
    sheet.expected.beside()
    for _ in range(2):
        sheet.add(people[2], absence(sheet.agency, day(1), "O"))


def council(sheet: Children, people: Sequence[Person]) -> None:
    """Add a service that nobody knows, and a referral without a date."""
    for entry, code in (
        ({"date": day(1), "type": "Family Hub"}, "field.code"),
        ({"type": "Early Help"}, "field.missing"),
    ):
        record = {"childrensServicesReferrals": [entry]}
        sheet.entries.append(wrapped(COUNCIL, people[0], record))
        sheet.expected.bad(code)


def forms(sheet: Forms, person: Person) -> None:
    """Add a link without a beginning, an unknown kind of form, and another agency's form."""
    child = said(sheet.agency, person)
    sheet.add_bad({"form": "involvement", "child": child, "kind": "allocated"}, "field.missing")
    sheet.add_bad({"form": "complaint", "child": child}, "field.code")
    sheet.add_bad(
        {"form": "involvement", "agency": "westshire-council", "child": child, "kind": "placed"},
        "input.other-agency",
    )


def whole_files() -> list[Sheet]:
    """Return files that are refused whole: cut short, empty, wrong encoding, another agency's."""
    cut = Raw(HARBOUR_PRACTICE, f"{day(3)}-concerns.json", moment(3, 12, 1))
    cut.raw = b'{"forms": [{"form": "concern", "child": {"nhsNumber": "99900'
    cut.expected.bad("input.json")
    empty = Raw(POLICE, f"{day(4)}-late.json", moment(4, 12, 2))
    empty.expected.bad("input.empty")
    old = Raw(FAIRFIELD, f"{day(4)}-old-system.json", moment(4, 12, 3))
    old.raw = '{"absences": [{"note": "Zoë is late"}]}'.encode("cp1252")
    old.expected.bad("input.encoding")
    foreign = Raw(HARBOUR_ACADEMY, f"{day(4)}-misfiled.json", moment(4, 12, 4))
    foreign.raw = f'{{"agency": "{ST_BRANNOCKS}", "children": [], "absences": []}}'.encode()
    foreign.expected.bad("input.other-agency")
    return [cut, empty, old, foreign]


def annual_return(people: Sequence[Person]) -> list[Sheet]:
    """Return the council's SSDA903 modules: missing.csv, and header.csv beside it."""
    missing = Table(COUNCIL, "ssda903/missing.csv", moment(0, 9, 30))
    header = Table(COUNCIL, "ssda903/header.csv", moment(0, 9, 29), beside=True)
    missing.rows.append(("CHILD", "DOB", "MISSING", "MIS_START", "MIS_END"))
    header.rows.append(("CHILD", "SEX", "DOB", "ETHNIC", "UPN", "MOTHER", "MC_DOB"))
    for number, person in enumerate(people):
        born = f"{person.born:%d/%m/%Y}"
        kind, start = ("M", "A")[number % 2], f"{number % 27 + 1:02d}/0{number % 8 + 1}/2025"
        missing.rows.append((person.council_id, born, kind, start, start))
        upn = "A" + person.upn[1:] if number == 1 else person.upn
        if upn != person.upn:
            missing.expected.warned["identity.upn"] += 1
        other = "01/01/2001" if number == 2 else born  # noqa: PLR2004 - the third child
        if other != born:
            missing.expected.warned["identity.disagrees"] += 1
        header.rows.append((person.council_id, "1", other, "WBRI", upn, "", ""))
        missing.expected.good()
    missing.rows.append(missing.rows[1])
    missing.expected.good()
    first = people[0]
    born = f"{first.born:%d/%m/%Y}"
    for row, code in (
        ((first.council_id, born, "M", "10/05/2025", "09/05/2025"), "field.date.order"),
        ((first.council_id, born, "X", "10/05/2025", ""), "field.code"),
        ((first.council_id, born, "M", "31/06/2025", ""), "field.date"),
        ((first.council_id, born, "M"), "input.csv.row"),
    ):
        missing.rows.append(row)
        missing.expected.bad(code)
    header.expected.beside(len(people))
    return [missing, header]
