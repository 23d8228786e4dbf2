"""The rule for minor versions, tried on made-up changes and on every pair that exists."""

import json
from copy import deepcopy
from itertools import pairwise

import pytest

from broker import shipped
from tests.schemas.compatibility import Json, breaks

ROOT = shipped.schemas()


def base() -> Json:
    return json.loads((ROOT / "missing-episode" / "1.0.avsc").read_bytes())


def episode(schema: Json) -> Json:
    return schema["fields"][0]["type"][1]


def test_same_schema_breaks_nothing() -> None:
    # Given a schema, when it is compared with itself, then nothing breaks.
    assert breaks(base(), base()) == []


def test_may_add_an_optional_slot_an_optional_field_and_prose() -> None:
    # Given a copy with a new slot, a new optional field and better prose
    new = base()
    new["doc"] = "Better said."
    slot = {"name": "transport", "slot": 13, "type": ["null", "string"], "default": None}
    new["fields"].append({**slot, "doc": "How she travelled."})
    episode(new)["fields"].append({"name": "unit", "type": ["null", "string"], "default": None})
    # When it is compared, then nothing breaks.
    assert breaks(base(), new) == []


def _gone(schema: Json) -> None:
    del schema["fields"][1]


def _moved(schema: Json) -> None:
    schema["fields"][1]["slot"] = 20


def _renamed(schema: Json) -> None:
    schema["fields"][1]["name"] = "seen_last"


def _not_a_place_any_more(schema: Json) -> None:
    del schema["fields"][1]["reveals"]


def _narrative(schema: Json) -> None:
    schema["fields"][3]["narrative"] = False


def _retyped(schema: Json) -> None:
    schema["fields"][3]["type"] = ["null", "bytes"]


def _required(schema: Json) -> None:
    schema["fields"].append({"name": "extra", "slot": 13, "type": "string"})


def _required_field(schema: Json) -> None:
    episode(schema)["fields"].append({"name": "extra", "type": "string"})


def _field_gone(schema: Json) -> None:
    del episode(schema)["fields"][0]


def _field_first(schema: Json) -> None:
    fields = episode(schema)["fields"]
    fields.insert(0, {"name": "extra", "type": ["null", "string"], "default": None})


def _field_retyped(schema: Json) -> None:
    episode(schema)["fields"][0]["type"] = "long"


def _code_added(schema: Json) -> None:
    episode(schema)["fields"][4]["codes"].append("absconded")


def _kind_added(schema: Json) -> None:
    schema["concordat"]["kinds"].append("register")


def _branch_added(schema: Json) -> None:
    schema["fields"][3]["type"].append("bytes")


@pytest.mark.parametrize(
    "change",
    [
        _gone, _moved, _renamed, _not_a_place_any_more, _narrative, _retyped, _required,
        _required_field, _field_gone, _field_first, _field_retyped, _code_added, _kind_added,
        _branch_added,
    ],
)  # fmt: skip
def test_breaking_changes_are_caught(change: Json) -> None:
    # Given a copy with one change that a minor version may not make
    new = deepcopy(base())
    change(new)
    # When it is compared, then at least one break is named.
    assert breaks(base(), new)


def test_items_of_an_array_are_compared_too() -> None:
    # Given a list of plans whose items change
    old = json.loads((ROOT / "referral" / "1.0.avsc").read_bytes())
    new = deepcopy(old)
    new["fields"][2]["type"][1]["items"]["fields"][0]["type"] = "string"
    # When it is compared, then the break is found inside.
    assert breaks(old, new) == ["slot 10.status: the type has changed"]


def test_every_minor_version_keeps_the_rule() -> None:
    # Given all versions of each type, when neighbours of one major version are compared
    for folder in sorted(path for path in ROOT.iterdir() if path.is_dir()):
        versions = sorted(
            folder.glob("*.avsc"), key=lambda path: tuple(map(int, path.stem.split(".")))
        )
        for old, new in pairwise(versions):
            if old.stem.split(".")[0] == new.stem.split(".")[0]:
                # Then the later one only adds.
                assert breaks(json.loads(old.read_bytes()), json.loads(new.read_bytes())) == []
