"""Whether 32 bytes are a public key that may be registered.

`cryptography` loads encodings that are not canonical, and points of small order, for which one
signature fits many messages. Both are refused at registration. Source: RFC 8032, section 5.1.3
(decoding) and 5.1.4 (addition); the order check is 8·A ≠ identity. For sealing keys: RFC 7748,
section 5 (a coordinate is below 2^255 - 19) and RFC 9180, section 7.1.4 (the shared secret is
not all zeros).
"""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from broker.records.errors import KEY_POINT, KeyRefused

RAW_BYTES = 32
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)

# X25519 makes every scalar a multiple of 8, so a point of small order gives zeros with any of them.
_ANY_SCALAR = X25519PrivateKey.from_private_bytes(bytes(range(RAW_BYTES)))

_Point = tuple[int, int, int, int]


def refuse_weak_key(raw: bytes) -> None:
    """Check an Ed25519 public key before it is registered.

    Raises:
        KeyRefused: `key.point`; wrong length, not canonical, not on the curve, or of small order.
    """
    if len(raw) != RAW_BYTES:
        raise KeyRefused(KEY_POINT, "public key length")
    point = _decode(raw)
    if point is None:
        raise KeyRefused(KEY_POINT, "public key encoding")
    for _ in range(3):
        point = _double(point)
    x, y, z, _ = point
    if x % _P == 0 and (y - z) % _P == 0:
        raise KeyRefused(KEY_POINT, "public key order")


def refuse_weak_sealing_key(raw: bytes) -> None:
    """Check an X25519 public key before it is registered.

    Raises:
        KeyRefused: `key.point`; wrong length, not canonical, or of small order.
    """
    if len(raw) != RAW_BYTES:
        raise KeyRefused(KEY_POINT, "public key length")
    if int.from_bytes(raw, "little") >= _P:
        raise KeyRefused(KEY_POINT, "public key encoding")
    try:
        _ANY_SCALAR.exchange(X25519PublicKey.from_public_bytes(raw))
    except ValueError:
        raise KeyRefused(KEY_POINT, "public key order") from None


def _decode(raw: bytes) -> _Point | None:
    y = int.from_bytes(raw, "little")
    sign = y >> 255
    y &= (1 << 255) - 1
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - square) % _P:
        return None
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _double(point: _Point) -> _Point:
    x1, y1, z1, t1 = point
    a = (y1 - x1) ** 2 % _P
    b = (y1 + x1) ** 2 % _P
    c = 2 * t1 * t1 * _D % _P
    d = 2 * z1 * z1 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P
