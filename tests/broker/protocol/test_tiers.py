"""Two tiers: an area may take over a region's clauses and keep more back, never less."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.protocol.cases import check_case, missing_cases
from broker.protocol.clause_text import Vocabulary, read_clauses
from broker.protocol.clauses import Clause, Effect
from broker.protocol.decisions import Outcome
from broker.protocol.errors import ProtocolTextError
from broker.protocol.policy_data import policy_data
from broker.protocol.revision import Revision
from broker.protocol.tiers import inherited, must_only_narrow, read_tier
from broker.runtimes.founding import county_folder, read_county
from broker.runtimes.points import module_point
from tests.broker.protocol.county import SCHEMAS


@pytest.fixture(scope="module")
def borough() -> Revision:
    return read_county("eastbridge")


@pytest.fixture(scope="module")
def vocabulary(borough: Revision) -> Vocabulary:
    return Vocabulary(borough.agreement, SCHEMAS.types())


@pytest.fixture(scope="module")
def upper(vocabulary: Vocabulary) -> tuple[Clause, ...]:
    return read_clauses((county_folder("london") / "clauses.yaml").read_bytes(), vocabulary)


def test_the_borough_says_what_it_does(borough: Revision) -> None:
    # given the borough's clauses, then each has every kind of case
    assert missing_cases(borough.clauses, borough.cases) == ()

    # and its own module gives what each case says
    point = module_point(borough)
    for case in borough.cases:
        clause = borough.clause(case.clause)
        assert clause is not None
        (decision,) = point.decide_now([case.question], case.at).decisions
        assert check_case(case, clause, decision) == (), case.name


def test_it_takes_over_and_narrows(borough: Revision, upper: tuple[Clause, ...]) -> None:
    # given what the region has, then the borough has it all but what it dropped, and its own
    ids = [clause.id for clause in upper]
    mine = [clause.id for clause in borough.clauses]
    assert mine == [*(one for one in ids if one != "L4.4"), "E1", "E2", "E3"]

    # and says in words what is different
    changed = borough.clause("L4.5")
    assert changed is not None
    assert changed.slots == ("contact", "episode")
    assert changed.text.endswith("Here, housing is told that she was missing, not where she was"
                                 " found.")  # fmt: skip


def test_it_has_seven_parties_of_seven_types_and_a_guest(borough: Revision) -> None:
    agencies = borough.agreement.roster.agencies.values()
    assert [one.id for one in agencies if one.guest] == ["northmoor-council"]
    parties = [one for one in agencies if not one.guest]
    assert len(parties) == len({one.type for one in parties}) == 7


def test_no_case_of_the_borough_releases_more_than_the_region(
    borough: Revision, upper: tuple[Clause, ...]
) -> None:
    # given the region's clauses for the borough's parties, when both are asked the same
    data = policy_data(borough.agreement, upper, SCHEMAS.types())
    region = module_point(replace(borough, data=data))
    local = module_point(borough)
    for case in borough.cases:
        (above,) = region.decide_now([case.question], case.at).decisions
        (below,) = local.decide_now([case.question], case.at).decisions

        # then the borough opens no slot that the region does not
        assert set(below.slots) <= set(above.slots), case.name
        assert below.outcome is not Outcome.CONTENT or above.outcome is Outcome.CONTENT


NARROWS = """
inherits: london
narrows:
  - clause: "{clause}"
    because: more is not needed.
    {what}
"""


@pytest.mark.parametrize(
    ("clause", "what", "wrong"),
    [
        ("L9.9", "drop: true", "no clause L9.9 above"),
        ("L2.1", "drop: true", "clause L2.1 is not to be changed"),
        ("L6.1", "drop: true", "clause L6.1 is not to be changed"),
        ("L4.1", "drop: true\n    slots: [contact]", "clause L4.1 is dropped"),
        ("L4.1", "slots: [contact, found]", "clause L4.1"),
        ("L4.1", "slots: []", "names no slot"),
        ("L4.1", "when: {consumer.type: hospital}", "consumer.type is never hospital"),
        ("L4.1", "effect: content", "unknown key"),
    ],
)
def test_what_would_widen_is_refused(
    clause: str, what: str, wrong: str, upper: tuple[Clause, ...], vocabulary: Vocabulary
) -> None:
    text = NARROWS.format(clause=clause, what=what)
    with pytest.raises(ProtocolTextError) as refused:
        read_tier(text.encode(), upper, vocabulary)
    assert wrong in str(refused.value)


ADDED = """
inherits: london
adds:
  - id: "{id}"
    title: T
    text: T
    gateway: G
    condition: C
    confidentiality: K
    necessity: N
    {what}
"""


@pytest.mark.parametrize(
    ("name", "what", "wrong"),
    [
        ("X1", "effect: content\n    when: {consumer.type: police}\n    slots: [all]", "opens"),
        (
            "X1",
            "effect: refer\n    within: 1 day\n    when: {kind: record}\n    slots: [all]",
            "opens",
        ),
        ("L6.1", "effect: refuse\n    when: {kind: record}\n    slots: [all]", "L6.1"),
    ],
)  # fmt: skip
def test_what_is_added_opens_nothing(
    name: str, what: str, wrong: str, upper: tuple[Clause, ...], vocabulary: Vocabulary
) -> None:
    with pytest.raises(ProtocolTextError) as refused:
        read_tier(ADDED.format(id=name, what=what).encode(), upper, vocabulary)
    assert wrong in str(refused.value)


def test_a_clause_is_narrowed_once(upper: tuple[Clause, ...], vocabulary: Vocabulary) -> None:
    text = NARROWS.format(clause="L4.1", what="slots: [contact]")
    twice = text + text.partition("narrows:\n")[2]
    with pytest.raises(ProtocolTextError, match=r"protocol\.twice"):
        read_tier(twice.encode(), upper, vocabulary)


Change = Callable[[tuple[Clause, ...]], tuple[Clause, ...]]


def _one(name: str, **changes: object) -> Change:
    def change(clauses: tuple[Clause, ...]) -> tuple[Clause, ...]:
        return tuple(
            replace(one, **changes) if one.id == name else one  # type: ignore[arg-type] # by name
            for one in clauses
        )

    return change


def _without(name: str) -> Change:
    return lambda clauses: tuple(one for one in clauses if one.id != name)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_without("L2.1"), "L2.1"),
        (_without("L6.3"), "L6.3"),
        (_without("L7.2"), "L7.2"),
        (_one("L4.1", when=()), "L4.1"),
        (_one("L4.1", slots=("all",)), "L4.1"),
        (_one("L4.1", obligations=()), "L4.1"),
        (_one("L4.1", floor=True), "L4.1"),
        (_one("L6.3", when=()), "L6.3"),
        (_one("L2.1", slots=("contact",)), "L2.1"),
        (_one("L4.1", id="X1", effect=Effect.CONTENT), "X1"),
    ],
)
def test_clauses_that_widen_are_found_however_they_came_to_be(
    change: Change, named: str, upper: tuple[Clause, ...], vocabulary: Vocabulary
) -> None:
    must_only_narrow(upper, upper, vocabulary, "clauses.yaml")
    must_only_narrow(upper, _without("L4.1")(upper), vocabulary, "clauses.yaml")
    with pytest.raises(ProtocolTextError) as refused:
        must_only_narrow(upper, change(upper), vocabulary, "clauses.yaml")
    assert named in str(refused.value)


def test_a_protocol_of_its_own_takes_over_nothing() -> None:
    assert inherited((county_folder() / "clauses.yaml").read_bytes()) is None
    assert inherited(b"inherits: london") == "london"
