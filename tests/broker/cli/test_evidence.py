"""`log evidence` and `log verify-evidence`: what is shown holds, and nothing that was touched."""

import asyncio
import io
import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from broker.access_log.errors import LogError
from broker.access_log.evidence import INDEX, PAGE, pack, unpack
from broker.backends.sqlite.record_keys import SqliteRecordKeys
from broker.errors import ConcordatError
from broker.receipts.evidence_check import check
from broker.records.names import RecordDigest
from broker.runtimes.evidence import read_archive, verify_evidence
from broker.runtimes.keystore import BrokerSecrets
from broker.runtimes.layout import Layout
from tests.support.commands import Commands

ROOT_FILE = "root.json"
GIRL = "9990000018"
"""Of whom the demonstration tells."""


def made(commands: Commands, folder: Path, *words: str) -> Path:
    """Write evidence, and return the file."""
    file = folder / "case.zip"
    commands("log", "evidence", *words, "-o", file)
    return file


def zipped(files: dict[str, bytes]) -> bytes:
    """Return an archive of files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, value in files.items():
            archive.writestr(name, value)
    return data.getvalue()


def holds(files: dict[str, bytes]) -> bool:
    """Tell whether files hold as evidence: all but the decisions, which need the module."""
    try:
        return check(unpack(files)).holds
    except ConcordatError:
        return False


def test_all_that_was_decided_about_a_child_holds_offline(week: Commands, tmp_path: Path) -> None:
    # given evidence of all about one girl, when it is checked by the first root alone
    file = made(week, tmp_path, "--nhs-number", GIRL)
    shutil.copy(week.root / "1.root.json", tmp_path / "root.json")
    words = ("log", "verify-evidence", file, "--root", tmp_path / "root.json")
    document = week.bare(*words, "--json").document

    # then each entry stands in the log, was signed, and is decided so again
    assert document["holds"]
    assert document["first_root_given"]
    assert document["page_as_it_must_be"]
    counts = Counter(x["what"] for one in document["entries"] for x in one["checked"])
    assert counts["place"] == counts["facts"] == counts["source"] == len(document["entries"])
    assert counts["decision"] > 20
    assert counts["slots"] > 20
    # and every agency was shown the same log
    assert len(document["witnesses"]) == document["agencies"] == 8

    # and people are told so
    said = week.bare(*words).out
    assert "The evidence holds." in said
    assert "The first root is the one that you gave." in said
    assert "Witnessed by 8 of 8 agencies (eastshire-council, " in said
    page = read_archive(file.read_bytes())[PAGE].decode()
    assert "8 of 8 agencies were shown the same log" in page
    assert document["partnership"] in week.bare("log", "verify-evidence", file).out


def test_the_page_names_agencies_and_clauses_and_no_number_of_hers_is_in_the_index(
    week: Commands, tmp_path: Path
) -> None:
    files = read_archive(made(week, tmp_path, "--nhs-number", GIRL).read_bytes())
    page = files[PAGE].decode()
    assert "Multi-agency safeguarding hub (MASH)" in page
    assert "Because" in page
    assert "That version of the protocol, asked again, gives this decision." in page
    assert GIRL not in files[INDEX].decode()


def test_entries_and_records_are_named_in_any_mixture(week: Commands, tmp_path: Path) -> None:
    (entry,) = week.json("log", "search", "--type", "missing-episode", "--limit", "1")["entries"]
    record = entry["record_digest"]
    file = made(week, tmp_path, "--entry", "0", "--entry", "3", "--record", record)
    entries = week.bare("log", "verify-evidence", file, "--json").document["entries"]
    assert {0, 3, entry["entry"]} <= {one["entry"] for one in entries}


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ((), "usage.evidence-case"),
        (("--entry", "99999999"), "usage.evidence"),
        (("--record", "00000000"), "usage.evidence"),
        (("--nhs-number", "123"), "usage.nhs-number"),
    ],
)
def test_what_cannot_be_given_is_refused(
    week: Commands, tmp_path: Path, words: tuple[str, ...], error: str
) -> None:
    answer = week("log", "evidence", *words, "-o", tmp_path / "e.zip", "--json", code=2)
    assert answer.error == error
    assert not (tmp_path / "e.zip").exists()


def test_files_that_are_no_evidence_are_refused(week: Commands, tmp_path: Path) -> None:
    absent = week.bare("log", "verify-evidence", tmp_path / "none.zip", "--json", code=2)
    assert absent.error == "usage.evidence-file"
    for data in (b"", b"PK", zipped({}), zipped({INDEX: b"{}"}), zipped({INDEX: b"[" * 10_000})):
        (tmp_path / "e.zip").write_bytes(data)
        answer = week.bare("log", "verify-evidence", tmp_path / "e.zip", "--json", code=1)
        assert answer.error == "evidence.shape"


def test_an_archive_with_one_name_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as archive:
        archive.writestr("one", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("one", b"2")
    with pytest.raises(LogError) as refused:
        read_archive((tmp_path / "e.zip").read_bytes())
    assert refused.value.code.name == "evidence.shape"


def test_another_first_root_is_refused(week: Commands, founded: Path, tmp_path: Path) -> None:
    file = made(week, tmp_path, "--entry", "0")
    words = ("log", "verify-evidence", file, "--root", founded / "1.root.json")
    assert week.bare(*words, "--json", code=1).error == "evidence.root"


@pytest.fixture
def small(week: Commands, tmp_path: Path) -> dict[str, bytes]:
    """Evidence of three entries about one record."""
    words = ("--type", "missing-episode", "--outcome", "content", "--limit", "3")
    found = week.json("log", "search", *words)["entries"]
    file = made(week, tmp_path, *(f"--entry={one['entry']}" for one in found))
    return read_archive(file.read_bytes())


def test_what_is_packed_is_what_was_unpacked(small: dict[str, bytes]) -> None:
    packed = pack(unpack(small))
    assert packed == {name: data for name, data in small.items() if name in packed}
    assert holds(packed)


def test_no_byte_can_be_changed_unnoticed(small: dict[str, bytes]) -> None:
    # given evidence that holds, when one bit of any file is changed, it holds no longer
    random = Random(7)
    assert holds(small)
    tried = 0
    for name, data in small.items():
        if "/" not in name and name != ROOT_FILE:
            continue
        for place in {random.randrange(len(data)), len(data) - 1}:
            changed = bytearray(data)
            changed[place] ^= 1 << random.randrange(8)
            assert not holds(small | {name: bytes(changed)}), (name, place)
            tried += 1
    assert tried > 50


def test_no_file_can_be_left_out_but_an_opening(small: dict[str, bytes]) -> None:
    # given evidence that holds, when a file is left out, then it holds no longer, or shows less
    for name in small:
        left = {one: data for one, data in small.items() if one != name}
        file = name.rpartition("/")[2]
        if file in {"leaf.bin", "proof.txt", "minimised.bin", "evidence.json", "root.json"}:
            assert not holds(left), name
    left = {name: data for name, data in small.items() if "personal" not in name}
    left = {name: data for name, data in left.items() if name != PAGE}
    verdict = asyncio.run(verify_evidence(zipped(left)))
    whats = {x.what.value for one in verdict.checked.entries for x in one.shown}
    assert verdict.holds
    assert "personal" not in whats
    assert "decision" not in whats


def test_a_cosignature_of_nobodys_is_refused_and_fewer_are_counted(
    small: dict[str, bytes],
) -> None:
    # given evidence under a checkpoint with the lines of its witnesses
    name = next(one for one in small if one.endswith("proof.txt"))
    lines = small[name].splitlines(keepends=True)
    # when one is another's, or false, then it does not hold
    renamed = lines[-1].replace(b"/witness/", b"/witness/no-")
    assert not holds(small | {name: b"".join([*lines[:-1], renamed])})
    encoded = lines[-1].rstrip(b"\n")
    flipped = encoded[:-8] + (b"A" if encoded[-8:-7] != b"A" else b"B") + encoded[-7:] + b"\n"
    assert not holds(small | {name: b"".join([*lines[:-1], flipped])})
    # when all are left out, then it holds as evidence that nobody has witnessed
    files = dict(small)
    for one in [one for one in small if one.endswith("proof.txt")]:
        kept = [line for line in small[one].splitlines(keepends=True) if b"/witness/" not in line]
        files[one] = b"".join(kept)
    checked = check(unpack(files))
    assert (checked.holds, checked.witnesses, checked.agencies) == (True, (), 8)


def test_parts_of_another_entry_do_not_fit(small: dict[str, bytes]) -> None:
    first, second = sorted({name.split("/")[1] for name in small if name.startswith("entries/")})[
        :2
    ]
    for part in ("leaf.bin", "facts.bin", "personal.bin", "told.bin", "proof.txt"):
        name, other = f"entries/{first}/{part}", f"entries/{second}/{part}"
        assert not holds(small | {name: small[other]}), part


@pytest.mark.parametrize(
    "change",
    [
        lambda index: index | {"form": "another"},
        lambda index: index | {"partnership": "00" * 32},
        lambda index: index | {"partnership": "x"},
        lambda index: index | {"entries": index["entries"][::-1]},
        lambda index: index | {"entries": [*index["entries"], 10**6]},
        lambda index: index | {"entries": index["entries"][1:]},
        lambda index: index | {"entries": "1"},
        lambda index: index | {"protocol_at_ms": index["protocol_at_ms"][1:]},
        lambda index: index | {"protocol_at_ms": [-1] * len(index["protocol_at_ms"])},
        lambda index: index | {"made_at_ms": True},
    ],
)
def test_an_index_that_does_not_fit_is_refused(
    small: dict[str, bytes], change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    index = json.dumps(change(json.loads(small[INDEX]))).encode()
    assert not holds(small | {INDEX: index})


def test_a_file_too_many_is_refused(small: dict[str, bytes]) -> None:
    assert not holds(small | {"entries/1/more.bin": b""})
    assert not holds(small | {"more": b""})


def test_a_page_that_says_something_else_is_noticed(
    small: dict[str, bytes], week: Commands, tmp_path: Path
) -> None:
    page = small[PAGE].replace(b"Eastshire Police", b"Westshire Police")
    (tmp_path / "e.zip").write_bytes(zipped(small | {PAGE: page}))
    answer = week.bare("log", "verify-evidence", tmp_path / "e.zip", code=1)
    assert "page.html does not say what the entries say" in answer.out
    assert "does NOT hold" in answer.out


def test_what_does_not_hold_is_said_in_words(
    small: dict[str, bytes], week: Commands, tmp_path: Path
) -> None:
    name = next(one for one in small if one.endswith("facts.bin"))
    (tmp_path / "e.zip").write_bytes(
        zipped(small | {name: bytes([small[name][0] ^ 1]) + small[name][1:]})
    )
    answer = week.bare("log", "verify-evidence", tmp_path / "e.zip", code=1)
    assert "NOT what the log committed to" in answer.out


def test_an_erased_record_is_closed_and_its_entries_stand(
    own_week: Commands, tmp_path: Path
) -> None:
    # given a record whose key is destroyed
    words = ("--type", "missing-episode", "--outcome", "content", "--limit", "1")
    found = own_week.json("log", "search", *words)["entries"]
    layout = Layout(own_week.root)
    secrets = BrokerSecrets.load(layout.broker_secrets)
    record = RecordDigest(bytes.fromhex(found[0]["record_digest"]))

    async def erase() -> None:
        with SqliteRecordKeys.open(layout.record_keys, secrets.record_keys) as keys:
            await keys.destroy([record], own_week.at)

    asyncio.run(erase())

    # when evidence is given of it, then facts and place hold, and nothing else is in it
    file = made(own_week, tmp_path, "--entry", str(found[0]["entry"]))
    document = own_week.bare("log", "verify-evidence", file, "--json").document
    (entry,) = document["entries"]
    assert document["holds"]
    assert {x["what"] for x in entry["checked"]} == {"place", "facts", "protocol", "revision"}
