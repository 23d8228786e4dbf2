"""Signed notes and checkpoints: published examples, and all that is refused."""

from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.errors import NOTE_ORIGIN, NOTE_SHAPE, NOTE_SIGNATURE, LogError
from broker.access_log.notes import (
    MOST_NOTE_BYTES,
    MOST_SIGNATURES,
    Checkpoint,
    Note,
    NoteSigner,
    VerifierKey,
    open_checkpoint,
    read_base64,
    read_number,
)
from broker.access_log.tree import EMPTY_ROOT
from tests.broker.access_log.county import ORIGIN, SIGNER

# Keys and signatures of Go's note package, as data: golang.org/x/mod, sumdb/note/note_test.go,
# TestSign and TestOpen, at 02c991387e35 (BSD-3-Clause). The seed is what follows the type byte in
# TestSign's signer key.
PUBLISHED_SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PUBLISHED_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLISHED_OTHER_KEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
PUBLISHED_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PUBLISHED_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpR"
    "Zb6KE6RyyBwJnAM=\n"
)
PUBLISHED_OTHER_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33"
    "WWd1RvMc+QQ=\n"
)
PUBLISHED_NOTE = f"{PUBLISHED_TEXT}\n{PUBLISHED_LINE}".encode()

OTHER = NoteSigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(bytes(32)))
CHECKPOINT = Checkpoint(ORIGIN, 7, bytes(range(32)))
NOTE = SIGNER.sign(CHECKPOINT.text())


def also(note: bytes, signer: NoteSigner) -> bytes:
    """Return a note with another signer's line added."""
    text = Note.parse(note).text
    return note + signer.sign(text).removeprefix(text.encode() + b"\n")


def test_the_published_note_verifies() -> None:
    key = VerifierKey.parse(PUBLISHED_KEY)
    assert Note.parse(PUBLISHED_NOTE).verify([key]) == (key,)
    assert str(key) == PUBLISHED_KEY


def test_the_published_note_is_what_its_key_signs() -> None:
    signer = NoteSigner("PeterNeumann", Ed25519PrivateKey.from_private_bytes(PUBLISHED_SEED))
    assert signer.sign(PUBLISHED_TEXT) == PUBLISHED_NOTE
    assert str(signer.key) == PUBLISHED_KEY


def test_the_published_note_of_two_verifies_by_either_key() -> None:
    note = Note.parse(PUBLISHED_NOTE + PUBLISHED_OTHER_LINE.encode())
    peter, enoch = (VerifierKey.parse(key) for key in (PUBLISHED_KEY, PUBLISHED_OTHER_KEY))
    assert note.verify([peter]) == (peter,)
    assert note.verify([enoch]) == (enoch,)
    assert note.verify([enoch, peter]) == (peter, enoch)


