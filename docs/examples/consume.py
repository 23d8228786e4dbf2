# ruff: noqa: D103, INP001, N802, T201 - one page of program, with the names of formats.md
"""Prints what was delivered to one agency, with nothing of Concordat's: see docs/consume.md."""

import json
import sys
from base64 import b64decode
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from fastavro import schemaless_reader

client, prefix, agency, keys, root, folder = sys.argv[1:]
topic, partnership = f"deliveries.{agency}", sha256(Path(root).read_bytes()).digest()
private = bytes.fromhex(json.loads(Path(keys).read_text())["seal"])
log = json.loads(Path(root).read_text())["signed"]["x-concordat"]
types = {sha256(one.read_bytes()).digest(): one for one in Path(folder).glob("*/*.avsc")}


def H(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def lp(*parts: str) -> bytes:
    return b"".join(len(one).to_bytes(2) + one.encode() for one in parts)


def parts_of(data: bytes) -> list[bytes]:
    end = 4 + int.from_bytes(data[:4])
    return [data[4:end], *parts_of(data[end:])] if data else []


def avro(schema: Any, data: bytes) -> Any:  # noqa: ANN401 - a file, or what stands in one
    known = json.loads(schema.read_text()) if isinstance(schema, Path) else schema
    return schemaless_reader(BytesIO(data), known, None)


def unseal(sealed: bytes) -> bytes:  # formats.md, section 6.2
    wrapped, nonce, own = sealed[1:81], sealed[81:93], X25519PrivateKey.from_private_bytes(private)
    info = H(b"concordat/v1/wrap") + partnership + lp("delivery", "router", agency)
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    key = suite.decrypt(wrapped, own, info + bytes(4) + nonce[4:8])
    aad = H(b"concordat/v1/seal") + partnership + b"\x01" + H(wrapped) + lp(topic, agency)
    return parts_of(AESGCM(key).decrypt(nonce, sealed[93:], aad))[0]


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    if size == 1:
        return leaf
    half = 1 << (size - 1).bit_length() - 1
    if index < half:
        return H(b"\x01", root_of(leaf, index, half, path[:-1]), path[-1])
    return H(b"\x01", path[-1], root_of(leaf, index - half, size - half, path[:-1]))


def prove(proof: str, leaf: bytes) -> None:  # log-format.md, sections 2 and 4
    head, note, signatures = proof.split("\n\n")
    (index, *path), (origin, size, top) = head.split("\n")[1:], note.split("\n")[:3]
    signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(log["log_key"]))
    signer.verify(b64decode(signatures.split()[2])[4:], f"{note}\n".encode())
    made = root_of(leaf, int(index.split()[1]), int(size), [b64decode(one) for one in path])
    if (origin, b64decode(top)) != (log["origin"], made):
        raise ValueError("not in the log")


def delivery(value: bytes) -> dict[str, Any]:  # formats.md, sections 2, 5 and 14
    end = 4 + int.from_bytes(value[:4])
    record, decision, salt, facts, personal = parts_of(unseal(value[4:end]))
    told = avro(Path(__file__).with_name("told.avsc"), decision[10:])
    both = b"".join(len(one).to_bytes(4) + one for one in (record, decision))
    leaf = H(b"\x00", facts, personal, H(H(b"concordat/v1/told"), salt, lp(told["consumer"]), both))
    prove(value[end:].decode(), leaf)
    found = avro(Path(__file__).with_name("minimised.avsc"), record[10:])
    got = {i: one["value"] for i, one in enumerate(found["slots"]) if isinstance(one, dict)}
    files = [Path(folder, "head", f"{found['head_version']}.avsc"), types.get(got.get(0))]
    slots = [one for file in files if file for one in json.loads(file.read_text())["fields"]]
    seen = {one["name"]: avro(one["type"], got[n]) for one in slots if (n := one["slot"]) in got}
    return {"delivery": leaf[:16].hex(), "source": found["agency"], **told, "content": seen}


own = {"group.id": f"{prefix}consumer.{agency}", "enable.auto.commit": False}
own |= {"isolation.level": "read_committed"}
consumer = Consumer(json.loads(Path(client).read_text()) | own)
partitions = consumer.list_topics(prefix + topic, 10).topics[prefix + topic].partitions
consumer.assign([TopicPartition(prefix + topic, one, OFFSET_BEGINNING) for one in partitions])
while message := consumer.poll(5):
    if message.error():
        raise KafkaException(message.error())
    print(json.dumps(delivery(message.value()), default=bytes.hex))
consumer.close()
