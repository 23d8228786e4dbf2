"""The table of attributes: one table, the same for engine, clauses, words and people."""

import json

from broker.protocol.attributes import ATTRIBUTES, BY_NAME, FACTS, Shape
from broker.protocol.questions import question_of
from broker.protocol.wording import PHRASES
from tests.broker.protocol.county import ASKABLE, question
from tests.support.tree import ROOT

DOCUMENT = ROOT / "docs" / "attributes.md"


def rows(heading: str) -> list[list[str]]:
    section = (
        DOCUMENT.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    )
    table = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table]


def test_the_document_shows_the_table() -> None:
    # given the table that people read, then it is the one that the code uses
    shown = rows("The table")
    assert shown == [
        [
            one.name,
            {Shape.CODE: "one code", Shape.CODES: "codes", Shape.FLAG: "yes or no"}[one.shape],
            one.owner,
            one.default,
            one.about,
            "see below" if one.name == "labels.facts" else ", ".join(one.codes) or "–",
        ]
        for one in ATTRIBUTES
    ]


def test_the_document_shows_the_facts() -> None:
    assert dict(rows("Facts")) == dict(FACTS)


def test_a_question_holds_every_attribute_and_no_other() -> None:
    # given the bytes of a question, when its names are listed
    plain = json.loads(question().canonical)
    names = {
        f"{name}.{leaf}" if isinstance(value, dict) else name
        for name, value in plain.items()
        for leaf in (value if isinstance(value, dict) else ("",))
    }

    # then they are the table's, and the schema, which no clause asks for
    assert names == {*ASKABLE, "schema"}
    assert question_of(question().canonical) == question()


def test_every_attribute_can_be_put_into_words() -> None:
    assert PHRASES.keys() == BY_NAME.keys()


def test_the_codes_are_those_of_the_head_schema() -> None:
    # given the codes that the head schema lists for labels
    head = json.loads((ROOT / "schemas" / "head" / "1.0.avsc").read_bytes())
    (labels,) = (one for one in head["fields"] if one["name"] == "labels")
    listed = {one["name"]: one["codes"] for one in labels["type"][1]["fields"] if "codes" in one}

    # then the table has the same; "unknown" is not a code but what null means
    for name in ("subject", "handling", "age_band"):
        assert set(listed[name]) - {"unknown"} == set(BY_NAME[f"labels.{name}"].codes)
    assert set(listed["answer"]) == set(BY_NAME["answer"].codes)
