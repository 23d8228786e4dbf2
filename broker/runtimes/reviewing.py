"""Reviewing a protocol's text: what is wrong in it, and what is different from another one."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from broker.protocol.agreement_difference import agreement_changes
from broker.protocol.cases import Case
from broker.protocol.checks import Finding, check_cases, check_text
from broker.protocol.decisions import Decision
from broker.protocol.difference import Change, clause_changes
from broker.protocol.reach import Reach, together
from broker.protocol.revision import Revision, schemas_in
from broker.runtimes.founding import read_county
from broker.runtimes.points import module_point


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What was found in a protocol's text.

    Attributes:
        digest: of the revision that it makes, 32 bytes.
        clauses: how many.
        cases: how many were decided.
        findings: faults first.
    """

    digest: bytes
    clauses: int
    cases: int
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether there is no fault."""
        return not any(one.fault for one in self.findings)


@dataclass(frozen=True, slots=True)
class Compared:
    """What is different in two revisions.

    Attributes:
        before, after: their digests, 32 bytes.
        reach: of everything together.
        agreement: changes beside the clauses.
        clauses: changes of clauses.
        cases: decision cases that came, went or say something else.
    """

    before: bytes
    after: bytes
    reach: Reach
    agreement: tuple[Change, ...]
    clauses: tuple[Change, ...]
    cases: int


def review(folder: Path) -> Reviewed:
    """Check the text in a folder, and let its module decide its cases.

    Raises:
        ProtocolTextError: it cannot be read as a protocol's.
        OSError: a file is missing.
    """
    revision = read_county(folder=folder)
    schemas = schemas_in(revision.files)
    found = check_text(revision.agreement, revision.clauses, revision.cases, schemas)
    wrong = check_cases(revision.clauses, _decided(revision))
    return Reviewed(revision.digest, len(revision.clauses), len(revision.cases), (*wrong, *found))


def _decided(revision: Revision) -> Iterator[tuple[Case, Decision]]:
    with module_point(revision) as point:
        for at in sorted({case.at for case in revision.cases}):
            cases = [case for case in revision.cases if case.at == at]
            answers = point.decide_now([case.question for case in cases], at)
            yield from zip(cases, answers.decisions, strict=True)


def compare(before: Revision, after: Revision) -> Compared:
    """Return what is different."""
    agreement = agreement_changes(before, after)
    schemas = (*schemas_in(before.files), *schemas_in(after.files))
    clauses = clause_changes(before.clauses, after.clauses, schemas)
    return Compared(
        before.digest,
        after.digest,
        together(one.reach for one in (*agreement, *clauses)),
        agreement,
        clauses,
        len({(one.clause, one.name) for one in set(before.cases) ^ set(after.cases)}),
    )
