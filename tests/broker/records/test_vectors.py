"""The published vectors, computed twice: by the product and by `independent`.

A vector never changes: suite 1 is what they say. The wrapped keys among them were drawn once, since
HPKE draws at random; all else follows from the inputs that stand beside it.
"""

import json
from typing import Any, TypeAlias

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.clock import Instant
from broker.records import batches, digests, envelope, sealing, values
from broker.records.names import AgencyId, KeyId, Kind, Partnership, RecordDigest, RecordId
from broker.records.statement import Identifiers
from broker.records.wire import Malformed
from broker.subjects.tokens import WEAK, Tokeniser
from tests.broker.records import independent
from tests.support.tree import ROOT

Json: TypeAlias = Any
"""Whatever `json.loads` returns."""

FOLDER = ROOT / "tests" / "vectors" / "records"
raw = bytes.fromhex


def vectors(name: str) -> Json:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def partnership(page: Json) -> Partnership:
    return Partnership(raw(page["partnership"]))


SLOTS = vectors("slot-digests")
IDS = vectors("record-ids")
RECORDS = vectors("record-digests")
BATCHES = vectors("batches")
ENVELOPES = vectors("envelopes")
SEALED = vectors("sealed")
TOKENS = vectors("tokens")
VALUES = vectors("values")


@pytest.mark.parametrize("case", SLOTS["cases"])
def test_slot_digest(case: Json) -> None:
    # given a slot, when it is digested by both, then the digest is the published one
    record_id, salt, value = raw(case["record_id"]), raw(case["salt"]), raw(case["value"])
    p, index = partnership(SLOTS), case["index"]
    assert digests.slot_digest(p, RecordId(record_id), index, salt, value).hex() == case["digest"]
    assert independent.slot_digest(p, record_id, index, salt, value).hex() == case["digest"]


@pytest.mark.parametrize("case", IDS["cases"])
def test_record_id(case: Json) -> None:
    # given the three parts, when both make the id, then it is the published one
    key, said = raw(IDS["id_key"]), (case["system"], case["natural_id"], case["version"])
    assert digests.make_record_id(key, *said).hex() == case["record_id"]
    assert independent.record_id(key, *said).hex() == case["record_id"]


def test_record_ids_differ_where_the_parts_only_run_together_alike() -> None:
    found = [case["record_id"] for case in IDS["cases"]]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("case", IDS["versions"])
def test_version_from_values(case: Json) -> None:
    # given a kind and slot values, when both make a version of them, then it is the published one
    key, kind = raw(IDS["id_key"]), bytes((case["kind"],))
    said = [raw(value) for value in case["values"]]
    assert digests.values_digest(key, tuple(said), kind).hex() == case["version"]
    assert independent.said_digest(key, [kind, *said]).hex() == case["version"]


@pytest.mark.parametrize("case", IDS["seen"])
def test_seen_memory(case: Json) -> None:
    # given what was accepted, when both digest it, then the memory is the published one
    key, kind = raw(IDS["id_key"]), bytes((case["kind"],))
    said, supersedes = [raw(value) for value in case["values"]], raw(case["supersedes"])
    assert digests.values_digest(key, tuple(said), kind, supersedes).hex() == case["memory"]
    assert independent.said_digest(key, [kind, supersedes, *said]).hex() == case["memory"]


@pytest.mark.parametrize("case", RECORDS["cases"])
def test_record_digest(case: Json) -> None:
    # given head and slot digests, when both digest them, then r is the published one
    each = [raw(one) for one in case["digests"]]
    record_id, supersedes = raw(case["record_id"]), raw(case["supersedes"])
    r = digests.record_digest(
        partnership(RECORDS),
        AgencyId(case["agency"]),
        RecordId(record_id),
        case["issued_at_ms"],
        RecordId(supersedes),
        Kind(case["kind"]),
        tuple(each),
    )
    head = {**case, "record_id": record_id, "supersedes": supersedes}
    assert r.hex() == case["digest"]
    assert independent.record_digest(partnership(RECORDS), head, each).hex() == case["digest"]


