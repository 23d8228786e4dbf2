"""Founding an installation: whole or not at all, never over another one."""

import os
import shutil
from pathlib import Path

import pytest

from broker import shipped
from broker.backends.sqlite.outbox import SqliteOutbox
from broker.backends.sqlite.store import Store
from broker.backends.sqlite.streams import SqliteStreams
from broker.protocol.published import PublishedProtocol
from broker.protocol.root import read_root
from broker.records.batches import key_id_of
from broker.records.check import ROUTER
from broker.records.keys import KeyRegistry
from broker.runtimes import founding
from broker.runtimes.clock import SetClock
from broker.runtimes.embedded import open_broker
from broker.runtimes.founding import engine_files, found_county, read_county, schema_files
from broker.runtimes.keystore import AgencyKeys, BrokerSecrets, load_officers
from broker.runtimes.layout import (
    COUNTY_EXISTS,
    NO_COUNTY,
    UNFINISHED,
    InstallationError,
    Layout,
)
from broker.runtimes.protocol import log_keys, protocol_entries, read_protocol
from broker.runtimes.rotation import load_router_keys
from broker.runtimes.topics import STREAM, TOPOLOGY
from broker.settings import Settings
from tests.support.county import NOON, SCHOOL, raw, revision

CLOCK = SetClock(NOON)


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every founding use one composed revision: composing it is half of the work."""
    monkeypatch.setattr(founding, "read_county", lambda **_: revision())


class Cut(BaseException):
    """Stands for the death of the process."""


def dies(*_: object, **__: object) -> None:
    raise Cut


async def published(layout: Layout) -> PublishedProtocol:
    """Read the protocol as every party does: from the first root on."""
    with Store.open(layout.stream) as stream:
        streams = SqliteStreams(dict.fromkeys(STREAM, stream), stream, CLOCK, TOPOLOGY)
        protocol = await read_protocol(streams, layout.first_root.read_bytes())
        assert protocol.position == len(await protocol_entries(streams))
        return protocol


async def refused(layout: Layout) -> InstallationError:
    """Return why a county is not founded."""
    with pytest.raises(InstallationError) as caught:
        await found_county(layout, CLOCK)
    return caught.value


def held(root: Path) -> dict[str, bytes]:
    """Return every file with what it holds."""
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


# ---------------------------------------------------------------- a whole one


async def test_a_founded_county_can_be_verified_from_its_first_root_on(tmp_path: Path) -> None:
    # given a folder that does not exist, when a county is founded there
    layout = Layout(tmp_path / "new" / "county")
    founded = await found_county(layout, CLOCK)

    # then its protocol stands, with the shipped revision in force and nothing refused
    protocol = await published(layout)
    assert protocol.refused == []
    assert protocol.current(CLOCK.now()).digest == founded.digest == revision().digest
    assert protocol.partnership == read_root(layout.first_root.read_bytes()).digest
    assert protocol.agencies() == layout.agencies()

    # and every private key is the one that the protocol names
    registry = protocol.registry
    secrets = BrokerSecrets.load(layout.broker_secrets)
    (router,) = load_router_keys(layout.router_keys)
    assert (router.made, router.retired) == (NOON, None)
    assert registry.sealing_key(ROUTER).public_bytes_raw() == router.public
    assert [one.public for one in log_keys(protocol.trust)] == [raw(secrets.log)]
    assert protocol.trust.operator == raw(secrets.operator)
    officers = load_officers(layout.officers)
    assert {one.agency: one.key for one in protocol.trust.officers} == {
        name: raw(key) for name, key in officers.items()
    }
    for agency in layout.agencies():
        assert_registered(registry, layout, agency)


def assert_registered(registry: KeyRegistry, layout: Layout, agency: str) -> None:
    """Check that an agency's keys are published, and its rule is the shipped one."""
    keys = AgencyKeys.load(layout.agency_keys(agency))
    holder = revision().agreement.roster.agencies
    (name,) = [one for one in holder if one == agency]
    seal = keys.seal.public_key().public_bytes_raw()
    assert registry.sealing_key(name).public_bytes_raw() == seal
    found = registry.signing_key(
        name, key_id_of(raw(keys.sign)), position=1_000, arrived=NOON, issued=NOON
    )
    assert found.public_bytes_raw() == raw(keys.sign)
    rules = shipped.policies() / "protocols" / founding.COUNTY / "publication"
    rule = layout.publication_rule(agency).read_bytes()
    assert rule == (rules / f"{agency}.yaml").read_bytes()


@pytest.mark.usefixtures("composed")
async def test_no_two_counties_share_a_key(founded: Path, tmp_path: Path) -> None:
    # given a county, when another is founded, then it is another partnership with keys of its own
    first, second = Layout(founded), Layout(tmp_path / "second")
    await found_county(second, CLOCK)
    assert (await published(first)).partnership != (await published(second)).partnership
    secrets = [BrokerSecrets.load(one.broker_secrets) for one in (first, second)]
    assert secrets[0].tokens != secrets[1].tokens
    keys = [AgencyKeys.load(one.agency_keys(SCHOOL)) for one in (first, second)]
    assert keys[0].id_key != keys[1].id_key

    # and a first root of one does not open the other's protocol
    shutil.copy(first.first_root, second.first_root)
    mixed = await published(second)
    assert mixed.agencies() == ()
    assert mixed.refused


