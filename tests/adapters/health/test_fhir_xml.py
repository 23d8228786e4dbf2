"""FHIR's XML: hardened, bounded, and no document type."""

import pytest

from adapters.errors import InputRefused
from adapters.health.fhir_xml import MOST_DEPTH, parse_xml
from adapters.reading import Reading
from tests.adapters.health.fhir_support import as_xml, bundle, flag, patient
from tests.adapters.reading_support import codes, context, only, read

XML = as_xml(bundle(flag(), patient()))


def fhir(data: str | bytes, **changes: str) -> Reading:
    return read(data, "health-fhir", context("health", **changes))


@pytest.mark.parametrize(
    "data",
    [
        XML.encode("utf-16"),
        XML.encode("utf-8-sig"),
        b'<?xml version="1.0" encoding="utf-8"?>\n<!-- made up --><?go on?>' + XML.encode(),
    ],
)
def test_encodings_and_comments(data: bytes) -> None:
    # Given XML as programs write it, when it is read, then it is the same.
    assert fhir(data).drafts == fhir(XML).drafts


def test_a_vouched_encoding() -> None:
    # Given a name in an old encoding that somebody vouches for, when it is read, then it is right.
    data = XML.replace("Ellie", "Zoë").encode("cp1252")
    assert only(fhir(data, encoding="cp1252")).statement.identifiers.given == "Zoë"
    assert only(fhir(XML, encoding="utf-8")).statement.identifiers.given == "Ellie"
    assert codes(fhir(XML, encoding="klingon")) == {"input.xml": 1}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ('<!DOCTYPE Flag [<!ENTITY a "b">]>' + XML, "input.xml.dtd"),
        ('<!DOCTYPE Flag SYSTEM "file:///etc/passwd">' + XML, "input.xml.dtd"),
        (XML[:-20], "input.xml"),
        (XML.replace('value="active"', "value=active"), "input.xml"),
        ("<Flag/>", "fhir.resource"),
        ('<Flag xmlns="http://other"/>', "fhir.resource"),
        ("<", "input.xml"),
    ],
)
def test_refused_whole(data: str, code: str) -> None:
    # Given a document type, a cut or another language, when it is read, then it is refused whole.
    reading = fhir(data)
    assert codes(reading) == {code: 1}
    assert reading.drafts == ()


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "input.empty"), (b" ", "input.empty"), (b"\x81", "input.encoding")]
)
def test_no_text(data: bytes, code: str) -> None:
    # Given no text, when it is parsed, then it has the code of its own.
    with pytest.raises(InputRefused) as caught:
        parse_xml(data)
    assert caught.value.code.name == code


@pytest.mark.parametrize("depth", [MOST_DEPTH + 2, 250, 5000])
def test_what_nests_too_deep(depth: int) -> None:
    # Given elements inside each other, deeper than any resource, when read, then it is refused.
    inner = "<extension>" * depth + "</extension>" * depth
    data = f'<Flag xmlns="http://hl7.org/fhir">{inner}</Flag>'
    assert codes(fhir(data)) == {"input.xml": 1}


def test_a_bomb_is_not_lit() -> None:
    # Given entities inside entities, when they are read, then the file is refused at its head.
    names = [f'<!ENTITY e{n + 1} "{"&e" + str(n) + ";" * 1}{f"&e{n};" * 9}">' for n in range(9)]
    data = f'<!DOCTYPE x [<!ENTITY e0 "x">{"".join(names)}]><Flag>&e9;</Flag>'
    assert codes(fhir(data)) == {"input.xml.dtd": 1}


def test_what_xml_has_besides() -> None:
    # Given a narrative in HTML, ids of elements and an unknown entity, when they are read
    flag_ = as_xml(flag(subject={"reference": "#p"}, contained=[patient(id="p")]))
    text = (
        '<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">x</div></text>'
    )
    data = flag_.replace("<status", f'{text}<other xmlns="http://x"/><period id="a"/><status', 1)
    # Then they are named, and an element twice is refused.
    assert codes(fhir(data)) == {"field.twice": 1}
    reading = fhir(data.replace('<period id="a"/>', ""))
    assert reading.accounting.unmapped == ("Flag.other", "Flag.text")


def test_too_many_elements(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given more elements than a file may hold, when it is read, then it is refused.
    monkeypatch.setattr("adapters.health.fhir_xml.MOST_ELEMENTS", 10)
    assert codes(fhir(XML)) == {"fhir.too-large": 1}


def test_text_between_elements_is_named() -> None:
    # Given words where only elements should be, when they are read, then they are named.
    data = as_xml(flag(subject={"reference": "#p"}, contained=[patient(id="p")]))
    reading = fhir(data.replace("<status", "words<status", 1))
    assert reading.accounting.mapped == 1
    assert "Flag.strayText" in reading.accounting.unmapped
