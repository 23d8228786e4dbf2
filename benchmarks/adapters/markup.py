"""Made-up XML: the children in need census, the SSDA903 return, common transfer files."""

from datetime import date
from random import Random

from benchmarks.adapters import made_up
from benchmarks.adapters.shapes import Shape

DECLARED = '<?xml version="1.0" encoding="UTF-8"?>\n'
SOURCES = ("1A", "2A", "3A", "3E", "4", "5A", "6", "10")
FACTORS = ("1A", "3B", "4A", "10A", "11A", "15A", "19B", "19C", "24A")
CATEGORIES = ("NEG", "PHY", "SAB", "EMO")
FIRST_REFERRAL = date(2024, 4, 1)


def _day(name: str, day: date) -> str:
    return f"<{name}>{day.isoformat()}</{name}>"


def _census_child(number: int, random: Random) -> str:
    """Return a child with a referral, an assessment and a protection plan."""
    on = made_up.since(FIRST_REFERRAL, random.randrange(360))
    factors = "".join(
        f"<AssessmentFactors>{one}</AssessmentFactors>" for one in random.sample(FACTORS, 2)
    )
    category = random.choice(CATEGORIES)
    return (
        f"<Child><ChildIdentifiers><LAchildID>EC-{number}</LAchildID>"
        f"<UPN>{made_up.upn(number + 1)}</UPN>{_day('PersonBirthDate', made_up.born(number))}"
        f"<Sex>{'MF'[number % 2]}</Sex></ChildIdentifiers><ChildCharacteristics>"
        "<Ethnicity>WBRI</Ethnicity></ChildCharacteristics><CINdetails>"
        f"{_day('CINreferralDate', on)}<ReferralSource>{random.choice(SOURCES)}</ReferralSource>"
        f"<PrimaryNeedCode>N{random.randint(1, 8)}</PrimaryNeedCode><ReferralNFA>0</ReferralNFA>"
        f"<Assessments>{_day('AssessmentActualStartDate', made_up.since(on, 1))}"
        f"{_day('AssessmentAuthorisationDate', made_up.since(on, 30))}"
        f"<FactorsIdentifiedAtAssessment>{factors}</FactorsIdentifiedAtAssessment></Assessments>"
        f"<ChildProtectionPlans>{_day('CPPstartDate', made_up.since(on, 40))}"
        f"<InitialCategoryOfAbuse>{category}</InitialCategoryOfAbuse>"
        f"<LatestCategoryOfAbuse>{category}</LatestCategoryOfAbuse></ChildProtectionPlans>"
        "</CINdetails></Child>\n"
    )


def _stay(start: date, new: str) -> str:
    end = made_up.british(made_up.since(start, 90))
    return (
        f"<EPISODE><DECOM>{made_up.british(start)}</DECOM><RNE>{new}</RNE><LS>C2</LS><CIN>N1</CIN>"
        "<PL>U6</PL><PL_POST>ZZ1 2BB</PL_POST><HOME_POST>ZZ1 1AA</HOME_POST><URN>SC999999</URN>"
        f"<PLACE_PROVIDER>PR1</PLACE_PROVIDER><DEC>{end}</DEC><REC>X1</REC></EPISODE>"
    )


def _away(start: date) -> str:
    end = made_up.british(made_up.since(start, 2))
    return (
        f"<AMISSING><MISSING>M</MISSING><MIS_START>{made_up.british(start)}</MIS_START>"
        f"<MIS_END>{end}</MIS_END></AMISSING>"
    )


def _return_child(number: int, random: Random) -> str:
    """Return a child with two episodes who was missing twice."""
    first = made_up.since(FIRST_REFERRAL, random.randrange(180))
    return (
        f"<CHILD><HEADER><CHILDID>EX-{number}</CHILDID><UPN>{made_up.upn(number + 1)}</UPN>"
        f"<SEX>{number % 2 + 1}</SEX><DOB>{made_up.british(made_up.born(number))}</DOB>"
        f"{_away(made_up.since(first, 10))}{_away(made_up.since(first, 50))}</HEADER>"
        f"{_stay(first, 'S')}{_stay(made_up.since(first, 90), 'P')}</CHILD>\n"
    )


def _year(year: int, random: Random) -> str:
    return (
        f"<YearData><Year>{year}</Year><LEA>999</LEA><Estab>4001</Estab>"
        "<SessionsPossible>380</SessionsPossible>"
        f"<SessionsAuthorised>{random.randint(0, 40)}</SessionsAuthorised>"
        f"<SessionsUnauthorised>{random.randint(0, 60)}</SessionsUnauthorised></YearData>"
    )


def _pupil(number: int, random: Random) -> str:
    """Return a pupil with two years of attendance and one school."""
    return (
        f"<Pupil><UPN>{made_up.upn(number + 1)}</UPN><Surname>{made_up.family(number)}</Surname>"
        f"<Forename>{made_up.given(number)}</Forename>{_day('DOB', made_up.born(number))}"
        f"<Gender>F</Gender><Attendance>{_year(2023, random)}{_year(2024, random)}</Attendance>"
        "<SchoolHistory><School><LEA>999</LEA><Estab>4001</Estab>"
        "<EntryDate>2023-09-01</EntryDate></School></SchoolHistory></Pupil>\n"
    )


MARKUP = (
    Shape(
        "social-care-cin-census",
        "social-care",
        "cin.xml",
        _census_child,
        "xml",
        head=(
            f"{DECLARED}<Message><Header><CollectionDetails><Collection>CIN</Collection>"
            "<Year>2025</Year><ReferenceDate>2025-03-31</ReferenceDate></CollectionDetails>"
            "</Header><Children>\n"
        ),
        foot="</Children></Message>\n",
        gives=3,
    ),
    Shape(
        "social-care-ssda903-xml",
        "social-care",
        "ssda903.xml",
        _return_child,
        "xml",
        head=f"{DECLARED}<EXPSSDA903>\n",
        foot="</EXPSSDA903>\n",
        gives=4,
    ),
    Shape(
        "education-ctf-xml",
        "education",
        "9994001_CTF_9994002_001.xml",
        _pupil,
        "xml",
        head=(
            f"{DECLARED}<CTfile><Header><DocumentName>Common Transfer File</DocumentName>"
            "<CTFversion>21.0</CTFversion><DateTime>2026-03-03T09:00:00</DateTime><SourceSchool>"
            "<LEA>999</LEA><Estab>4001</Estab><URN>999401</URN>"
            "<SchoolName>st-brannocks-school</SchoolName></SourceSchool><DestSchool>"
            "<LEA>999</LEA><Estab>4002</Estab></DestSchool></Header><CTFpupilData>\n"
        ),
        foot="</CTFpupilData></CTfile>\n",
        gives=3,
    ),
)
