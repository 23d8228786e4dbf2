"""What the tests of formats share: a context, fixtures of each format's shape, and one reader.

Children here do not exist; NHS numbers are of the test range.
"""

import json
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any, TypeAlias

from adapters.dates import iso_instant
from adapters.format import Draft, ReadContext
from adapters.reading import AnyReading, Reading, read_bytes
from adapters.registry import named
from broker import shipped
from broker.records.names import AgencyId
from broker.records.schemas import SchemaSet
from broker.records.statement import Contact
from tests.adapters.ssda903_support import EPISODES_CSV, MODULES_CSV, SSDA903_XML

Json: TypeAlias = Any
"""Parsed JSON, and what a test makes of it."""

AT = iso_instant("2026-03-04T12:00:00Z", "at")
NHS = "9990000018"
OTHER_NHS = "9990000026"
UPN = "H801200001001"
CONTACT = Contact("duty sergeant", "missing", "01632 960101")

AGENCIES = {
    "police": "eastshire-police",
    "health": "eastshire-hospitals",
    "education": "st-brannocks-school",
    "social-care": "eastshire-council",
}


def context(agency_type: str = "police", **changes: Json) -> ReadContext:
    """A context of Wednesday noon."""
    base = ReadContext(AgencyId(AGENCIES[agency_type]), agency_type, AT, CONTACT)
    return replace(base, **changes)


def read(data: Json, format_name: str, ctx: ReadContext, name: str = "export") -> Reading:
    """Read bytes, text, or what is dumped as JSON."""
    if isinstance(data, str):
        data = data.encode()
    elif not isinstance(data, bytes):
        data = json.dumps(data).encode()
    return read_bytes(data, name, ctx, named(format_name))


def drafts(reading: AnyReading) -> list[Draft]:
    """Return all that a file gave."""
    return [one for portion in reading.portions() for one in portion]


def codes(reading: AnyReading) -> dict[str, int]:
    """How often each code stands among the rejected items."""
    return dict(Counter(one.code for one in reading.accounting.rejected))


def only(reading: Reading) -> Draft:
    """The one draft of a reading."""
    assert len(reading.drafts) == 1, reading.accounting
    return reading.drafts[0]


def content(draft: Draft) -> dict[str, Json]:
    """A draft's content, for looking into."""
    return dict(draft.statement.content)


def child(record: Json, **said: Json) -> Json:
    """A wrapper of one child's record."""
    return {"nhsNumber": NHS, "dateOfBirth": "2011-09-25", **said, "record": record}


@cache
def schemas() -> SchemaSet:
    """Every shipped schema."""
    root = shipped.schemas()
    return SchemaSet(
        {f"{path.parent.name}/{path.name}": path.read_bytes() for path in root.glob("*/*.avsc")}
    )


POLICE: Json = {
    "policeMarkerDetails": "Officers attend in pairs.",
    "servicesKnownTo": ["Youth justice service"],
    "lastPoliceProtectionPowerEvent": "2025-10-30",
    "riskSexualExploitation": True,
    "riskCriminalExploitation": False,
    "riskRadicalisation": None,
    "riskModernSlaveryAndTrafficking": None,
    "riskGangsAndYouthViolence": True,
    "riskAssessedOn": "2026-03-01",
    "handling": "P",
    "crimeActiveStatusesAndPlans": [{"status": "Open to youth justice", "plan": None}],
    "missingEpisodes": [
        {
            "reference": "EP-1",
            "date": "2026-03-03",
            "startedAt": "2026-03-03T21:40:00Z",
            "returned": False,
            "risk": "high",
            "lastSeenAt": "2026-03-03T21:15:00Z",
            "lastSeenPlace": "Bus station",
            "lastSeenPostcode": "ZZ1 2BS",
            "circumstances": "Left after a call.",
            "returnInterviewOffered": False,
        },
        {"date": "2026-02-01", "returnedHomeInterviewAttended": True},
    ],
}

