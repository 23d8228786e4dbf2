# ruff: noqa: D102, D103, INP001, N802, N803, N806, PLR2004, T201 - with the names of formats.md
"""Checks a file of evidence with nothing of Concordat's: see docs/evidence.md.

    python verify_evidence.py FILE.zip 1.root.json

Needs Python 3.11 and the package `cryptography`. It was written from docs/formats.md and
docs/log-format.md alone. It checks signatures, digests, commitments and proofs; it does not run the
policy again.
"""

import json
import sys
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FACTS, TOLD = "c301a6164c90f90ac504", "c3011c83001c696daf43"
SLOTS = 32
HASH, ID, SALT, SIGNATURE = 32, 16, 16, 64


class Wrong(Exception):  # noqa: N818 - what it says
    """Something does not hold."""


def must(fact: bool, what: str) -> None:  # noqa: FBT001 - the fact is the argument
    if not fact:
        raise Wrong(what)


def H(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def T(name: str) -> bytes:
    return H(b"concordat/v1/" + name.encode())


def lp(part: bytes) -> bytes:
    return len(part).to_bytes(2, "big") + part


def framed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def signed(key: bytes, signature: bytes, message: bytes, what: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise Wrong(what) from error


class Avro:
    """Reads Avro from left to right: formats.md, section 2."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def fixed(self, size: int) -> bytes:
        self.at += size
        must(self.at <= len(self.data), "bytes are cut short")
        return self.data[self.at - size : self.at]

    def long(self) -> int:
        value = shift = 0
        while True:
            (byte,) = self.fixed(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value >> 1 ^ -(value & 1)
            must(shift < 70, "a number is too long")

    def block(self) -> bytes:
        return self.fixed(self.long())

    def text(self) -> str:
        return self.block().decode()

    def maybe_hash(self) -> bytes | None:
        return self.fixed(HASH) if self.long() else None

    def many(self, one: Callable[[], Any]) -> list[Any]:
        found = [one() for _ in range(self.long())]
        must(not found or self.long() == 0, "an array has more than one block")
        return found


def facts_of(data: bytes) -> dict[str, Any]:  # log-format.md, section 6
    must(data[:10].hex() == FACTS, "these are no facts")
    read = Avro(data, 10)
    found: dict[str, Any] = {"kind": read.text(), "at": read.long(), "source": read.text()}
    found |= {"consumer": read.text(), "cause": read.fixed(HASH), "decision": read.block()}
    found |= {"revision": read.maybe_hash(), "position": read.long(), "head": read.fixed(HASH)}
    return found


def told_of(data: bytes) -> dict[str, Any]:
    must(data[:10].hex() == TOLD, "this is nothing that somebody was told")
    read = Avro(data, 10)
    found: dict[str, Any] = {"kind": read.text(), "consumer": read.text(), "outcome": read.text()}
    return found | {"slots": read.many(read.long), "clauses": read.many(read.text)}


def record_of(data: bytes, P: bytes) -> dict[str, Any]:  # formats.md, sections 3 to 5
    read = Avro(data, 10)
    agency, name, issued = read.block(), read.fixed(ID), read.long()
    supersedes, kind, _version, count = read.fixed(ID), read.long(), read.text(), read.long()
    must(count == SLOTS, "a record has 32 slots")
    digests, opened = [], []
    for number in range(count):
        if read.long() == 0:
            digests.append(read.fixed(HASH))
            continue
        salt, value = read.fixed(SALT), read.block()
        opened.append(number)
        digests.append(H(T("field"), P, name, number.to_bytes(2, "big"), salt, value))
    must(read.long() == 0, "a record has 32 slots")
    head = lp(agency) + name + issued.to_bytes(8, "big") + supersedes + bytes([kind])
    r = H(T("record"), P, head, count.to_bytes(2, "big"), *digests)
    key_id, k, index = read.fixed(HASH), read.long(), read.long()
    path = [read.fixed(HASH) for _ in range(read.long())]
    must(len(path) == k and (not path or read.long() == 0), "a path has k hashes")
    node, place = H(b"\x00", r), index
    for sibling in path:
        node = H(b"\x01", sibling, node) if place & 1 else H(b"\x01", node, sibling)
        place >>= 1
    signature = read.fixed(SIGNATURE)
    must(read.at == len(data), "bytes are left over")
    message = T("batch") + P + lp(agency) + lp(key_id) + bytes([k]) + node
    return {
        "agency": agency.decode(), "r": r, "opened": opened,
        "key_id": key_id, "signature": signature, "message": message,
    }  # fmt: skip


class Protocol:
    """The protocol topic: heads, keys, revisions, each entry's signatures (formats.md, 10, 11)."""

    def __init__(self, P: bytes, root: bytes, entries: list[bytes]) -> None:
        self.P, self.heads = P, [bytes(HASH)]
        self.keys: dict[str, tuple[str, int, bytes, int | None]] = {}
        self.revisions: set[bytes] = set()
        self.witnesses: dict[str, tuple[str, bytes]] = {}
        self.witnessed: set[str] = set()
        self._root(root)
        for position, value in enumerate(entries):
            self.heads.append(H(T("protocol-head"), self.heads[-1], H(value)))
            try:
                self._entry(position, value)
            except (Wrong, KeyError, ValueError):
                continue  # a refused entry keeps its place and counts for nothing

    def _root(self, root: bytes) -> None:
        plain = json.loads(root)["signed"]
        self.own = plain["x-concordat"]
        raw = {name: bytes.fromhex(key["keyval"]["public"]) for name, key in plain["keys"].items()}
        self.officers: dict[str, str] = {
            one["key_id"]: one["agency"] for one in self.own["officers"]
        }
        self.known = {name: raw[name] for name in self.officers}
        self.operator = {name: key for name, key in raw.items() if name not in self.officers}

    def _entry(self, position: int, value: bytes) -> None:
        plain = json.loads(value)
        body, signatures = plain["body"], plain["signatures"]
        text = value[len(b'{"body":') : value.rindex(b',"signatures":')]
        own = {name: key for name, (_, _, key, _) in self.keys.items()}
        if body["kind"] == "agency-key" and body["key"]:
            own[body["key_id"]] = bytes.fromhex(body["key"])
        keys = self.known | self.operator | own
        for one in signatures:
            key = keys[one["key_id"]]
            must(sha256(key).hexdigest() == one["key_id"], "a key has another id")
            signed(key, bytes.fromhex(one["sig"]), T("protocol") + self.P + text, "an entry")
        signers = {name for one in signatures if (name := self.officers.get(one["key_id"]))}
        if body["kind"] == "root" and position:
            self._quorum(signers)
            self._root(b64decode(body["root"]))
        elif body["kind"] == "revision":
            self._quorum(signers)
            self.revisions.add(bytes.fromhex(body["digest"]))
        elif body["kind"] == "agency-key" and body["use"] == "sign":
            name, agency = body["key_id"], body["agency"]
            if body["change"] == "add":
                must(agency in signers or self._signs(agency, signatures), "whose key it is")
                key = bytes.fromhex(body["key"])
                must(sha256(key).hexdigest() == name and name not in self.keys, "a key's id")
                self.keys[name] = (agency, position, key, None)
            elif body["change"] in {"revoked", "revoke", "compromised"}:
                must(agency in signers, "whose key it is")
                _, since, key, _ = self.keys[name]
                self.keys[name] = (agency, since, key, position)

        elif body["kind"] == "agency-key" and body["use"] == "witness":
            self._witness(body, signers, signatures)

    def _witness(
        self, body: dict[str, str], signers: set[str], signatures: list[dict[str, str]]
    ) -> None:
        """Take a key for witnessing; one that is taken away counts for nothing: witnesses.md, 1."""
        name, agency = body["key_id"], body["agency"]
        if body["change"] == "add":
            must(agency in signers or self._signs(agency, signatures), "whose key it is")
            must(any(one["key_id"] == name for one in signatures), "the new key signs too")
            self.witnesses[name] = (agency, bytes.fromhex(body["key"]))
        elif body["change"] in {"revoke", "compromised"}:
            must(agency in signers, "whose key it is")
            self.witnesses.pop(name, None)

    def _signs(self, agency: str, signatures: list[dict[str, str]]) -> bool:
        return any(self.keys.get(one["key_id"], ("",))[0] == agency for one in signatures)

    def _quorum(self, signers: set[str]) -> None:
        quorum = self.own["quorum"]
        must(set(quorum["agencies"]) <= signers, "the quorum")
        must(len(signers) >= quorum["at_least"], "the quorum")

    def key(self, agency: str, key_id: bytes, position: int) -> bytes:
        holder, since, key, until = self.keys.get(key_id.hex(), ("", 0, b"", None))
        must(holder == agency and since < position, "the source's key was not valid then")
        must(until is None or position <= until, "the source's key was revoked then")
        return key


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:  # RFC 6962, 2.1.1
    if size == 1:
        must(not path, "a path is too long")
        return leaf
    must(bool(path), "a path is too short")
    half = 1 << (size - 1).bit_length() - 1
    if index < half:
        return H(b"\x01", root_of(leaf, index, half, path[:-1]), path[-1])
    return H(b"\x01", path[-1], root_of(leaf, index - half, size - half, path[:-1]))


def cosigned(note: str, lines: list[list[str]], protocol: Protocol) -> None:
    """Check the lines of witnesses: witnesses.md, sections 1 and 2."""
    for _, name, encoded in lines:
        line = b64decode(encoded)
        must(len(line) == 76, "a cosignature has 76 bytes")
        for agency, key in protocol.witnesses.values():
            mine = protocol.own["origin"].removesuffix("/log") + f"/witness/{agency}"
            if name == mine and line[:4] == H(mine.encode(), b"\n\x04", key)[:4]:
                said = f"cosignature/v1\ntime {int.from_bytes(line[4:12], 'big')}\n{note}\n"
                signed(key, line[12:], said.encode(), "a witness's signature")
                protocol.witnessed.add(agency)
                break
        else:
            raise Wrong("somebody cosigned who is no witness")


def prove(proof: bytes, leaf: bytes, index: int, protocol: Protocol) -> str:
    """Check log-format.md, sections 2 and 4; return the checkpoint's text."""
    own = protocol.own
    head, note, signatures = proof.decode().split("\n\n")
    _, said, *path = head.split("\n")
    must(said == f"index {index}", "the proof is of another place")
    origin, size, top = note.split("\n")[:3]
    must(origin == own["origin"], "the checkpoint is of another log")
    key = bytes.fromhex(own["log_key"])
    name = H(origin.encode(), b"\n\x01", key)[:4]
    lines = [line.split(" ") for line in signatures.splitlines()]
    of_log = [b64decode(line[2]) for line in lines if line[1] == origin]
    mine = [one[4:] for one in of_log if one[:4] == name]
    must(bool(mine), "the log has not signed the checkpoint")
    for one in mine:
        signed(key, one, f"{note}\n".encode(), "the log's signature")
    cosigned(note, [line for line in lines if line[1] != origin], protocol)
    must(index < int(size), "the log is not so long")
    made = root_of(leaf, index, int(size), [b64decode(one) for one in path])
    must(b64decode(top) == made, "the entry is not in the log")
    return note


def check(files: dict[str, bytes], root: bytes) -> Counter[str]:
    P = sha256(root).digest()
    index = json.loads(files["evidence.json"])
    must(files["root.json"] == root, "the file begins with another first root")
    must(index["partnership"] == P.hex(), "the file is of another partnership")
    count = len(index["protocol_at_ms"])
    protocol = Protocol(P, root, [files[f"protocol/{n}.json"] for n in range(count)])
    checkpoints, counts = set(), Counter[str]()
    for number in index["entries"]:
        try:
            checkpoints.add(_entry(files, number, P, protocol, counts))
        except Wrong as error:
            raise Wrong(f"entry {number}: {error}") from error
    must(len(checkpoints) == 1, "entries stand under several checkpoints")
    counts["agencies that cosigned the checkpoint"] = len(protocol.witnessed)
    return counts


def _entry(
    files: dict[str, bytes], number: int, P: bytes, protocol: Protocol, counts: Counter[str]
) -> str:
    parts = {
        name: files.get(f"entries/{number}/{name}.bin")
        for name in ("leaf", "facts", "personal", "told", "minimised", "record")
    }
    leaf = parts["leaf"] or b""
    must(len(leaf) == 3 * HASH, "a leaf has 96 bytes")
    note = prove(files[f"entries/{number}/proof.txt"], H(b"\x00", leaf), number, protocol)
    counts["stand in the log"] += 1
    facts: dict[str, Any] | None = None
    if (opening := parts["facts"]) is not None:
        must(H(T("facts"), opening) == leaf[:32], "the facts are others")
        facts = facts_of(opening[SALT:])
        must(protocol.heads[facts["position"]] == facts["head"], "it rests on another protocol")
        revision = facts["revision"]
        must(revision is None or revision in protocol.revisions, "the revision was not signed")
        counts["facts as committed, on this protocol"] += 1
    r: bytes | None = None
    if (opening := parts["personal"]) is not None:
        must(H(T("personal"), opening) == leaf[32:64], "the personal part is another")
        r = opening[SALT + 10 : SALT + 10 + HASH] if opening[SALT:] else None
        counts["personal parts as committed"] += 1
    minimised, told = parts["minimised"] or b"", None
    if (opening := parts["told"]) is not None:
        data = opening[SALT:]
        told = told_of(data) if data else None
        consumer = facts["consumer"] if facts else told["consumer"] if told else ""
        said = lp(consumer.encode()) + framed(minimised) + framed(data)
        must(H(T("told"), opening[:SALT], said) == leaf[64:], "it was told something else")
        counts["what was told as committed"] += 1
    data = minimised or parts["record"] or b""
    if data and facts and (told is None or told["kind"] != "quarantine"):
        record = record_of(data, P)
        key = protocol.key(record["agency"], record["key_id"], facts["position"])
        signed(key, record["signature"], record["message"], "the source's signature")
        must(r is None or r == record["r"], "the entry is about another record")
        counts["records signed by their source"] += 1
        if told is not None and minimised:
            must(record["opened"] == told["slots"], "other slots are open than it was told")
            counts["open slots as told"] += 1
    return note


def main() -> int:
    archive, root = sys.argv[1:]
    with ZipFile(archive) as opened:
        files = {one.filename: opened.read(one) for one in opened.infolist()}
    try:
        counts = check(files, Path(root).read_bytes())
    except (Wrong, KeyError, ValueError, IndexError) as error:
        print(f"WRONG: {error}")
        return 1
    for what, count in counts.items():
        print(f"{count:6} {what}")
    print("The evidence holds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
