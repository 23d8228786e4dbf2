"""Files of secrets, signatures over webhooks, certificates."""

import base64
import os
from pathlib import Path

import pytest

from adapters.wire.errors import (
    SECRET_CONTENT,
    SECRET_FILE,
    SECRET_MODE,
    TLS,
    WireFilesUnfit,
)
from adapters.wire.secret_file import FILE_OCTETS, SecretFile, bearer, matches_any
from adapters.wire.signature import is_id, seconds_of, secret_of, signed, verified
from adapters.wire.tls import ClientTls
from broker.errors import Code
from tests.adapters.listening.support import certificates, secret_file

WORD = "0123456789abcdef" * 2


def unfit(path: Path) -> Code:
    with pytest.raises(WireFilesUnfit) as caught:
        SecretFile(path, bearer).current()
    assert WORD not in f"{caught.value} {caught.value.__cause__}"
    return caught.value.code


def test_secrets_are_read_and_read_again_when_they_change(tmp_path: Path) -> None:
    # given a file with blank lines, when it is read, and once more after a change
    path = secret_file(tmp_path / "s", WORD, "", f"  {WORD}2 ")
    file = SecretFile(path, bearer)
    first = file.current()
    assert first == (WORD.encode(), f"{WORD}2".encode())
    assert file.current() is first
    secret_file(path, WORD)
    os.utime(path, ns=(1, 1))
    assert file.current() == (WORD.encode(),)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o700 | 0o010])
def test_a_file_that_others_may_read_or_write(tmp_path: Path, mode: int) -> None:
    path = secret_file(tmp_path / "s", WORD)
    path.chmod(mode)
    assert unfit(path) is SECRET_MODE


def test_files_that_hold_no_secrets(tmp_path: Path) -> None:
    for lines in ((), ("",), ("short",), (WORD, "two words" * 4), (WORD,) * 11, (f"{WORD}é",)):
        assert unfit(secret_file(tmp_path / "s", *lines)) is SECRET_CONTENT
    assert unfit(tmp_path / "away") is SECRET_FILE
    assert unfit(tmp_path) is SECRET_FILE
    assert unfit(secret_file(tmp_path / "s", "x" * FILE_OCTETS)) is SECRET_FILE


def test_one_of_several_matches() -> None:
    assert matches_any(b"b", [b"a", b"b"])
    assert not matches_any(b"", [b"a"])
    assert not matches_any(b"a", [])


def test_the_vector_of_the_specification() -> None:
    # given the secret, id, time and body of Standard Webhooks' own example
    secret = secret_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    header = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    # when it is signed and verified, then it is the same
    assert signed([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == header
    assert verified(header, [secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert not verified(header, [secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265331", body)


def test_several_signatures_are_looked_at_and_not_endlessly_many() -> None:
    good = signed([b"k" * 24], "m", 1, b"")
    assert verified(f"v1a,x v1,AAAA {good}", [b"o" * 24, b"k" * 24], "m", "1", b"")
    assert not verified("v1,AAAA " * 10 + good, [b"k" * 24], "m", "1", b"")
    assert not verified("", [b"k" * 24], "m", "1", b"")


@pytest.mark.parametrize("octets", [23, 65])
def test_signing_secrets_have_their_length(octets: int) -> None:
    for line in (f"whsec_{base64.b64encode(bytes(octets)).decode()}", WORD, "whsec_?"):
        with pytest.raises(ValueError):  # noqa: PT011 - base64 has words of its own
            secret_of(line)


def test_ids_and_times() -> None:
    assert is_id("msg_1")
    assert not any(map(is_id, ("", "a b", "é", "x" * 201, "a\n")))
    assert seconds_of("1614265330") == 1_614_265_330
    assert [seconds_of(one) for one in ("", "-1", "1.5", "\u0661", "1" * 13)] == [None] * 5


def test_certificates_that_cannot_be_used(tmp_path: Path) -> None:
    # given authorities that are none, and a key that does not belong to the certificate
    made = certificates(tmp_path)
    (tmp_path / "none.pem").write_text("nothing")
    assert made.known.certificate is not None
    assert made.stranger.certificate is not None
    bad = [
        ClientTls(tmp_path / "none.pem"),
        ClientTls(tmp_path / "away.pem"),
        ClientTls(None, made.known.certificate, made.stranger.certificate),
        ClientTls(None, tmp_path / "away.pem"),
    ]
    for one in bad:
        with pytest.raises(WireFilesUnfit) as caught:
            one.context()
        assert caught.value.code is TLS
    ClientTls(None, made.known.certificate).context()
