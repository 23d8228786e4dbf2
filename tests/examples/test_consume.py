"""The consumer of docs/examples, which has nothing of ours, sees what `concordat inbox` shows."""

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from broker import shipped
from broker.access_log.parts import TOLD
from broker.records.envelope import MINIMISED_SCHEMA
from tests.support.commands import Commands
from tests.support.tree import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "consume.py"
AGENCY = "eastshire-hospitals"
TOPIC = f"deliveries.{AGENCY}"
WAIT_S = 30

CODE_LINES = 60
"""What fits one page: lines that are no import, comment, docstring or space."""

COMPARED = ("delivery", "source", "consumer", "outcome", "clauses", "own_identifier", "obligations")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A cluster on which an agency's deliveries lie.

    Attributes:
        client: file of settings for confluent-kafka.
        prefix: begins the topics' names.
    """

    client: Path
    prefix: str


def _messages(root: Path) -> list[tuple[bytes, bytes]]:
    with sqlite3.connect(root / "stream" / "stream.sqlite") as database:
        found = database.execute(
            "SELECT m.key, m.value FROM messages m JOIN topics t ON t.id = m.topic "
            "WHERE t.name = ? ORDER BY m.place",
            (TOPIC,),
        ).fetchall()
    database.close()
    return found


def _exchange(folder: Path, address: str, messages: list[tuple[bytes, bytes]]) -> Exchange:
    """Put messages on a topic of two partitions, amid what a transaction took back."""
    client = folder / "client.json"
    client.write_text(json.dumps({"bootstrap.servers": address}), encoding="utf-8")
    prefix = f"t{os.urandom(4).hex()}."
    admin = AdminClient({"bootstrap.servers": address})
    for made in admin.create_topics([NewTopic(prefix + TOPIC, 2, 1)]).values():
        made.result(WAIT_S)
    producer = Producer(
        {"bootstrap.servers": address, "transactional.id": f"{prefix}test", "linger.ms": 5}
    )
    producer.init_transactions(WAIT_S)
    producer.begin_transaction()
    producer.produce(prefix + TOPIC, value=b"never sent", partition=0)
    producer.flush(WAIT_S)
    producer.abort_transaction(WAIT_S)
    producer.begin_transaction()
    for number, (key, value) in enumerate(messages):
        producer.produce(prefix + TOPIC, value=value, key=key, partition=number % 2)
    producer.commit_transaction(WAIT_S)
    return Exchange(client, prefix)


def _run(exchange: Exchange, root: Path, agency: str = AGENCY) -> subprocess.CompletedProcess[str]:
    """Run the example with deliveries of `AGENCY`, as a program of `agency`'s keys would."""
    keys = root / "agencies" / agency / "keys.json"
    words = (exchange.client, exchange.prefix, AGENCY, keys, root / "1.root.json")
    return subprocess.run(
        [sys.executable, "-I", EXAMPLE, *words, shipped.schemas()],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_program_of_one_page_reads_what_the_inbox_shows(
    own_week: Commands, kafka_address: str, tmp_path: Path
) -> None:
    # given Eastshire after its week, with the hospitals' deliveries on Kafka
    messages = _messages(own_week.root)
    exchange = _exchange(tmp_path, kafka_address, messages)

    # when the example reads them with the hospitals' keys
    done = _run(exchange, own_week.root)

    # then it opens and proves every one of them
    assert done.returncode == 0, done.stderr
    said: dict[str, dict[str, Any]] = {}
    for line in done.stdout.splitlines():
        one = json.loads(line)
        said[one["delivery"]] = one
    assert len(said) == len(messages)

    # and what it says of each delivery is what the inbox shows
    shown = own_week.json("inbox", AGENCY, "--all")["deliveries"]
    delivered = {name for name, one in said.items() if one["kind"] == "delivery"}
    assert {one["delivery"] for one in shown} == delivered
    assert len(delivered) > 10
    for one in shown:
        same = said[one["delivery"]]
        assert {name: one[name] for name in COMPARED} == {name: same[name] for name in COMPARED}

    # and the granted fields of one delivery of each type are those that are shown when it is opened
    first_of_type = {one["type"]: one["delivery"] for one in shown}
    assert len(first_of_type) > 1
    for name in first_of_type.values():
        (opened,) = own_week.json("inbox", AGENCY, "--open", name)["deliveries"]
        assert said[name]["content"] == opened["content"]


def test_it_opens_nothing_with_another_agencys_key(
    week: Commands, kafka_address: str, tmp_path: Path
) -> None:
    # given the hospitals' deliveries, when a program that has the police's keys reads them
    exchange = _exchange(tmp_path, kafka_address, _messages(week.root)[:1])
    done = _run(exchange, week.root, "eastshire-police")

    # then it ends with an error and shows nothing
    assert done.returncode != 0
    assert done.stdout == ""
    assert "unseal" in done.stderr


def test_it_refuses_a_delivery_whose_proof_was_altered(
    week: Commands, kafka_address: str, tmp_path: Path
) -> None:
    # given two deliveries, of which one bears the other's proof
    (key, first), (_, second) = _messages(week.root)[:2]
    ends = [4 + int.from_bytes(one[:4]) for one in (first, second)]
    altered = first[: ends[0]] + second[ends[1] :]
    exchange = _exchange(tmp_path, kafka_address, [(key, altered)])

    # when it is read
    done = _run(exchange, week.root)

    # then nothing of it is shown
    assert done.returncode != 0
    assert done.stdout == ""
    assert "not in the log" in done.stderr


def test_the_program_fits_one_page() -> None:
    # given the program, when its lines are counted
    lines = [line.strip() for line in EXAMPLE.read_text(encoding="utf-8").splitlines()]
    passed_over = ("#", '"""', "import ", "from ")
    code = [line for line in lines if line and not line.startswith(passed_over)]

    # then they are few, and none imports anything of ours
    assert len(code) <= CODE_LINES
    imported = {line.split()[1].partition(".")[0] for line in lines if line.startswith("from ")}
    assert not imported & {"broker", "adapters", "tests"}


@pytest.mark.parametrize(
    ("name", "schema"), [("told", TOLD.schema), ("minimised", MINIMISED_SCHEMA)]
)
def test_the_schemas_beside_it_are_those_that_deliveries_are_written_with(
    name: str, schema: dict[str, Any]
) -> None:
    text = (EXAMPLE.parent / f"{name}.avsc").read_text(encoding="utf-8")
    assert json.loads(text) == schema
