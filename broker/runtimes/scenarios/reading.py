"""Reading a scenario: YAML made into values, each name looked up, each mistake told by its line."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from broker.clock import Instant
from broker.protocol.clauses import SPANS, span_ms
from broker.protocol.clauses import Kind as Duty
from broker.protocol.documents import Spot, read_document
from broker.protocol.errors import ProtocolTextError
from broker.records.names import agency_of
from broker.records.statement import Identifiers
from broker.runtimes.scenarios.actions import ACTIONS, LINKS, Reader
from broker.runtimes.scenarios.errors import (
    KEY,
    NONE,
    ORDER,
    REFERENCE,
    TRANSLATED,
    TWICE,
    VALUE,
    ScenarioError,
)
from broker.runtimes.scenarios.known import Known
from broker.runtimes.scenarios.model import (
    ARRIVES,
    Action,
    Child,
    Expect,
    Expected,
    Says,
    Scenario,
    Secret,
    Step,
)
from broker.runtimes.scenarios.values import coded, moment
from broker.subjects.identifiers import is_nhs_number, is_upn

NO_NUMBER = "none"
"""In place of an NHS number: nobody knows it, so records of this child do not link by it."""

TEST_PREFIX = "999"
"""NHS numbers that begin so are never given to anybody."""

FROM_OTHERS = frozenset({Expected.CONTENT, Expected.EXISTENCE, Expected.REFER, Expected.WITHHOLD})
"""What nobody can get of a record of one's own."""

_STORY_LINES = 8
_IDENTITY = ("born", "nhs_number", "upn", "council_id", "works_with")


def scenario_files(paths: list[Path]) -> tuple[Path, ...]:
    """Return the scenarios that files and folders name, sorted within each folder.

    Raises:
        ScenarioError: `scenario.none`.
    """
    found: list[Path] = []
    for path in paths:
        here = sorted(path.glob("*.yaml")) if path.is_dir() else [path] * path.is_file()
        if not here:
            raise ScenarioError(NONE, path.name)
        found += here
    return tuple(dict.fromkeys(found))


def read_scenario(path: Path, known: Known) -> Scenario:
    """Read one file.

    Raises:
        ScenarioError: `scenario.…`, with file, line and what to do.
        OSError: the file cannot be read.
    """
    try:
        spot = read_document(path.read_bytes(), path.name)
        return _scenario(spot, path, known)
    except ProtocolTextError as error:
        code = TRANSLATED.get(error.code, error.code)
        fix = code.fix if error.fix == error.code.fix else error.fix
        raise ScenarioError(code, error.where, fix) from error


@dataclass(slots=True)
class _Reading:
    reader: Reader
    at: Instant
    ids: dict[str, Action | None] = field(default_factory=dict)


def _scenario(spot: Spot, path: Path, known: Known) -> Scenario:
    given = spot.fields(("title", "story", "starts", "children", "steps"), ("secrets",))
    story = given["story"].texts()
    if len(story) > _STORY_LINES:
        given["story"].refuse(VALUE, f"has more than {_STORY_LINES} lines")
    children = {
        name: _child(name, number, one, known)
        for number, (name, one) in enumerate(given["children"].map().items())
    }
    starts = moment(given["starts"])
    reading = _Reading(Reader(known, children, path.parent), starts)
    steps = tuple(_step(number, one, reading) for number, one in enumerate(given["steps"].items()))
    if not steps:
        given["steps"].refuse(VALUE, "has no step", "Write at least one: who does what, when.")
    secrets = given["secrets"].items() if "secrets" in given else []
    return Scenario(
        path.name,
        given["title"].text(),
        tuple(story),
        starts,
        children,
        tuple(_secret(one, known) for one in secrets),
        steps,
    )


def number_for_tests(serial: int) -> str:
    """Return an NHS number that nobody has: 999, six digits, and the digit that checks them."""
    for number in range(serial, 1_000_000, 100_000):
        for check in range(10):
            made = f"{TEST_PREFIX}{number:06}{check}"
            if is_nhs_number(made):
                return made
    raise ValueError(serial)


def _child(name: str, number: int, spot: Spot, known: Known) -> Child:
    given = spot.fields(("name",), _IDENTITY)
    first, _, last = given["name"].text().rpartition(" ")
    if not first:
        given["name"].refuse(VALUE, "must be a given and a family name")
    nhs_number: str | None = number_for_tests(1001 + 7 * number)
    if "nhs_number" in given:
        said = given["nhs_number"].text()
        if said != NO_NUMBER and not (said.startswith(TEST_PREFIX) and is_nhs_number(said)):
            fix = "Leave it out and one is made, or write none if nobody knows it."
            given["nhs_number"].refuse(VALUE, "is no NHS number for tests", fix)
        nhs_number = None if said == NO_NUMBER else said
    upn = given["upn"].text() if "upn" in given else None
    if upn is not None and not is_upn(upn):
        given["upn"].refuse(VALUE, "is no unique pupil number")
    born = None
    if "born" in given:
        given["born"].day()
        born = given["born"].value.isoformat()
    return Child(
        name,
        Identifiers(
            nhs_number=nhs_number,
            upn=upn,
            council_id=given["council_id"].text() if "council_id" in given else None,
            given=first,
            family=last,
            date_of_birth=born,
        ),
        tuple(_works_with(given["works_with"], known)) if "works_with" in given else (),
        spot.line,
    )


