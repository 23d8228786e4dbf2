"""Files, text, JSON, tables and elements: what is ambiguous or endless is refused."""

from io import BytesIO
from pathlib import Path

import pytest

from adapters.errors import InputRefused
from adapters.sources import files, json_text, table
from adapters.sources.elements import ITEMS_LIMIT, Element
from adapters.sources.text import clean, decode, glance


def code_of(call: object, *arguments: object) -> str:
    with pytest.raises(InputRefused) as caught:
        call(*arguments)  # type: ignore[operator]  # it raises before
    return caught.value.code.name


def test_load_is_bounded(tmp_path: Path) -> None:
    # Given files of several sizes, when they are loaded, then only a sound one comes back.
    path = tmp_path / "a.json"
    path.write_bytes(b"12345")
    assert files.load(path, 5) == b"12345"
    assert code_of(files.load, path, 4) == "input.too-large"
    path.write_bytes(b"")
    assert code_of(files.load, path) == "input.empty"
    assert code_of(files.load, tmp_path) == "input.unreadable"
    assert code_of(files.load, tmp_path / "absent") == "input.unreadable"


def test_a_file_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a file that the system refuses to open, when it is loaded, then that is told.
    path = tmp_path / "a.json"
    path.write_bytes(b"1")

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    assert code_of(files.load, path) == "input.unreadable"


def test_companions(tmp_path: Path) -> None:
    # Given a file, one beside it, one elsewhere in the same command, and an empty one
    main, beside, other = tmp_path / "m.csv", tmp_path / "h.csv", tmp_path / "x" / "g.csv"
    other.parent.mkdir()
    for path, data in ((main, b"m"), (beside, b"h"), (other, b"g"), (tmp_path / "e.csv", b"")):
        path.write_bytes(data)
    # When companions are looked for, then each is found once; what cannot be read comes empty.
    names = ("h.csv", "g.csv", "e.csv", "absent.csv", "m.csv")
    found = files.load_beside(main, names, {"g.csv": other})
    assert found == {"h.csv": b"h", "g.csv": b"g", "e.csv": b""}


def test_names_are_masked() -> None:
    # Given the name of an export, when it is shown, then the NHS number in it is not.
    assert files.masked("health-9990000018_X.json") == "health-…_X.json"
    assert files.masked("2026-03-02.json") == "2026-03-02.json"


def test_encodings() -> None:
    # Given text in several encodings, when it is decoded, then none is guessed.
    assert decode(b"\xef\xbb\xbfZo\xc3\xab") == "Zoë"
    assert decode("Zoë".encode("utf-16")) == "Zoë"
    assert decode(b"Zo\xeb", "CP1252") == "Zoë"
    assert code_of(decode, b"Zo\xeb") == "input.encoding"
    assert code_of(decode, "Zoe".encode("utf-16-le")) == "input.encoding"
    assert code_of(decode, b"Zoe", "rot13") == "input.encoding.unknown"
    assert code_of(decode, b" \n") == "input.empty"
    assert glance(b"\xef\xbb\xbf \n{") == "{"
    assert glance("{".encode("utf-16")) == "{"


def test_clean() -> None:
    # Given texts, when they are cleaned, then blanks go, and what is no text is refused.
    assert clean("  a\nb ", "f") == "a\nb"
    assert clean(" ", "f") is None
    for wrong in ("a\x00b", "a\x7fb", "\ud800", "x" * 201):
        assert code_of(clean, wrong, "f") == "field.text"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'{"a": 1', "input.json"),
        (b"[1, NaN]", "input.json"),
        (b"[Infinity]", "input.json"),
        (b'{"a": 1, "a": 2}', "input.json.duplicate"),
        (b'{"a": {"b": 1, "b": 1}}', "input.json.duplicate"),
        (b"[" * 100_000, "input.json"),
        (b"[" + b"9" * 5000 + b"]", "input.json"),
        (b"nonsense", "input.json"),
    ],
)
def test_json_is_strict(data: bytes, code: str) -> None:
    # Given JSON that is cut, ambiguous or endless, when it is parsed, then it is refused.
    assert code_of(json_text.parse, data) == code


def test_table_rows() -> None:
    # Given a table with blanks, quotes, an empty line and a short row
    data = b' Child , dob\r\n"1, 2",x\r\n\r\n3\r\n'
    # When its rows are read, then names are upper case and the short row is told.
    found = list(table.rows(BytesIO(data), ("CHILD",)))
    assert [row.values for row in found] == [{"CHILD": "1, 2", "DOB": "x"}, None]
    assert [row.number for row in found] == [2, 4]


def test_table_faults() -> None:
    # Given missing columns, or a quote that never ends, when it is read, then it is refused.
    with pytest.raises(InputRefused) as caught:
        list(table.rows(BytesIO(b"a,b\n1,2\n"), ("A", "C", "D")))
    assert caught.value.where == "C, D"
    assert code_of(list, table.rows(BytesIO(b'A\n"x'), ("A",))) == "input.csv"
    assert table.columns("") == ()
    assert list(table.rows(BytesIO(b"A\n"), ("A",))) == []


def test_element_gives_what_is_asked_and_names_the_rest() -> None:
    # Given an object with members of each kind
    element = Element(
        {"t": " x ", "n": 3, "f": True, "d": "2026-03-04", "l": ["a", None, " "], "o": {},
         "c": "HIGH", "p": 2.5, "rest": 1, "empty": None, "Ellie Marsh": 1,
         "i": "2026-03-04T12:00Z"},
        "here",
    )  # fmt: skip
    # When they are asked for, then each has its kind.
    assert element.text("t") == "x"
    assert element.text("n") == "3"
    assert element.number("n", 1, 3) == 3
    assert element.flag("f") is True
    assert element.need_day("d") == 20516
    assert element.instant("i") == 1772625600000
    assert element.texts("l") == ["a"]
    assert element.element("o") is not None
    assert element.code("c", {"high": "high"}) == "high"
    assert element.decimal("p", 0, 3) == 2.5
    # Then the rest is named, a name that may be personal apart.
    assert sorted(element.left()) == ["(a name that is not printed)", "rest"]
    for absent in ("text", "flag", "day", "instant", "element"):
        assert getattr(element, absent)("absent") is None
    assert element.number("absent", 0, 1) is element.decimal("absent", 0, 1) is None
    assert element.code("absent", {}) is None
    assert element.entries("absent") == ()


@pytest.mark.parametrize(
    ("value", "method", "arguments", "code"),
    [
        (True, "text", (), "field.type"),
        (1.5, "text", (), "field.type"),
        ("yes", "flag", (), "field.type"),
        (True, "number", (0, 1), "field.type"),
        (2, "number", (0, 1), "field.number"),
        (True, "decimal", (0, 1), "field.type"),
        (1.5, "decimal", (0, 1), "field.number"),
        ([], "element", (), "field.type"),
        ({}, "entries", (), "field.type"),
        ([1], "texts", (), "field.type"),
        ([None] * (ITEMS_LIMIT + 1), "entries", (), "field.number"),
        ("x", "code", ({},), "field.code"),
        (["x"], "codes", ({},), "field.code"),
        (None, "need_day", (), "field.missing"),
    ],
)
def test_element_refuses(
    value: object, method: str, arguments: tuple[object, ...], code: str
) -> None:
    # Given a member of another kind, when it is asked for, then its name is told.
    element = Element({"x": value}, "here")
    assert code_of(getattr(element, method), "x", *arguments) == code


def test_element_must_be_an_object() -> None:
    # Given no object, when it is taken, then it is refused.
    assert code_of(Element, [], "here") == "field.type"
