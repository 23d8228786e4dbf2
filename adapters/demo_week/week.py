"""The week as a whole: every file in the order in which it is published, and the manifest."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

from adapters.demo_week import dirt, events, story
from adapters.demo_week.people import (
    COUNCIL,
    FAIRFIELD,
    HARBOUR_ACADEMY,
    HARBOUR_PRACTICE,
    HOSPITALS,
    MILLBROOK,
    MONDAY,
    POLICE,
    PRACTICES,
    SCHOOLS,
    SITES,
    ST_BRANNOCKS,
    Person,
    children,
)
from adapters.demo_week.sheets import Children, Forms, Json, Messages, Sheet, adt, moment

SEED = 2026
COUNT = 120
"""Children: enough that several are known to several agencies, few enough for a minute's demo."""

LEAST = 40
"""Children below which some school or practice may have nobody."""


def write_week(folder: Path, seed: int = SEED, count: int = COUNT) -> Json:
    """Write the week's files below a folder and return the manifest, which is written too.

    Args:
        folder: made if need be.
        seed: the same seed and count give the same bytes.
        count: children, at least 40.

    Raises:
        ValueError: too few children.
        OSError: the folder cannot be written.
    """
    people, sheets = make_week(seed, count)
    for sheet in sheets:
        path = folder / sheet.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sheet.content())
    manifest: Json = {
        "seed": seed,
        "children": count,
        "first_day": MONDAY.isoformat(),
        "story": story.summary(people[0]),
        "files": [sheet.as_json() for sheet in sheets],
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    return manifest


def make_week(seed: int, count: int) -> tuple[list[Person], list[Sheet]]:
    """Return the children, and the files in the order in which they are published.

    Raises:
        ValueError: too few children.
    """
    if count < LEAST:
        message = f"a county needs at least {LEAST} children"
        raise ValueError(message)
    random = Random(seed)  # noqa: S311 - repeatable on purpose; nothing secret is made with it
    people = children(random, count)
    others = people[1:]
    sheets = [
        *_links(people),
        *_alerts(people),
        *dirt.annual_return([p for p in others if p.allocated or p.placed][:24]),
        *_police(random, others, people[0]),
        *_hospital(random, others, people[0]),
        *_schools(random, others, people[0]),
        *_council(random, others, people[0]),
        *dirt.whole_files(),
    ]
    return people, sorted(sheets, key=lambda sheet: (sheet.at, sheet.path))


def protected(people: Sequence[Person]) -> Person:
    """Return the child whose address is protected."""
    return next(p for p in people[1:] if p.allocated and p.school != FAIRFIELD)


def _links(people: Sequence[Person]) -> list[Sheet]:
    sheets: list[Sheet] = []
    for minute, school in enumerate(SCHOOLS):
        on_roll = [p for p in people if p.school == school]
        sheets.append(events.links(school, on_roll, "on-roll", minute))
    for minute, practice in enumerate(PRACTICES, start=10):
        registered = [p for p in people if p.practice == practice]
        sheets.append(events.links(practice, registered, "registered", minute))
    council = events.links(COUNCIL, [p for p in people if p.allocated], "allocated", 20)
    for person in (p for p in people if p.placed):
        council.add(
            person,
            "involvement",
            {"kind": "placed", "from": "2025-11-03", "decidedBy": "Placements manager"},
        )
    dirt.forms(council, people[1])
    hospital = events.links(HOSPITALS, [p for p in people if p.clinic], "open-case", 30)
    police = events.links(POLICE, [p for p in people if p.known_to_police], "open-case", 40)
    return [*sheets, council, hospital, police]


def _alerts(people: Sequence[Person]) -> list[Sheet]:
    hidden = protected(people)
    sheet = Forms(COUNCIL, f"{events.day(0)}-alerts.json", moment(0, 7))
    by = {"decidedBy": "Social work team manager"}
    for person, kind in ((hidden, "protected-address"), (people[2], "safe-contact")):
        reference = f"{person.council_id}-{kind}"  # the two may be about one child
        form = {"reference": reference, "kind": kind, "from": "2026-01-05", **by}
        sheet.add(person, "alert", form)
    order = {"kind": "court-order", "from": "2026-02-02", "until": "2026-08-31", **by}
    sheet.add(people[3], "alert", order)
    nobody = {"form": "alert", "child": {"councilId": people[4].council_id}}
    sheet.add_bad({**nobody, "kind": "not-visible-to", "from": "2026-01-05"}, "field.missing")
    late = Forms(COUNCIL, f"{events.day(2)}-alerts.json", moment(2, 11, 30))
    late.add(people[0], "alert", story.alert())
    return [sheet, late]


def _police(random: Random, others: Sequence[Person], girl: Person) -> list[Sheet]:
    mornings = {offset: events.missing(random, others, offset) for offset in events.DAYS}
    dirt.police(mornings[0], others)
    mornings[2].add(girl, story.found(), items=3)
    night = Children(POLICE, f"{events.day(1)}-missing-night.json", moment(1, 22, 30))
    night.add(girl, story.missing(), items=3)
    monday, thursday = events.flags(random, others, 0), events.flags(random, others, 3)
    thursday.add(girl, story.flags())
    return [*mornings.values(), night, monday, thursday]


def _hospital(random: Random, others: Sequence[Person], girl: Person) -> list[Sheet]:
    days = {offset: events.attendances(random, others, offset) for offset in events.DAYS}
    dirt.hospital(days[2], others)
    night = Messages(HOSPITALS, f"{events.day(2)}-adt-night.hl7", moment(2, 2, 25))
    hidden = protected([girl, *others])
    for person, minute, reason, mode in (
        (girl, 5, "Fall on stairs, bruised wrist; found by taxi driver", "C"),
        (hidden, 15, "Panic attack", "A"),
    ):
        at = moment(2, 2, minute)
        control = f"N{person.number:03d}"
        night.messages.append(adt(person, at, control=control, reason=reason, mode=mode))
        night.expected.good()
    nurse = Forms(HOSPITALS, f"{events.day(2)}-concerns.json", moment(2, 3, 10))
    nurse.add(girl, "concern", story.nurse_concern())
    return [*days.values(), night, nurse]


def _schools(random: Random, others: Sequence[Person], girl: Person) -> list[Sheet]:
    sheets: list[Sheet] = []
    rolls = {school: [p for p in others if p.school == school] for school in SCHOOLS}
    for school in SCHOOLS:
        for offset in events.WEEKDAYS:
            sheet = events.absences(random, rolls[school], school, offset)
            if school == ST_BRANNOCKS and offset == 2:  # noqa: PLR2004 - Wednesday
                sheet.add(girl, story.absence(SITES[school][0]))
            if school == HARBOUR_ACADEMY and offset == 1:
                dirt.school(sheet, rolls[school])
            sheets.append(sheet)
    for school, offset in ((ST_BRANNOCKS, 1), (HARBOUR_ACADEMY, 3), (FAIRFIELD, 4)):
        sheets.append(events.concerns(random, rolls[school], school, offset))
    own = Forms(ST_BRANNOCKS, f"{events.day(2)}-concerns.json", moment(2, 11))
    own.add(girl, "concern", story.school_concern())
    for practice, offset in ((MILLBROOK, 1), (HARBOUR_PRACTICE, 4)):
        registered = [p for p in others if p.practice == practice]
        sheets.append(events.concerns(random, registered, practice, offset))
    return [*sheets, own]


def _council(random: Random, others: Sequence[Person], girl: Person) -> list[Sheet]:
    days = {offset: events.referrals(random, others, offset) for offset in events.WEEKDAYS}
    dirt.council(days[1], others)
    days[2].add(girl, story.referral())
    return list(days.values())
