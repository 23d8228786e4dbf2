"""What the parties exchange, as an AsyncAPI 3.0 document: made from the catalogue of topics.

`python -m broker.runtimes.asyncapi > docs/asyncapi.yaml` writes it anew; a test compares them.
"""

import sys
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from broker.access_log.notes import MOST_NOTE_BYTES
from broker.backends.kafka.headers import NAMES, TYPES
from broker.records.sealing import LEAST_SEALED, MOST_CARRIED, MOST_SEALED
from broker.runtimes.catalogued import Topic, topics

Node = dict[str, Any]
"""A part of the document."""

BINDING = "0.5.0"
"""Version of AsyncAPI's Kafka bindings."""

AVRO_SCHEMA = "application/vnd.apache.avro;version=1.9.0"
AGENCY_ID = "[a-z0-9-]{1,63}"
KEY_OCTETS = 8
WIDTH = 4096
"""No line is broken: other versions of the writer would break it elsewhere."""

INTRODUCTION = """\
Topics over which the parties of one safeguarding partnership exchange records, decisions and
the protocol, on Apache Kafka. What is not listed here never leaves one party.

Values are sealed to one recipient, or signed and public; docs/formats.md of this tree defines
each byte, and docs/consume.md shows a consumer. Read with isolation.level=read_committed: what
a transaction that was aborted has left behind was never sent.

The headers are those of CloudEvents 1.0, binary mode. They help tools that route or count, and
prove nothing: no seal and no signature covers them.
"""

PARTIES = {
    "adapter": "An agency's adapter",
    "agency": "An agency",
    "auditor": "An auditor",
    "officer": "An officer",
    "operator": "The operator",
    "releaser": "The log's releaser",
    "router": "The router",
    "sequencer": "The log's sequencer",
}

_HASH: Node = {"type": "fixed", "name": "Hash", "size": 32}
PUBLISHED: Node = {
    "type": "record",
    "name": "Published",
    "namespace": "concordat.v1",
    "fields": [
        {"name": "checkpoint", "type": "bytes"},
        {"name": "before", "type": "long"},
        {"name": "path", "type": {"type": "array", "items": _HASH}},
    ],
}
"""Avro schema of a step of the log (`docs/log-format.md`, section 12)."""

ALARM: Node = {
    "type": "record",
    "name": "Alarm",
    "namespace": "concordat.v1",
    "fields": [
        {"name": "key_id", "type": _HASH},
        {"name": "signature", "type": {"type": "fixed", "name": "Signature", "size": 64}},
        {"name": "body", "type": "bytes"},
    ],
}
"""Avro schema of an alarm (`docs/witnesses.md`, section 5)."""

AVRO_VALUES = {"checkpoints": PUBLISHED, "alarms": ALARM}

SIGNATURE: Node = {
    "type": "object",
    "required": ["key_id", "sig"],
    "additionalProperties": False,
    "properties": {
        "key_id": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "sig": {"type": "string", "pattern": "^[0-9a-f]{128}$"},
    },
}


def document() -> Node:
    """Return the document.

    Raises:
        ShippedError: the installation has no catalogue.
    """
    exchanged = [topic for topic in topics() if topic.store == "stream"]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Concordat: what the parties exchange",
            "version": "1.0.0",
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/octet-stream",
        "channels": {_channel_name(topic): _channel(topic) for topic in exchanged},
        "operations": {
            f"{party}-{verb}-{_channel_name(topic)}": _operation(topic, party, verb)
            for topic in exchanged
            for verb, parties in (("sends", topic.producers), ("receives", topic.consumers))
            for party in parties
        },
        "components": {
            "parameters": {
                "prefix": {
                    "description": "Begins the name of every topic of one installation.",
                    "default": "",
                },
                "agency": {
                    "description": f"An agency's id of the roster: {AGENCY_ID}.",
                    "examples": ["eastshire-police"],
                },
            },
            "messages": {_channel_name(topic): _message(topic) for topic in exchanged},
            "schemas": {
                f"{_channel_name(topic)}-headers": _headers(topic)
                for topic in exchanged
                if topic.stem in TYPES
            },
        },
    }


def _channel_name(topic: Topic) -> str:
    return topic.stem.removesuffix(".")


def _channel(topic: Topic) -> Node:
    name = _channel_name(topic)
    parameters = ["prefix", "agency"] if topic.of_agencies else ["prefix"]
    kafka: Node = {
        "topicConfiguration": {
            "cleanup.policy": ["compact" if topic.compacted else "delete"],
            "retention.ms": -1,
        },
        "bindingVersion": BINDING,
    }
    if topic.single:
        kafka["partitions"] = 1
    shards = "One partition." if topic.single else "As many partitions as the installation has."
    return {
        "address": "{prefix}" + topic.stem + ("{agency}" if topic.of_agencies else ""),
        "title": topic.value,
        "description": f"{_sentence(topic.why)} {shards} A message is kept {topic.retention}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "parameters": {one: {"$ref": f"#/components/parameters/{one}"} for one in parameters},
        "bindings": {"kafka": kafka},
    }


