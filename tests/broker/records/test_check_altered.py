"""Nothing altered passes the check, and whatever is refused has a documented code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.records import errors
from broker.records.envelope import Envelope
from tests.broker.records.altered import ALONE, DOCUMENTED, TOGETHER, WORLD, code, refusal
from tests.broker.records.sources import flipped, received


@pytest.mark.parametrize("envelope", [ALONE, TOGETHER[2]], ids=["k=0", "k=6"])
@pytest.mark.parametrize("bits", [0x01, 0x80, 0xFF])
def test_any_changed_byte_of_an_envelope_is_refused(envelope: Envelope, bits: int) -> None:
    # given somebody who can seal as the source, and changes any one byte of what it signed
    whole, checker = envelope.encode(), WORLD.checker()
    checker.check(WORLD.message(envelope), 1)

    # when the router checks it, its memory of the batch's root warm
    found = {
        refusal(WORLD.message(flipped(whole, at, bits)), checker).code for at in range(len(whole))
    }

    # then it is never accepted, and always refused with a documented code
    assert found <= DOCUMENTED
    assert errors.SIGNATURE in found


@given(st.data())
def test_any_other_bytes_in_an_envelope_are_refused(data: st.DataObject) -> None:
    # given an envelope with a stretch of it replaced by any bytes, when it is checked
    whole = TOGETHER[0].encode()
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(begin, min(begin + 100, len(whole))))
    other = whole[:begin] + data.draw(st.binary(max_size=100)) + whole[end:]

    # then it is refused with a documented code, unless it is what was signed
    if other != whole:
        assert code(other) in DOCUMENTED


@given(st.data())
def test_any_changed_sealed_message_is_refused(data: st.DataObject) -> None:
    sealed = WORLD.seal(ALONE.encode())
    at, bits = data.draw(st.integers(0, len(sealed) - 1)), data.draw(st.integers(1, 255))
    assert code(received(flipped(sealed, at, bits), WORLD.topic)) in {errors.SUITE, errors.SEAL}


@given(st.binary(max_size=2000))
def test_any_bytes_at_all_are_refused(data: bytes) -> None:
    assert code(received(data, WORLD.topic)) in DOCUMENTED
    assert code(data) is errors.SHAPE
