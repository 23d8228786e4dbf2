"""How good a file was: items, faults by code and field, identifiers, what cannot be linked."""

from dataclasses import replace

from adapters.accounting import Ledger
from adapters.errors import FIELD_CODE, NHS_NUMBER
from adapters.format import Context, Draft, Outcome, Read, Rejected, Unmapped, warned
from adapters.quality import Fault, Identified, Quality, Tally, quality_of, together
from broker.records.statement import Identifiers
from tests.adapters.test_accounting import a_draft

LINKS = Identifiers(nhs_number="9990000018", own_id="P1", date_of_birth="2011-09-25")
NAMELESS = Identifiers(own_id="P2", date_of_birth="2011-09-25")


def about(item: str, identifiers: Identifiers) -> Draft:
    draft = a_draft(item)
    return Draft(replace(draft.statement, identifiers=identifiers), item)


def staff(item: str) -> Draft:
    statement = a_draft(item).statement
    labels = replace(statement.labels, type="staff", subject="none")
    return Draft(replace(statement, labels=labels, identifiers=Identifiers()), item)


def refused(item: str, field: str = "risk", code: str = FIELD_CODE.name) -> Rejected:
    return Rejected(item, field, code, "reason", "fix")


def quality(*outcomes: Outcome, refusals: tuple[Rejected, ...] = (), kept_back: int = 0) -> Quality:
    ledger, tally = Ledger("file.json", "a-format"), Tally()
    for one in outcomes:
        ledger.enter(one)
        tally.enter(one)
    return quality_of(ledger.close(), tally.close(), refusals, kept_back)


def test_what_became_of_each_item_is_counted() -> None:
    # given an item with two records, one by design without, two rejected, one refused later
    found = quality(
        *(Read("1"), about("1", LINKS), about("1", LINKS)),
        *(Read("2"), Context("2", "header")),
        *(Read("3"), refused("3"), Read("4"), refused("4")),
        *(Read("5"), about("5", LINKS), Unmapped(("b", "a"))),
        refusals=(refused("5", code="statement.value"),),
        kept_back=1,
    )
    # then all of it is there
    assert (found.read, found.mapped, found.context, found.rejected) == (5, 2, 1, 3)
    assert (found.records, found.kept_back, found.unmapped) == (3, 1, ("a", "b"))
    assert (found.children, found.cannot_link) == (2, 0)


def test_one_fault_of_a_system_is_one_line_with_its_first_places() -> None:
    # given the same fault in five items, at another place in each, and a rarer one
    items = [str(number) for number in range(5)]
    rejections = [refused(item, f"episodes[{item}].risk") for item in items]
    outcomes = [one for pair in zip(map(Read, items), rejections, strict=True) for one in pair]
    found = quality(*outcomes, Read("x"), refused("x", "start"))
    # then it is told once, first
    assert found.faults == (
        Fault(True, "field.code", "episodes[].risk", 5, ("0", "1", "2")),
        Fault(True, "field.code", "start", 1, ("x",)),
    )


def test_identifiers_are_valid_invalid_or_not_given() -> None:
    # given a good number, one that did not pass and none, an item rejected for its number, and
    # somebody who is no child
    found = quality(
        *(Read("1"), about("1", LINKS)),
        *(Read("2"), about("2", NAMELESS), warned("2", NHS_NUMBER, "nhs_number")),
        *(Read("3"), about("3", NAMELESS)),
        *(Read("4"), refused("4", "nhs_number", NHS_NUMBER.name)),
        *(Read("5"), staff("5")),
    )
    assert found.identifiers["nhs_number"] == Identified(valid=1, invalid=2, absent=1)
    assert found.identifiers["own_id"] == Identified(valid=3)
    assert found.identifiers["upn"] == Identified(absent=3)
    # then two of the three children cannot be linked
    assert (found.children, found.cannot_link) == (3, 2)


def test_a_strong_identifier_without_a_date_of_birth_does_not_link() -> None:
    found = quality(Read("1"), about("1", replace(LINKS, date_of_birth=None)))
    assert found.cannot_link == 1


def test_several_are_added_up() -> None:
    one = quality(Read("1"), about("1", LINKS), Read("2"), refused("2"), Unmapped(("a",)))
    other = quality(Read("3"), refused("3"), Unmapped(("b",)))
    both = together((one, other), "both", "a-format")
    assert (both.file, both.contents, both.read, both.mapped, both.rejected) == ("both", 2, 3, 1, 2)
    assert both.faults == (Fault(True, "field.code", "risk", 2, ("2", "3")),)
    assert both.unmapped == ("a", "b")
    assert both.identifiers["nhs_number"] == Identified(valid=1)
    assert together(()).contents == 0
