"""Counties of other sizes, and of today."""

from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from adapters.demo_week import events
from adapters.demo_week.people import children
from adapters.publication import read_publication_rule
from benchmarks.county import NOW
from benchmarks.kafka.contestants import Shape
from benchmarks.kafka.today import days_since, later, moved
from benchmarks.kafka.varied import copy_of, original_of, revision_of, with_agencies, write_rules
from broker.clock import DAY, HOUR, Instant
from broker.protocol.revision import open_revision
from broker.records.names import AgencyId
from broker.records.schemas import SchemaSet
from broker.runtimes.founding import read_county, schema_files

pytestmark = pytest.mark.bench


def test_as_many_as_the_county_has_is_the_county() -> None:
    # given the county's numbers; when a revision is asked for; then it is the shipped one
    assert revision_of(Shape(8)).digest == read_county().digest


def test_a_larger_county_is_a_revision_that_can_be_signed() -> None:
    # given more agencies and clauses; when a revision is made
    made = revision_of(Shape(20, 100))

    # then whoever reads its bundle finds as many, and those who sign
    read = open_revision(made.packed())
    assert len(read.agreement.roster.agencies) == 20
    assert len(read.clauses) == 100
    assert set(read.agreement.quorum.agencies) <= read.agreement.roster.agencies.keys()

    # and copies are of the same type as what they copy
    originals = list(read_county().agreement.roster.agencies)
    kinds = {one.id: one.type for one in read.agreement.roster.agencies.values()}
    assert all(kinds[one] == kinds[original_of(one, originals)] for one in kinds)
    assert all(copy_of(one, 1) in kinds for one in originals)


def test_added_clauses_are_copies_that_nobody_meets() -> None:
    # given the county's clauses; when there are to be more
    made, before = revision_of(Shape(8, 100)).clauses, read_county().clauses

    # then those that there were stay, and each other one asks for an agency that is not there
    assert made[: len(before)] == before
    assert all(one.when[-1].values == ("an-agency-of-elsewhere",) for one in made[len(before) :])
    assert len({one.id for one in made}) == 100


def test_fewer_clauses_are_not_asked_for() -> None:
    # given fewer than there are; when a revision is asked for; then none is taken away
    assert revision_of(Shape(8, 2)).clauses == read_county().clauses


def test_a_smaller_county_keeps_those_who_sign() -> None:
    # given the county's agreement; when there are to be four agencies
    agreement = read_county().agreement
    found = with_agencies(agreement, 4).roster.agencies

    # then those who must sign stay, with a school, which sends the most
    assert set(agreement.quorum.agencies) < found.keys()
    assert sorted(one.type for one in found.values()) == [
        "education",
        "health",
        "police",
        "social-care",
    ]

    # and fewer than must sign is no county
    with pytest.raises(ValueError, match="must sign"):
        with_agencies(agreement, 2)


def test_each_copy_has_the_rule_of_what_it_copies(tmp_path: Path) -> None:
    # given a county of twice the agencies
    originals = list(read_county().agreement.roster.agencies)
    doubled = list(with_agencies(read_county().agreement, 16).roster.agencies)

    # when publication rules are written
    write_rules(doubled, originals, tmp_path / "publication")

    # then each agency has its own, and it can be read
    types = {schema.type for schema in SchemaSet(schema_files()).types()}
    for agency in doubled:
        text = (tmp_path / "publication" / f"{agency}.yaml").read_bytes()
        assert read_publication_rule(text, agency, types, f"{agency}.yaml").agency == agency
    assert copy_of(AgencyId("millbrook-surgery"), 1) in doubled


def test_the_month_ends_today() -> None:
    # given a moment months after the month of the records
    now = Instant(NOW + 100 * DAY + 5 * HOUR)

    # when the month is moved
    days = days_since(now)

    # then it ended at the same hour, less than a day ago
    assert days == 100
    assert 0 <= now - moved(days) < DAY


def test_whatever_is_made_meanwhile_happens_later() -> None:
    # given the county's first day
    assert events.day(0) == "2026-03-02"

    # when it is moved; then its days and hours are later, and afterwards they are as they were
    with later(100):
        assert events.day(0) == "2026-06-10"
        sheet = events.missing(Random(1), children(Random(1), 40), 0)
        assert sheet.at == datetime(2026, 6, 10, 7, 20, tzinfo=UTC)
    assert events.day(0) == "2026-03-02"
