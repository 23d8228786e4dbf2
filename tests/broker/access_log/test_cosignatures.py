"""Cosignatures: one more line under a checkpoint, which fits one text, one time and one key."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.cosignatures import (
    MOST_TIME,
    TIME_BYTES,
    WitnessKey,
    cosign,
    cosigned_bytes,
    cosigners,
    gathered,
    witness_name,
)
from broker.access_log.errors import NOTE_SHAPE, NOTE_SIGNATURE, LogError
from broker.access_log.notes import (
    MOST_SIGNATURES,
    Checkpoint,
    Note,
    VerifierKey,
    open_checkpoint,
)
from broker.records.names import AgencyId
from tests.broker.access_log.county import ORIGIN, SIGNER

POLICE = AgencyId("eastshire-police")
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
NAME = witness_name(ORIGIN, POLICE)
KEY = WitnessKey(NAME, PRIVATE.public_key().public_bytes_raw())
TIME = 1_772_625_600
NOTE = SIGNER.sign(Checkpoint(ORIGIN, 7, bytes(range(32))).text())
COSIGNED = cosign(NOTE, KEY, PRIVATE, TIME)


def test_a_cosignature_is_the_line_that_the_specification_describes() -> None:
    # given a cosigned note, when its last line is taken apart by hand
    note = Note.parse(COSIGNED)
    line = note.signatures[-1]
    # then it is name, key id of type 4, time and signature over header, time and the note's text
    assert (line.name, line.id) == ("eastshire.example/witness/eastshire-police", KEY.id)
    assert line.id != VerifierKey(NAME, KEY.public).id
    assert int.from_bytes(line.signature[:TIME_BYTES]) == TIME
    text = Checkpoint(ORIGIN, 7, bytes(range(32))).text()
    said = b"cosignature/v1\ntime 1772625600\n" + text.encode()
    assert cosigned_bytes(note.text, TIME) == said
    Ed25519PublicKey.from_public_bytes(KEY.public).verify(line.signature[TIME_BYTES:], said)
    # and who knows only the log's key reads the checkpoint as before
    assert open_checkpoint(COSIGNED, ORIGIN, [SIGNER.key]).size == 7


@given(st.integers(0, MOST_TIME))
def test_who_cosigned_and_when_is_read_back(at_s: int) -> None:
    note = Note.parse(cosign(NOTE, KEY, PRIVATE, at_s))
    assert cosigners(note, [KEY]) == {KEY: at_s}


def test_a_witness_that_cosigned_twice_counts_once_with_its_latest_time() -> None:
    twice = cosign(cosign(NOTE, KEY, PRIVATE, TIME + 5), KEY, PRIVATE, TIME)
    assert cosigners(Note.parse(twice), [KEY]) == {KEY: TIME + 5}


def test_a_stranger_is_passed_over() -> None:
    stranger = WitnessKey(NAME, OTHER.public_key().public_bytes_raw())
    assert cosigners(Note.parse(COSIGNED), [stranger]) == {}
    assert cosigners(Note.parse(NOTE), [KEY]) == {}


@given(st.integers(0, len(COSIGNED) - 1), st.integers(1, 255))
def test_no_byte_can_be_changed(place: int, change: int) -> None:
    # given a cosigned note of which one byte was changed
    changed = bytearray(COSIGNED)
    changed[place] ^= change
    # when it is read, then it is refused, or the witness is not among those who signed
    try:
        found = cosigners(Note.parse(bytes(changed)), [KEY])
    except LogError as error:
        assert error.code in {NOTE_SHAPE, NOTE_SIGNATURE}  # noqa: PT017 - either may come
    else:
        body = len(NOTE.rpartition(b"\n\n")[0]) + 2
        assert found == {} or body <= place < len(NOTE)  # the log's own line is the log's matter


def test_every_bit_of_the_cosignature_counts() -> None:
    # given the line's bytes with any one bit changed, then the line is false or another key's
    start = len(NOTE)
    head, _, encoded = COSIGNED[start:].decode().rstrip("\n").rpartition(" ")
    for place in range(len(encoded)):
        for other in "AZaz09+/":
            if encoded[place] == other:
                continue
            line = f"{head} {encoded[:place]}{other}{encoded[place + 1 :]}\n"
            try:
                assert cosigners(Note.parse(NOTE + line.encode()), [KEY]) == {}
            except LogError as error:
                assert error.code in {NOTE_SHAPE, NOTE_SIGNATURE}  # noqa: PT017 - either may come


@pytest.mark.parametrize("octets", [71, 73, 64])
def test_a_cosignature_of_another_length_is_false(octets: int) -> None:
    line = b64encode(KEY.id + bytes(octets)).decode()
    with pytest.raises(LogError) as caught:
        cosigners(Note.parse(NOTE + f"— {NAME} {line}\n".encode()), [KEY])
    assert caught.value.code is NOTE_SIGNATURE


def test_a_time_beyond_63_bits_is_false() -> None:
    signed = cosign(NOTE, KEY, PRIVATE, MOST_TIME + 1)
    with pytest.raises(LogError) as caught:
        cosigners(Note.parse(signed), [KEY])
    assert caught.value.code is NOTE_SIGNATURE


def test_lines_of_one_text_are_gathered_under_one_note() -> None:
    # given two notes of one text, each with the log's line and another witness's
    other = WitnessKey(NAME + "2", OTHER.public_key().public_bytes_raw())
    notes = [COSIGNED, cosign(NOTE, other, OTHER, TIME)]
    # when they are gathered, then each line is there once
    found = Note.parse(gathered(notes))
    assert [line.name for line in found.signatures] == [ORIGIN, NAME, NAME + "2"]
    assert cosigners(found, [KEY, other]) == {KEY: TIME, other: TIME}
    # and other texts do not go together, nor do more lines than a reader takes
    later = SIGNER.sign(Checkpoint(ORIGIN, 8, bytes(range(32))).text())
    for wrong in ([NOTE, later], []):
        with pytest.raises(LogError) as caught:
            gathered(wrong)
        assert caught.value.code is NOTE_SHAPE
    many = [cosign(NOTE, KEY, PRIVATE, TIME + n) for n in range(MOST_SIGNATURES + 5)]
    assert len(Note.parse(gathered(many)).signatures) == MOST_SIGNATURES


def test_a_key_is_published_and_read_back() -> None:
    assert WitnessKey.parse(str(KEY)) == KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        str(KEY).replace("+", "-"),
        str(VerifierKey(NAME, KEY.public)),
        str(KEY).replace(KEY.id.hex(), "00000000"),
        f"{NAME}x" + str(KEY).removeprefix(NAME),
        str(KEY)[:-4],
    ],
)
def test_what_is_no_witness_key_is_refused(text: str) -> None:
    with pytest.raises(LogError) as caught:
        WitnessKey.parse(text)
    assert caught.value.code is NOTE_SHAPE
