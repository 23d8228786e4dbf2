"""Another protocol is put in force in a demonstration; an agency joins with it."""

import shutil
from pathlib import Path

import pytest

from broker.errors import ConcordatError
from broker.lanes import Streams, Unavailable
from broker.records.batches import key_id_of
from broker.runtimes.adopting import adopt
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.exchange import exchange_of
from broker.runtimes.founding import county_folder
from broker.runtimes.keystore import load_officers
from broker.runtimes.layout import Layout
from broker.runtimes.protocol import read_protocol
from tests.journeys.steps import NOON
from tests.support.joining import CLINIC, with_clinic

CLOCK = SetClock(NOON)


@pytest.fixture
def layout(founded: Path, tmp_path: Path) -> Layout:
    """Eastshire, where nothing has happened yet."""
    return Layout(Path(shutil.copytree(founded, tmp_path / "county")))


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    """A folder with the protocol of one party more."""
    return with_clinic(tmp_path / "protocol")


async def published(layout: Layout) -> int:
    """Return how many entries the protocol has; all must count."""
    async with exchange_of(layout).public(CLOCK) as streams:
        found = await read_protocol(streams, layout.first_root.read_bytes())
        assert not found.refused
        return found.position


async def refusal(layout: Layout, folder: Path) -> str:
    """Return the code with which a protocol is refused; nothing may change."""
    before = await published(layout), layout.agencies()
    with pytest.raises(ConcordatError) as refused:
        await adopt(layout, CLOCK, folder)
    assert (await published(layout), layout.agencies()) == before
    return refused.value.code.name


async def test_an_agency_that_joins_reads_the_protocol_with_keys_of_its_own(
    layout: Layout, protocol: Path
) -> None:
    # given a county, when a protocol with one more party is put in force
    found = await adopt(layout, CLOCK, protocol)
    assert (found.number, found.joined) == (2, (CLINIC,))

    # then the party verifies it from the first root on, and finds itself and its officer there
    async with agency_side(layout, CLINIC, CLOCK) as side:
        assert side.protocol.current(NOON).digest == found.digest
        assert side.contact().telephone == "01632 960340"
        assert side.protocol.trust.version == 2
        named = {one.agency: one.name for one in side.protocol.trust.officers}
        assert named[side.agency] == "Nadia Brandt"
        sign = side.keys.sign.public_key().public_bytes_raw()
        keys = side.protocol.registry
        held = keys.signing_key(
            side.agency,
            key_id_of(sign),
            position=side.protocol.position,
            arrived=NOON,
            issued=NOON,
        )
        assert held.public_bytes_raw() == sign


async def test_a_protocol_of_the_same_parties_keeps_the_root(
    layout: Layout, protocol: Path
) -> None:
    # given a protocol in which only a telephone number is another, when it is put in force
    text = protocol / "protocol.yaml"
    await adopt(layout, CLOCK, protocol)
    text.write_text(text.read_text("utf-8").replace("01632 960340", "01632 960341"), "utf-8")
    before = await published(layout)
    found = await adopt(layout, CLOCK, protocol)

    # then that is one entry, and nobody has joined
    assert (found.number, found.joined) == (3, ())
    assert await published(layout) == before + 1


async def test_what_was_begun_is_finished_with_the_same_keys(
    layout: Layout, protocol: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a run that ended before it could publish
    async def cut(_self: Streams, _messages: object) -> None:
        raise Unavailable("cut")

    with monkeypatch.context() as broken:
        broken.setattr("broker.backends.sqlite.streams.SqliteStreams.publish", cut)
        with pytest.raises(Unavailable):
            await adopt(layout, CLOCK, protocol)
    keys = layout.agency_keys(CLINIC).read_bytes()
    officer = load_officers(layout.officers)[CLINIC].private_bytes_raw()

    # when it is run again
    found = await adopt(layout, CLOCK, protocol)

    # then the party has joined with the keys that it had
    assert found.joined == (CLINIC,)
    assert layout.agency_keys(CLINIC).read_bytes() == keys
    assert load_officers(layout.officers)[CLINIC].private_bytes_raw() == officer


async def test_what_cannot_be_put_in_force_changes_nothing(
    layout: Layout, protocol: Path, tmp_path: Path
) -> None:
    # the protocol that is in force already
    assert await refusal(layout, county_folder()) == "protocol.adopt.same"
    # one of another partnership
    assert await refusal(layout, county_folder("eastbridge")) == "protocol.adopt.origin"
    # one whose new party has not said what it lets out
    (protocol / "publication" / f"{CLINIC}.yaml").unlink()
    assert await refusal(layout, protocol) == "protocol.adopt.rule"
    # one that a party has gone from
    await adopt(layout, CLOCK, with_clinic(tmp_path / "again"))
    assert await refusal(layout, county_folder()) == "protocol.adopt.leaves"
    # any, where the officers' keys lie elsewhere
    layout.officers.unlink()
    assert await refusal(layout, protocol) == "installation.officers"
