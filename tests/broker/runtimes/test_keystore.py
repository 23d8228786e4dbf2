"""Private keys in files: readable by their owner only, never overwritten, never shown."""

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from stat import S_IMODE
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.clock import Instant
from broker.runtimes.keystore import AgencyKeys, BrokerSecrets, load_officers, save_officers
from broker.runtimes.layout import DAMAGED, InstallationError
from broker.runtimes.rotation import RouterKey, fresh_key, load_router_keys, save_router_keys
from tests.support.county import NOON

SECRET = "5ec7e7"
"""Stands in damaged files; no error may show it."""


def raw(keys: AgencyKeys) -> tuple[bytes, bytes, bytes]:
    return keys.sign.private_bytes_raw(), keys.seal.private_bytes_raw(), keys.id_key


def test_an_agencys_keys_come_back_as_they_were(tmp_path: Path) -> None:
    # given fresh keys, when they are kept in a folder that does not exist yet
    path = tmp_path / "agencies" / "school" / "keys.json"
    keys = AgencyKeys.fresh()
    keys.save(path)

    # then they come back, their owner alone may read them, and no two agencies share one
    assert raw(AgencyKeys.load(path)) == raw(keys)
    assert S_IMODE(path.stat().st_mode) == 0o600
    assert not set(raw(keys)) & set(raw(AgencyKeys.fresh()))


def test_the_brokers_secrets_come_back_as_they_were(tmp_path: Path) -> None:
    # given fresh secrets, when they are kept and read again, then each is itself
    path = tmp_path / "secrets.json"
    secrets = BrokerSecrets.fresh()
    secrets.save(path)
    again = BrokerSecrets.load(path)
    for name in ("log", "operator", "facts"):
        kept, read = getattr(secrets, name), getattr(again, name)
        assert read.private_bytes_raw() == kept.private_bytes_raw()
    names = ("state", "seen", "tokens", "record_keys")
    assert [getattr(again, name) for name in names] == [getattr(secrets, name) for name in names]
    assert len({getattr(secrets, name) for name in names}) == 4
    assert S_IMODE(path.stat().st_mode) == 0o600


def test_officers_keys_come_back_by_agency(tmp_path: Path) -> None:
    # given two officers, when their keys are kept and read again, then each has their own
    path = tmp_path / "officers.json"
    keys = {name: Ed25519PrivateKey.generate() for name in ("council", "police")}
    save_officers(path, keys)
    found = load_officers(path)
    assert {name: key.private_bytes_raw() for name, key in found.items()} == {
        name: key.private_bytes_raw() for name, key in keys.items()
    }
    assert S_IMODE(path.stat().st_mode) == 0o600


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    # given keys that are kept, when others are kept in the same place, then the first ones stay
    path = tmp_path / "keys.json"
    first = AgencyKeys.fresh()
    first.save(path)
    with pytest.raises(FileExistsError):
        AgencyKeys.fresh().save(path)
    assert raw(AgencyKeys.load(path)) == raw(first)


def changed(**changes: Any) -> Callable[[str], str]:  # noqa: ANN401 - any JSON value
    """Return what changes fields of a file of keys."""
    return lambda text: json.dumps(json.loads(text) | changes)


DAMAGE: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "half-written": lambda text: text[: len(text) // 2],
    "no object": lambda _: f'["{SECRET}"]',
    "null": lambda _: "null",
    "not ASCII": lambda text: text.replace("sign", "sîgn").replace("log", "lög"),
    "a key is missing": lambda _: f'{{"other": "{SECRET}"}}',
    "a key is cut short": changed(sign=SECRET, log=SECRET),
    "a secret is cut short": changed(id_key=SECRET, tokens=SECRET),
    "a secret is empty": changed(id_key="", state=""),
    "a key is no hex": changed(sign=SECRET + "xx", log=SECRET + "xx"),
    "a key is no text": changed(sign=7, log=7),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_named_and_nothing_of_it_is_shown(tmp_path: Path, damage: str) -> None:
    # given files of keys that are damaged alike
    agency, broker = tmp_path / "keys.json", tmp_path / "secrets.json"
    AgencyKeys.fresh().save(agency)
    BrokerSecrets.fresh().save(broker)
    kept = {path: path.read_text("ascii") for path in (agency, broker)}
    loads: dict[Path, Callable[[Path], object]] = {
        agency: AgencyKeys.load,
        broker: BrokerSecrets.load,
    }
    for path, load in loads.items():
        path.write_text(DAMAGE[damage](kept[path]), "utf-8")

        # when one is read, then it says which file, and not a piece of what it holds
        with pytest.raises(InstallationError) as caught:
            load(path)
        assert (caught.value.code, caught.value.where) == (DAMAGED, path.name)
        shown = "".join(traceback.format_exception(caught.value))
        assert caught.value.__suppress_context__
        assert SECRET not in shown
        assert not [v for v in json.loads(kept[path]).values() if v in shown]


def test_officers_and_router_keys_are_checked_in_the_same_way(tmp_path: Path) -> None:
    # given damaged files, when they are read, then each is named
    officers, router = tmp_path / "officers.json", tmp_path / "router-keys.json"
    for text in ("", "[]", '{"a": "zz"}', "7"):
        officers.write_text(text)
        with pytest.raises(InstallationError) as caught:
            load_officers(officers)
        assert (caught.value.code, caught.value.where) == (DAMAGED, officers.name)
    private = f'"private": "{"0" * 64}"'
    for text in ("", "7", "[7]", "[{}]", f"[{{{private}}}]", '[{"private": "00", "made": 1}]'):
        router.write_text(text)
        with pytest.raises(InstallationError) as caught:
            load_router_keys(router)
        assert (caught.value.code, caught.value.where) == (DAMAGED, router.name)


def test_router_keys_are_replaced_in_one_step(tmp_path: Path) -> None:
    # given router keys, when newer ones are saved over them
    path = tmp_path / "router-keys.json"
    old = fresh_key(NOON)
    save_router_keys(path, [old])
    new = [fresh_key(Instant(NOON + 1)), RouterKey(old.private, old.made, Instant(NOON + 2))]
    save_router_keys(path, new)

    # then they come back in their order, for their owner alone, and nothing lies beside them
    found = load_router_keys(path)
    assert [(one.public, one.made, one.retired) for one in found] == [
        (one.public, one.made, one.retired) for one in new
    ]
    assert S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_of_keys_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    # given no file, when it is read, then that is an error of the file system's own
    for load in (AgencyKeys.load, BrokerSecrets.load, load_officers, load_router_keys):
        with pytest.raises(FileNotFoundError):
            load(tmp_path / "absent.json")
