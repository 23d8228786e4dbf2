"""Items read = mapped + rejected + context, and nothing else closes."""

import pytest

from adapters.accounting import Ledger
from adapters.errors import EMPTY, AccountingBroken, InputRefused
from adapters.format import Context, Draft, Outcome, Read, Rejected, Unmapped, Warned
from tests.adapters.reading_support import NHS, POLICE, child, context, read

ITEM = "row 1"


def a_draft(item: str) -> Draft:
    draft = read([child(POLICE)], "police-sui-json", context()).drafts[0]
    return Draft(draft.statement, item)


def refusal(item: str) -> Rejected:
    return Rejected(item, "field", "code", "reason", "fix")


def ledger(*outcomes: Outcome) -> Ledger:
    made = Ledger("file", "format")
    for outcome in outcomes:
        made.enter(outcome)
    return made


def test_adds_up() -> None:
    # Given four items, one of which gives two records
    account = ledger(
        Read("1"), a_draft("1"), a_draft("1"),
        Read("2"), refusal("2"),
        Read("3"), Context("3", "header"),
        Read("4"), Warned("4", "upn", "c", "r", "f"), a_draft("4"),
        Unmapped(("b", "a")), Unmapped(("a",)),
    ).close()  # fmt: skip
    # When it is closed, then it says so.
    assert (account.read, account.mapped, account.records, account.context) == (4, 2, 3, 1)
    assert len(account.rejected) == 1
    assert len(account.warnings) == 1
    assert account.unmapped == ("a", "b")


@pytest.mark.parametrize(
    "outcomes",
    [
        (Read(ITEM),),
        (a_draft(ITEM),),
        (Read(ITEM), a_draft(ITEM), refusal(ITEM)),
        (Read(ITEM), a_draft(ITEM), Context(ITEM, "")),
        (Read("2"), refusal("3")),
    ],
    ids=["no end", "never read", "two ends", "mapped and context", "another item"],
)
def test_does_not_close_otherwise(outcomes: tuple[Outcome, ...]) -> None:
    # Given outcomes that do not add up, when the account is closed, then it refuses.
    with pytest.raises(AccountingBroken):
        ledger(*outcomes).close()


@pytest.mark.parametrize(
    "outcomes",
    [
        (Read(ITEM), Read(ITEM)),
        (Read(ITEM), refusal(ITEM), refusal(ITEM)),
        (Read(ITEM), Context(ITEM, ""), Context(ITEM, "")),
    ],
    ids=["read twice", "rejected twice", "context twice"],
)
def test_refuses_what_comes_twice(outcomes: tuple[Outcome, ...]) -> None:
    # Given an outcome that comes twice, when it is entered, then the ledger refuses at once.
    with pytest.raises(AccountingBroken):
        ledger(*outcomes)


def test_a_fault_of_the_file_is_one_item() -> None:
    # Given two good items and then the end of the file's sense
    made = ledger(Read("1"), a_draft("1"))
    made.refuse_file(InputRefused(EMPTY, "file"))
    # When it is closed, then the file counts as one more, rejected.
    account = made.close()
    assert (account.read, account.mapped, len(account.rejected)) == (2, 1, 1)
    assert NHS not in repr(account)
