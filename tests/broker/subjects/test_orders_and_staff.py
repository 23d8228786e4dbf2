"""Court orders and registers of staff: what holds, from when until when, and for whom."""

import pytest

from broker.clock import DAY, Instant
from broker.records.names import Partnership
from broker.subjects.registers import Registers
from broker.subjects.standing import standing
from broker.subjects.states import Order, Staff
from broker.subjects.tokens import NO_TOKENS, Tokeniser
from tests.broker.subjects.children import COUNCIL, SCHOOL, entry, folded, mark, record_id, tokens

GIRL = tokens(nhs="1")
DAY_ONE = Instant(20_000 * DAY)


def ordered(*orders: Order) -> Registers:
    return folded(
        *(entry(f"o{number}", GIRL, one, by=COUNCIL) for number, one in enumerate(orders))
    )


@pytest.mark.parametrize(
    ("says", "addressed", "school", "desk", "others"),
    [
        ("forbids", None, "forbids", "forbids", "forbids"),
        ("forbids", "st-brannocks-school", "forbids", "forbids", "none"),
        ("forbids", "st-brannocks-school/dsl", "none", "forbids", "none"),
        ("requires", "st-brannocks-school", "requires", "requires", "none"),
        ("requires", None, "none", "none", "none"),
        ("nothing", None, "none", "none", "none"),
    ],
)
def test_an_order_speaks_of_whom_it_names(
    says: str, addressed: str | None, school: str, desk: str, others: str
) -> None:
    # given an order about a child, when the registers are asked of recipients
    subject = ordered(Order(says, addressed, 20_000, None)).find(GIRL).subject
    assert subject is not None
    now = standing(subject, DAY_ONE)

    # then it speaks of those it names; one that forbids and names nobody, of all
    assert now.ordered(SCHOOL) == school
    assert now.ordered(f"{SCHOOL}/dsl") == desk
    assert now.ordered(COUNCIL) == others

    # and everybody may know that there is one
    assert now.alerts == ("court-order",)


def test_what_forbids_goes_before_what_requires() -> None:
    both = ordered(Order("requires", SCHOOL, 20_000, None), Order("forbids", None, 20_000, None))
    subject = both.find(GIRL).subject
    assert subject is not None
    assert standing(subject, DAY_ONE).ordered(SCHOOL) == "forbids"


def test_an_order_ends_with_its_last_day_or_when_it_is_taken_back() -> None:
    # given an order of one day
    registers = ordered(Order("forbids", None, 20_000, 20_000))
    subject = registers.find(GIRL).subject
    assert subject is not None

    # then it holds on that day, not before, not after, and says when it ends
    assert standing(subject, Instant(DAY_ONE - 1)).ordered(SCHOOL) == "none"
    assert standing(subject, DAY_ONE).until == DAY_ONE + DAY
    assert standing(subject, Instant(DAY_ONE + DAY)).ordered(SCHOOL) == "none"

    # when it is taken back, then it holds no more
    registers.apply(entry("gone", GIRL, by=COUNCIL, retracts="o0"))
    subject = registers.find(GIRL).subject
    assert subject is not None
    assert standing(subject, DAY_ONE).ordered(SCHOOL) == "none"


def test_a_register_of_staff_is_replaced_and_taken_back_by_its_own_agency() -> None:
    # given registers of staff of two agencies
    mine, yours = Staff(((mark("lee"), None),)), Staff(((mark("pat"), mark("born")),))
    registers = Registers()
    assert not registers.knows_staff
    assert registers.apply(entry("s1", NO_TOKENS, mine)) is None
    registers.apply(entry("s1", NO_TOKENS, yours, by=COUNCIL))
    assert registers.staff_of(SCHOOL) == (mine,)
    assert registers.staff_of(COUNCIL) == (yours,)
    assert registers.has_staff(SCHOOL, record_id("s1"))

    # when one is said anew, then the new one stands; the other agency's stays
    registers.apply(entry("s2", NO_TOKENS, yours, supersedes="s1"))
    assert registers.staff_of(SCHOOL) == (yours,)

    # when it is taken back, then there is none, also if the old one comes once more
    before = registers.head
    registers.apply(entry("s3", NO_TOKENS, retracts="s2"))
    registers.apply(entry("s1", NO_TOKENS, mine))
    assert registers.staff_of(SCHOOL) == ()
    assert registers.staff_of(COUNCIL) == (yours,)
    assert registers.head.position == before.position + 2


def test_a_person_has_one_token_however_the_name_is_written() -> None:
    make = Tokeniser(bytes(32), Partnership(bytes(32))).person
    one = make("Lee Sample-Ünal", "1984-02-11")
    assert one == make("SAMPLE-ÜNAL, Lee", "1984-02-11")
    assert one[0] == make("Sample Ünal Lee")[0]
    assert make("Lee Sample") != make("Lee Samples")
    assert make("Lee Sample", "not a date") == make("Lee Sample")
