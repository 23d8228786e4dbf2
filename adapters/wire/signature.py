"""Signed webhooks as Standard Webhooks 1.0 has them: both what we send and what we take.

Signed is `id.timestamp.body` with HMAC-SHA-256; the header holds `v1,` and the signature in base64,
several of them with blanks between while a secret is exchanged. A secret is written as `whsec_` and
base64, 24 to 64 bytes.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Iterable

from adapters.wire.secret_file import matches_any

ID_HEADER = "webhook-id"
TIME_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"

TOLERANCE_S = 5 * 60
"""Seconds by which the other side's clock may differ: the specification's own; a message that is
played again later than this is not taken."""

LEAST_OCTETS, MOST_OCTETS = 24, 64
"""Bytes of a secret, as the specification bounds them."""

MOST_SIGNATURES = 10
"""Signatures that are looked at in one header: as many as there may be secrets."""

PREFIX = "whsec_"
_ID = re.compile(r"[!-~]{1,200}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


def secret_of(line: str) -> bytes:
    """Return the secret of a line `whsec_…`.

    Raises:
        ValueError: it is none.
    """
    if not line.startswith(PREFIX):
        raise ValueError("no signing secret")
    secret = base64.b64decode(line.removeprefix(PREFIX), validate=True)
    if not LEAST_OCTETS <= len(secret) <= MOST_OCTETS:
        raise ValueError("a signing secret has 24 to 64 bytes")
    return secret


def is_id(text: str) -> bool:
    """Tell whether a text can be a message's id: 1 to 200 visible signs of ASCII."""
    return _ID.fullmatch(text) is not None


def seconds_of(text: str) -> int | None:
    """Return a timestamp header's seconds since 1970; None if it is none."""
    return int(text) if _SECONDS.fullmatch(text) else None


def signed(secrets: Iterable[bytes], message_id: str, seconds: int, body: bytes) -> str:
    """Return the signature header of a message: one signature for each secret."""
    return " ".join(
        f"v1,{base64.b64encode(_digest(secret, message_id, str(seconds), body)).decode()}"
        for secret in secrets
    )


def verified(
    header: str, secrets: Iterable[bytes], message_id: str, seconds: str, body: bytes
) -> bool:
    """Tell whether one of a header's signatures is by one of the secrets.

    Signatures of other versions (`v1a,…`) are passed over, as the specification asks.

    Args:
        header: the signature header.
        secrets: the valid ones.
        message_id: the id header, as it came.
        seconds: the timestamp header, as it came.
        body: the body, as it came.
    """
    expected = [_digest(secret, message_id, seconds, body) for secret in secrets]
    found = False
    for one in header.split(" ")[:MOST_SIGNATURES]:
        version, _, text = one.partition(",")
        if version == "v1":
            found |= matches_any(_decoded(text), expected)
    return found


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _digest(secret: bytes, message_id: str, seconds: str, body: bytes) -> bytes:
    said = message_id.encode("ascii") + b"." + seconds.encode("ascii") + b"." + body
    return hmac.digest(secret, said, "sha256")
