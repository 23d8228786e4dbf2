"""The root: a TUF root file, read by rules that TUF alone does not keep."""

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import (  # type: ignore[attr-defined] # its documented place
    CryptoSigner,
    SSlibKey,
)
from tuf.api.metadata import Metadata, Root  # type: ignore[attr-defined] # its documented place

from broker.protocol.errors import EntryRefused
from broker.protocol.root import MOST_OCTETS, OWN, Officer, make_root, read_root
from broker.records.batches import key_id_of
from tests.broker.protocol.county import COUNCIL, HOSPITALS, POLICE, SCHOOL, Signatories, raw

PEOPLE = Signatories()
GOOD = make_root(PEOPLE.trust(), PEOPLE.quorum())
SMALL_ORDER = bytes(32)


def test_a_root_is_read_back() -> None:
    found = read_root(GOOD)
    assert found.trust == PEOPLE.trust()
    assert found.digest == sha256(GOOD).digest()
    assert found.value == GOOD


def test_tuf_s_own_reader_accepts_it() -> None:
    # given the same bytes, when TUF itself counts the signatures of role root
    metadata = Metadata[Root].from_bytes(GOOD)
    metadata.verify_delegate("root", metadata)
    assert metadata.signed.roles["timestamp"].threshold == 1


def test_who_is_who() -> None:
    trust = PEOPLE.trust()
    officer = trust.officers[0]
    assert trust.officer(officer.key_id) == officer
    assert trust.officer(key_id_of(raw(PEOPLE.operator))) is None
    assert trust.agencies([officer.key_id, key_id_of(bytes(32))]) == {officer.agency}


@pytest.mark.parametrize(
    ("agencies", "lacks"),
    [
        ((POLICE, COUNCIL), HOSPITALS),
        ((POLICE, COUNCIL, SCHOOL), HOSPITALS),
        ((), POLICE),
    ],
)
def test_named_agencies_must_sign(agencies: tuple[Any, ...], lacks: str) -> None:
    with pytest.raises(EntryRefused) as caught:
        make_root(PEOPLE.trust(), [PEOPLE.officers[agency] for agency in agencies])
    assert caught.value.code.name == "protocol.entry.quorum"
    assert lacks in caught.value.where


def test_and_enough_of_them() -> None:
    # given a quorum of four, three of them named, when only those three sign
    trust = PEOPLE.trust()
    four = replace(trust, quorum=replace(trust.quorum, at_least=4))
    with pytest.raises(EntryRefused, match="3 of 4"):
        make_root(four, PEOPLE.quorum())
    assert make_root(four, [*PEOPLE.quorum(), PEOPLE.officers[SCHOOL]])


def test_two_officers_of_one_agency_are_one_vote() -> None:
    # given a deputy of the police, when police sign twice and the hospitals not at all
    deputy = Ed25519PrivateKey.generate()
    trust = PEOPLE.trust()
    second = Officer(POLICE, "Tobias Lindqvist", "Deputy Chief Constable", raw(deputy))
    both = replace(trust, officers=(*trust.officers, second))
    keys = [PEOPLE.officers[POLICE], deputy, PEOPLE.officers[COUNCIL]]
    with pytest.raises(EntryRefused, match="without eastshire-hospitals"):
        make_root(both, keys)

    # but the deputy may stand in for the chief
    chief = PEOPLE.officers[POLICE]
    assert make_root(both, [deputy, *(key for key in PEOPLE.quorum() if key is not chief)])


def test_a_stranger_may_not_sign() -> None:
    with pytest.raises(EntryRefused, match="rule 4: signed by a key"):
        make_root(PEOPLE.trust(), [*PEOPLE.quorum(), Ed25519PrivateKey.generate()])


