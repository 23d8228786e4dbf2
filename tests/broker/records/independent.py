"""Suite 1 a second time, from `docs/formats.md` alone: hashlib, cryptography and fastavro.

Nothing here imports the product. Where the two agree on bytes, both have read the page alike.
"""

import hashlib
import hmac
import struct
from io import BytesIO
from typing import Any

import fastavro
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

Json = dict[str, Any]
CRC_EMPTY = 0xC15D213AA4D7A795


def h(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def t(name: str) -> bytes:
    return h(b"concordat/v1/", name.encode())


def lp(part: bytes | str) -> bytes:
    raw = part.encode() if isinstance(part, str) else part
    return struct.pack(">H", len(raw)) + raw


def mac(key: bytes, *parts: bytes) -> bytes:
    return hmac.new(key, b"".join(parts), "sha256").digest()


# Section 3


def slot_digest(p: bytes, record_id: bytes, index: int, salt: bytes, value: bytes) -> bytes:
    return h(t("field"), p, record_id, struct.pack(">H", index), salt, value)


def record_id(id_key: bytes, system: str, natural_id: str, version: str) -> bytes:
    return mac(id_key, lp(system), lp(natural_id), lp(version))[:16]


def said_digest(key: bytes, parts: list[bytes]) -> bytes:
    return mac(key, *(struct.pack(">I", len(part)) + part for part in parts))


def record_digest(p: bytes, head: Json, digests: list[bytes]) -> bytes:
    return h(
        t("record"),
        p,
        lp(head["agency"]),
        head["record_id"],
        struct.pack(">Q", head["issued_at_ms"]),
        head["supersedes"],
        struct.pack(">BH", head["kind"], len(digests)),
        *digests,
    )


# Section 4


def root(r: bytes, index: int, path: list[bytes]) -> bytes:
    node = h(b"\x00", r)
    for height, sibling in enumerate(path):
        on_left = index >> height & 1
        node = h(b"\x01", sibling, node) if on_left else h(b"\x01", node, sibling)
    return node


def signed(p: bytes, agency: str, key_id: bytes, k: int, batch_root: bytes) -> bytes:
    return t("batch") + p + lp(agency) + lp(key_id) + bytes([k]) + batch_root


# Section 5


def crc64(data: bytes) -> int:
    """CRC-64-AVRO, as the Avro specification defines it."""
    table = []
    for byte in range(256):
        entry = byte
        for _ in range(8):
            entry = (entry >> 1) ^ (CRC_EMPTY if entry & 1 else 0)
        table.append(entry)
    crc = CRC_EMPTY
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc


_SLOT = {
    "name": "Slot",
    "type": "record",
    "fields": [
        {"name": "salt", "type": {"name": "Salt", "type": "fixed", "size": 16}},
        {"name": "value", "type": "bytes"},
    ],
}


def schema(name: str) -> Json:
    """Return the schema of `Envelope` or `Minimised`, from the table of section 5."""
    digest = {"name": "Digest", "type": "fixed", "size": 32}
    return {
        "name": name,
        "namespace": "concordat.v1",
        "type": "record",
        "fields": [
            {"name": "agency", "type": "string"},
            {"name": "record_id", "type": {"name": "Id", "type": "fixed", "size": 16}},
            {"name": "issued_at_ms", "type": "long"},
            {"name": "supersedes", "type": "Id"},
            {"name": "kind", "type": "int"},
            {"name": "head_version", "type": "string"},
            {
                "name": "slots",
                "type": {
                    "type": "array",
                    "items": _SLOT if name == "Envelope" else [digest, _SLOT],
                },
            },
            {
                "name": "batch",
                "type": {
                    "name": "BatchPath",
                    "type": "record",
                    "fields": [
                        {"name": "key_id", "type": {"name": "Hash", "type": "fixed", "size": 32}},
                        {"name": "k", "type": "int"},
                        {"name": "index", "type": "int"},
                        {"name": "path", "type": {"type": "array", "items": "Hash"}},
                        {
                            "name": "signature",
                            "type": {"name": "Signature", "type": "fixed", "size": 64},
                        },
                    ],
                },
            },
        ],
    }


def header(name: str) -> bytes:
    canonical = fastavro.schema.to_parsing_canonical_form(schema(name))
    return b"\xc3\x01" + struct.pack("<Q", crc64(canonical.encode()))


def encode(name: str, fields: Json) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema(name)), fields)
    return header(name) + out.getvalue()


def decode(name: str, data: bytes) -> Json:
    head = header(name)
    assert data[: len(head)] == head
    source = BytesIO(data[len(head) :])
    fields = fastavro.schemaless_reader(source, fastavro.parse_schema(schema(name)), None)
    assert isinstance(fields, dict)
    return fields


def verify(p: bytes, name: str, data: bytes, public_key: bytes) -> tuple[bytes, dict[int, bytes]]:
    """Verify an envelope or minimised record; return r and the values of its open slots."""
    fields = decode(name, data)
    digests = []
    opened = {}
    for index, slot in enumerate(fields["slots"]):
        if isinstance(slot, bytes):
            digests.append(slot)
        else:
            opened[index] = slot["value"]
            digests.append(slot_digest(p, fields["record_id"], index, slot["salt"], slot["value"]))
    r = record_digest(p, fields, digests)
    batch = fields["batch"]
    assert batch["key_id"] == h(public_key)
    assert len(batch["path"]) == batch["k"]
    said = signed(
        p,
        fields["agency"],
        batch["key_id"],
        batch["k"],
        root(r, batch["index"], batch["path"]),
    )
    Ed25519PublicKey.from_public_bytes(public_key).verify(batch["signature"], said)
    return r, opened


# Section 6


def padded(plaintext: bytes) -> bytes:
    framed = struct.pack(">I", len(plaintext)) + plaintext
    return framed + b"\x00" * ((1024 - len(framed) % 1024) % 1024)


def seal(p: bytes, data_key: bytes, wrapped: bytes, nonce: bytes, way: Json, text: bytes) -> bytes:
    aad = t("seal") + p + b"\x01" + h(wrapped) + lp(way["topic"]) + lp(way["recipient"])
    return b"\x01" + wrapped + nonce + AESGCM(data_key).encrypt(nonce, padded(text), aad)


def unseal(p: bytes, private_key: bytes, way: Json, sealed: bytes) -> bytes:
    wrapped, nonce, rest = sealed[1:81], sealed[81:93], sealed[93:]
    hour = struct.unpack(">I", nonce[4:8])[0]
    named = lp(way["purpose"]) + lp(way["sender"]) + lp(way["recipient"])
    info = t("wrap") + p + named + struct.pack(">Q", hour)
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    key = suite.decrypt(wrapped, X25519PrivateKey.from_private_bytes(private_key), info)
    aad = t("seal") + p + b"\x01" + h(wrapped) + lp(way["topic"]) + lp(way["recipient"])
    plain = AESGCM(key).decrypt(nonce, rest, aad)
    size = struct.unpack(">I", plain[:4])[0]
    assert padded(plain[4 : 4 + size]) == plain
    return plain[4 : 4 + size]


def seal_under(p: bytes, key: bytes, nonce: bytes, part: str, text: bytes) -> bytes:
    aad = t("record-seal") + p + lp(part)
    return b"\x01" + nonce + AESGCM(key).encrypt(nonce, padded(text), aad)


# Section 9


def token(key: bytes, p: bytes, system: str, value: bytes) -> bytes:
    return mac(key, t("subject"), p, lp(system), lp(value))[:16]


def message_key(key: bytes, subject: str) -> bytes:
    return mac(key, t("message-key"), subject.encode())[:8]