def _operation(topic: Topic, party: str, verb: str) -> Node:
    name = _channel_name(topic)
    return {
        "action": verb.removesuffix("s"),
        "channel": {"$ref": f"#/channels/{name}"},
        "title": f"{PARTIES[party]} {verb} on {name}",
        "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
    }


def _message(topic: Topic) -> Node:
    name = _channel_name(topic)
    made: Node = {
        "name": name,
        "title": topic.value,
        "summary": f"Sealed to: {topic.sealed_to}.",
        "payload": _payload(topic),
        "bindings": {"kafka": {"key": _key(topic), "bindingVersion": BINDING}},
    }
    if topic.stem in TYPES:
        made["name"], made["contentType"] = TYPES[topic.stem]
        made["headers"] = {"$ref": f"#/components/schemas/{name}-headers"}
    return made


def _key(topic: Topic) -> Node:
    return {
        "type": "string",
        "format": "binary",
        "maxLength": KEY_OCTETS,
        "description": f"{_sentence(topic.key)} Never personal data.",
    }


def _payload(topic: Topic) -> Node:
    name = _channel_name(topic)
    if name in AVRO_VALUES:
        return {"schemaFormat": AVRO_SCHEMA, "schema": AVRO_VALUES[name]}
    if name == "cosignatures":
        text = "A C2SP signed note: docs/witnesses.md, sections 2 and 4."
        return {"type": "string", "maxLength": MOST_NOTE_BYTES, "description": text}
    if name == "protocol":
        return {
            "type": "object",
            "description": "Canonical JSON (RFC 8785); docs/formats.md, section 11.",
            "required": ["body", "signatures"],
            "additionalProperties": False,
            "properties": {
                "body": {
                    "type": "object",
                    "required": ["kind"],
                    "properties": {"kind": {"type": "string"}},
                },
                "signatures": {"type": "array", "items": SIGNATURE},
            },
        }
    binary: Node = {"type": "string", "format": "binary"}
    if name in {"records", "urgent"}:
        text = "Octets of an Avro envelope, sealed: docs/formats.md, sections 5 and 6."
        return binary | {
            "minLength": LEAST_SEALED,
            "maxLength": MOST_SEALED,
            "description": text,
        }
    if name in {"deliveries", "quarantine"}:
        text = (
            "u32 length, as many octets sealed to the agency "
            f"({LEAST_SEALED} to {MOST_CARRIED}), then the inclusion proof, a text: "
            "docs/formats.md, section 14."
        )
        return binary | {"description": text}
    return binary | {"description": _sentence(topic.value)}


def _headers(topic: Topic) -> Node:
    kind, content = TYPES[topic.stem]
    agency = f"^urn:concordat:(broker|agency:{AGENCY_ID})$"
    values: dict[str, Node] = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {
            "pattern": "^[0-9a-f]{32}$",
            "description": "First 16 octets of SHA-256 of the value, in hexadecimal.",
        },
        "ce_source": {"pattern": agency},
        "ce_type": {"const": kind},
        "ce_time": {
            "format": "date-time",
            "description": "When it was sent, in whole seconds, UTC.",
        },
        "content-type": {"const": content},
    }
    return {
        "type": "object",
        "required": list(NAMES),
        "properties": {name: {"type": "string"} | values[name] for name in NAMES},
    }


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def page() -> str:
    """Return `docs/asyncapi.yaml`."""
    yaml = YAML()
    yaml.width = WIDTH
    yaml.default_flow_style = False
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = StringIO()
    out.write("# Made by `python -m broker.runtimes.asyncapi`; change that, or the catalogue.\n")
    yaml.representer.ignore_aliases = lambda *_: True
    yaml.dump(_literal(document()), out)
    return out.getvalue()


def _literal(node: Any) -> Any:  # noqa: ANN401 - any part of the document
    """Return the same with texts of several lines as YAML writes them best."""
    if isinstance(node, dict):
        return {name: _literal(one) for name, one in node.items()}
    if isinstance(node, list):
        return [_literal(one) for one in node]
    return LiteralScalarString(node) if isinstance(node, str) and "\n" in node else node


def main() -> None:
    """Print the document."""
    sys.stdout.write(page())


if __name__ == "__main__":
    main()