@pytest.mark.usefixtures("composed")
async def test_the_first_root_is_readable_and_nothing_is_left_over(tmp_path: Path) -> None:
    # given a founded county, when its folder is looked at, then no half-written file is in it
    await found_county(Layout(tmp_path / "county"), CLOCK)
    names = sorted(held(tmp_path / "county"))
    assert "1.root.json" in names
    assert not [name for name in names if name.endswith((".new", "-journal"))]


# ---------------------------------------------------------------- twice


@pytest.mark.usefixtures("composed")
async def test_a_county_is_never_founded_over_another(tmp_path: Path) -> None:
    # given a founded county
    layout = Layout(tmp_path / "county")
    await found_county(layout, CLOCK)
    before = held(layout.root)

    # when another is founded in the same folder, then that is refused and not a byte changes
    error = await refused(layout)
    assert (error.code, error.where) == (COUNTY_EXISTS, "county")
    assert held(layout.root) == before


# ---------------------------------------------------------------- interrupted


@pytest.mark.usefixtures("composed")
@pytest.mark.parametrize(
    "step",
    [
        (SqliteOutbox, "open"),
        (founding, "copy_rule"),
        (founding, "save_router_keys"),
        (SqliteStreams, "publish"),
        (founding, "replace_file"),
    ],
    ids=lambda step: step[1],
)
async def test_an_interrupted_founding_is_never_used_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: tuple[object, str]
) -> None:
    # given a founding that is cut off at some step
    layout = Layout(tmp_path / "county")
    with monkeypatch.context() as patch:
        patch.setattr(*step, dies)
        with pytest.raises(Cut):
            await found_county(layout, CLOCK)

    # when the folder is used, then there is no installation in it
    with pytest.raises(InstallationError) as caught:
        layout.require()
    assert caught.value.code is NO_COUNTY
    with pytest.raises(InstallationError, match=r"installation\.absent"):
        async with open_broker(layout, CLOCK, Settings(dir=layout.root), inline=True):
            pass

    # and when it is founded again, then it says what is there and what to do
    error = await refused(layout)
    assert (error.code, error.where) == (UNFINISHED, "county")
    assert "delete the folder" in error.fix


@pytest.mark.usefixtures("composed")
async def test_once_the_remains_are_deleted_a_county_is_founded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given what an interrupted founding has left, when it is deleted as told, then founding works
    layout = Layout(tmp_path / "county")
    with monkeypatch.context() as patch:
        patch.setattr(founding, "save_officers", dies)
        with pytest.raises(Cut):
            await found_county(layout, CLOCK)
    shutil.rmtree(layout.root)
    await found_county(layout, CLOCK)
    layout.require(SCHOOL)


@pytest.mark.usefixtures("composed")
async def test_a_founding_cut_off_before_its_first_secret_is_made_again(tmp_path: Path) -> None:
    # given the empty folders that such a founding has left
    layout = Layout(tmp_path / "county")
    layout.stream.parent.mkdir(parents=True)
    layout.broker.mkdir()

    # when it is founded again, then nothing has to be deleted
    await found_county(layout, CLOCK)
    assert (await published(layout)).refused == []


@pytest.mark.usefixtures("composed")
async def test_a_first_root_that_was_cut_off_is_no_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a disk that is full when the last file, the first root, is written
    layout = Layout(tmp_path / "county")
    synced = os.fsync

    def full(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").resolve().name.startswith("1.root.json"):
            raise OSError(28, "No space left on device")
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        await found_county(layout, CLOCK)

    # then no part of it passes for an installation
    assert not layout.first_root.exists()
    assert (await refused(layout)).code is UNFINISHED


@pytest.mark.usefixtures("composed")
async def test_a_folder_that_cannot_be_made_is_the_systems_own_error(tmp_path: Path) -> None:
    # given a file where the folder would be, when a county is founded, then nothing is left
    (tmp_path / "county").write_text("a file")
    with pytest.raises(OSError, match="county"):
        await found_county(Layout(tmp_path / "county"), CLOCK)
    assert held(tmp_path) == {"county": b"a file"}


# ---------------------------------------------------------------- what is shipped


def test_the_shipped_county_is_the_same_revision_each_time() -> None:
    # given the shipped texts, when they are composed anew, then they are the same revision
    assert read_county("eastshire").digest == revision().digest


def test_the_engine_is_shipped_without_its_tests_and_with_every_schema() -> None:
    # given the shipped files, when they are read, then tests of Rego are none of them
    engine = engine_files()
    assert engine.rego
    assert not [name for name in engine.rego if name.endswith("_test.rego")]
    assert {name.partition("/")[0] for name in engine.rego} == set(founding.REGO_FOLDERS)
    assert engine.module.startswith(b"\0asm")

    # and each schema is named by type and version
    assert "missing-episode/1.0.avsc" in schema_files()