HEALTH: Json = {
    "registeredGPName": "Dr Example",
    "missedAppointments": [{"date": "2026-02-01", "setting": "GP", "reason": None}],
    "emergencyDepartmentAttendances": [
        {
            "date": "2026-03-04",
            "arrivedAt": "2026-03-04T02:05:00Z",
            "reason": "Fall on stairs",
            "mode": "Ambulance",
            "disposition": "Admitted",
            "organisation": "Eastshire General",
            "department": "ED",
            "accompaniedBy": {"relationship": "Aunt", "name": "Sam Sample"},
        },
        {"date": "2026-01-05", "reason": None},
    ],
}

EDUCATION: Json = {
    "educationSettingName": "St Brannock's School",
    "educationSettingAddress": {
        "line1": "1 Quay Street",
        "townOrCity": "Eastmouth",
        "postcode": "ZZ2",
    },
    "educationSettingTelephone": "01632 960410",
    "educationActiveStatusesAndPlans": [{"status": "SEND", "plan": "EHC plan"}],
    "yearlyEducationAttendances": [
        {
            "academicTermYearStart": 2025,
            "academicTermYearEnd": 2026,
            "attendancePercentage": 70,
            "unauthorisedAbsencePercentage": 2.5,
            "suspensions": 1,
            "exclusions": 0,
            "schoolMovesNonTransitional": 0,
            "schoolsAverageAttendance": 97.5,
        }
    ],
    "absences": [
        {"firstDay": "2026-03-03", "lastDay": "2026-03-04", "code": "O", "sessions": 4},
    ],
}

SOCIAL_CARE: Json = {
    "keyWorker": "Jo Example",
    "dutyContactDetails": ["01632 960201"],
    "teamInvolvement": ["Assessment team"],
    "cscActiveStatusesAndPlans": [{"status": "Child In Need", "plan": "Child in need plan"}],
    "childrensServicesReferrals": [
        {"date": "2026-03-02", "type": "Early Help"},
        {"date": "2026-03-02", "type": "Social Care", "source": "A&E", "section47": True},
    ],
}

FORMS: Json = {
    "forms": [
        {
            "form": "involvement",
            "agency": "eastshire-council",
            "reference": "I-1",
            "child": {"councilId": "EC-1", "ownId": "L-1", "dateOfBirth": "2011-09-25"},
            "kind": "allocated",
            "from": "2025-09-01",
            "site": {"name": "Council office", "postcode": "ZZ1"},
        },
        {
            "form": "alert",
            "child": {"councilId": "EC-1", "dateOfBirth": "2011-09-25"},
            "kind": "not-visible-to",
            "from": "2026-03-01",
            "who": ["parent", "carer"],
            "note": "No letters home.",
        },
        {
            "form": "concern",
            "child": {"nhsNumber": NHS, "dateOfBirth": "2011-09-25"},
            "at": "2026-03-04T09:00:00Z",
            "urgency": "immediate",
            "categories": ["exploitation"],
            "account": "A new telephone.",
            "voice": {"ownWords": "Don't tell.", "recognition": "partial", "telling": "prompted"},
            "shareableSummary": "New telephone.",
            "summaryShareable": True,
            "thirdPartyChecked": True,
            "persons": [{"role": "relative", "name": "Lee Sample"}],
            "indicators": [{"code": "unexplained-gifts", "on": "2026-03-04", "basis": "fact"}],
            "addressedTo": ["eastshire-council/mash"],
            "decidedBy": "Designated safeguarding lead",
        },
    ]
}

ADT = "\r".join(
    (
        "MSH|^~\\&|EPR|EASTSHIRE-HOSPITALS|CONC|EAST|20260304020500+0000||ADT^A04|C1|P|2.4",
        "EVN|A04|20260304020500+0000",
        f"PID|1||H-77^^^EGH^MR~{NHS}^^^NHS^NH||MARSH^ELLIE||20110925|F|||1 Quay Street",
        "NK1|1|SAMPLE^SAM|AUNT",
        "PV1|1|E|ED^^^EASTSHIRE GENERAL|||||||101|||||||||V1" + "|" * 17 + "09"
        + "|" * 8 + "20260304020300+0000",
        "PV2|||^Fall on stairs \\T\\ cut" + "|" * 35 + "A",
        "",
    )
)  # fmt: skip

