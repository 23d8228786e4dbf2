"""Everybody else's week: ordinary records by day and agency, from the seed."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

from adapters.demo_week.people import (
    COUNCIL,
    HOSPITALS,
    MONDAY,
    POLICE,
    SITES,
    Person,
)
from adapters.demo_week.sheets import Children, Forms, Json, Messages, adt, moment

WEEKDAYS = range(5)
DAYS = range(7)

REASONS = (
    "Fall from bicycle",
    "Abdominal pain",
    "Intoxicated, found by friends",
    "Cut to hand, says from a fence",
    "Asthma",
    "Head injury, unwitnessed",
    "Overdose, paracetamol",
    "Bruising to face",
)
RISKS = ("low", "medium", "medium", "high")
CODES = ("O", "N", "U", "G", "I", "I", "M", "E", "O")
SERVICES = ("Social Care", "Early Help")
SOURCES = ("School", "Police", "Health", "Individual", "Anonymous")
FLAGS = (
    "riskSexualExploitation",
    "riskCriminalExploitation",
    "riskRadicalisation",
    "riskModernSlaveryAndTrafficking",
    "riskGangsAndYouthViolence",
)
CONCERNS = (
    ("unexplained-gifts", "New coat and headphones, will not say from whom."),
    ("change-in-appearance", "Withdrawn since last week, sleeps in lessons."),
    ("self-harm", "Fresh marks on the forearm, seen in games."),
    ("friends-exploited", "Spends breaks with two girls known to the exploitation team."),
)


def day(offset: int) -> str:
    """Return a day of the week as ISO 8601; 0 is Monday."""
    return (MONDAY + timedelta(days=offset)).isoformat()


def links(agency: str, people: Sequence[Person], kind: str, minute: int) -> Forms:
    """Return an agency's involvement forms, one a child, as it joins on Monday morning."""
    sheet = Forms(agency, f"{day(0)}-involvement.json", moment(0, 6, minute))
    site = SITES.get(agency)
    for person in people:
        form: Json = {
            "reference": f"{person.own_id(agency)}-{kind}",
            "kind": kind,
            "from": "2025-09-01",
            "until": None,
            "decidedBy": "Information manager",
        }
        if site is not None:
            form["site"] = {"name": site[0], "postcode": site[1]}
        sheet.add(person, "involvement", form)
    return sheet


def missing(random: Random, people: Sequence[Person], offset: int) -> Children:
    """Return the police export of a morning: who went missing in the night; most are back."""
    sheet = Children(POLICE, f"{day(offset)}-missing.json", moment(offset, 7, 20))
    for person in random.sample(list(people), random.randint(1, 3)):
        hour = random.randint(18, 23)
        start = moment(offset, hour) - timedelta(days=1)
        end = start + timedelta(hours=random.randint(2, 8))
        back = random.random() < 0.8  # noqa: PLR2004 - of a made-up county
        risk = random.choice(RISKS)
        episode: Json = {
            "reference": f"EP-MP-26-{person.number:04d}-{offset}",
            "startedAt": start.isoformat(),
            "returned": back,
            "risk": risk,
            "lastSeenPlace": "Town centre",
            "lastSeenPostcode": "ZZ1 1TC",
            "circumstances": "Did not come home after school.",
        }
        if back:
            episode |= {"returnedAt": end.isoformat(), "foundPlace": "Came home by himself"}
        if person.placed and risk == "low":
            episode["kind"] = "away"
        sheet.add(person, {"missingEpisodes": [episode]})
    return sheet


def flags(random: Random, people: Sequence[Person], offset: int) -> Children:
    """Return a police export of risk flags: raised, not raised, and one under handling code C."""
    sheet = Children(POLICE, f"{day(offset)}-flags.json", moment(offset, 15, 5))
    for number, person in enumerate(random.sample(list(people), 6)):
        record: Json = {name: random.choice((True, False, None)) for name in FLAGS}
        if number == 0:
            record = dict.fromkeys(FLAGS, False)
        else:
            record[random.choice(FLAGS)] = True
        record |= {
            "riskAssessedOn": day(offset),
            "handling": "C" if number == 1 else "P",
            "policeMarkerDetails": "Officers attend in pairs." if number == 2 else None,  # noqa: PLR2004 - made up for the week
            "missingEpisodes": [],
        }
        sheet.add(person, record)
    return sheet


def attendances(random: Random, people: Sequence[Person], offset: int) -> Messages:
    """Return the hospital's registrations of a day."""
    sheet = Messages(HOSPITALS, f"{day(offset)}-adt.hl7", moment(offset, 23, 40))
    for number, person in enumerate(random.sample(list(people), random.randint(3, 5))):
        at = moment(offset, random.randint(0, 22), random.randint(0, 59))
        reason, mode = random.choice(REASONS), random.choice("ACFPU")
        sheet.messages.append(
            adt(person, at, control=f"{offset}{number:03d}", reason=reason, mode=mode)
        )
        sheet.expected.good()
    return sheet


def absences(random: Random, people: Sequence[Person], school: str, offset: int) -> Children:
    """Return a school's absences of a day."""
    minute = sorted(SITES).index(school)
    sheet = Children(school, f"{day(offset)}-absence.json", moment(offset, 10, minute))
    for person in random.sample(list(people), min(len(people), random.randint(3, 5))):
        sheet.add(person, absence(school, day(offset), random.choice(CODES)))
    return sheet


def absence(school: str, on: str, code: str) -> Json:
    """Return a child's record with one day's absence."""
    return {
        "educationSettingName": SITES[school][0],
        "absences": [{"firstDay": on, "lastDay": on, "code": code, "sessions": 2}],
    }


def referrals(random: Random, people: Sequence[Person], offset: int) -> Children:
    """Return the council's referrals of a day."""
    sheet = Children(COUNCIL, f"{day(offset)}-referrals.json", moment(offset, 16, 30))
    for person in random.sample(list(people), random.randint(2, 4)):
        record: Json = {
            "teamInvolvement": ["Assessment team"],
            "childrensServicesReferrals": [
                {
                    "date": day(offset),
                    "type": random.choice(SERVICES),
                    "source": random.choice(SOURCES),
                    "needs": ["N1"],
                }
            ],
        }
        if person.allocated:
            record["keyWorker"] = "Chris Amberley"
            record["cscActiveStatusesAndPlans"] = [
                {"status": "Child Protection", "plan": "Child protection plan"}
            ]
        sheet.add(person, record)
    return sheet


def concerns(random: Random, people: Sequence[Person], agency: str, offset: int) -> Forms:
    """Return an agency's concerns of a day; of the last nobody has decided that it may leave."""
    minute = sorted(SITES).index(agency)
    sheet = Forms(agency, f"{day(offset)}-concerns.json", moment(offset, 13, minute))
    chosen = random.sample(list(people), 3)
    for number, person in enumerate(chosen):
        code, account = random.choice(CONCERNS)
        decided = number < len(chosen) - 1
        sheet.add(
            person,
            "concern",
            {
                "reference": f"{person.own_id(agency)}-C{offset}",
                "on": day(offset),
                "urgency": "routine",
                "account": account,
                "shareableSummary": account if number == 0 else None,
                "summaryShareable": number == 0,
                "thirdPartyChecked": number == 0,
                "indicators": [{"code": code, "on": day(offset), "basis": "fact"}],
                "decidedBy": "Safeguarding lead" if decided else None,
            },
        )
    return sheet
