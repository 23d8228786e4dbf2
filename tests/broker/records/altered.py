"""Signed records, what a source that means harm can make of them, and what the check says."""

import traceback
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.errors import Code
from broker.lanes import Received
from broker.records import errors
from broker.records.batches import sign_batch
from broker.records.check import Checker
from broker.records.envelope import Envelope
from tests.broker.records.sources import (
    CANARY,
    PARTNERSHIP,
    Source,
    World,
    drawn,
    statement,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
WORLD = World(Source(key=KEY, random_bytes=drawn("check")))
SOURCE = WORLD.source
ALONE = SOURCE.sign(statement("alone"))[0]
TOGETHER = SOURCE.sign(*(statement(f"together {number}") for number in range(3)))
DOCUMENTED = {code for code in vars(errors).values() if isinstance(code, Code)}


def resigned(envelope: Envelope, key: Ed25519PrivateKey = KEY) -> Envelope:
    """Sign an envelope that was changed, as a source could that means harm."""
    (path,) = sign_batch(
        [envelope.digest(PARTNERSHIP)],
        partnership=PARTNERSHIP,
        agency=envelope.head.agency,
        key=key,
        random_bytes=bytes,
    )
    return replace(envelope, batch=path)


def with_slot(number: int, value: bytes, envelope: Envelope = ALONE) -> Envelope:
    slots = list(envelope.slots)
    slots[number] = slots[number]._replace(value=value)
    return resigned(replace(envelope, slots=tuple(slots)))


def with_head(**changes: object) -> Envelope:
    head = replace(ALONE.head, **changes)  # type: ignore[arg-type]  # fields by name
    return resigned(replace(ALONE, head=head))


def refusal(message: Received, checker: Checker | None = None) -> errors.RecordRefused:
    with pytest.raises(errors.RecordRefused) as caught:
        (checker or WORLD.checker()).check(message, 1)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    return caught.value


def code(message: Received | Envelope | bytes) -> Code:
    return refusal(message if isinstance(message, Received) else WORLD.message(message)).code
