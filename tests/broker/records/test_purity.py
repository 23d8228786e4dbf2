"""The core touches nothing: no file, socket, process or clock, whatever it is asked to do."""

from dataclasses import replace

import pytest

from broker.records.batches import BatchVerifier
from broker.records.check import Checker
from broker.records.envelope import Splicer, decode_minimised
from broker.records.errors import RecordRefused
from broker.records.schemas import SchemaSet
from tests.broker.records.sources import (
    PARTNERSHIP,
    SCHEMA_FILES,
    SCHEMAS,
    Source,
    World,
    drawn,
    flipped,
    statement,
)
from tests.support.purity import shut_in


def test_the_watch_sees_what_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError), shut_in(monkeypatch), open(__file__, "rb"):  # noqa: PTH123 - what is tried here
        pass


def test_a_record_s_whole_way_touches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a source, a router, and all that is loaded once
    world = World(Source(random_bytes=drawn("pure")))
    checker = world.checker()
    world.checker().check(world.message(world.source.sign(statement())[0]), 1)

    with shut_in(monkeypatch):
        # when schemas are read, records signed, sealed, checked, remembered and minimised
        schemas = SchemaSet(SCHEMA_FILES)
        envelopes = world.source.sign(*(statement(f"one {number}") for number in range(3)))
        for envelope in envelopes:
            _follow(world, replace(checker, schemas=schemas), envelope.encode())

        # and when one is refused, then nothing outside was touched
        with pytest.raises(RecordRefused):
            checker.check(world.message(flipped(envelopes[0].encode(), 300, 1)), 1)


def _follow(world: World, checker: Checker, encoded: bytes) -> None:
    accepted = checker.check(world.message(encoded), 1)
    checker.memory(accepted)
    data = Splicer(accepted.envelope, accepted.digests).minimise((0, 7, 8))
    minimised = decode_minimised(data)
    BatchVerifier(PARTNERSHIP).verify(
        minimised.digest(PARTNERSHIP),
        minimised.batch,
        minimised.head.agency,
        world.source.key.public_key(),
    )
    assert accepted.schema.digest == SCHEMAS.named(accepted.schema.type, "1.0").digest
