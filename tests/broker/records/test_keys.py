"""The rules of the key registry, each broken here."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import DAY, Instant
from broker.errors import Code
from broker.records.batches import key_id_of
from broker.records.errors import (
    KEY_ABSENT,
    KEY_COMPROMISED,
    KEY_NAME,
    KEY_POINT,
    KEY_RETIRED,
    KEY_REVOKED,
    KEY_TWICE,
    KEY_UNKNOWN,
    KeyRefused,
    RecordRefused,
)
from broker.records.keys import RETIRED_GRACE, Change, KeyEvent, KeyRegistry, Use
from broker.records.names import AgencyId
from tests.broker.records.sources import AT, COUNCIL, POLICE, Source

SOURCE = Source()
ADDED = SOURCE.added(position=10)
ROUTER = AgencyId("router")


def registry(*events: KeyEvent) -> KeyRegistry:
    found = KeyRegistry()
    for event in (ADDED, *events):
        found.apply(event)
    return found


def change(what: Change, position: int = 20, at: int = AT, since: int = 0) -> KeyEvent:
    return replace(
        ADDED, position=position, at=Instant(at), change=what, raw=b"", since=Instant(since)
    )


def refusal(
    keys: KeyRegistry, position: int, *, arrived: int = AT, agency: AgencyId = POLICE
) -> Code | None:
    try:
        key = keys.signing_key(
            agency,
            ADDED.key_id,
            position=position,
            arrived=Instant(arrived),
            issued=Instant(AT),
        )
    except RecordRefused as error:
        return error.code
    assert key.public_bytes_raw() == SOURCE.raw
    return None


def refused(keys: KeyRegistry, event: KeyEvent) -> Code:
    with pytest.raises(KeyRefused) as caught:
        keys.apply(event)
    assert f"{event.position}" in caught.value.where or caught.value.where.startswith("public")
    return caught.value.code


def sealing(raw: bytes, position: int, holder: AgencyId = ROUTER) -> KeyEvent:
    return KeyEvent(position, AT, holder, Use.SEAL, Change.ADD, key_id_of(raw), raw)


def public() -> bytes:
    return X25519PrivateKey.generate().public_key().public_bytes_raw()


def test_rule_1_validity_is_asked_at_a_position() -> None:
    # given a key that was added at 10 and revoked at 20
    keys = registry(change(Change.REVOKE))

    # when it is asked for at each position, then yesterday's answer is the same today
    assert refusal(keys, 10) is KEY_UNKNOWN
    assert refusal(keys, 11) is None
    assert refusal(keys, 20) is None
    assert refusal(keys, 21) is KEY_REVOKED


def test_rule_2_a_key_speaks_for_its_holder_alone() -> None:
    assert refusal(registry(), 11, agency=COUNCIL) is KEY_UNKNOWN


def test_rule_2_a_key_is_added_once() -> None:
    # given a key, when it is added again, by anybody, then it is refused and nothing has changed
    keys = registry()
    for event in (
        replace(ADDED, position=30),
        replace(ADDED, position=31, holder=COUNCIL),
        replace(ADDED, position=32, use=Use.SEAL),
    ):
        assert refused(keys, event) is KEY_TWICE
    assert refusal(keys, 11) is None


def test_rule_2_a_revoked_key_does_not_come_back() -> None:
    keys = registry(change(Change.REVOKE))
    assert refused(keys, replace(ADDED, position=30)) is KEY_TWICE


def test_rule_2_a_key_is_named_by_its_own_hash() -> None:
    # given an entry whose id is not the hash of its bytes: one key under two names
    event = replace(Source().added(30), key_id=key_id_of(b"another"))
    assert refused(registry(), event) is KEY_NAME


def test_rule_2_a_signing_key_does_not_seal_nor_the_other_way() -> None:
    raw = public()
    keys = registry(sealing(raw, 20, POLICE))
    with pytest.raises(RecordRefused):
        keys.signing_key(POLICE, key_id_of(raw), position=30, arrived=AT, issued=AT)
    with pytest.raises(KeyRefused):
        registry().sealing_key(POLICE)


@pytest.mark.parametrize(
    ("what", "at_once", "later"),
    [(None, 1, 1), (Change.RETIRE, 1, 0), (Change.REVOKE, 0, 0), (Change.COMPROMISED, 0, 0)],
)
def test_a_witness_key_counts_until_it_is_retired_or_taken_away(
    what: Change | None, at_once: int, later: int
) -> None:
    # given a key for witnessing, which signs no record, and what became of it
    event = replace(ADDED, use=Use.WITNESS)
    keys = KeyRegistry()
    keys.apply(event)
    assert refusal(keys, 11) is KEY_UNKNOWN
    if what is not None:
        keys.apply(replace(event, position=20, change=what, raw=b""))
    # then it counts for what arrived at once, and, while it is in use, for what comes later
    assert len(keys.witness_keys(POLICE, AT)) == at_once
    assert len(keys.witness_keys(POLICE, Instant(AT + RETIRED_GRACE + 1))) == later
    assert keys.witness_keys(COUNCIL, AT) == ()


@pytest.mark.parametrize("what", [Change.RETIRE, Change.REVOKE, Change.COMPROMISED])
def test_only_a_key_that_is_there_is_changed_and_by_its_holder(what: Change) -> None:
    keys = registry()
    event = change(what)
    for wrong in (
        replace(event, key_id=key_id_of(b"unheard")),
        replace(event, holder=COUNCIL),
        replace(event, use=Use.SEAL),
    ):
        assert refused(keys, wrong) is KEY_ABSENT
    assert refusal(keys, 100) is None


@pytest.mark.parametrize(
    ("late", "code"),
    [(-1, None), (0, None), (1, KEY_RETIRED), (DAY, KEY_RETIRED)],
)
def test_rule_3_a_retired_key_has_seven_days(late: int, code: Code | None) -> None:
    # given a retired key, when a record arrives around the end of its grace
    keys = registry(change(Change.RETIRE))
    assert refusal(keys, 21, arrived=AT + 7 * DAY + late) is code

    # then before the entry it makes no difference
    assert refusal(keys, 20, arrived=AT + 7 * DAY + late) is None
    assert RETIRED_GRACE == 7 * DAY


def test_rule_3_retiring_again_does_not_lengthen_the_grace() -> None:
    keys = registry(change(Change.RETIRE), change(Change.RETIRE, 30, AT + 6 * DAY))
    assert refusal(keys, 31, arrived=AT + 8 * DAY) is KEY_RETIRED


def test_rule_4_a_revoked_key_has_no_grace() -> None:
    assert refusal(registry(change(Change.REVOKE)), 21, arrived=AT) is KEY_REVOKED


def test_rule_4_revoking_again_does_not_move_it() -> None:
    keys = registry(change(Change.REVOKE), change(Change.REVOKE, 30))
    assert refusal(keys, 21) is KEY_REVOKED


@pytest.mark.parametrize("since", [AT - DAY, AT, AT + 1])
def test_rule_5_a_compromised_key_is_invalid_whatever_a_record_says(since: int) -> None:
    # given a key compromised since a moment before, at or after what a record says of its issue
    keys = registry(change(Change.COMPROMISED, since=since))

    # when it arrives after the entry, then it is refused: who holds the key can say any time
    assert refusal(keys, 21) is KEY_COMPROMISED
    assert refusal(keys, 20) is None

    # and the person who looks is told which it claims
    with pytest.raises(RecordRefused) as caught:
        keys.signing_key(POLICE, ADDED.key_id, position=21, arrived=AT, issued=AT)
    assert ("since" in caught.value.where) is (since <= AT)


def test_rule_5_what_was_compromised_is_listed_with_the_earliest_time() -> None:
    keys = registry(
        change(Change.COMPROMISED, 20, since=AT - DAY),
        change(Change.COMPROMISED, 30, since=AT - 3 * DAY),
        change(Change.COMPROMISED, 40, since=AT),
        Source(agency=COUNCIL).added(50),
    )
    assert list(keys.compromised()) == [(POLICE, ADDED.key_id, AT - 3 * DAY)]
    assert refusal(keys, 21) is KEY_COMPROMISED


def test_rule_6_a_weak_key_is_not_registered() -> None:
    # given the identity as a signing key and zeros as a sealing key, when they are added
    keys = registry()
    identity = b"\x01" + bytes(31)
    signing = replace(sealing(identity, 20, POLICE), use=Use.SIGN)
    assert refused(keys, signing) is KEY_POINT
    assert refused(keys, sealing(bytes(32), 21)) is KEY_POINT

    # then they are not there
    assert refused(keys, replace(signing, change=Change.REVOKE, raw=b"")) is KEY_ABSENT


def test_things_are_sealed_to_the_newest_key_in_use() -> None:
    # given three keys of the router, one an hour
    raws = [public() for _ in range(3)]
    events = [sealing(raw, position) for position, raw in enumerate(raws, start=20)]
    keys = registry(*events)
    assert keys.sealing_key(ROUTER).public_bytes_raw() == raws[2]

    # when the newest ends in any way, then the one before it serves
    for what, event, left in (
        (Change.REVOKE, events[2], raws[1]),
        (Change.COMPROMISED, events[1], raws[0]),
    ):
        keys.apply(replace(event, change=what, raw=b"", position=30))
        assert keys.sealing_key(ROUTER).public_bytes_raw() == left

    # and when the last is retired, then nothing can be sealed
    keys.apply(replace(events[0], change=Change.RETIRE, raw=b"", position=40))
    with pytest.raises(KeyRefused) as caught:
        keys.sealing_key(ROUTER)
    assert caught.value.code is KEY_ABSENT
    assert caught.value.where == "sealing key of router"


def test_whether_anything_can_be_sealed_to_somebody() -> None:
    keys = registry(sealing(public(), 20))
    assert keys.can_receive(ROUTER)
    assert not keys.can_receive(POLICE)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from([Change.RETIRE, Change.REVOKE, Change.COMPROMISED]), st.integers(0, 9)
    ),
    max_size=5,
)


@given(CHANGES, st.integers(11, 30), st.integers(0, 20))
def test_an_answer_at_a_position_never_changes(
    changes: list[tuple[Change, int]], position: int, days: int
) -> None:
    # given any entries, folded up to a position and folded to the end
    events = [
        change(what, position=20 + number, at=AT + after * DAY, since=AT)
        for number, (what, after) in enumerate(changes)
    ]
    early = registry(*(event for event in events if event.position < position))

    # when the same record is judged at that position, then both say the same
    arrived = AT + days * DAY
    assert refusal(early, position, arrived=arrived) is refusal(
        registry(*events), position, arrived=arrived
    )
