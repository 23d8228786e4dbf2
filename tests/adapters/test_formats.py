"""What holds for every format: recognised, accounted for, fit for its schema, hard to break."""

import json
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.dates import in_order
from adapters.format import Context, Draft, Outcome, Read, Rejected, one_item
from adapters.reading import read_bytes
from adapters.registry import FORMATS, named, recognise
from broker.protocol.attributes import BY_NAME, FACTS
from broker.records.head import encode_head
from tests.adapters.reading_support import NHS, SHAPES, Json, context, read, schemas

NAMES = sorted(SHAPES)
JSON_NAMES = [name for name in NAMES if SHAPES[name][1][:1] in b"[{"]

NODES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.sampled_from(["2026-02-30", "2026-03-03", "9990000019", "\ud800", "x" * 11_000, "high"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def test_every_format_has_a_shape_here() -> None:
    # Given the registry, when the shapes of these tests are compared, then none is left out.
    assert {one.name for one in FORMATS} == set(SHAPES)


@pytest.mark.parametrize("name", NAMES)
def test_recognised_by_its_format_alone(name: str) -> None:
    # Given a file of one format under a name that tells nothing, when it is recognised
    found = recognise(SHAPES[name][1], "export")
    # Then its own format is chosen.
    assert found.name == name


@pytest.mark.parametrize("name", NAMES)
def test_whole_file_is_mapped_and_fits_the_schemas(name: str) -> None:
    # Given a clean file, when it is read
    agency_type, data = SHAPES[name]
    reading = read(data, name, context(agency_type))
    # Then nothing is rejected, and every draft can be encoded.
    account = reading.accounting
    assert account.rejected == ()
    assert account.read == account.mapped + account.context
    for draft in reading.drafts:
        fits(draft)


def fits(draft: Draft) -> None:
    statement = draft.statement
    schema = schemas().named(statement.type, statement.version)
    assert statement.kind in schema.kinds
    for slot, value in statement.content.items():
        schema.by_name[slot].encode(value)
    labels = statement.labels
    encode_head(schemas().head("1.0"), labels, statement.identifiers, statement.contact)
    assert set(labels.facts) <= set(FACTS)
    for name in ("protections", "purpose", "roles"):
        assert set(getattr(labels, name)) <= set(BY_NAME[f"labels.{name}"].codes)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be-bom"])
def test_byte_order_marks_are_understood(name: str, encoding: str) -> None:
    # Given the file as Windows programs save it
    agency_type, data = SHAPES[name]
    text = data.decode()
    marked = (
        b"\xfe\xff" + text.encode("utf-16-be")
        if encoding == "utf-16-be-bom"
        else text.encode(encoding)
    )
    # When it is recognised and read, then the outcome is the same.
    assert recognise(marked, "export").name == name
    plain = read(data, name, context(agency_type))
    assert read(marked, name, context(agency_type)).drafts == plain.drafts


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "input.empty"), (b" \n", "input.empty"), (b"\x81\xff\xfe", "input.encoding")],
)
def test_what_is_no_text_is_refused_whole(name: str, data: bytes, code: str) -> None:
    # Given no text, when it is read, then the file itself is the one rejected item.
    account = read(data, name, context(SHAPES[name][0])).accounting
    assert (account.read, account.mapped) == (1, 0)
    assert [one.code for one in account.rejected] == [code]


@pytest.mark.parametrize("name", [n for n in NAMES if named(n).agency_type])
def test_another_type_of_agency_is_refused(name: str) -> None:
    # Given a file of one type of agency, when another type publishes it
    wrong = "police" if SHAPES[name][0] != "police" else "health"
    account = read(SHAPES[name][1], name, context(wrong)).accounting
    # Then it is refused whole.
    assert [one.code for one in account.rejected] == ["input.other-type"]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_file_gives_the_same_drafts(name: str) -> None:
    # Given a file, when it is read twice, then both readings are equal.
    agency_type, data = SHAPES[name]
    assert read(data, name, context(agency_type)) == read(data, name, context(agency_type))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_damaged_bytes_never_break_the_reader(name: str, seed: int) -> None:
    # Given a file with some bytes changed, lost or doubled
    agency_type, data = SHAPES[name]
    damaged = damage(bytearray(data), Random(seed))
    # When it is read, then it ends as an account that adds up (closing it checks), whatever it is.
    reading = read_bytes(damaged, "export", context(agency_type), named(name))
    for draft in reading.drafts:
        fits(draft)


def damage(data: bytearray, random: Random) -> bytes:
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(data) + 1)
        length = random.randint(0, 40)
        match random.randrange(5):
            case 0:
                data[at : at + 1] = bytes((random.randrange(256),))
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[at : at + length]
            case 3:
                data[at:at] = random.choice(
                    (b'"', b"\\", b"{", b"|", b"\r", b",", b"^~\\&", b"\x00")
                )
            case _:
                data = data[:at] if random.random() < 0.3 else data
    return bytes(data)


@pytest.mark.parametrize("name", JSON_NAMES)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_json_of_any_shape_never_breaks_the_reader(name: str, data: st.DataObject) -> None:
    # Given a document one of whose nodes is something else
    agency_type, raw = SHAPES[name]
    document = json.loads(raw)
    paths = list(places(document))
    path = data.draw(st.sampled_from(paths))
    changed = replaced(document, path, data.draw(NODES))
    # When it is read, then it ends as an account that adds up, and every draft fits.
    reading = read(json.dumps(changed), name, context(agency_type))
    for draft in reading.drafts:
        fits(draft)


def places(node: Json, path: tuple[Json, ...] = ()) -> Json:
    yield path
    pairs = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, value in pairs:
        yield from places(value, (*path, key))


def replaced(node: Json, path: tuple[Json, ...], value: Json) -> Json:
    if not path:
        return value
    copy = dict(node) if isinstance(node, dict) else list(node)
    copy[path[0]] = replaced(node[path[0]], path[1:], value)
    return copy


@pytest.mark.parametrize("name", NAMES)
def test_no_value_stands_in_what_is_reported(name: str) -> None:
    # Given a file with an unmistakable value in every text, so that all goes wrong that can
    agency_type, data = SHAPES[name]
    canary = "CANARY" + "7" * 20
    spoiled = data.decode()
    for text in (
        "2026-03-03",
        "2026-03-02",
        "2025-09-01",
        "01/02/2025",
        "high",
        "E|ED",
        "A04",
        NHS,
    ):
        spoiled = spoiled.replace(text, canary)
    # When it is read
    account = read(spoiled, name, context(agency_type), f"x-{NHS}_y.json").accounting
    # Then no report repeats it, and the file's name is masked.
    assert canary not in repr(account)
    assert NHS not in repr(account)


@pytest.mark.parametrize("name", NAMES)
def test_few_formats_have_companions(name: str) -> None:
    # Given a name that tells nothing, when companions are asked for, then none is named, but for
    # the modules whose twin has one name everywhere.
    joined = {"social-care-ssda903-missing", "social-care-ssda903-episodes"}
    expected = ("header.csv",) if name in joined else ()
    assert named(name).companions("export") == expected


def test_a_refusal_takes_the_whole_item_with_it() -> None:
    # Given an item that is refused after it gave something
    def outcomes() -> Iterator[Outcome]:
        yield Context("row 1", "something")
        in_order(2, 1, "end")

    # When it is announced, then only its rejection is left.
    assert [type(one) for one in one_item("row 1", outcomes())] == [Read, Rejected]
