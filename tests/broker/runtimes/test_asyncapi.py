"""The AsyncAPI document: the committed one is the made one, and keeps AsyncAPI's rules."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ruamel.yaml import YAML

from broker.access_log import published
from broker.backends.kafka.headers import headers
from broker.clock import Instant
from broker.protocol.entries import sign_entry
from broker.records.names import Partnership
from broker.runtimes import asyncapi
from broker.runtimes.catalogued import topics
from broker.runtimes.topics import STREAM
from tests.support.tree import ROOT

Node = dict[str, Any]

EXCHANGED = sorted(name.removesuffix(".") for name in STREAM)


@pytest.fixture(scope="module")
def document() -> Node:
    """The committed document, read as YAML."""
    text = (ROOT / "docs" / "asyncapi.yaml").read_text(encoding="utf-8")
    found: Node = YAML(typ="safe").load(text)
    return found


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for name, one in node.items():
            if name == "$ref":
                yield one
            yield from _references(one)
    elif isinstance(node, list):
        for one in node:
            yield from _references(one)


def _resolve(document: Node, reference: str) -> Any:  # noqa: ANN401 - any part of a document
    assert reference.startswith("#/"), reference
    found: Any = document
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def test_the_committed_document_is_the_made_one(capsys: pytest.CaptureFixture[str]) -> None:
    # given the document as the catalogue makes it
    asyncapi.main()
    made = capsys.readouterr().out

    # when it is compared with the one that is kept, then they are the same, byte for byte
    kept = (ROOT / "docs" / "asyncapi.yaml").read_text(encoding="utf-8")
    assert kept == made, "run: python -m broker.runtimes.asyncapi > docs/asyncapi.yaml"


def test_what_is_written_is_what_was_made(document: Node) -> None:
    # given the committed text, when it is read back, then nothing was lost in writing
    assert document == asyncapi.document()


def test_it_says_its_version_and_has_what_every_document_must_have(document: Node) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert document["info"]["title"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", document["info"]["version"])
    allowed = {"asyncapi", "info", "defaultContentType", "channels", "operations", "components"}
    assert document.keys() <= allowed


def test_every_reference_leads_to_something(document: Node) -> None:
    # given all references, when each is followed, then something is there
    found = set(_references(document))
    assert len(found) > 20
    for reference in found:
        assert _resolve(document, reference), reference
    # and nothing that could be referred to is left over
    components = {
        f"#/components/{kind}/{name}"
        for kind, named in document["components"].items()
        for name in named
    }
    assert components <= found


def test_each_topic_between_parties_is_a_channel_and_no_other(document: Node) -> None:
    # given the topics of the stream, when the channels are listed, then they are these
    channels = document["channels"]
    assert sorted(channels) == EXCHANGED
    # and each address has the parameters that it declares
    for channel in channels.values():
        named = set(re.findall(r"\{(\w+)\}", channel["address"]))
        assert named == channel["parameters"].keys()
    assert channels["deliveries"]["address"] == "{prefix}deliveries.{agency}"
    assert channels["protocol"]["address"] == "{prefix}protocol"


def test_operations_say_who_sends_and_who_receives(document: Node) -> None:
    # given the operations, when each is looked at
    for operation in document["operations"].values():
        assert operation["action"] in {"send", "receive"}
        channel = operation["channel"]["$ref"]
        assert re.fullmatch(r"#/channels/\w+", channel)
        # then its messages are those of its own channel
        assert operation["messages"]
        assert all(one["$ref"].startswith(f"{channel}/messages/") for one in operation["messages"])
    # and they are the catalogue's producers and consumers
    wanted = {
        f"{party}-{verb}-{topic.stem.removesuffix('.')}"
        for topic in topics()
        if topic.store == "stream"
        for verb, parties in (("sends", topic.producers), ("receives", topic.consumers))
        for party in parties
    }
    assert set(document["operations"]) == wanted
    assert "adapter-sends-deliveries" not in wanted


def test_kafka_bindings_are_the_catalogues(document: Node) -> None:
    # given the catalogue, when the channels' bindings are compared with it, then they agree
    for topic in topics():
        if topic.store == "stream":
            kafka = document["channels"][topic.stem.removesuffix(".")]["bindings"]["kafka"]
            policy = "compact" if topic.compacted else "delete"
            assert kafka["topicConfiguration"]["cleanup.policy"] == [policy]
            assert kafka.get("partitions") == (1 if topic.single else None)


@pytest.mark.parametrize("topic", [name for name in STREAM if name != "shown"])
def test_real_headers_fit_the_schema_of_their_message(topic: str, document: Node) -> None:
    # given the headers that are sent with a message
    name = topic.removesuffix(".")
    full = topic + "eastshire-police" if topic.endswith(".") else topic
    sent = {key: raw.decode() for key, raw in headers(full, b"value", Instant(1_772_625_600_000))}

    # when they are held against the document
    message = document["components"]["messages"][name]
    schema = _resolve(document, message["headers"]["$ref"])

    # then each is as it says, and none is missing
    assert sent.keys() == schema["properties"].keys() == set(schema["required"])
    for key, rule in schema["properties"].items():
        assert rule.get("const", sent[key]) == sent[key]
        assert re.search(rule.get("pattern", ""), sent[key])
    assert message["contentType"] == sent["content-type"]


def test_the_schema_of_checkpoints_is_the_one_that_they_are_written_with() -> None:
    assert published._CODEC.schema == asyncapi.PUBLISHED


def test_the_schema_of_entries_fits_a_real_one(document: Node) -> None:
    # given an entry as it is signed and sent
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    sent = json.loads(sign_entry(Partnership(bytes(32)), {"kind": "roster"}, [key]))

    # when it is held against the document, then it has what is required and nothing else
    payload = document["components"]["messages"]["protocol"]["payload"]
    assert sent.keys() == payload["properties"].keys() == set(payload["required"])
    signature = payload["properties"]["signatures"]["items"]
    (one,) = sent["signatures"]
    assert one.keys() == signature["properties"].keys() == set(signature["required"])
    assert all(re.search(signature["properties"][name]["pattern"], one[name]) for name in one)
