"""The made-up week: repeatable, made of real formats, and just as dirty as its manifest says."""

import json
from collections import Counter
from pathlib import Path

import pytest

from adapters.demo_week.people import HARBOUR_ACADEMY, nhs_numbers
from adapters.demo_week.sheets import Sheet, moment
from adapters.demo_week.week import SEED, make_week, protected, write_week
from adapters.format import Draft, ReadContext
from adapters.reading import read_file
from broker.clock import Instant
from broker.records.names import AgencyId
from broker.subjects.identifiers import is_nhs_number, is_upn
from tests.adapters.reading_support import Json, drafts
from tests.adapters.test_formats import fits

TYPES = {
    "eastshire-police": "police",
    "eastshire-council": "social-care",
    "eastshire-hospitals": "health",
    "millbrook-surgery": "health",
    "harbour-practice": "health",
    "st-brannocks-school": "education",
    "harbour-academy": "education",
    "fairfield-primary": "education",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("week")
    write_week(path)
    return path


@pytest.fixture(scope="module")
def manifest(folder: Path) -> Json:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def read_week(folder: Path, manifest: Json) -> dict[str, tuple[Json, tuple[Draft, ...]]]:
    found = {}
    for file in manifest["files"]:
        agency = AgencyId(file["agency"])
        context = ReadContext(agency, TYPES[agency], Instant(file["at"]))
        reading = read_file(folder / file["path"], context)
        account = reading.accounting
        counts = {
            "read": account.read,
            "mapped": account.mapped,
            "records": account.records,
            "context": account.context,
            "rejected": dict(Counter(one.code for one in account.rejected)),
            "warned": dict(Counter(one.code for one in account.warnings)),
        }
        found[file["path"]] = (counts, tuple(drafts(reading)))
    return found


def test_every_file_gives_what_the_manifest_says(manifest: Json, read_week: Json) -> None:
    # Given the week, when each file is read at its hour, then the counts are the manifest's.
    for file in manifest["files"]:
        assert read_week[file["path"]][0] == file["expected"], file["path"]


def test_every_draft_fits_its_schema(read_week: Json) -> None:
    # Given all drafts of the week, when they are encoded, then each fits.
    drafts = [draft for _, drafts in read_week.values() for draft in drafts]
    for draft in drafts:
        fits(draft)
    assert {draft.statement.type for draft in drafts} == {
        "missing-episode", "risk-flags", "emergency-attendance", "school-absence", "referral",
        "involvement", "alert", "concern",
    }  # fmt: skip


def test_the_same_seed_gives_the_same_bytes() -> None:
    # Given a seed twice and another one, when weeks are made, then only the other differs.
    def everything(seed: int) -> dict[str, bytes]:
        return {sheet.path: sheet.content() for sheet in make_week(seed, 60)[1]}

    assert everything(1) == everything(1) != everything(2)


def test_children_do_not_exist_and_are_valid() -> None:
    # Given the county's children, when their numbers are checked, then all are valid test numbers.
    people, _ = make_week(SEED, 120)
    assert all(is_nhs_number(p.nhs) and p.nhs.startswith("999") for p in people)
    assert all(is_upn(p.upn) for p in people)
    for values in (
        [p.nhs for p in people],
        [p.upn for p in people],
        [p.council_id for p in people],
    ):
        assert len(set(values)) == len(people)
    assert len(set(nhs_numbers(500))) == 500


def test_the_girl_s_week(manifest: Json, read_week: Json) -> None:
    # Given the girl's story, when the records about her are collected
    girl = manifest["story"]["nhs_number"]
    about: dict[str, list[Draft]] = {}
    for path, (_, found) in read_week.items():
        for draft in found:
            if draft.statement.identifiers.nhs_number == girl:
                about.setdefault(path.split("/")[0], []).append(draft)
    # Then every agency of hers has said something, and the wrong school nothing.
    assert set(about) == {
        "eastshire-police", "eastshire-council", "eastshire-hospitals", "millbrook-surgery",
        "st-brannocks-school",
    }  # fmt: skip
    facts = {fact for drafts in about.values() for d in drafts for fact in d.statement.labels.facts}
    assert {
        "missing:current", "missing:high-risk", "repeat:third-in-90-days", "attendance:night",
        "absence:unauthorised", "flag:sexual-exploitation", "referral:section-47",
    } <= facts  # fmt: skip


def test_many_children_are_seen_by_several_agencies(read_week: Json) -> None:
    # Given the week, when agencies are counted for each child, then most have more than one.
    seen: dict[str, set[str]] = {}
    for path, (_, found) in read_week.items():
        for draft in found:
            number = draft.statement.identifiers.nhs_number
            if number:
                seen.setdefault(number, set()).add(path.split("/")[0])
    assert sum(len(agencies) > 2 for agencies in seen.values()) > 40


def test_nothing_is_published_before_it_happened(manifest: Json) -> None:
    # Given the manifest, when hours are compared, then files are in order and within the week.
    hours = [file["at"] for file in manifest["files"]]
    assert hours == sorted(hours)
    assert int(moment(0, 0).timestamp() * 1000) <= hours[0]
    assert hours[-1] < int(moment(6, 24 - 1, 59).timestamp() * 1000)


@pytest.mark.parametrize("seed", range(12))
def test_any_seed_gives_a_week(seed: int, tmp_path: Path) -> None:
    # Given another seed, when the week is written, then every file still gives what it should.
    for file in write_week(tmp_path, seed, 60)["files"]:
        agency = AgencyId(file["agency"])
        context = ReadContext(agency, TYPES[agency], Instant(file["at"]))
        account = read_file(tmp_path / file["path"], context).accounting
        assert account.read == file["expected"]["read"], file["path"]
        assert account.mapped == file["expected"]["mapped"], file["path"]


def test_a_county_has_a_protected_child_who_is_not_the_girl() -> None:
    # Given the county, when the protected child is looked for, then it is another one.
    people, sheets = make_week(SEED, 120)
    assert protected(people).number != 1
    assert HARBOUR_ACADEMY in {sheet.agency for sheet in sheets}


def test_too_few_children() -> None:
    # Given too small a county, when a week is asked for, then it is refused.
    with pytest.raises(ValueError, match="at least 40"):
        make_week(SEED, 10)
    with pytest.raises(NotImplementedError):
        Sheet("a", "b", moment(0, 0)).text()
