"""Entries: one form, every signature good, a chain over all; bodies that give themselves back."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import Instant
from broker.protocol.bodies import (
    LOG,
    MOST_TEXT,
    ROUTER,
    Body,
    KeyBody,
    LiftBody,
    NarrowingBody,
    RevisionBody,
    RootBody,
    RosterBody,
    body_of,
)
from broker.protocol.entries import (
    FIRST_HEAD,
    MOST_OCTETS,
    head_after,
    make_entry,
    parse_entry,
    sign_body,
    sign_entry,
    verify_entry,
)
from broker.protocol.errors import EntryRefused
from broker.protocol.narrowing import Direction
from broker.protocol.policy_data import canonical
from broker.records.keys import Change, Use
from broker.records.names import KeyId, Partnership
from tests.broker.protocol.county import COUNCIL, POLICE, county, raw

P = Partnership(bytes(32))
ONE, TWO = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
LIFT = LiftBody("N3").plain()
GOOD = sign_entry(P, LIFT, [ONE, TWO])
DESKS = tuple(county().agreement.roster.agencies[COUNCIL].desks.values())

bodies: list[Body] = [
    RootBody(b"{}"),
    RevisionBody(1, b"", bytes(32), b"bundle"),
    RevisionBody(2, bytes(32), bytes(32), b""),
    KeyBody(POLICE, Change.ADD, Use.SIGN, KeyId(bytes(32)), bytes(32)),
    KeyBody(POLICE, Change.RETIRE, Use.SEAL, KeyId(bytes(32))),
    KeyBody(POLICE, Change.COMPROMISED, Use.SIGN, KeyId(bytes(32)), since=Instant(5)),
    KeyBody(ROUTER, Change.ADD, Use.SEAL, KeyId(bytes(32)), bytes(32)),
    KeyBody(LOG, Change.REVOKE, Use.SIGN, KeyId(bytes(32))),
    NarrowingBody(POLICE, Direction.SENDING),
    NarrowingBody(
        POLICE, Direction.RECEIVING, "a/b", "concern", "4.1", Instant(9), "why", "01632 960100"
    ),
    LiftBody("N3"),
    RosterBody(COUNCIL, DESKS),
]


@pytest.mark.parametrize("body", bodies, ids=lambda body: type(body).__name__)
def test_a_body_gives_itself_back(body: Body) -> None:
    entry = parse_entry(sign_entry(P, body.plain(), [ONE]))
    assert body_of(entry) == body


def test_signatures_are_by_rising_key_id_whoever_collects_them() -> None:
    one, two = sign_body(P, LIFT, ONE), sign_body(P, LIFT, TWO)
    assert make_entry(LIFT, [one, two]) == make_entry(LIFT, [two, one]) == GOOD
    assert verify_entry(parse_entry(GOOD), P, [raw(ONE), raw(TWO)]) == {one.key_id, two.key_id}


def test_a_signature_is_for_one_partnership_and_one_body() -> None:
    entry = parse_entry(GOOD)
    with pytest.raises(EntryRefused, match=r"entry\.signature"):
        verify_entry(entry, Partnership(b"\x01" * 32), [raw(ONE), raw(TWO)])
    other = make_entry(LiftBody("N4").plain(), entry.signatures)
    with pytest.raises(EntryRefused, match=r"entry\.signature"):
        verify_entry(parse_entry(other), P, [raw(ONE), raw(TWO)])


def test_every_signature_must_be_known_and_there_must_be_one() -> None:
    with pytest.raises(EntryRefused, match=r"entry\.signer"):
        verify_entry(parse_entry(GOOD), P, [raw(ONE)])
    with pytest.raises(EntryRefused, match="nobody signed"):
        verify_entry(parse_entry(make_entry(LIFT, [])), P, [raw(ONE)])


def test_one_key_cannot_sign_twice() -> None:
    signature = sign_body(P, LIFT, ONE)
    with pytest.raises(EntryRefused, match=r"entry\.signed-twice"):
        make_entry(LIFT, [signature, signature])


def entry_plain(**changes: object) -> bytes:
    return canonical({**json.loads(GOOD), **changes})


def signature_plain(**changes: object) -> dict[str, Any]:
    return {**json.loads(GOOD)["signatures"][0], **changes}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        GOOD + b"\n",
        GOOD.replace(b":", b": ", 1),
        b"[" * 100_000,
        bytes(MOST_OCTETS + 1),
        entry_plain(extra=1),
        entry_plain(body={}),
        entry_plain(body=[]),
        entry_plain(body={"kind": "decree"}),
        entry_plain(signatures=None),
        entry_plain(signatures=[{}]),
        entry_plain(signatures=list(reversed(json.loads(GOOD)["signatures"]))),
        entry_plain(signatures=[signature_plain(more=1)]),
        entry_plain(signatures=[signature_plain(sig="00")]),
        entry_plain(signatures=[signature_plain(sig="zz")]),
        entry_plain(signatures=[signature_plain(key_id="00")]),
        # hex has two cases: were both let in, one entry would have two forms
        entry_plain(signatures=[signature_plain(key_id=signature_plain()["key_id"].upper())]),
        GOOD.replace(b'"N3"', b"9007199254740993"),
        GOOD.replace(b'"N3"', b"NaN"),
        GOOD.replace(b'"N3"', b'"\\ud800"'),
    ],
)
def test_other_forms_are_refused(data: bytes) -> None:
    with pytest.raises(EntryRefused, match=r"protocol\.entry\.shape"):
        parse_entry(data)


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (bodies[0], {"root": "*"}),
        (bodies[0], {"root": 5}),
        (bodies[1], {"number": -1}),
        (bodies[1], {"number": True}),
        (bodies[1], {"number": "1"}),
        (bodies[1], {"digest": "00"}),
        (bodies[1], {"digest": ("AB" * 32)}),
        (bodies[1], {"extra": 1}),
        (bodies[3], {"change": "bless"}),
        (bodies[3], {"use": "dance"}),
        (bodies[3], {"agency": "router"}),
        (bodies[3], {"agency": "No Agency"}),
        (bodies[3], {"key": ""}),
        (bodies[3], {"since": 5}),
        (bodies[4], {"key": "00" * 32}),
        (bodies[5], {"since": -1}),
        (bodies[6], {"use": "seal"}),
        (bodies[8], {"direction": "sideways"}),
        (bodies[8], {"reason": "x" * (MOST_TEXT + 1)}),
        (bodies[8], {"reason": 1}),
        (bodies[8], {"agency": 5}),
        (bodies[10], {"narrowing": None}),
        (bodies[11], {"desks": [{}]}),
        (bodies[11], {"desks": [{"hours": "never"}]}),
        (bodies[11], {"desks": 5}),
    ],
)
def test_bodies_are_read_strictly(body: Body, changes: dict[str, Any]) -> None:
    entry = parse_entry(sign_entry(P, {**body.plain(), **changes}, [ONE]))
    with pytest.raises(EntryRefused, match=r"protocol\.entry\.shape"):
        body_of(entry)


@given(st.lists(st.binary(max_size=20), max_size=4), st.lists(st.binary(max_size=20), max_size=4))
def test_the_head_tells_the_entries_and_their_order(some: list[bytes], others: list[bytes]) -> None:
    def head(values: list[bytes]) -> bytes:
        found = FIRST_HEAD
        for value in values:
            found = head_after(found, value)
        return found

    assert (head(some) == head(others)) is (some == others)


def test_a_roster_fits_the_desks_that_there_are() -> None:
    agency = county().agreement.roster.agencies[COUNCIL]
    assert RosterBody(COUNCIL, DESKS).fits(agency)
    assert not RosterBody(COUNCIL, DESKS[1:]).fits(agency)