@pytest.mark.parametrize("case", BATCHES["cases"], ids=lambda case: f"k={case['k']}")
def test_batch_signature(case: Json) -> None:
    # given the key, when the published root is signed again, then the bytes are the same
    p, agency, key_id = partnership(BATCHES), AgencyId(case["agency"]), KeyId(raw(case["key_id"]))
    key = Ed25519PrivateKey.from_private_bytes(raw(case["private_key"]))
    said = batches.signed_bytes(p, agency, key_id, case["k"], raw(case["root"]))
    assert said.hex() == case["signed"]
    assert independent.signed(p, agency, key_id, case["k"], raw(case["root"])) == said
    assert key.sign(said).hex() == case["signature"]
    assert batches.key_id_of(key.public_key().public_bytes_raw()) == key_id

    # and each published path leads there from its record
    for one in case["paths"]:
        path = tuple(raw(node) for node in one["path"])
        signature = raw(case["signature"])
        place = envelope.BatchPath(key_id, case["k"], one["index"], path, signature)
        digest = RecordDigest(raw(one["digest"]))
        assert batches.batch_root(digest, place).hex() == case["root"]
        assert independent.root(digest, one["index"], list(path)).hex() == case["root"]
        batches.BatchVerifier(p).verify(digest, place, agency, key.public_key())


def _fields(case: Json) -> Json:
    fields = case["fields"]
    batch = fields["batch"]
    return {
        **fields,
        "record_id": raw(fields["record_id"]),
        "supersedes": raw(fields["supersedes"]),
        "slots": [{"salt": raw(s["salt"]), "value": raw(s["value"])} for s in fields["slots"]],
        "batch": {
            **batch,
            "key_id": raw(batch["key_id"]),
            "path": [raw(node) for node in batch["path"]],
            "signature": raw(batch["signature"]),
        },
    }


@pytest.mark.parametrize("case", ENVELOPES["cases"], ids=["k=0", "k=6"])
def test_envelope(case: Json) -> None:
    # given the fields, when they are encoded by fastavro, then the bytes are the published ones
    data, fields = raw(case["envelope"]), _fields(case)
    assert independent.encode("Envelope", fields) == data

    # when the product decodes them, then it finds the fields, and encodes the same bytes again
    found = envelope.decode_envelope(data)
    assert [slot._asdict() for slot in found.slots] == fields["slots"]
    assert (found.head.agency, found.head.record_id) == (fields["agency"], fields["record_id"])
    assert found.encode() == data

    # and r is the published one
    p = partnership(ENVELOPES)
    r, opened = independent.verify(p, "Envelope", data, raw(ENVELOPES["public_key"]))
    assert len(opened) == len(fields["slots"])
    assert found.digest(p).hex() == r.hex() == case["digest"]


@pytest.mark.parametrize("case", ENVELOPES["cases"], ids=["k=0", "k=6"])
def test_minimised(case: Json) -> None:
    # given an envelope, when slots are opened, then the bytes are the published ones
    p = partnership(ENVELOPES)
    whole = envelope.decode_envelope(raw(case["envelope"]))
    splicer = envelope.Splicer(whole, whole.digests(p))
    for one in case["minimised"]:
        assert splicer.minimise(one["opened"]).hex() == one["bytes"]

        # and whoever has them finds the same r under the same signature
        r, opened = independent.verify(
            p, "Minimised", raw(one["bytes"]), raw(ENVELOPES["public_key"])
        )
        assert r.hex() == case["digest"]
        assert sorted(opened) == one["opened"]


def test_headers_name_the_published_schemas() -> None:
    assert envelope.ENVELOPE_HEADER.hex() == ENVELOPES["headers"]["Envelope"]
    assert envelope.MINIMISED_HEADER.hex() == ENVELOPES["headers"]["Minimised"]
    assert independent.header("Envelope") == envelope.ENVELOPE_HEADER
    assert independent.header("Minimised") == envelope.MINIMISED_HEADER