FHIR: Json = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {
            "fullUrl": "https://ehr.example/Patient/p1",
            "resource": {
                "resourceType": "Patient",
                "id": "p1",
                "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NHS}],
                "name": [{"family": "Marsh", "given": ["Ellie"]}],
                "birthDate": "2011-09-25",
                "address": [{"postalCode": "ZZ1 1AA"}],
            },
        },
        {
            "fullUrl": "https://ehr.example/Flag/f1",
            "resource": {
                "resourceType": "Flag",
                "id": "f1",
                "status": "active",
                "code": {
                    "coding": [{"system": "http://snomed.info/sct", "code": "342191000000101"}]
                },
                "subject": {"reference": "Patient/p1"},
                "period": {"start": "2025-09-01"},
                "author": {"display": "Eastshire Council"},
            },
        },
        {
            "fullUrl": "https://ehr.example/Encounter/e1",
            "resource": {
                "resourceType": "Encounter",
                "id": "e1",
                "status": "finished",
                "class": {"code": "EMER"},
                "subject": {"reference": "Patient/p1"},
                "period": {"start": "2026-03-03"},
                "reasonCode": [{"text": "Fall on stairs"}],
                "location": [{"location": {"display": "ED"}}],
            },
        },
    ],
}

MISSING_CSV = (
    "CHILD,DOB,MISSING,MIS_START,MIS_END\n"
    "EC-1,25/09/2011,M,01/02/2025,03/02/2025\n"
    "EC-2,25/09/2012,A,01/02/2025,\n"
)
HEADER_CSV = (
    "CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB\n"
    f"EC-1,2,25/09/2011,WBRI,{UPN},,\n"
    "EC-2,2,25/09/2012,WBRI,UN3,,\n"
)

CIN_XML = """\
<Message><Header><CollectionDetails><Collection>CIN</Collection><Year>2025</Year>
<ReferenceDate>2025-03-31</ReferenceDate></CollectionDetails></Header><Children><Child>
<ChildIdentifiers><LAchildID>EC-1</LAchildID><PersonBirthDate>2011-09-25</PersonBirthDate>
</ChildIdentifiers><CINdetails><CINreferralDate>2025-02-03</CINreferralDate>
<ReferralSource>2A</ReferralSource><PrimaryNeedCode>N1</PrimaryNeedCode></CINdetails></Child>
</Children></Message>
"""

MISSING_REPORT: Json = {
    "reference": "MP-1",
    "missingSince": "2026-03-03T21:40:00Z",
    "grading": "High",
    "episodesInLast90Days": 3,
    "person": {
        "nhsNumber": NHS,
        "firstName": "Ellie",
        "lastName": "Marsh",
        "dateOfBirth": "2011-09-25",
    },
    "lastSeen": {"at": "2026-03-03T21:15:00Z", "place": "Bus station", "postcode": "ZZ1 2BS"},
    "circumstances": "Left after a call.",
    "returnInterview": {"offered": True},
}

INTELLIGENCE_REPORT: Json = {
    "reference": "IR-1",
    "date": "2026-03-01",
    "about": "sexual-exploitation",
    "information": "Girls are seen getting into a grey van.",
    "grading": {"source": "2", "intelligence": "B", "handling": "P"},
    "person": {"status": "adult", "firstName": "Sam", "lastName": "Sample",
               "dateOfBirth": "1990-01-01"},
    "place": {"kind": "hotel", "name": "Quay Hotel", "address": "Quay", "postcode": "ZZ1 1QH"},
    "group": {"kind": "network", "size": 4},
}  # fmt: skip

ATTENDANCE_CSV = (
    "UPN,Forename,Surname,DOB,Date,Session,Code,Comment\n"
    "C999400120001,Ellie,Marsh,25/09/2011,02/03/2026,AM,/,\n"
    "C999400120001,Ellie,Marsh,25/09/2011,02/03/2026,PM,N,\n"
    "C999400120001,Ellie,Marsh,25/09/2011,03/03/2026,AM,N,No answer\n"
    "C999400120001,Ellie,Marsh,25/09/2011,03/03/2026,PM,O,\n"
)