def signed(change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return a root whose signed part was changed and then signed by the quorum all the same."""
    plain = json.loads(make_root(PEOPLE.trust(), PEOPLE.quorum()))
    change(plain["signed"])
    plain["signatures"] = []
    metadata = Metadata[Root].from_bytes(json.dumps(plain).encode())
    for key in PEOPLE.quorum():
        public = raw(key)
        held = SSlibKey(key_id_of(public).hex(), "ed25519", "ed25519", {"public": public.hex()})
        metadata.sign(CryptoSigner(key, held), append=True)
    return metadata.to_bytes()


def key_under_another_id(plain: dict[str, Any]) -> None:
    # the attack on implementations of TUF that count key ids: one key stands under two of them
    key_id = key_id_of(raw(PEOPLE.officers[POLICE])).hex()
    plain["keys"]["f" * 64] = plain["keys"][key_id]


def own(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(plain: dict[str, Any]) -> None:
        plain[OWN][name] = value

    return change


def officers(change: Callable[[list[dict[str, Any]]], object]) -> Callable[[Any], object]:
    return lambda plain: change(plain[OWN]["officers"])


def other_kind(plain: dict[str, Any]) -> None:
    held = next(iter(plain["keys"].values()))
    held["keytype"], held["scheme"] = "rsa", "rsassa-pss-sha256"


def weak_key(plain: dict[str, Any]) -> None:
    key_id = key_id_of(SMALL_ORDER).hex()
    held = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": SMALL_ORDER.hex()}}
    plain["keys"][key_id] = held


def no_hex(plain: dict[str, Any]) -> None:
    next(iter(plain["keys"].values()))["keyval"]["public"] = "zz"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (key_under_another_id, "rule 2: key id"),
        (other_kind, "rule 2: kind of key"),
        (weak_key, "rule 2: unfit key"),
        (no_hex, "rule 1"),
        (lambda plain: plain.pop(OWN), "rule 1"),
        (officers(lambda listed: listed.pop()), "rule 3: whose keys"),
        (officers(lambda listed: listed.append(listed[0])), "rule 3: whose keys"),
        (officers(lambda listed: listed[0].pop("role")), "rule 3: what is in it"),
        (officers(lambda listed: listed[0].update(key_id="ab")), "rule 3: what is in it"),
        (own("log_key", SMALL_ORDER.hex()), "rule 3: what is in it"),
        (own("log_key", "zz"), "rule 3: what is in it"),
        (own("witness_keys", {"w": SMALL_ORDER.hex()}), "rule 3: what is in it"),
        (own("quorum", {"agencies": [], "at_least": 0}), "rule 4: quorum"),
        (own("quorum", {"agencies": [POLICE], "at_least": 99}), "rule 4: quorum"),
        (own("quorum", {"agencies": [POLICE, POLICE], "at_least": 2}), "rule 4: quorum"),
        (own("quorum", {"agencies": [POLICE]}), "rule 3: what is in it"),
        (own("quorum", {"agencies": [POLICE, "westshire"], "at_least": 2}), "westshire"),
        (lambda plain: plain["roles"]["targets"]["keyids"].pop(), "rule 3: whose keys"),
        (
            lambda plain: plain["roles"]["snapshot"].update(
                keyids=plain["roles"]["root"]["keyids"][:1]
            ),
            "rule 3: whose keys",
        ),
        (
            lambda plain: plain["roles"]["timestamp"].update(
                keyids=plain["roles"]["root"]["keyids"]
            ),
            "rule 3: what is in it",
        ),
    ],
)
def test_what_tuf_lets_pass_is_refused(
    change: Callable[[dict[str, Any]], object], rule: str
) -> None:
    with pytest.raises(EntryRefused) as caught:
        read_root(signed(change))
    assert rule in caught.value.where


def test_a_changed_root_is_refused() -> None:
    # given a root in which somebody has put another officer's name
    changed = GOOD.replace(b"Margaret Okafor", b"Margaret Ofakor")
    with pytest.raises(EntryRefused, match="rule 4: signature"):
        read_root(changed)


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"\xff", GOOD[:-20], bytes(MOST_OCTETS + 1)],
)
def test_what_is_no_root_is_refused(data: bytes) -> None:
    with pytest.raises(EntryRefused, match=r"protocol\.root"):
        read_root(data)


def test_another_role_s_file_is_no_root() -> None:
    plain = json.loads(GOOD)
    plain["signed"] = {
        "_type": "timestamp", "spec_version": "1.0.31", "version": 1,
        "expires": "2030-01-01T00:00:00Z", "meta": {"snapshot.json": {"version": 1}},
        OWN: plain["signed"][OWN],
    }  # fmt: skip
    with pytest.raises(EntryRefused, match="rule 1"):
        read_root(json.dumps(plain).encode())