@pytest.mark.parametrize("case", SEALED["cases"], ids=lambda case: case["way"]["topic"])
def test_sealed(case: Json) -> None:
    # given sealed bytes, when they are opened by both, then the plaintext is the published one
    p, sealed, text = partnership(SEALED), raw(case["sealed"]), raw(case["plaintext"])
    private = X25519PrivateKey.from_private_bytes(raw(SEALED["private_key"]))
    way = sealing.Way(**case["way"])
    assert sealing.Opener(p, (private,)).open(sealed, way) == text
    assert independent.unseal(p, raw(SEALED["private_key"]), case["way"], sealed) == text

    # when a sealer that holds the same data key seals it, then the bytes are the published ones
    sealer = sealing.Sealer(p, lambda _: b"")
    key, wrapped, nonce = raw(case["data_key"]), raw(case["wrapped"]), raw(case["nonce"])
    public = private.public_key()
    name = (way.purpose, way.sender, way.recipient)
    sealer._keys[name] = sealing._DataKey(
        case["hour"], public.public_bytes_raw(), wrapped, AESGCM(key), nonce[:4]
    )
    assert sealer.seal(text, way, public, Instant(case["at_ms"])) == sealed
    assert independent.seal(p, key, wrapped, nonce, case["way"], text) == sealed
    assert sealing.sealed_size(len(text)) == len(sealed)


@pytest.mark.parametrize("case", SEALED["under_record_key"], ids=lambda case: case["part"])
def test_sealed_under_a_record_key(case: Json) -> None:
    # given key and nonce, when both seal, then the bytes are the published ones, and open again
    p, key, nonce = partnership(SEALED), raw(case["key"]), raw(case["nonce"])
    text, part = raw(case["plaintext"]), case["part"]
    sealed = sealing.seal_under(key, text, partnership=p, part=part, random_bytes=lambda _: nonce)
    assert sealed.hex() == case["sealed"]
    assert independent.seal_under(p, key, nonce, part, text) == sealed
    assert sealing.open_under(key, sealed, partnership=p, part=part) == text


@pytest.mark.parametrize("case", TOKENS["cases"])
def test_token(case: Json) -> None:
    # given an identifier as written, when it is made a token, then it is that of its normal form
    key, p = raw(TOKENS["key"]), partnership(TOKENS)
    assert Tokeniser(key, p).token(case["system"], case["written"]).hex() == case["token"]
    value = case["normalised"].encode()
    assert independent.token(key, p, case["system"], value).hex() == case["token"]


@pytest.mark.parametrize("case", TOKENS["weak"])
def test_weak_token(case: Json) -> None:
    # given names and date of birth, when they are made a token, then it is that of the three apart
    key, p = raw(TOKENS["key"]), partnership(TOKENS)
    said = Identifiers(
        given=case["given"], family=case["family"], date_of_birth=case["date_of_birth"]
    )
    weak = Tokeniser(key, p).tokens(said).weak
    assert weak is not None
    assert weak.hex() == case["token"]
    assert independent.token(key, p, WEAK, raw(case["value"])) == weak


@pytest.mark.parametrize("case", TOKENS["message_keys"])
def test_message_key(case: Json) -> None:
    key, subject = raw(case["key"]), case["subject"]
    assert digests.message_key(key, subject).hex() == case["message_key"]
    assert independent.message_key(key, subject).hex() == case["message_key"]


@pytest.mark.parametrize("case", VALUES["cases"], ids=lambda case: case["bytes"])
def test_value(case: Json) -> None:
    # given a value, when it is written and read, then its bytes are the published ones
    read, write = values.coder_of(case["type"])
    assert write(case["value"]).hex() == case["bytes"]
    assert read(raw(case["bytes"]), 0) == (case["value"], len(raw(case["bytes"])))


@pytest.mark.parametrize("case", VALUES["refused"], ids=lambda case: case["why"])
def test_bytes_that_are_no_value(case: Json) -> None:
    # given bytes that are not the one encoding of anything, when they are read
    read, _ = values.coder_of(case["type"])
    data = raw(case["bytes"])

    # then they are refused, or something is left over, which whoever calls refuses
    try:
        _, end = read(data, 0)
    except Malformed:
        return
    assert end < len(data)
