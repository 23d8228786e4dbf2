"""The batch in work: what it sees of itself, of those before it, and of what is committed."""

from hashlib import sha256

from broker.access_log.decided import Decided, DecidedLeaf
from broker.access_log.ports import Row
from broker.lanes import Message, Received
from broker.records.names import RecordDigest
from broker.routing.host import Recalled
from broker.routing.work import DECIDED, Recent, Work
from tests.support.county import NOON, POLICE

R, S = RecordDigest(b"r" * 32), RecordDigest(b"s" * 32)


def row(value: bytes, key: bytes = b"k") -> Message:
    return Message("seen", key, value)


def test_a_batch_sees_its_own_rows_over_those_that_were_recalled() -> None:
    # given a row that was recalled
    work = Work({("seen", b"k"): b"old", ("seen", b"other"): b"o"}, {})
    assert work.row("seen", b"k") == b"old"

    # when the batch writes it anew, then it sees that
    work.put(row(b"new"))
    assert work.row("seen", b"k") == b"new"
    assert work.visible() == {("seen", b"k"): b"new", ("seen", b"other"): b"o"}

    # and when it removes it, then there is none, and none was recalled instead
    work.put(row(b""))
    assert work.row("seen", b"k") is None
    assert work.row("seen", b"absent") is None
    assert [one.value for one in work.messages] == [b"new", b""]


def test_keys_of_the_batch_stand_beside_those_of_held_records() -> None:
    work = Work({}, {R: b"recalled"})
    work.keys[S] = b"own"
    assert (work.key(R), work.key(S)) == (b"recalled", b"own")
    assert work.key(RecordDigest(bytes(32))) is None


def test_what_is_recent_stands_over_what_was_recalled() -> None:
    # given a batch whose commit is under way
    recent = Recent()
    first = recent.begin(Recalled({("seen", b"k"): b"committed"}, {R: b"committed"}))
    first.put(row(b"first"))
    first.keys[S] = b"first"
    recent.keep(first)

    # when the next one begins before that commit shows
    second = recent.begin(Recalled({("seen", b"k"): b"committed"}))

    # then it sees the first one's rows and keys, not what it has recalled
    assert second.row("seen", b"k") == b"first"
    assert second.key(S) == b"first"


def test_the_batch_before_the_last_is_remembered_and_no_further() -> None:
    # given three batches, each with a row of its own, and one row that all of them write
    recent = Recent()
    for name in (b"1", b"2", b"3"):
        work = recent.begin(Recalled())
        work.put(row(name, name))
        work.put(row(name))
        recent.keep(work)

    # when a fourth begins
    fourth = recent.begin(Recalled())

    # then it sees the last two, the later one on top; the first is committed by now
    seen = {key: fourth.row("seen", key) for key in (b"1", b"2", b"3", b"k")}
    assert seen == {b"1": None, b"2": b"2", b"3": b"3", b"k": b"3"}


def test_outputs_hold_what_happened_and_no_zeros() -> None:
    work = Work({}, {})
    work.counts["accepted"] += 1
    work.counts["repeats"] += 0
    work.keys[R] = b"key"
    work.registers_changed = True
    leaf = DecidedLeaf(leaf=bytes(96), facts=b"f", personal=b"p", row=Row("decision", NOON, POLICE))
    received = Received(Message("records.x", b"12345678", b"value"), 0, 0, NOON)
    work.log(received, [leaf], None)

    outputs = work.outputs()
    assert outputs.counts == {"accepted": 1}
    assert (outputs.keys, outputs.registers_changed) == ({R: b"key"}, True)
    (message,) = outputs.messages
    assert (message.topic, message.key) == (DECIDED, b"12345678")
    assert message.value == Decided(sha256(b"value").digest(), None, (leaf,)).encode()
