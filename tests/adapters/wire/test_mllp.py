"""MLLP's frames: what comes whole is returned, whatever the pieces; nothing else ever is."""

import os
import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.wire.mllp import Fault, Framer, framed

COUNT = int(os.environ.get("CONCORDAT_FUZZ", "60"))

content = st.binary(max_size=40).map(lambda raw: raw.translate(None, b"\x0b\x1c"))


def fed(data: bytes, cuts: list[int], limit: int = 1000) -> list[bytes | Fault]:
    """What a framer finds if data comes in pieces."""
    framer = Framer(limit)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(places)]
    return [found for piece in pieces for found in framer.feed(piece)]


@given(st.lists(content, max_size=5), st.lists(st.integers(0, 10_000), max_size=12))
@settings(max_examples=COUNT, deadline=None)
def test_messages_come_out_as_they_went_in(messages: list[bytes], cuts: list[int]) -> None:
    # given frames with ends of line between them, when they come in pieces, then all is there
    assert fed(b"\r\n".join(framed(one) for one in messages), cuts) == messages


@given(
    st.lists(
        st.one_of(content, st.sampled_from([b"\x0b", b"\x1c", b"\r", b"\n", b"\x1c\r"])),
        max_size=30,
    ),
    st.lists(st.integers(0, 10_000), max_size=12),
)
@settings(max_examples=COUNT, deadline=None)
def test_pieces_make_no_difference_and_nothing_is_made_up(
    parts: list[bytes], cuts: list[int]
) -> None:
    # given anything, when it comes at once or in pieces, then the same messages are found
    data = b"".join(parts)
    whole = [one for one in fed(data, []) if isinstance(one, bytes)]
    assert [one for one in fed(data, cuts) if isinstance(one, bytes)] == whole

    # then each is in the data with its frame, in this order, and holds no sign of framing
    at = 0
    for one in whole:
        found = re.compile(re.escape(b"\x0b" + one + b"\x1c") + b"[\r\n]").search(data, at)
        assert found is not None
        at = found.end()
        assert not set(one) & {0x0B, 0x1C}


def test_faults_are_told() -> None:
    # given each way in which framing breaks, when it comes, then it is named
    assert fed(b"noise" + framed(b"a"), []) == [Fault.STRAY, b"a"]
    assert fed(b"\x0babc" + framed(b"a"), []) == [Fault.RESTARTED, b"a"]
    assert fed(b"\x0ba\x1cb" + framed(b"c"), []) == [Fault.UNENDED, Fault.STRAY, b"c"]
    assert fed(b"\x0babcd" + framed(b"a"), [5], limit=3) == [Fault.TOO_LARGE, b"a"]
    assert fed(framed(b"abcd"), [], limit=3) == [Fault.TOO_LARGE]
    assert fed(framed(b"abc"), [], limit=3) == [b"abc"]


def test_whether_a_frame_has_begun() -> None:
    framer = Framer(10)
    assert not framer.inside
    assert list(framer.feed(b"\x0ba")) == []
    assert framer.inside
    assert list(framer.feed(b"\x1c")) == []
    assert list(framer.feed(b"\r")) == [b"a"]
    assert not framer.inside
