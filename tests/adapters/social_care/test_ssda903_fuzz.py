"""SSDA903 with one field that holds anything: never an error, never an item that is lost."""

import re
from xml.sax.saxutils import escape

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.reading import Reading
from tests.adapters.reading_support import HEADER_CSV, context, read
from tests.adapters.ssda903_support import EPISODES_CSV, SSDA903_XML
from tests.adapters.test_formats import fits

ODD = (
    *("31/02/2025", "01/01/1850", "29/02/2024", "01/02/2027", "\u0660\u0661/02/2025", "x" * 300),
    *("V4", "V1", "X1", "E11", "Q1", "UN3", "E C", "\x00", "'", '"', '"a""b"', "<", "&a;", "]]>"),
)
SAID = st.text(max_size=30) | st.sampled_from(ODD)
TEXTS = re.compile(r"(?<=>)[^<>\n]+(?=</)")
FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check(reading: Reading) -> None:
    """Closing the account has checked that it adds up; the drafts must fit their schemas."""
    account = reading.accounting
    assert account.read == account.mapped + account.context + len(account.rejected)
    for draft in reading.drafts:
        fits(draft)


@FEW
@given(line=st.integers(0, 4), column=st.integers(0, 12), said=SAID, quoted=st.booleans())
def test_a_cell_of_the_episodes(line: int, column: int, said: str, quoted: bool) -> None:
    # Given episodes one cell of which holds anything, quoted or as it is, when they are read
    cells = [one.split(",") for one in EPISODES_CSV.splitlines()]
    cells[line][column] = '"' + said.replace('"', '""') + '"' if quoted else said
    text = "\n".join(",".join(one) for one in cells).encode("utf-8", "replace")
    beside = context("social-care", beside={"header.csv": HEADER_CSV.encode()})
    check(read(text, "social-care-ssda903-episodes", beside))


@FEW
@given(at=st.integers(0, 200), said=SAID, raw=st.booleans())
def test_an_element_of_the_xml(at: int, said: str, raw: bool) -> None:
    # Given a return one element of which holds anything, escaped or as it is, when it is read
    found = list(TEXTS.finditer(SSDA903_XML))
    place = found[at % len(found)].span()
    changed = SSDA903_XML[: place[0]] + (said if raw else escape(said)) + SSDA903_XML[place[1] :]
    check(
        read(changed.encode("utf-8", "replace"), "social-care-ssda903-xml", context("social-care"))
    )


@FEW
@given(order=st.permutations(range(1, 5)))
def test_the_order_of_rows_changes_no_record(order: list[int]) -> None:
    # Given the rows in another order, when they are read, then the same records come out.
    lines = EPISODES_CSV.splitlines()
    text = "\n".join([lines[0], *(lines[number] for number in order)])
    shuffled = read(text, "social-care-ssda903-episodes", context("social-care")).drafts
    usual = read(EPISODES_CSV, "social-care-ssda903-episodes", context("social-care")).drafts
    assert {one.statement.natural_id: one.statement for one in shuffled} == {
        one.statement.natural_id: one.statement for one in usual
    }
