"""Eastshire with other numbers of agencies and clauses, for Concordat itself.

More agencies are copies of the county's, each group of copies with children of its own; they bear
the names that stand in their files, and who is named in the protocol stays who it is. More clauses
are copies of its grants for an agency that is not there (as in `clauses.py`, for OPA): they decide
nothing, but they are looked at.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from benchmarks.kafka.clauses import ELSEWHERE
from benchmarks.kafka.contestants import Shape
from broker.protocol.agreement import Agreement
from broker.protocol.clauses import Clause, Condition, Effect, Test
from broker.protocol.revision import Revision, compose
from broker.protocol.roster import Roster
from broker.records.names import AgencyId
from broker.runtimes.founding import county_folder, engine_files, read_county, schema_files

NEVER = Condition(".".join(ELSEWHERE["path"]), Test.IN, tuple(ELSEWHERE["values"]))
"""A condition that no consumer meets. It stands last, so that the others are looked at."""

GRANTS = frozenset({Effect.CONTENT, Effect.EXISTENCE})


def revision_of(shape: Shape) -> Revision:
    """Return the county's revision with as many agencies and clauses as asked for."""
    county = read_county()
    agreement = with_agencies(county.agreement, shape.agencies)
    clauses = with_clauses(county.clauses, shape.clauses)
    if agreement is county.agreement and clauses is county.clauses:
        return county
    return compose(agreement, clauses, county.cases, schema_files(), engine_files())


def with_agencies(agreement: Agreement, count: int) -> Agreement:
    """Return an agreement of so many agencies; of fewer, those that must sign come first.

    Raises:
        ValueError: they are too few to sign.
    """
    agencies = agreement.roster.agencies
    if count == len(agencies):
        return agreement
    if count < agreement.quorum.at_least:
        raise ValueError(f"fewer agencies than must sign: {count}")
    first = [*agreement.quorum.agencies]
    # Of those that need not sign, schools first: they send most of the records.
    rest = sorted(agencies.keys() - set(first), key=lambda one: agencies[one].type)
    kept = [one for one in agencies if one in {*first, *rest[: count - len(first)]}]
    made = {agency: agencies[agency] for agency in kept}
    for number in range(len(agencies), count):
        turn, place = divmod(number, len(agencies))
        one = agencies[kept[place]]
        copy = copy_of(one.id, turn)
        made[copy] = replace(one, id=copy)
    return replace(agreement, roster=Roster(made))


def copy_of(agency: AgencyId, turn: int) -> AgencyId:
    """Return the id of an agency's copy; its own for turn 0."""
    return AgencyId(f"{agency}-{turn + 1}") if turn else agency


def original_of(agency: AgencyId, originals: Sequence[AgencyId]) -> AgencyId:
    """Return which agency one is a copy of; itself if it is none."""
    return next(
        one for one in originals if agency == one or agency.removeprefix(f"{one}-").isdigit()
    )


def write_rules(agencies: Sequence[AgencyId], originals: Sequence[AgencyId], folder: Path) -> None:
    """Write the publication rule of each agency; copies have that of the agency they copy."""
    folder.mkdir(parents=True)
    for agency in agencies:
        original = original_of(agency, originals)
        text = (county_folder() / "publication" / f"{original}.yaml").read_text("utf-8")
        said = text.replace(f"agency: {original}", f"agency: {agency}")
        (folder / f"{agency}.yaml").write_text(said, "utf-8")


def with_clauses(clauses: Sequence[Clause], count: int | None) -> Sequence[Clause]:
    """Return so many clauses, at least; None: as they are."""
    if count is None or count <= len(clauses):
        return clauses
    grants = [one for one in clauses if one.effect in GRANTS]
    more = (
        replace(one, id=f"{one.id}.{number}", when=(*one.when, NEVER))
        for number, one in enumerate(cycle(grants), start=1)
    )
    return (*clauses, *(next(more) for _ in range(count - len(clauses))))
