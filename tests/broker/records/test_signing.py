"""From what an agency says to what it signs: ids, values, supersedes."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.records.errors import (
    LABELS,
    SCHEMA_UNKNOWN,
    STATEMENT,
    STATEMENT_SLOT,
    VALUE,
    RecordRefused,
    StatementRefused,
)
from broker.records.head import (
    HEAD_VERSION,
    MOST_CHARACTERS,
    decode_contact,
    decode_identifiers,
    decode_labels,
    encode_head,
)
from broker.records.names import (
    SLOT_CONTACT,
    SLOT_IDENTITY,
    SLOT_LABELS,
    SLOT_SCHEMA,
    SLOTS,
    ZERO_ID,
    Kind,
    RecordId,
)
from broker.records.schemas import EMPTY
from broker.records.signing import Prepared, prepare, sign
from broker.records.statement import Contact, Identifiers, Indicator, Labels, Statement
from tests.broker.records.sources import (
    AT,
    CANARY,
    COUNCIL,
    PARTNERSHIP,
    SCHEMAS,
    TYPE,
    Source,
    statement,
)

SOURCE = Source()
HEADS = SCHEMAS.head(HEAD_VERSION)


def prepared(said: Statement, source: Source = SOURCE) -> Prepared:
    return prepare(said, SCHEMAS, source.signer())


def test_a_statement_fills_the_slots_that_the_format_gives_it() -> None:
    # given what the police say, when it is signed
    (envelope,) = SOURCE.sign(statement())

    # then slot 0 names the schema, and each slot decodes to what was said
    schema = SCHEMAS.named(TYPE, "1.0")
    assert envelope.slots[SLOT_SCHEMA].value == schema.digest
    assert decode_labels(HEADS, envelope.slots[SLOT_LABELS].value) == statement().labels
    assert decode_identifiers(HEADS, envelope.slots) == statement().identifiers
    assert decode_contact(HEADS, envelope.slots[SLOT_CONTACT].value) == statement().contact
    for name, value in statement().content.items():
        assert (
            schema.by_name[name].decode(envelope.slots[schema.by_name[name].number].value) == value
        )

    # and head and slots are complete
    assert envelope.head.supersedes == ZERO_ID
    assert (envelope.head.kind, envelope.head.issued_at) == (Kind.RECORD, AT)
    assert len(envelope.slots) == SLOTS


def test_spare_slots_and_salts_are_random_each_time() -> None:
    # given the same statement signed twice
    one, other = (SOURCE.sign(statement())[0] for _ in range(2))
    spare = [n for n in range(8, SLOTS) if n not in SCHEMAS.named(TYPE, "1.0").slots]

    # then spare slots hold 16 other bytes, and no salt comes twice
    assert all(len(one.slots[n].value) == 16 for n in spare)
    assert all(one.slots[n].value != other.slots[n].value for n in spare)
    salts = [slot.salt for envelope in (one, other) for slot in envelope.slots]
    assert len(set(salts)) == len(salts)
    assert {len(salt) for salt in salts} == {16}


def test_an_empty_slot_holds_null() -> None:
    said = statement(content={}, contact=None, identifiers=Identifiers(given="", family=None))
    values = prepared(said).values
    assert values[SLOT_CONTACT] == values[SLOT_IDENTITY] == values[8] == EMPTY
    assert decode_contact(HEADS, EMPTY) is None


def test_the_record_id_depends_on_system_natural_id_version_and_key_alone() -> None:
    # given a statement, when other things about it change, then its id does not
    record_id = prepared(statement()).record_id
    same = statement(kind=Kind.CORRECTION, contact=None, content={})
    assert prepared(same).record_id == record_id

    # when one of the four changes, then it does
    for other in (
        statement(system="athena"),
        statement("episode-2"),
        statement(source_version="2"),
    ):
        assert prepared(other).record_id != record_id
    stranger = Source(id_key=bytes(32))
    assert prepared(statement(), stranger).record_id != record_id


@pytest.mark.parametrize(
    "other",
    [
        {"content": {}},
        {"kind": Kind.HISTORY},
        {"contact": None},
        {"labels": Labels(TYPE)},
        {"identifiers": Identifiers()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_without_a_version_equal_values_are_the_same_record(other: dict[str, object]) -> None:
    # given a source without versions, when a row is read twice, then the id is the same
    said = statement(source_version=None)
    one, again = prepared(said), prepared(said, replace(SOURCE, random_bytes=bytes))
    assert one.record_id == again.record_id
    assert one.version == again.version

    # when anything in it was changed, then it is another version, and nobody can compute it
    assert prepared(replace(said, **other)).version != one.version  # type: ignore[arg-type]  # fields by name
    assert prepared(said, Source(id_key=bytes(32))).version != one.version


def test_a_later_version_names_the_one_before() -> None:
    former = prepared(statement())
    later = replace(prepared(statement(source_version="2")), supersedes=former.record_id)
    (envelope,) = sign([later], SOURCE.signer(), AT)
    assert envelope.head.supersedes == former.record_id
    unlike = replace(envelope, head=replace(envelope.head, supersedes=RecordId(bytes(16))))
    assert unlike.digest(PARTNERSHIP) != envelope.digest(PARTNERSHIP)


def test_two_agencies_with_one_key_would_still_sign_different_things() -> None:
    mine, theirs = (replace(SOURCE, agency=agency) for agency in (SOURCE.agency, COUNCIL))
    assert mine.sign(statement())[0].batch != theirs.sign(statement())[0].batch


def test_an_unknown_schema_cannot_be_used() -> None:
    with pytest.raises(RecordRefused) as caught:
        prepared(statement(version="9.9"))
    assert caught.value.code is SCHEMA_UNKNOWN


def test_a_slot_that_the_type_has_not_is_named() -> None:
    with pytest.raises(StatementRefused) as caught:
        prepared(statement(content={"mood": CANARY, "appetite": CANARY}))
    assert caught.value.code is STATEMENT_SLOT
    assert caught.value.where == "missing-episode: appetite, mood"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"content": {"circumstances": 1}}, "slot circumstances"),
        ({"content": {"episode": {"kind": CANARY}}}, "slot episode"),
        ({"labels": Labels(TYPE, handling=CANARY)}, "slot labels.handling"),
        ({"labels": Labels(TYPE, concerns=b"short")}, "slot labels.concerns"),
        (
            {"labels": Labels(TYPE, indicators=(Indicator(CANARY, 1, "fact"),))},
            "slot labels.indicators.code",
        ),
        ({"contact": Contact("a", "b", 1632)}, "slot contact.telephone"),  # type: ignore[arg-type]  # wrong on purpose
        ({"identifiers": Identifiers(upn=7)}, "upn"),  # type: ignore[arg-type]  # wrong on purpose
        ({"identifiers": Identifiers(family="x" * 129)}, "family is too long"),
        ({"natural_id": CANARY * 6000}, "system, natural id or version"),
        ({"natural_id": "\ud800"}, "system, natural id or version"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_value_that_does_not_fit_is_refused_by_its_place(
    change: dict[str, object], where: str
) -> None:
    with pytest.raises(StatementRefused) as caught:
        prepared(replace(statement(), **change))  # type: ignore[arg-type]  # fields by name
    assert caught.value.code is STATEMENT
    assert where in caught.value.where
    assert CANARY not in str(caught.value)


TEXT = st.text(max_size=MOST_CHARACTERS)
SETS = st.lists(TEXT, max_size=3).map(tuple)
CODES = st.sampled_from(["missing", "self-harm"])
INDICATORS = st.lists(
    st.builds(Indicator, CODES, st.integers(-(2**31), 2**31 - 1), st.sampled_from(["fact"])),
    max_size=3,
).map(tuple)
LABELS_ANY = st.builds(
    Labels,
    TEXT,
    indicators=INDICATORS,
    protections=SETS,
    purpose=SETS,
    roles=SETS,
    facts=SETS,
    addressed_to=SETS,
    concerns=st.none() | st.binary(min_size=16, max_size=16),
    summary_shareable=st.none() | st.booleans(),
    third_party_checked=st.none() | st.booleans(),
)
NAMED = st.builds(Identifiers, *[st.none() | TEXT.filter(bool) for _ in range(7)])
CONTACTS = st.none() | st.builds(Contact, TEXT, TEXT, TEXT, st.none() | TEXT)


@given(LABELS_ANY, NAMED, CONTACTS)
def test_the_head_comes_back_as_it_was_said(
    labels: Labels, identifiers: Identifiers, contact: Contact | None
) -> None:
    # given any labels, identifiers and contact, when they are signed and read
    said = statement(labels=labels, identifiers=identifiers, contact=contact)
    (envelope,) = SOURCE.sign(said)

    # then they are the same
    assert decode_labels(HEADS, envelope.slots[SLOT_LABELS].value) == labels
    assert decode_identifiers(HEADS, envelope.slots) == identifiers
    assert decode_contact(HEADS, envelope.slots[SLOT_CONTACT].value) == contact


def test_labels_are_never_empty() -> None:
    with pytest.raises(RecordRefused) as caught:
        decode_labels(HEADS, EMPTY)
    assert caught.value.code is LABELS


def test_an_identifier_that_is_too_long_is_not_read_either() -> None:
    # given a source that signs a name of 129 characters, when it is read, then it is refused
    (envelope,) = SOURCE.sign(statement())
    identity = HEADS.slots[SLOT_IDENTITY]
    long = identity.encode({"given": "x" * 129, "family": None, "date_of_birth": None})
    slots = list(envelope.slots)
    slots[SLOT_IDENTITY] = slots[SLOT_IDENTITY]._replace(value=long)
    with pytest.raises(RecordRefused) as caught:
        decode_identifiers(HEADS, tuple(slots))
    assert (caught.value.code, caught.value.where) == (VALUE, "given is too long")


@pytest.mark.parametrize("names", [("given",), ("family", "date_of_birth")])
def test_part_of_an_identity_is_kept(names: tuple[str, ...]) -> None:
    said = Identifiers(**dict.fromkeys(names, "2011-09-25"))
    written = encode_head(HEADS, Labels(TYPE), said, None)
    assert written[SLOT_IDENTITY] != EMPTY


def _count(draw: Callable[[int], bytes], seen: list[int]) -> Callable[[int], bytes]:
    def counted(size: int) -> bytes:
        seen.append(size)
        return draw(size)

    return counted


def test_all_randomness_comes_from_the_source_that_was_given() -> None:
    # given a counted source of random bytes, when two records are signed
    seen: list[int] = []
    source = replace(SOURCE, random_bytes=_count(SOURCE.random_bytes, seen))
    source.sign(statement("one"), statement("two"))

    # then salts and spare values of each, the places and the spare leaves were drawn from it
    assert seen == [32 * SLOTS, 32 * SLOTS, 32, 32 * 64]