CONCERN_CSV = (
    "UPN,Forename,Surname,DOB,Incident reference,Incident date,Recorded by role,Category,Account,"
    "Shareable summary,Third party checked,Urgency,Actions taken,Decided by role\n"
    "C999400120001,Ellie,Marsh,25/09/2011,INC-1,03/03/2026,Form tutor,County lines,"
    "Ellie has a second telephone and will not say whose it is.,"
    "Ellie may be exploited by people who sell drugs.,Yes,Immediate,Rang home,"
    "Designated safeguarding lead\n"
    "J999400120005,Robin,Reed,01/01/2012,INC-2,02/03/2026,Teacher,Self-harm,"
    "Robin showed scratches.,,,,,\n"
)

CTF_XML = """\
<?xml version="1.0" encoding="UTF-8"?>
<CTfile><Header><DocumentName>Common Transfer File</DocumentName><CTFversion>21.0</CTFversion>
<DateTime>2026-03-03T09:00:00</DateTime><SourceSchool><LEA>999</LEA><Estab>4001</Estab>
<URN>999401</URN><SchoolName>st-brannocks-school</SchoolName></SourceSchool>
<DestSchool><LEA>999</LEA><Estab>4002</Estab></DestSchool></Header><CTFpupilData><Pupil>
<UPN>C999400120001</UPN><Surname>Marsh</Surname><Forename>Ellie</Forename><DOB>2011-09-25</DOB>
<Gender>F</Gender><Attendance><YearData><Year>2024</Year><LEA>999</LEA><Estab>4001</Estab>
<SessionsPossible>380</SessionsPossible><SessionsAuthorised>19</SessionsAuthorised>
<SessionsUnauthorised>38</SessionsUnauthorised></YearData></Attendance><SchoolHistory><School>
<LEA>999</LEA><Estab>4001</Estab><EntryDate>2023-09-01</EntryDate></School></SchoolHistory>
</Pupil></CTFpupilData></CTfile>
"""

SHAPES: dict[str, tuple[str, bytes]] = {
    "education-attendance-csv": ("education", ATTENDANCE_CSV.encode()),
    "education-ctf-xml": ("education", CTF_XML.encode()),
    "education-concern-csv": ("education", CONCERN_CSV.encode()),
    "police-sui-json": ("police", json.dumps([child(POLICE)]).encode()),
    "police-missing-json": ("police", json.dumps({"missingReports": [MISSING_REPORT]}).encode()),
    "police-intelligence-json": (
        "police",
        json.dumps({"intelligenceReports": [INTELLIGENCE_REPORT]}).encode(),
    ),
    "health-sui-json": ("health", json.dumps([child(HEALTH)]).encode()),
    "health-hl7-adt": ("health", ADT.encode()),
    "health-fhir": ("health", json.dumps(FHIR).encode()),
    "education-sui-json": ("education", json.dumps([child(EDUCATION)]).encode()),
    "social-care-sui-json": ("social-care", json.dumps([child(SOCIAL_CARE)]).encode()),
    "social-care-cin-census": ("social-care", CIN_XML.encode()),
    "social-care-ssda903-missing": ("social-care", MISSING_CSV.encode()),
    "social-care-ssda903-header": ("social-care", HEADER_CSV.encode()),
    "social-care-ssda903-episodes": ("social-care", EPISODES_CSV.encode()),
    "social-care-ssda903-xml": ("social-care", SSDA903_XML.encode()),
    **{
        f"social-care-ssda903-{name}": ("social-care", text.encode())
        for name, text in MODULES_CSV.items()
    },
    "form": ("social-care", json.dumps(FORMS).encode()),
    "personal-details-sui-json": (
        "social-care",
        b'{"firstName": "Ellie", "namesOfIndividualsResidingAtMainAddress": ["Sam"]}',
    ),
}
"""Each format with a type of agency that has it, and a file that it reads whole."""