def _works_with(spot: Spot, known: Known) -> Iterator[tuple[str, str]]:
    for agency, links in spot.map().items():
        known.consumer(links, agency)
        if agency != agency_of(agency):
            links.refuse(VALUE, "must be an agency", "Leave the desk out.")
        for link in links.items() if isinstance(links.value, list) else (links,):
            yield agency, coded(link, LINKS)


def _secret(spot: Spot, known: Known) -> Secret:
    given = spot.fields(("text", "only", "because"))
    only = tuple(known.consumer(one, one.text()) for one in given["only"].items())
    return Secret(given["text"].text(), only, given["because"].text())


def _step(number: int, spot: Spot, reading: _Reading) -> Step:
    optional = ("id", "at", "after", "by", "gets", "others", *ACTIONS)
    given = spot.fields(("step",), optional)
    told = [name for name in ACTIONS if name in given]
    if len(told) > 1:
        given[told[1]].refuse(VALUE, f"a step has one action, and this one has {told[0]}, too")
    after = given["after"].duration() if "after" in given else 0
    at = moment(given["at"]) if "at" in given else None
    if at is not None and "after" in given:
        given["after"].refuse(KEY, "stands beside at", "Leave one of the two out.")
    now = Instant(reading.at + after) if at is None else at
    if now < reading.at:
        spot.refuse(ORDER, "is before the step above")
    reading.at = now
    name = given["id"].text() if "id" in given else f"step {number + 1}"
    if name in reading.ids:
        spot.refuse(TWICE, f"step {name}")
    reader = reading.reader
    if told and "by" not in given:
        spot.refuse(VALUE, "has an action, and does not say by whom", "Add by.")
    by = reader.known.agency(given["by"]) if "by" in given else ""
    action: Action | None = None
    if told:
        action = ACTIONS[told[0]](reader, given[told[0]], by, reading.ids, now)
    reading.ids[name] = action
    others = given["others"].one_of(("any", "nothing")) == "any" if "others" in given else False
    record_type = action.type if isinstance(action, Says) else ""
    return Step(
        name,
        given["step"].text(),
        at,
        after,
        by,
        action,
        "gets" in given,
        tuple(_gets(given["gets"], reader.known, record_type, by)) if "gets" in given else (),
        others,
        spot.line,
    )


def _gets(spot: Spot, known: Known, record_type: str, by: str) -> Iterator[Expect]:
    if spot.value == "nobody":
        return
    for consumer, one in spot.map().items():
        known.consumer(one, consumer)
        expected = _expect(consumer, one, known, record_type)
        if record_type and agency_of(consumer) == by and expected.outcome in FROM_OTHERS:
            one.refuse(VALUE, f"{by} sends this record, and does not get it", "Leave it out.")
        yield expected


def _expect(consumer: str, spot: Spot, known: Known, record_type: str) -> Expect:
    optional = ("type", "slots", "never", "clauses", "obligations")
    given = spot.fields(("outcome", "because"), optional)
    outcome = Expected(given["outcome"].one_of([one.value for one in Expected]))
    wanted = known.record_type(given["type"]) if "type" in given else ""
    for name in ("slots", "never", "obligations"):
        if name in given and outcome not in ARRIVES:
            given[name].refuse(VALUE, f"says what comes with {outcome.value}, and nothing does")
    if outcome is Expected.TASK and consumer != agency_of(consumer):
        spot.refuse(REFERENCE, "a task is for the agency that sent the record, not for a desk")
    parts = wanted or record_type
    return Expect(
        consumer,
        outcome,
        wanted,
        known.parts(given["slots"], parts) if "slots" in given else (),
        known.parts(given["never"], parts) if "never" in given else (),
        known.clauses(given["clauses"]) if "clauses" in given else (),
        tuple(_obligations(given["obligations"])) if "obligations" in given else (),
        given["because"].text(),
        spot.line,
    )


def _obligations(spot: Spot) -> Iterator[str]:
    for one in spot.items():
        kind, _, detail = one.text().partition(" ")
        if kind not in set(Duty):
            fix = f"Use one of: {', '.join(Duty)}."
            one.refuse(VALUE, f"there is no obligation {kind}", fix)
        if detail and Duty(kind) in SPANS:
            try:
                span_ms(detail)
            except ValueError:
                one.refuse(VALUE, "must be a span of time", f"Write it as: {kind} PT30M.")
        yield one.text()
