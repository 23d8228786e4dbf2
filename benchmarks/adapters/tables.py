"""Made-up tables: attendance marks, a log of concerns, the files of the SSDA903 return."""

from datetime import date
from random import Random

from benchmarks.adapters import made_up
from benchmarks.adapters.shapes import Shape, Unit

MARKS_A_PUPIL = 2 * made_up.SCHOOL_DAYS
ABSENT = ("N", "O", "I", "I", "M", "U", "G")
PRESENT = ("/", "\\")

CATEGORIES = ("Neglect", "County lines", "Self-harm", "Bullying", "Young carer", "Domestic abuse")
ACCOUNT = (
    "Came in without a coat for the third day and said that nobody was at home in the morning; "
    "asked for something to eat before the first lesson."
)

FIRST_STAY = date(2019, 4, 1)
STAY_DAYS = 40
"""Days of one episode: so that fifty of them have passed."""


def _mark(number: int, random: Random) -> str:
    """Return a session's mark: pupil by pupil, each in order of time; one in twelve is absent."""
    pupil, mark = divmod(number, MARKS_A_PUPIL)
    day, session = divmod(mark, 2)
    code = random.choice(ABSENT) if random.random() < 1 / 12 else PRESENT[session]
    return (
        f"{made_up.upn(pupil + 1)},{made_up.given(pupil)},{made_up.family(pupil)},"
        f"{made_up.british(made_up.born(pupil))},{made_up.british(made_up.school_day(day))},"
        f"{('AM', 'PM')[session]},{code},\r\n"
    )


def _concern(number: int, random: Random) -> str:
    pupil = random.randrange(2_000)
    on = made_up.british(made_up.moment(random).date())
    return (
        f"{made_up.upn(pupil + 1)},{made_up.given(pupil)},{made_up.family(pupil)},"
        f"{made_up.british(made_up.born(pupil))},INC-{number:07d},{on},Teacher,"
        f'{random.choice(CATEGORIES)},"{ACCOUNT}",,Yes,Routine,Spoke to home,'
        "Designated safeguarding lead\r\n"
    )


def _child(number: int) -> int:
    return number % made_up.COHORT


def _header(number: int, _random: Random) -> str:
    child = _child(number)
    day = made_up.british(made_up.born(child))
    return f"EC-{child},{child % 2 + 1},{day},WBRI,{made_up.upn(child + 1)},0,\r\n"


def _missing(number: int, random: Random) -> str:
    child, turn = _child(number), number // made_up.COHORT
    start = made_up.since(FIRST_STAY, turn * STAY_DAYS + child % STAY_DAYS)
    end = made_up.british(made_up.since(start, random.randint(1, 4)))
    day = made_up.british(made_up.born(child))
    return f"EC-{child},{day},{random.choice('MMMA')},{made_up.british(start)},{end}\r\n"


def _episode(number: int, random: Random) -> str:
    child, turn = _child(number), number // made_up.COHORT
    start = made_up.since(FIRST_STAY, turn * STAY_DAYS)
    end = made_up.british(made_up.since(start, STAY_DAYS))
    return (
        f"EC-{child},{made_up.british(start)},{'P' if turn else 'S'},C2,"
        f"N{random.randint(1, 8)},U6,PR1,{end},X1,CARPL,ZZ1 1AA,ZZ1 2BB,SC999999\r\n"
    )


HEADER = Shape(
    "social-care-ssda903-header",
    "social-care",
    "header.csv",
    _header,
    "csv",
    head="CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB\r\n",
)
BESIDE = Shape(
    HEADER.format, HEADER.agency_type, HEADER.file, _header, "csv", HEADER.head, most=made_up.COHORT
)
"""The header of the return that the tables beside it are joined with: once a child."""


def _module(name: str, columns: str, rest: str) -> Shape:
    """Return the shape of a file of the return that gives no record."""

    def unit(number: int, _random: Random) -> str:
        child = _child(number)
        return f"EC-{child},{made_up.british(made_up.born(child))},{rest}\r\n"

    made: Unit = unit
    return Shape(
        f"social-care-ssda903-{name}",
        "social-care",
        f"{name}.csv",
        made,
        "csv",
        head=f"CHILD,DOB,{columns}\r\n",
    )


TABLES = (
    Shape(
        "education-attendance-csv",
        "education",
        "attendance.csv",
        _mark,
        "csv",
        head="UPN,Forename,Surname,DOB,Date,Session,Code,Comment\r\n",
    ),
    Shape(
        "education-concern-csv",
        "education",
        "concerns.csv",
        _concern,
        "csv",
        head=(
            "UPN,Forename,Surname,DOB,Incident reference,Incident date,Recorded by role,Category,"
            "Account,Shareable summary,Third party checked,Urgency,Actions taken,"
            "Decided by role\r\n"
        ),
    ),
    Shape(
        "social-care-ssda903-missing",
        "social-care",
        "missing.csv",
        _missing,
        "csv",
        head="CHILD,DOB,MISSING,MIS_START,MIS_END\r\n",
        beside=BESIDE,
    ),
    HEADER,
    Shape(
        "social-care-ssda903-episodes",
        "social-care",
        "episodes.csv",
        _episode,
        "csv",
        head=(
            "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,HOME_POST,"
            "PL_POST,URN\r\n"
        ),
        beside=BESIDE,
    ),
    _module("uasc", "SEX,DUC", "1,01/02/2026"),
    _module(
        "oc2",
        "SDQ_SCORE,SDQ_REASON,CONVICTED,HEALTH_CHECK,IMMUNISATIONS,TEETH_CHECK,"
        "HEALTH_ASSESSMENT,SUBSTANCE_MISUSE,INTERVENTION_RECEIVED,INTERVENTION_OFFERED",
        "12,,0,1,1,1,1,0,,",
    ),
    _module("oc3", "IN_TOUCH,ACTIV,ACCOM", "YES,F2,K1"),
    _module(
        "ad1",
        "DATE_INT,DATE_MATCH,FOSTER_CARE,NB_ADOPTR,SEX_ADOPTR,LS_ADOPTR",
        "01/02/2024,01/03/2024,0,2,MF,L11",
    ),
    _module("adoption", "DATE_PLACED,DATE_PLACED_CEASED,REASON_PLACED_CEASED", "01/02/2024,,"),
    _module("permanence", "PREV_PERM,LA_PERM,DATE_PERM", "P1,,01/02/2015"),
    _module("reviews", "REVIEW,REVIEW_CODE", "01/02/2024,PN1"),
    _module("workers", "SW_ID,SW_DECOM,SW_DEC,SW_REASON", "SW1,01/02/2024,,"),
)
