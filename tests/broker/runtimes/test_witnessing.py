"""Witnesses on a county's files: what is cosigned, what each attack is called, and who hears."""

import asyncio
import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from broker.access_log.errors import (
    TAKEN_BACK,
    WITNESS_LOST,
    WITNESS_ROLLBACK,
    WITNESS_SPLIT,
    LogError,
)
from broker.access_log.notes import Note
from broker.access_log.witness import COSIGNATURES
from broker.backends.sqlite.lock import exclusive
from broker.lanes import Message, Unavailable
from broker.protocol.bodies import KeyBody
from broker.protocol.entries import sign_entry
from broker.records.batches import key_id_of
from broker.records.keys import Change, Use
from broker.records.names import AgencyId
from broker.runtimes import receiving, witnessing, witnessing_loop
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.keystore import load_officers, load_witness_key
from broker.runtimes.layout import Layout
from broker.runtimes.receiving import ReceiveReport
from broker.runtimes.witness_memory import Kept
from broker.runtimes.witness_status import read_status
from broker.runtimes.witnessed import policy_of, read_cosignatures, row_key
from broker.runtimes.witnessing import Witnessed
from broker.runtimes.witnessing_loop import Witnessing
from tests.support import parts
from tests.support.restoring import TOPICS, FileCounty

SCHOOL, COUNCIL = AgencyId(parts.SCHOOL), AgencyId(parts.COUNCIL)
POLICE = AgencyId("eastshire-police")
OLDER = "older"


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> FileCounty:
    """Eastshire after a little work, a copy, and a little more; for copying only."""

    async def made() -> FileCounty:
        county = await FileCounty.found(tmp_path_factory.mktemp("worked"))
        await county.work(1)
        county.save(OLDER)
        await county.work(1)
        return county

    return asyncio.run(made())


@dataclass
class County:
    """The same for one test."""

    files: FileCounty

    @property
    def layout(self) -> Layout:
        return self.files.county.layout

    async def receive(self, agency: AgencyId) -> Witnessed:
        """Let an agency receive; return what it has seen as a witness."""
        async with agency_side(self.layout, agency, SystemClock()) as side:
            report = await receiving.receive(side)
        assert report.not_witnessed == ""
        assert report.witnessed is not None
        return report.witnessed

    async def refuses(self, agency: AgencyId) -> LogError:
        """Let an agency receive, which refuses what is published; return why."""
        async with agency_side(self.layout, agency, SystemClock()) as side:
            with pytest.raises(LogError) as caught:
                await receiving.receive(side)
        return caught.value

    async def cosigned(self, agency: AgencyId) -> int:
        """Return what lies under an agency's name."""
        async with agency_side(self.layout, agency, SystemClock()) as side:
            found = (await read_cosignatures(side.stream, side.protocol)).get(agency)
        return 0 if found is None else found.size


@pytest.fixture
def county(worked: FileCounty, tmp_path: Path) -> County:
    return County(worked.copy(tmp_path))


def codes(seen: Witnessed) -> list[tuple[str, str]]:
    return [(one.alarm.agency, one.alarm.code) for one in seen.alarms]


async def test_an_entry_is_witnessed_once_more_than_half_have_cosigned(county: County) -> None:
    # given a log that two of eight agencies have cosigned, when one after the other receives
    seen = await county.receive(COUNCIL)
    assert seen.size == seen.standing.newest > 0
    assert seen.standing.waiting is not None
    for number, agency in enumerate(
        one for one in county.layout.agencies() if one not in {COUNCIL, SCHOOL}
    ):
        seen = await county.receive(agency)
        # then all entries are witnessed with the fifth, not with the fourth
        enough = number + 3 >= seen.standing.needed
        assert seen.standing.has_quorum(0) is enough
        assert (seen.standing.waiting is None) is enough
    assert set(seen.standing.by(seen.standing.newest - 1)) == set(county.layout.agencies())
    assert seen.alarms == ()
    status = read_status(county.layout, agency)
    assert status is not None
    assert (status.witnesses, status.of) == (8, 8)
    assert status.good(SystemClock().now())


