"""The page of scenarios: each story, who gets what of it, and why."""

from collections.abc import Iterator, Sequence

from broker.protocol.revision import Revision
from broker.protocol.wording import listing
from broker.records.names import AgencyId, agency_of, desk_of
from broker.runtimes.scenarios.model import TAGGED, Expect, Expected, Scenario, Step

INTRODUCTION = """\
# Scenarios

Small stories with which the protocol is tried before it is signed. Each is played on a real broker:
agencies publish, the broker decides and logs, each agency verifies what it receives, and the log is
verified in the end. What stands in the tables is what must come, and whoever is not named in a step
gets nothing of it. All children are made up.

`concordat scenario run` plays them; [scenario-format.md](scenario-format.md) describes the files.
This page is made from them: `concordat scenario doc -o docs/scenarios.md`.
"""

_GETS = {
    Expected.CONTENT: "gets it",
    Expected.EXISTENCE: "is told whom to ask, and nothing more",
    Expected.REFER: "gets nothing until the source has answered",
    Expected.WITHHOLD: "gets nothing",
    Expected.NOT_ASKED: "gets nothing; nobody even asks",
    Expected.NOTHING: "gets nothing",
    Expected.TASK: "must decide whether to share it",
}


def page(scenarios: Sequence[Scenario], revision: Revision) -> str:
    """Return the page, in Markdown."""
    return "\n".join(
        [INTRODUCTION, *(line for one in scenarios for line in _chapter(one, revision))]
    )


def _chapter(scenario: Scenario, revision: Revision) -> Iterator[str]:
    yield f"## {scenario.title}"
    yield ""
    yield from (f"- {line}" for line in scenario.story)
    yield ""
    told = [step for step in scenario.steps if step.checked]
    if told:
        yield "| what happens | who | what must come | why |"
        yield "|---|---|---|---|"
        for step in told:
            yield from _rows(step, revision)
        yield ""
    for secret in scenario.secrets:
        only = listing([_name(one, revision) for one in secret.only])
        yield f"In no step does anybody but {only} read “{secret.text}”: {secret.because}"
        yield ""


def _rows(step: Step, revision: Revision) -> Iterator[str]:
    what = step.title
    for one in step.gets:
        cells = (what, _name(one.consumer, revision), _wanted(one), _why(one))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        what = ""
    if not step.others:
        rest = "everybody else" if step.gets else "everybody"
        yield f"| {what} | {rest} | gets nothing | |"


def _name(consumer: str, revision: Revision) -> str:
    agency = revision.agreement.roster.agencies.get(AgencyId(agency_of(consumer)))
    if agency is None:
        return consumer
    desk = agency.desks.get(desk_of(consumer))
    return agency.name if desk is None else f"{agency.name}: {desk.name}"


def _wanted(expect: Expect) -> str:
    words = [_GETS[expect.outcome]]
    if expect.slots:
        words.append(f"with {_parts(expect.slots)}")
    if expect.never:
        words.append(f"never {_parts(expect.never)}")
    if expect.obligations:
        words.append(f"must {listing([_code(one) for one in expect.obligations])}")
    return "; ".join(words)


def _parts(words: Sequence[str]) -> str:
    return listing([TAGGED.get(one, _code(one)) for one in words])


def _code(word: str) -> str:
    return f"`{word}`"


def _why(expect: Expect) -> str:
    noun = "clause" if len(expect.clauses) == 1 else "clauses"
    ends = f" ({noun} {listing(expect.clauses)})" if expect.clauses else ""
    return f"{' '.join(expect.because.split())}{ends}"
