"""Which public keys may be registered: none that is weak, none that has two encodings."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from broker.records.errors import KEY_POINT, KeyRefused
from broker.records.points import refuse_weak_key, refuse_weak_sealing_key

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
SIGN = 1 << 255
SEEDS = st.binary(min_size=32, max_size=32)


def raw(number: int) -> bytes:
    return number.to_bytes(32, "little")


def root_of(square: int) -> int:
    """Return a square root modulo P; there is one."""
    root = pow(square, (P + 3) // 8, P)
    if (root * root - square) % P:
        root = root * pow(2, (P - 1) // 4, P) % P
    assert (root * root - square) % P == 0
    return root


def small_order() -> dict[str, bytes]:
    """Return the canonical encodings of the eight points of order 1, 2, 4 and 8, computed here."""
    # a point of order 8 doubles to one of order 4, which has y = 0: so x² = -y², and the curve
    # equation gives d·y⁴ + 2·y² - 1 = 0
    y_squared = (root_of(1 + D) - 1) * pow(D, -1, P) % P
    if pow(y_squared, (P - 1) // 2, P) != 1:
        y_squared = (-root_of(1 + D) - 1) * pow(D, -1, P) % P
    y = root_of(y_squared)
    points = {"order 1": raw(1), "order 2": raw(P - 1), "order 4": raw(0), "order 4-": raw(SIGN)}
    for name, one in (("y", y), ("-y", P - y)):
        points[f"order 8, {name}"] = raw(one)
        points[f"order 8, {name}, -x"] = raw(one | SIGN)
    return points


WEAK = small_order()
NOT_CANONICAL = {
    "y = p": raw(P),
    "y = p, sign": raw(P | SIGN),
    "y = p + 1": raw(P + 1),
    "y = p + 1, sign": raw((P + 1) | SIGN),
    "y = 2^255 - 1": raw(SIGN - 1),
    "y = 2^255 - 1, sign": raw(2**256 - 1),
    "x = 0, sign": raw(1 | SIGN),
    "x = 0, y = -1, sign": raw((P - 1) | SIGN),
}


def test_the_eight_points_are_those_that_are_published() -> None:
    # given two of order 8 as other projects list them, then ours are the same
    assert "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a" in {
        point.hex() for point in WEAK.values()
    }
    assert "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05" in {
        point.hex() for point in WEAK.values()
    }
    assert len(set(WEAK.values())) == 8


@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK)
def test_a_point_of_small_order_is_refused(key: bytes) -> None:
    with pytest.raises(KeyRefused) as caught:
        refuse_weak_key(key)
    assert caught.value.code is KEY_POINT
    assert caught.value.where == "public key order"


@pytest.mark.parametrize("key", NOT_CANONICAL.values(), ids=NOT_CANONICAL)
def test_an_encoding_that_is_not_canonical_is_refused(key: bytes) -> None:
    with pytest.raises(KeyRefused) as caught:
        refuse_weak_key(key)
    assert caught.value.where == "public key encoding"


def test_the_library_takes_a_point_under_which_one_signature_fits_any_message() -> None:
    # given the identity as a key, and a signature that needs no private key
    key = Ed25519PublicKey.from_public_bytes(WEAK["order 1"])
    signature = WEAK["order 1"] + bytes(32)

    # when the library verifies two messages, then at least loading is not refused: hence our check
    for message in (b"share with nobody", b"share with everybody"):
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return  # a later library may refuse; ours must not depend on that


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33)], ids=len)
def test_another_length_is_refused(key: bytes) -> None:
    for refuse in (refuse_weak_key, refuse_weak_sealing_key):
        with pytest.raises(KeyRefused) as caught:
            refuse(key)
        assert caught.value.where == "public key length"


def test_a_number_that_is_no_y_of_the_curve_is_refused() -> None:
    # given numbers from 2 on, when they are taken for keys, then half are on the curve
    wheres: list[str] = []
    for number in range(2, 102):
        try:
            refuse_weak_key(raw(number))
        except KeyRefused as error:
            wheres.append(error.where)
    assert 30 < len(wheres) < 70
    assert set(wheres) == {"public key encoding"}


@given(SEEDS)
def test_an_honest_signing_key_passes(seed: bytes) -> None:
    refuse_weak_key(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


@given(SEEDS)
def test_an_honest_sealing_key_passes(seed: bytes) -> None:
    refuse_weak_sealing_key(
        X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    )


def montgomery(point: bytes) -> int:
    """Return the u of an Edwards point: (1 + y) / (1 - y); infinity has none and counts as 0."""
    y = int.from_bytes(point, "little") & (SIGN - 1)
    return (1 + y) * pow(1 - y, -1, P) % P if y != 1 else 0


@pytest.mark.parametrize("u", sorted({montgomery(point) for point in WEAK.values()}))
def test_a_sealing_key_of_small_order_is_refused(u: int) -> None:
    # given a coordinate for which every shared secret is zeros, when it is checked
    with pytest.raises(KeyRefused) as caught:
        refuse_weak_sealing_key(raw(u))
    assert caught.value.where == "public key order"


@pytest.mark.parametrize("u", [P, P + 1, SIGN - 1, SIGN | 9, 2**256 - 1])
def test_a_sealing_key_with_a_second_encoding_is_refused(u: int) -> None:
    with pytest.raises(KeyRefused) as caught:
        refuse_weak_sealing_key(raw(u))
    assert caught.value.where == "public key encoding"
