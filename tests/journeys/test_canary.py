"""A word planted in every place of every record is found only where the protocol lets it through.

Files, message keys, table rows, log entries, errors and what the operator's and the auditor's
commands say: none of them may hold a word that an agency wrote.
"""

import asyncio
import base64
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.format import Draft
from broker.records.names import FIRST_TYPE_SLOT, AgencyId, Kind
from broker.records.statement import Identifiers, Indicator, Labels
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.layout import Layout
from broker.runtimes.publishing import publish_drafts
from tests.journeys.planting import WORD, Planted, Planter
from tests.journeys.steps import NOON
from tests.support.commands import Commands
from tests.support.county import TODAY, nhs_number, sample, schemas

NHS_NUMBER, BORN = nhs_number(7777), "2011-09-25"
GIRL = Identifiers(nhs_number=NHS_NUMBER, date_of_birth=BORN)
POLICE, COUNCIL = AgencyId("eastshire-police"), AgencyId("eastshire-council")
HOSPITALS, SCHOOL = AgencyId("eastshire-hospitals"), AgencyId("st-brannocks-school")
PRACTICE, OTHER_SCHOOL = AgencyId("millbrook-surgery"), AgencyId("harbour-academy")

REGISTERS = {
    SCHOOL: "on-roll",
    PRACTICE: "registered",
    COUNCIL: "allocated",
    HOSPITALS: "open-case",
}
SIGNS = (Indicator("missing", TODAY - 1, "fact"),)
SAID = {
    POLICE: ("missing-episode", "risk-flags"),
    HOSPITALS: ("emergency-attendance", "concern"),
    SCHOOL: ("school-absence", "concern"),
    COUNCIL: ("referral", "alert"),
    PRACTICE: ("concern",),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What was planted, and who got which of it.

    Attributes:
        commands: on the county.
        planted: planted word → record type and slot.
        source: planted word → agency that wrote it.
        got: agency → JSON of everything that it may open.
    """

    commands: Commands
    planted: Mapping[str, tuple[str, int]]
    source: Mapping[str, AgencyId]
    got: Mapping[AgencyId, str]

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that may stand nowhere, with the child's numbers."""
        return (*self.planted, NHS_NUMBER, BORN)


def labels_of(record_type: str) -> Labels:
    """Return labels that send a record about as far as the protocol lets one go."""
    facts = ("missing:current", "missing:high-risk") if record_type == "missing-episode" else ()
    return Labels(
        record_type,
        indicators=SIGNS,
        age_band="13-15",
        purpose=("safeguarding",),
        facts=facts,
        summary_shareable=True,
        third_party_checked=False,
    )


def drafts_of(planter: Planter, agency: AgencyId) -> Iterator[tuple[Planted, bool]]:
    """Yield everything that an agency says, and whether it is urgent."""
    kind = REGISTERS.get(agency)
    if kind is not None:
        link = {"kind": kind, "from": TODAY - 30, "until": None}
        content = {"link": link, "site": sample("involvement")["site"]}
        yield planter(Labels("involvement"), Kind.REGISTER, content), False
    for record_type in SAID.get(agency, ()):
        register = record_type == "alert"
        of = Kind.REGISTER if register else Kind.RECORD
        yield planter(labels_of(record_type), of, sample(record_type)), not register


async def publish(layout: Layout, agency: AgencyId, *, registers: bool) -> list[Planted]:
    """Publish one agency's registers, or its records; return what was planted."""
    async with agency_side(layout, agency, SetClock(NOON)) as side:
        planter = Planter(side.schemas, side.signer, GIRL)
        said = [one for one in drafts_of(planter, agency) if one[1] is not registers]
        drafts = [Draft(one.statement, "item", urgent=urgent) for one, urgent in said]
        await publish_drafts(side, drafts)
    return [one for one, _ in said]


def opened(commands: Commands, agency: str) -> str:
    """Return everything that an agency's people can open, as JSON."""
    found = [
        commands.json("inbox", agency, "--open", one["delivery"])
        for one in commands.json("inbox", agency, "--all")["deliveries"]
    ]
    return json.dumps(found, ensure_ascii=False)


@pytest.fixture(scope="module")
def told(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Eastshire, where every agency has written words in every place, routed and received."""
    root = Path(shutil.copytree(founded, tmp_path_factory.mktemp("canary") / "county"))
    with pytest.MonkeyPatch.context() as patch:
        yield all_told(Commands(root, patch, NOON))


def all_told(eastshire: Commands) -> Told:
    """Let everybody write, route, and let everybody open what came."""
    layout = Layout(eastshire.root)
    planted: dict[str, tuple[str, int]] = {}
    source: dict[str, AgencyId] = {}
    for registers in (True, False):
        for agency in map(AgencyId, layout.agencies()):
            for one in asyncio.run(publish(layout, agency, registers=registers)):
                for word, slot in one.words.items():
                    planted[word], source[word] = (one.statement.type, slot), agency
        eastshire("route")
    got = {agency: opened(eastshire, agency) for agency in layout.agencies()}
    for agency, said in got.items():
        if said != "[]":
            eastshire("ack", agency, "all")
    eastshire("route")
    return Told(eastshire, planted, source, got)


def rows(file: Path) -> Iterator[bytes]:
    """Yield every value of every row of a database, whole."""
    with sqlite3.connect(file) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            for row in database.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - a table's own name
                for value in row:
                    yield value if isinstance(value, bytes) else str(value).encode()
    database.close()


def everything(root: Path) -> Iterator[tuple[str, bytes]]:
    """Yield all bytes of an installation, and the rows of its databases once more."""
    for file in sorted(root.rglob("*")):
        if file.is_file():
            yield str(file.relative_to(root)), file.read_bytes()
        if file.suffix == ".sqlite":
            yield f"rows of {file.relative_to(root)}", b"\0".join(rows(file))


def disguises(word: str) -> Iterator[bytes]:
    """Yield a word's bytes as they are and as a careless encoder would write them."""
    plain = word.encode()
    yield plain
    yield plain.hex().encode()
    for before in range(3):  # whatever stands before it: the inner characters are the same
        yield base64.b64encode(b"\0" * before + plain)[4 * bool(before) :][:-4]


def found_in(data: bytes, secrets: tuple[str, ...]) -> list[str]:
    """Return the secrets that stand in some bytes."""
    return [word for word in secrets if any(one in data for one in disguises(word))]


def test_words_are_planted_in_every_type(told: Told) -> None:
    # given the records of all agencies, when their planted places are counted, then none is bare
    types = {record_type for record_type, _ in told.planted.values()}
    assert types == {"involvement", *(one for said in SAID.values() for one in said)}
    assert len(told.planted) > 100


def test_nothing_at_rest_holds_a_word(told: Told) -> None:
    # given a county through which all of it went, when every byte of every file is searched, keys
    # of messages, log tiles, indexes and inboxes among them, then nothing is found
    searched = list(everything(told.commands.root))
    assert any(name.startswith("broker/log/") for name, _ in searched)
    assert any(name == "rows of stream/stream.sqlite" and data for name, data in searched)
    assert [
        (name, found) for name, data in searched if (found := found_in(data, told.secrets))
    ] == []


@pytest.mark.parametrize(
    "words",
    [
        ("route",),
        ("doctor",),
        ("log", "verify"),
        ("log", "search", "--limit", "500"),
        ("tasks", "harbour-academy"),
        ("quarantine", "list", "eastshire-police"),
    ],
)
def test_lists_and_the_log_say_no_word(told: Told, words: tuple[str, ...]) -> None:
    # given the commands of operator and auditor, when they speak to people or
    # programs, then no word of a record is in it
    for said in (told.commands(*words), told.commands(*words, "--json")):
        assert found_in((said.out + said.errors).encode(), tuple(told.planted)) == []


def test_a_list_of_deliveries_names_a_child_by_the_readers_own_number_only(told: Told) -> None:
    # given the lists of what came, which lie open on a desk, when they are searched, then at most
    # words that the agency itself wrote are there
    for agency in told.got:
        theirs = tuple(word for word, source in told.source.items() if source != agency)
        for flags in ((), ("--json",)):
            said = told.commands("inbox", agency, "--all", *flags)
            assert found_in((said.out + said.errors).encode(), theirs) == []


@pytest.mark.parametrize("word", [f"{WORD}police0001", f"{WORD}police00012", f"{WORD}police000123"])
def test_a_word_in_disguise_is_found(word: str) -> None:
    # given a word among other bytes, plain or encoded at any place, when searched, it is found
    for before in range(4):
        data = b"." * before + word.encode() + b"..."
        for encoded in (data, data.hex().encode(), base64.b64encode(data)):
            assert found_in(encoded, (word,)) == [word]


def test_free_text_reaches_nobody(told: Told) -> None:
    # given words in free text, when others open what they got, then none of these is in it
    known = schemas()
    for word, (record_type, slot) in told.planted.items():
        spec = known.named(record_type, "1.0").slots.get(slot)
        if slot >= FIRST_TYPE_SLOT and spec is not None and spec.narrative:
            assert all(word not in said for said in told.got.values()), (record_type, spec.name)


def test_a_school_that_she_does_not_go_to_gets_no_word(told: Told) -> None:
    # given a school without a link to her, when it opens its inbox, then nothing is there
    assert told.got[OTHER_SCHOOL] == "[]"


def test_the_words_arrive_where_they_may(told: Told) -> None:
    # given the agencies that work with her, when they open what they got, then words of others are
    # there, and each inbox lacks some
    for agency in (COUNCIL, SCHOOL, PRACTICE):
        others = [word for word, source in told.source.items() if source != agency]
        there = [word for word in others if word in told.got[agency]]
        assert 0 < len(there) < len(others), agency
