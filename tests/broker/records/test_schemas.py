"""Record schemas: what a file may say, how it is found, and values in its slots."""

import json
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from broker import shipped
from broker.records.errors import SCHEMA_UNKNOWN, STATEMENT, VALUE, RecordRefused, StatementRefused
from broker.records.names import Kind
from broker.records.schemas import EMPTY, HEAD, SchemaSet, SlotSpec, parse_record_schema
from tests.broker.records.sources import CANARY, SCHEMA_FILES, SCHEMAS

Json: TypeAlias = Any


def raw(*fields: Json, **about: Json) -> bytes:
    """Return a schema file with these slots."""
    concordat = {"type": "tiny", "kinds": ["record"], "subject": "person", **about}
    schema = {"type": "record", "name": "Tiny", "concordat": concordat, "fields": list(fields)}
    return json.dumps(schema).encode()


def slot(number: object = 8, kind: Json = None, name: str = "what", **more: Json) -> Json:
    return {"name": name, "slot": number, "type": kind or ["null", "string"], **more}


def test_a_file_says_what_its_slots_are() -> None:
    # given a schema with three slots, when it is read
    data = raw(
        slot(9, name="where", reveals="place"),
        slot(8, ["null", "int"]),
        slot(31, name="story", narrative=True, third_party=True, codes=["a", "b"]),
        head="1.2",
    )
    schema = parse_record_schema(data, "3.14")

    # then each is known by number and name, with what it says of itself
    assert (schema.type, schema.version, schema.head) == ("tiny", "3.14", "1.2")
    assert schema.kinds == {Kind.RECORD}
    assert schema.subject == "person"
    assert sorted(schema.slots) == [8, 9, 31]
    assert schema.by_name["where"] is schema.slots[9]
    assert schema.tagged("place") == (9,)
    story = schema.slots[31]
    assert (story.narrative, story.third_party, story.reveals, story.codes) == (
        True,
        True,
        "",
        ("a", "b"),
    )


def test_another_byte_in_the_file_is_another_schema() -> None:
    data = raw(slot())
    one, other = (parse_record_schema(each, "1.0") for each in (data, data + b"\n"))
    assert one.digest != other.digest


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (raw(slot(None)), "free slot number"),
        (raw(slot("8")), "free slot number"),
        (raw(slot(7)), "free slot number"),
        (raw(slot(32)), "free slot number"),
        (raw(slot(), slot(name="again")), "free slot number"),
        (raw(slot(kind="string")), "union with null"),
        (raw(slot(kind=["string", "null"])), "union is of"),
        (raw(slot(kind=["null", {"type": "int", "logicalType": "date"}])), "cannot hold"),
        (raw(slot(kind=["null", "Unheard"])), "Unheard"),
        (raw(slot(), kinds=["rumour"]), "not a record schema"),
        (b"[]", "not a record schema"),
        (b'"string"', "not a record schema"),
        (b'{"type": "record", "name": "Tiny"}', "not a record schema"),
        (b"{", "Expecting"),
        (b'{"type": "record", "name": "Head", "fields": []}', "slots 1 to 7"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_file_that_is_no_record_schema_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_record_schema(data, "1.0")


@pytest.mark.parametrize("version", ["1", "1.0.0", "01.0", "1.x", "", "1.0\n", "1.10000"])
def test_a_version_is_major_and_minor(version: str) -> None:
    with pytest.raises(ValueError, match=r"major\.minor"):
        parse_record_schema(raw(slot()), version)


def _absent(found: SchemaSet) -> tuple[Callable[[], object], ...]:
    return (
        lambda: found.named("tiny", "2.0"),
        lambda: found.by_digest(bytes(32)),
        lambda: found.by_digest(found.head("1.0").digest),
        lambda: found.head(CANARY),
    )


def test_a_set_finds_schemas_by_digest_and_by_name() -> None:
    # given a head and two versions of a type, and a file that is no schema
    files = {
        "head/1.0.avsc": SCHEMA_FILES["head/1.0.avsc"],
        "tiny/1.0.avsc": raw(slot()),
        "tiny/1.1.avsc": raw(slot(), slot(9, name="more")),
        "tiny/1.0.sample.json": b"{}",
    }
    found = SchemaSet(files)

    # when they are looked for, then each is found
    newer = found.named("tiny", "1.1")
    assert found.by_digest(newer.digest) is newer
    assert [schema.version for schema in found.types()] == ["1.0", "1.1"]
    assert found.head("1.0").type == HEAD

    # and others are not; nor is the head a type that a record could have
    for look in _absent(found):
        with pytest.raises(RecordRefused) as caught:
            look()
        assert caught.value.code is SCHEMA_UNKNOWN
        assert CANARY not in str(caught.value)


def test_a_file_lies_in_the_folder_of_its_type() -> None:
    with pytest.raises(ValueError, match="says type tiny"):
        SchemaSet({"other/1.0.avsc": raw(slot())})


def test_the_shipped_schemas_name_a_head_that_is_there() -> None:
    assert {schema.type for schema in SCHEMAS.types()} | {HEAD} == {
        path.name for path in shipped.schemas().iterdir() if path.is_dir()
    }
    for schema in SCHEMAS.types():
        assert SCHEMAS.head(schema.head).type == HEAD


SLOT = SlotSpec(8, "what", ["null", {"type": "array", "items": "string"}], codes=("a", "b"))


def test_a_slot_s_value_comes_back() -> None:
    for value in (None, [], ["a"], ["b", "a"]):
        assert SLOT.decode(SLOT.encode(value)) == value
    assert SLOT.encode(None) == EMPTY


@pytest.mark.parametrize(
    "data",
    [b"", b"\x02", b"\x02\x00\x00", b"\x00\x00", b"\x02\x02\x02c\x00", b"\x01", b"\x02\x80\x00"],
    ids=["nothing", "cut short", "left over", "left over null", "code", "branch", "over-long"],
)
def test_other_bytes_are_no_value(data: bytes) -> None:
    with pytest.raises(RecordRefused) as caught:
        SLOT.decode(data)
    assert (caught.value.code, caught.value.where) == (VALUE, "slot what")


def test_an_error_names_slot_and_field_and_holds_no_value() -> None:
    # given a slot with a record in it, when a field gets something else
    kind = {"type": "record", "name": "In", "fields": [{"name": "on", "type": "int"}]}
    with pytest.raises(StatementRefused) as caught:
        SlotSpec(8, "what", ["null", kind]).encode({"on": CANARY})

    # then the place is named, and neither the error nor what led to it knows the value
    error = caught.value
    assert (error.code, error.where) == (STATEMENT, "slot what.on")
    assert error.__cause__ is None
    assert error.__context__ is None
    assert CANARY not in repr(error)
