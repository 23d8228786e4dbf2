"""CloudEvents headers: what they say, and that they say nothing else."""

import re
from hashlib import sha256

import pytest

from broker.access_log.published import SHOWN
from broker.backends.kafka.headers import NAMES, headers
from broker.clock import Instant
from broker.runtimes.topics import AGENCY, BROKER, STREAM

AT = Instant(1_772_625_599_999)
"""4 March 2026, 11:59:59.999 UTC."""

FROM_POLICE = "urn:concordat:agency:eastshire-police"

EXCHANGED = [
    (
        "records.eastshire-police",
        "org.concordat.record.v1",
        "urn:concordat:agency:eastshire-police",
    ),
    ("urgent.eastshire-police", "org.concordat.record.v1", FROM_POLICE),
    ("deliveries.eastshire-mash", "org.concordat.delivery.v1", "urn:concordat:broker"),
    ("quarantine.eastshire-mash", "org.concordat.quarantine.v1", "urn:concordat:broker"),
    ("protocol", "org.concordat.protocol.v1", "urn:concordat:broker"),
    ("checkpoints", "org.concordat.checkpoint.v1", "urn:concordat:broker"),
]


@pytest.mark.parametrize(("topic", "kind", "source"), EXCHANGED)
def test_a_message_between_parties_says_these_six_things_only(
    topic: str, kind: str, source: str
) -> None:
    # given a message that parties exchange
    value = b"\x01sealed bytes"

    # when its headers are made
    made = headers(topic, value, AT)

    # then they are exactly these, in this order
    content = {"protocol": b"application/json", "checkpoints": b"application/avro"}
    assert made == [
        ("ce_specversion", b"1.0"),
        ("ce_id", sha256(value).hexdigest()[:32].encode()),
        ("ce_source", source.encode()),
        ("ce_type", kind.encode()),
        ("ce_time", b"2026-03-04T11:59:59Z"),
        ("content-type", content.get(topic, b"application/octet-stream")),
    ]


@pytest.mark.parametrize(("topic", "kind", "source"), EXCHANGED)
def test_no_byte_of_a_value_stands_in_a_header(topic: str, kind: str, source: str) -> None:
    # given a value that says a name, an NHS number and a record type
    value = b"Aisha Example 9990000018 missing-episode"

    # when its headers are made
    made = dict(headers(topic, value, AT))

    # then all but the id and the time are the topic's, whatever the value is
    other = dict(headers(topic, b"", Instant(0)))
    same = {name for name in NAMES if made[name] == other[name]}
    assert same == set(NAMES) - {"ce_id", "ce_time"}
    # and these two have one form, with no room for anything else
    assert re.fullmatch(rb"[0-9a-f]{32}", made["ce_id"])
    assert re.fullmatch(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["ce_time"])
    assert kind.encode() == made["ce_type"]
    assert source.encode() == made["ce_source"]


def test_the_same_message_has_the_same_id_whenever_it_is_sent() -> None:
    # given one message that is sent twice, and another one
    first = dict(headers("deliveries.eastshire-mash", b"one", AT))
    again = dict(headers("deliveries.eastshire-mash", b"one", Instant(AT + 90_000)))
    other = dict(headers("deliveries.eastshire-mash", b"two", AT))

    # when their ids are compared, then the message has its own, and the other another
    assert first["ce_id"] == again["ce_id"] != other["ce_id"]


@pytest.mark.parametrize("topic", [*BROKER, *AGENCY, SHOWN, "owners"])
def test_what_never_leaves_its_party_has_no_headers(topic: str) -> None:
    assert headers(topic, b"value", AT) == []


def test_every_topic_that_parties_exchange_has_headers() -> None:
    # given the topics of the stream, as the program names them, but the releaser's own table
    names = [topic + "some-agency" if topic.endswith(".") else topic for topic in STREAM]

    # when headers are made for each, then only the table has none
    assert [topic for topic in names if not headers(topic, b"", AT)] == [SHOWN]
