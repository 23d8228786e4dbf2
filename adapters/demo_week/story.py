"""One girl's week: Ellie Marsh, 14, missing for the third time since January.

Tuesday night she is reported missing. At two on Wednesday morning she is in the emergency
department; at seven the police find her; at nine she is not in school. Her school writes down a
concern, a nurse another one that touches sexual health; children's services take the referral, and
an alert says that her stepfather must not see what is written. Harbour Academy, where she never
was, has nothing to do with her.
"""

from adapters.demo_week.people import Person
from adapters.demo_week.sheets import Json, moment

FOUND_AT = moment(2, 6, 50)

EARLIER: tuple[Json, ...] = (
    {
        "reference": "EP-MP-26-0117",
        "date": "2026-01-16",
        "startedAt": "2026-01-16T22:10:00Z",
        "returnedAt": "2026-01-17T11:30:00Z",
        "risk": "medium",
        "returnedHomeInterviewAttended": False,
    },
    {
        "reference": "EP-MP-26-0388",
        "date": "2026-02-08",
        "startedAt": "2026-02-08T20:45:00Z",
        "returnedAt": "2026-02-09T05:15:00Z",
        "risk": "high",
        "returnInterviewOffered": True,
        "returnInterviewAccepted": False,
    },
)

MISSING: Json = {
    "reference": "EP-MP-26-0702",
    "date": "2026-03-03",
    "startedAt": "2026-03-03T21:40:00Z",
    "returned": False,
    "risk": "high",
    "episodesInLast90Days": 3,
    "lastSeenAt": "2026-03-03T21:15:00Z",
    "lastSeenPlace": "Eastmouth bus station, getting into a dark car",
    "lastSeenPostcode": "ZZ1 2BS",
    "circumstances": 'Left after a telephone call. Friends speak of an older "boyfriend".',
}


def missing() -> Json:
    """Return what the police system holds on Tuesday night."""
    return {"missingEpisodes": [*EARLIER, MISSING]}


def found() -> Json:
    """Return what it holds on Wednesday morning: the same episode, ended."""
    ended = {
        **MISSING,
        "returned": True,
        "returnedAt": FOUND_AT.isoformat(),
        "foundAt": FOUND_AT.isoformat(),
        "foundPlace": "Harbour car park, level 3",
        "foundPostcode": "ZZ3 9CP",
        "returnInterviewOffered": True,
    }
    return {"missingEpisodes": [*EARLIER, ended]}


def flags() -> Json:
    """Return the police assessment of Thursday."""
    return {
        "riskSexualExploitation": True,
        "riskCriminalExploitation": None,
        "riskRadicalisation": None,
        "riskModernSlaveryAndTrafficking": None,
        "riskGangsAndYouthViolence": False,
        "riskAssessedOn": "2026-03-05",
        "handling": "P",
        "policeMarkerDetails": "Vehicle seen near two other missing children.",
        "servicesKnownTo": ["Children's social care"],
        "missingEpisodes": [],
    }


def absence(school: str) -> Json:
    """Return what her school exports on Wednesday."""
    return {
        "educationSettingName": school,
        "absences": [
            {
                "reference": "SB-ABS-20260304-1",
                "firstDay": "2026-03-04",
                "lastDay": "2026-03-04",
                "code": "O",
                "sessions": 2,
                "note": "First-day call: nobody answered.",
            }
        ],
    }


def school_concern() -> Json:
    """Return the designated safeguarding lead's concern."""
    return {
        "reference": "SB-C-0091",
        "on": "2026-03-04",
        "urgency": "today",
        "seenAlone": False,
        "categories": ["exploitation"],
        "account": "Form tutor reports a second telephone and new trainers since half term. Ellie "
        "said to a friend that she owes somebody.",
        "voice": {
            "ownWords": "He's going to be angry that I talked.",
            "recognition": "partial",
            "telling": "signs-and-symptoms",
            "wishes": "Tell my social worker. Don't tell my stepdad.",
            "toldOfSharing": True,
        },
        "shareableSummary": "Second telephone and unexplained gifts since half term; says she owes "
        "somebody. Asks that home is not told.",
        "summaryShareable": True,
        "thirdPartyChecked": True,
        "indicators": [{"code": "unexplained-gifts", "on": "2026-03-04", "basis": "fact"}],
        "decidedBy": "Designated safeguarding lead",
    }


def nurse_concern() -> Json:
    """Return the nurse's concern: a clinician has decided that it may leave the trust."""
    return {
        "reference": "EH-C-0417",
        "on": "2026-03-04",
        "at": "2026-03-04T02:50:00Z",
        "urgency": "today",
        "seenAlone": True,
        "categories": ["exploitation"],
        "account": "Asked for emergency contraception; would not say with whom she had been.",
        "protections": ["sexual-health"],
        "indicators": [{"code": "physical-injury", "on": "2026-03-04", "basis": "fact"}],
        "decidedBy": "Named nurse for safeguarding children",
    }


def referral() -> Json:
    """Return what children's services export on Wednesday afternoon."""
    return {
        "keyWorker": "Jo Lindgren",
        "teamInvolvement": ["Exploitation and missing team"],
        "cscActiveStatusesAndPlans": [{"status": "Child In Need", "plan": "Child in need plan"}],
        "childrensServicesReferrals": [
            {
                "reference": "EC-R-26-1177",
                "date": "2026-03-04",
                "type": "Social Care",
                "source": "A&E",
                "section47": True,
                "narrative": "Third time missing since January; strategy discussion called.",
            }
        ],
    }


def alert() -> Json:
    """Return the alert that children's services raise."""
    return {
        "reference": "EC-A-0305",
        "kind": "not-visible-to",
        "from": "2026-03-04",
        "who": ["carer"],
        "note": "Nothing to reach the stepfather: no letters home, no parents' portal.",
        "decidedBy": "Social work team manager",
    }


def summary(girl: Person) -> Json:
    """Return who she is, for the manifest."""
    return {
        "given": girl.given,
        "family": girl.family,
        "nhs_number": girl.nhs,
        "school": girl.school,
        "practice": girl.practice,
        "wrong_school": "harbour-academy",
    }
