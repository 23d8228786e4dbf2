"""Alarms: signed by who raises them, standing until the same agency settles them."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.alarms import (
    ALARMS,
    MOST_BYTES,
    MOST_NOTES,
    MOST_SAID,
    Alarm,
    Raised,
    read_alarm,
    standing_alarms,
)
from broker.access_log.errors import SHAPE, WITNESS_ALARM, WITNESS_SPLIT, LogError
from broker.clock import Instant
from broker.lanes import Message, Received
from broker.records.batches import key_id_of
from broker.records.errors import KEY_UNKNOWN, RecordRefused
from broker.records.names import AgencyId, KeyId, Partnership
from tests.broker.access_log.county import PARTNERSHIP

POLICE, SCHOOL = AgencyId("police"), AgencyId("school")
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
ALARM = Alarm(POLICE, WITNESS_SPLIT.name, Instant(5), 12, (b"one note", b"another"))
VALUE = ALARM.sign(PARTNERSHIP, PRIVATE)


def key_of(agency: AgencyId, key_id: KeyId, _at: Instant) -> Ed25519PublicKey:
    """Return the police's key, nobody else's."""
    public = PRIVATE.public_key()
    if agency != POLICE or key_id != key_id_of(public.public_bytes_raw()):
        raise RecordRefused(KEY_UNKNOWN)
    return public


def read(value: bytes, partnership: Partnership = PARTNERSHIP) -> Raised:
    return read_alarm(
        Received(Message(ALARMS, bytes(8), value), 0, 0, Instant(9)), partnership, key_of
    )


def refused(value: bytes, partnership: Partnership = PARTNERSHIP) -> str:
    with pytest.raises(LogError) as caught:
        read(value, partnership)
    return caught.value.code.name


def test_an_alarm_is_read_as_it_was_raised() -> None:
    assert read(VALUE).alarm == ALARM


@given(st.integers(0, len(VALUE) - 1), st.integers(1, 255))
def test_no_byte_of_it_can_be_changed(place: int, change: int) -> None:
    changed = bytearray(VALUE)
    changed[place] ^= change
    assert refused(bytes(changed)) in {SHAPE.name, WITNESS_ALARM.name}


def test_nobody_raises_one_for_another_or_for_another_partnership() -> None:
    assert refused(replace(ALARM, agency=SCHOOL).sign(PARTNERSHIP, PRIVATE)) == WITNESS_ALARM.name
    assert refused(VALUE, Partnership(bytes(32))) == WITNESS_ALARM.name


@pytest.mark.parametrize(
    "wrong",
    [
        replace(ALARM, agency=AgencyId("No Agency")),
        replace(ALARM, notes=(b"",) * (MOST_NOTES + 1)),
        replace(ALARM, said="x" * (MOST_SAID + 1)),
        replace(ALARM, settles=b"short"),
        replace(ALARM, size=-1),
        replace(ALARM, at=Instant(-1)),
        replace(ALARM, notes=(bytes(MOST_BYTES),)),
    ],
)
def test_what_is_no_alarm_is_refused(wrong: Alarm) -> None:
    assert refused(wrong.sign(PARTNERSHIP, PRIVATE)) == SHAPE.name


def test_only_who_raised_it_settles_it() -> None:
    # given an alarm of the police
    raised = read(VALUE)
    # when the school says that it is settled, then it stands
    settling = replace(ALARM, settles=raised.id, said="explained")
    schools = Raised(b"s", replace(settling, agency=SCHOOL))
    assert standing_alarms([raised, schools]) == (raised,)
    # when the police say so, then it does not; nor does settling what is not there do harm
    settled = Raised(b"p", settling)
    assert standing_alarms([raised, schools, settled, settled]) == ()
