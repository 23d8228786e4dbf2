"""Every schema, its sample and its place in the catalogue hold together."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from broker import shipped
from broker.records.names import FIRST_TYPE_SLOT, SLOT_CONTACT, SLOT_LABELS, SLOTS
from broker.records.schemas import HEAD, RecordSchema, SchemaSet
from tests.schemas.compatibility import Json

ROOT = shipped.schemas()
FILES = sorted(ROOT.glob("*/*.avsc"))
NAMES = [f"{path.parent.name}/{path.name}" for path in FILES]
PUBLISHED = (
    "missing-episode",
    "risk-flags",
    "emergency-attendance",
    "school-absence",
    "referral",
    "involvement",
    "alert",
    "concern",
    "return-interview",
    "missed-appointment",
    "protection-status",
    "suspension",
    "assessment",
    "protection-plan",
    "voice",
    "named-professional",
    "information-request",
    "information-response",
    "verbal-disclosure",
    "action-taken",
    "court-order",
    "retraction",
    "correction",
    "person-of-concern",
    "place-of-concern",
    "group-of-concern",
)
INTERNAL = ("receipt", "answer", "staff", "break-glass")


def schema_set() -> SchemaSet:
    return SchemaSet({f"{path.parent.name}/{path.name}": path.read_bytes() for path in FILES})


def catalogue() -> Json:
    return YAML(typ="safe").load((ROOT / "topics.yaml").read_text(encoding="utf-8"))


def sample(path: Path) -> dict[str, Json]:
    loaded: dict[str, Json] = json.loads(path.with_suffix(".sample.json").read_text("utf-8"))
    return loaded


def in_bytes(kind: Json, value: Json) -> Json:
    """Samples are JSON: what Avro calls fixed stands in them as hexadecimal."""
    if isinstance(kind, list):
        return value if value is None else in_bytes(kind[1], value)
    if not isinstance(kind, dict):
        return value
    if kind["type"] == "record":
        return {one["name"]: in_bytes(one["type"], value[one["name"]]) for one in kind["fields"]}
    if kind["type"] == "array":
        return [in_bytes(kind["items"], one) for one in value]
    return bytes.fromhex(value) if kind["type"] == "fixed" else value


def known(path: Path) -> RecordSchema:
    return schema_set().named(path.parent.name, path.stem)


def test_all_types_are_there() -> None:
    # Given the shipped schemas, when they are listed, then each type of this release is among them.
    found = {path.parent.name for path in FILES}
    assert found == {HEAD, *PUBLISHED, *INTERNAL}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_sample_fills_slots_that_decode_to_the_same(path: Path) -> None:
    # Given a schema and its sample
    raw = json.loads(path.read_bytes())
    kinds = {field["name"]: field["type"] for field in raw["fields"]}
    values = {name: in_bytes(kinds[name], value) for name, value in sample(path).items()}
    schema = known(path)
    # When every slot is encoded and decoded again
    assert values.keys() == schema.by_name.keys()
    again = {
        name: schema.by_name[name].decode(schema.by_name[name].encode(value))
        for name, value in values.items()
    }
    # Then nothing has changed: integers stay integers, no library turns a day into an object
    assert again == values


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_slots_lie_where_the_format_says(path: Path) -> None:
    # Given a schema, when its slots are numbered, then the head has 1 to 7 and a type the rest.
    schema = known(path)
    numbers = set(schema.slots)
    if schema.type == HEAD:
        assert numbers == set(range(SLOT_LABELS, SLOT_CONTACT + 1))
    else:
        assert numbers <= set(range(FIRST_TYPE_SLOT, SLOTS))
        assert schema.kinds


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_codes_days_and_prose_are_complete(path: Path) -> None:
    # Given a schema and its sample, when each field is looked at
    raw = json.loads(path.read_bytes())
    for field in raw["fields"]:
        check_field(field, sample(path)[field["name"]], f"{path.parent.name}.{field['name']}")


def check_field(field: dict[str, Json], value: Json, place: str) -> None:
    # Then it is explained, is no Avro logical type, and the sample uses codes of its list.
    assert field["doc"].endswith("."), place
    assert "logicalType" not in json.dumps(field), place
    kind = field["type"][1] if isinstance(field["type"], list) else field["type"]
    if "codes" in field and value is not None:
        used = value if isinstance(value, list) else [value]
        assert set(used) <= set(field["codes"]), place
    if field.get("unit"):
        assert kind in {"int", "long"}, place
    if isinstance(kind, dict) and kind["type"] == "record" and value is not None:
        for one in kind["fields"]:
            check_field(one, value[one["name"]], f"{place}.{one['name']}")


def test_released_schemas_have_not_changed() -> None:
    # Given the digests of what was released, when the files are hashed again, then they are equal:
    # slot 0 of every record names its schema by this digest.
    released = YAML(typ="safe").load((ROOT / "released.yaml").read_text(encoding="utf-8"))
    now = {
        f"{path.parent.name}/{path.name}": sha256(path.read_bytes()).hexdigest() for path in FILES
    }
    assert now == released["sha256"]


def test_catalogue_names_each_topic_once_and_completely() -> None:
    # Given the catalogue, when its topics are read
    topics = catalogue()["topics"]
    names = [topic["name"] for topic in topics]
    # Then each has every attribute, and values from the closed lists.
    assert len(names) == len(set(names))
    wanted = {
        "name", "store", "shards", "key", "compacted", "value", "record", "producers",
        "consumers", "sealed_to", "retention", "why",
    }  # fmt: skip
    parties = {
        "adapter", "router", "sequencer", "releaser", "officer", "agency", "operator", "auditor",
    }  # fmt: skip
    for topic in topics:
        assert topic.keys() == wanted, topic["name"]
        assert topic["store"] in {"stream", "broker", "agency"}
        assert topic["shards"] in {"all", "one"}
        assert topic["sealed_to"] in {"router", "broker", "agency", "public"}
        assert set(topic["producers"]) | set(topic["consumers"]) <= parties
        assert set(topic["record"]) <= {*PUBLISHED, *INTERNAL}
        assert re.fullmatch(r"[a-z]+(-[a-z]+)?(\.<agency>)?", topic["name"])


def test_only_protocol_checkpoints_and_witnesses_are_readable_by_everyone() -> None:
    # Given the catalogue, when topics that are not sealed are looked for, then they are the
    # protocol, the log's checkpoints, which of those was published last, and what witnesses say.
    public = [t["name"] for t in catalogue()["topics"] if t["sealed_to"] == "public"]
    assert public == ["protocol", "checkpoints", "shown", "cosignatures", "alarms"]


def test_nothing_of_the_broker_s_own_store_is_read_by_an_adapter() -> None:
    # Given the broker's store, when its readers are listed, then no agency's adapter is among them.
    for topic in catalogue()["topics"]:
        if topic["store"] == "broker":
            assert "adapter" not in [*topic["producers"], *topic["consumers"]]