async def test_what_was_remembered_and_not_sent_is_sent(
    county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a process that dies between memory and cosignature
    async with agency_side(county.layout, POLICE, SystemClock()) as side:

        async def gone(_stream: object, _messages: object) -> None:
            raise Unavailable("stream")

        with monkeypatch.context() as patched:
            patched.setattr(type(side.stream), "publish", gone)
            with pytest.raises(Unavailable):
                await witnessing.witness(side, {})
    kept = Kept.load(county.layout.witness_memory(POLICE))
    assert kept is not None
    assert kept.memory.size > 0
    assert await county.cosigned(POLICE) == 0
    # when it looks again, then others see it
    seen = await county.receive(POLICE)
    assert seen.warned is None
    assert await county.cosigned(POLICE) == kept.memory.size


async def test_no_delivery_waits_for_a_witness_that_cannot_be(county: County) -> None:
    # given an agency whose memory another process holds
    async with agency_side(county.layout, SCHOOL, SystemClock()) as side:
        with exclusive(county.layout.witness_lock(SCHOOL)):
            report = await receiving.receive(side)
    # then it receives, and says why it has not looked
    assert report.not_witnessed == Unavailable().code.name
    assert report.witnessed is None


async def test_a_fork_for_one_agency_is_a_split_view_once_they_compare(
    county: County, tmp_path: Path
) -> None:
    # given two histories from one beginning, both signed by the log's own key: the stream and the
    # log are copied, and the copies go on differently
    other = County(FileCounty(county.files.county, county.files.copies).copy(tmp_path / "other"))
    await county.files.county.publish_concerns(1)
    await county.files.route()
    await other.files.county.publish_concerns(2)
    await other.files.route()
    # where the school is shown one and the police the other, each cosigns what it is shown
    school, police = await county.receive(SCHOOL), await other.receive(POLICE)
    assert school.warned is police.warned is None

    # when the police's cosignature comes to where the school looks
    value = (await rows(other, POLICE))[row_key(POLICE)]
    async with agency_side(county.layout, SCHOOL, SystemClock()) as side:
        await side.stream.publish([Message(COSIGNATURES, row_key(POLICE), value)])
    # then it may just be newer than what the school was shown so far
    assert (await county.receive(SCHOOL)).warned is None
    # but once the school's log has grown past it, the school was never shown that size
    await county.files.county.publish_concerns(3)
    await county.files.route()
    seen = await county.receive(SCHOOL)

    # then each that compares says so by name, signs nothing more, and shows what the log signed
    assert seen.warned is not None
    assert seen.warned.code is WITNESS_SPLIT
    assert (SCHOOL, WITNESS_SPLIT.name) in codes(seen)
    (alarm,) = [one.alarm for one in seen.alarms if one.alarm.agency == SCHOOL]
    assert value in alarm.notes
    assert all(Note.parse(one).signatures for one in alarm.notes)
    # and every other agency hears of it; what does not fit counts for no quorum
    heard = await county.receive(AgencyId("eastshire-hospitals"))
    assert (SCHOOL, WITNESS_SPLIT.name) in codes(heard)
    assert POLICE not in heard.standing.cosigned
    # and it is told once, however often the school looks
    again = await county.receive(SCHOOL)
    assert [one for one in codes(again) if one[0] == SCHOOL] == [(SCHOOL, WITNESS_SPLIT.name)]


async def rows(county: County, agency: AgencyId) -> dict[bytes, bytes]:
    async with agency_side(county.layout, agency, SystemClock()) as side:
        found = await side.stream.read(COSIGNATURES, 0)
    return {one.message.key: one.message.value for one in found}


async def test_a_rewritten_end_of_the_log_does_not_follow_on(
    county: County, tmp_path: Path
) -> None:
    # given an agency that has cosigned one history, when it is shown another from the same
    # beginning, of the same length and longer
    other = County(county.files.copy(tmp_path / "other"))
    for one, concerns in ((county, 1), (other, 1)):
        await one.files.county.publish_concerns(concerns)
        await one.files.route()
    await county.receive(SCHOOL)
    shutil.rmtree(county.layout.stream.parent)
    shutil.copytree(other.layout.stream.parent, county.layout.stream.parent)
    refused = await county.refuses(SCHOOL)
    # then it takes nothing in, and all others are told: two roots of one size
    assert refused.code is TAKEN_BACK
    heard = await county.receive(COUNCIL)
    assert codes(heard) == [(SCHOOL, WITNESS_SPLIT.name)]


async def test_topics_of_yesterday_are_a_rollback(county: County) -> None:
    # given agencies that have cosigned, when yesterday's topics are put back
    await county.receive(SCHOOL)
    county.files.put_back(OLDER, {TOPICS})
    refused = await county.refuses(SCHOOL)
    # then the school refuses them, and every other agency hears by name
    assert refused.code is TAKEN_BACK
    heard = await county.receive(POLICE)
    assert codes(heard) == [(SCHOOL, WITNESS_ROLLBACK.name)]


@pytest.mark.parametrize("how", ["deleted", "damaged", "older"])
async def test_a_memory_that_was_lost_is_noticed_and_taken_up_by_a_person(
    county: County, how: str
) -> None:
    # given an agency that has cosigned twice, and its memory lost since, or put back
    memory = county.layout.witness_memory(SCHOOL)
    before = memory.read_bytes()
    await county.files.work(1)
    size = await county.cosigned(SCHOOL)
    if how == "deleted":
        memory.unlink()
    elif how == "damaged":
        memory.write_bytes(memory.read_bytes()[:-20])
    else:
        memory.write_bytes(before)
    await county.files.county.publish_concerns(1)
    await county.files.route()

    # when it receives, then it takes deliveries in and cosigns nothing; all hear why
    seen = await county.receive(SCHOOL)
    assert seen.warned is not None
    assert seen.warned.code is WITNESS_LOST
    assert await county.cosigned(SCHOOL) == size
    assert (SCHOOL, WITNESS_LOST.name) in codes(await county.receive(COUNCIL))

    # when a person has looked, then it goes on from what it cosigned last, and the alarm is settled
    async with agency_side(county.layout, SCHOOL, SystemClock()) as side:
        assert await witnessing.confirm(side, "disk replaced, nobody else has the keys") == 1
    seen = await county.receive(SCHOOL)
    assert seen.warned is None
    assert seen.size == seen.standing.newest > size
    assert seen.alarms == ()


async def test_only_the_agency_itself_can_write_under_its_name(county: County) -> None:
    # given a row under the school's name that is not the school's
    mine = (await rows(county, SCHOOL))[row_key(COUNCIL)]
    async with agency_side(county.layout, SCHOOL, SystemClock()) as side:
        for value in (mine, b"no note"):
            await side.stream.publish([Message(COSIGNATURES, row_key(SCHOOL), value)])
    assert await county.cosigned(SCHOOL) == 0
    # when the school looks, then it writes its own again
    seen = await county.receive(SCHOOL)
    assert seen.warned is None
    assert await county.cosigned(SCHOOL) == seen.size > 0


async def test_an_agency_of_before_there_were_witnesses_registers_a_key(county: County) -> None:
    # given an agency without key and memory, which the protocol gives a key that nobody has
    county.layout.witness_key(SCHOOL).unlink()
    county.layout.witness_memory(SCHOOL).unlink()
    seen = await county.receive(SCHOOL)
    assert not seen.registered
    async with agency_side(county.layout, SCHOOL, SystemClock()) as side:
        # when it registers one, then that counts, and once is enough
        assert await witnessing.register(side)
    async with agency_side(county.layout, SCHOOL, SystemClock()) as side:
        assert not side.protocol.refused
        assert not await witnessing.register(side)
    # but what the agency has cosigned before is remembered by the log: a person must confirm
    seen = await county.receive(SCHOOL)
    assert seen.registered
    assert seen.warned is not None
    assert seen.warned.code is WITNESS_LOST


async def test_a_key_that_was_taken_away_is_replaced_and_the_memory_stays(county: County) -> None:
    # given a witness key that an officer has revoked
    key = load_witness_key(county.layout.witness_key(SCHOOL))
    assert key is not None
    public = key.public_key().public_bytes_raw()
    officer = load_officers(county.layout.officers)[SCHOOL]
    body = KeyBody(SCHOOL, Change.REVOKE, Use.WITNESS, key_id_of(public))
    async with agency_side(county.layout, SCHOOL, SystemClock()) as side:
        entry = sign_entry(side.partnership, body.plain(), [officer])
        await side.stream.publish([Message("protocol", bytes(8), entry)])
    # then what it cosigned counts no more
    seen = await county.receive(SCHOOL)
    assert not seen.registered
    assert SCHOOL not in seen.standing.cosigned
    # when it registers another, then it cosigns what it remembers with that one
    async with agency_side(county.layout, SCHOOL, SystemClock()) as side:
        assert await witnessing.register(side)
    seen = await county.receive(SCHOOL)
    assert (seen.registered, seen.warned) == (True, None)
    assert await county.cosigned(SCHOOL) == seen.size > 0


async def test_the_loop_looks_when_something_has_come_and_says_what_is_wrong_once(
    county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnessing_loop, "WITNESS_S", 0.0)
    told: list[tuple[str, str]] = []
    counts: Counter[str] = Counter()
    loop = Witnessing(lambda what, why: told.append((what, why)), counts)
    async with agency_side(county.layout, POLICE, SystemClock()) as side:
        await loop.look(side)  # cosigns
        await loop.look(side)  # sees its own cosignature
        await loop.look(side)  # nothing has come
        assert counts["witnessed"] == 2
        county.layout.witness_memory(POLICE).unlink()
        for _ in range(3):
            await loop.look(side)
            await side.stream.publish([Message(COSIGNATURES, b"x", b"junk")])
    assert [what for what, _ in told] == ["does not witness"]
    assert WITNESS_LOST.name in told[0][1]


async def test_the_loop_registers_a_key_where_there_is_none(county: County) -> None:
    county.layout.witness_key(POLICE).unlink()
    loop = Witnessing(lambda _what, _why: None, Counter())
    async with agency_side(county.layout, POLICE, SystemClock()) as side:
        before = await side.stream.end("protocol")
        await loop.look(side)
        assert await side.stream.end("protocol") == before + 1


async def test_the_quorum_is_there_for_other_tools(county: County) -> None:
    async with agency_side(county.layout, POLICE, SystemClock()) as side:
        text = policy_of(side.protocol, side.clock.now())
    assert text.count("\nwitness ") == 8
    assert text.endswith("quorum agencies\n")


def test_a_damaged_status_is_none(county: County) -> None:
    path = county.layout.witness_status(SCHOOL)
    assert read_status(county.layout, SCHOOL) is not None
    path.write_text(json.dumps({"witnesses": 1}))
    assert read_status(county.layout, SCHOOL) is None
    assert read_status(county.layout, POLICE) is None
    assert ReceiveReport().witnessed is None