def test_a_checkpoint_is_origin_size_and_root() -> None:
    assert CHECKPOINT.text() == f"{ORIGIN}\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    assert open_checkpoint(NOTE, ORIGIN, [SIGNER.key]) == CHECKPOINT


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_checkpoints_are_read_as_they_were_written(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(ORIGIN, size, root)
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


def test_lines_of_other_signers_are_passed_over() -> None:
    # given a note that a witness has signed too
    note = also(NOTE, OTHER)
    # then the log's own key is enough, and either is told
    assert open_checkpoint(note, ORIGIN, [SIGNER.key]) == CHECKPOINT
    assert Note.parse(note).verify([OTHER.key, SIGNER.key]) == (SIGNER.key, OTHER.key)


def test_a_key_that_signs_twice_counts_once() -> None:
    assert Note.parse(also(NOTE, SIGNER)).verify([SIGNER.key]) == (SIGNER.key,)


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    with pytest.raises(LogError, match="no known key") as refused:
        Note.parse(NOTE).verify([OTHER.key])
    assert refused.value.code is NOTE_SIGNATURE


def test_a_false_line_under_a_known_name_refuses_the_whole_note() -> None:
    # given a note signed by the log, with a line that claims to be the witness's
    false = OTHER.sign("another text\n").split(b"\n\n")[1]
    with pytest.raises(LogError, match="false signature"):
        Note.parse(NOTE + false).verify([SIGNER.key, OTHER.key])


def test_the_checkpoint_of_another_log_is_refused() -> None:
    # given a checkpoint of another origin, signed with this log's key
    note = SIGNER.sign(Checkpoint("westshire.example/log", 7, EMPTY_ROOT).text())
    with pytest.raises(LogError) as refused:
        open_checkpoint(note, ORIGIN, [SIGNER.key])
    assert refused.value.code is NOTE_ORIGIN
    # and a key of another name does not speak for this log
    with pytest.raises(LogError):
        open_checkpoint(NOTE, ORIGIN, [VerifierKey("westshire.example/log", SIGNER.key.public)])


def test_every_changed_byte_is_refused() -> None:
    for at in range(len(NOTE)):
        for bit in (1, 0x80):
            damaged = NOTE[:at] + bytes((NOTE[at] ^ bit,)) + NOTE[at + 1 :]
            with pytest.raises(LogError):
                open_checkpoint(damaged, ORIGIN, [SIGNER.key])


LINE = NOTE.split(b"\n\n")[1]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n" + LINE[:-1],
        b"text\n\n" + LINE.replace(b"\xe2\x80\x94", b"-"),
        b"text\n\n" + LINE.replace(b" " + ORIGIN.encode(), b" "),
        b"text\n\n" + LINE.replace(ORIGIN.encode(), b"east+shire"),
        b"text\n\n\xe2\x80\x94 name AAAA\n",
        b"text\n\n\xe2\x80\x94 name AAAAAAB=\n",
        b"te\txt\n\n" + LINE,
        b"te\rxt\n\n" + LINE,
        b"te\xffxt\n\n" + LINE,
        b"text\n\n" + LINE * (MOST_SIGNATURES + 1),
        b"t" * MOST_NOTE_BYTES + b"\n\n" + LINE,
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(LogError) as refused:
        Note.parse(data)
    assert refused.value.code is NOTE_SHAPE


def test_the_text_of_a_note_may_hold_empty_lines() -> None:
    assert Note.parse(SIGNER.sign("one\n\ntwo\n")).text == "one\n\ntwo\n"


ROOT = CHECKPOINT.text().split("\n")[2]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"{ORIGIN}\n",
        f"{ORIGIN}\n7\n",
        f"\n7\n{ROOT}\n",
        f"{ORIGIN}\n07\n{ROOT}\n",
        f"{ORIGIN}\n+7\n{ROOT}\n",
        f"{ORIGIN}\n-7\n{ROOT}\n",
        f"{ORIGIN}\n\u0667\n{ROOT}\n",
        f"{ORIGIN}\n9223372036854775808\n{ROOT}\n",
        f"{ORIGIN}\n7\n{ROOT[:-4]}\n",
        f"{ORIGIN}\n7\n{ROOT[:-2]}9=\n",
        f"{ORIGIN}\n7\n{ROOT}\n\nmore\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(LogError) as refused:
        Checkpoint.parse(text)
    assert refused.value.code is NOTE_SHAPE


def test_extension_lines_are_passed_over() -> None:
    assert Checkpoint.parse(CHECKPOINT.text() + "more\n") == CHECKPOINT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(LogError) as refused:
        VerifierKey.parse(text)
    assert refused.value.code is NOTE_SHAPE


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb"])
def test_a_signer_has_a_plain_name(name: str) -> None:
    with pytest.raises(LogError):
        NoteSigner(name, Ed25519PrivateKey.from_private_bytes(bytes(32)))


def test_base64_and_numbers_have_one_reading() -> None:
    assert read_base64("QQ==") == b"A"
    assert [read_base64(text) for text in ("QR==", "QQ", "QQ==\n", "Q Q==", "é")] == [None] * 5
    assert [read_number(text) for text in ("0", "10")] == [0, 10]
    assert [read_number(text) for text in ("", "00", "1 ", "1_0", "10" * 12)] == [None] * 5
