"""What a proposed text would have decided otherwise, from the questions that the log keeps."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from broker.access_log.ports import FIND_LIMIT, LogQuery
from broker.clock import Instant
from broker.protocol.impact import Impact, impact
from broker.protocol.questions import question_of
from broker.protocol.revision import Revision
from broker.runtimes.layout import Layout
from broker.runtimes.points import module_point
from broker.runtimes.searching import Wanted, pages


@dataclass(frozen=True, slots=True)
class Impacts:
    """What turns out otherwise.

    Attributes:
        decisions: entries of the log that were looked at.
        erased: of those, entries whose question cannot be opened any more.
        questions: different questions among them.
        cases: questions that only decision cases ask.
        found: what turns out otherwise, the most frequent first.
    """

    decisions: int
    erased: int
    questions: int
    cases: int
    found: tuple[Impact, ...]


async def impact_of(
    layout: Layout,
    before: Revision,
    after: Revision,
    at: Instant,
    span: LogQuery,
    progress: Callable[[int], None],
) -> Impacts:
    """Decide what was asked by both texts, and compare.

    Args:
        layout: whose log.
        before: the revision in force.
        after: the proposed one.
        at: the instant as of which both decide.
        span: from when until when.
        progress: told how many entries were read.

    Raises:
        InstallationError: there is no such installation, or its log is gone.
        Unavailable: a store cannot be reached.
        AnswerRefused: a module does not answer.
    """
    asked, erased = await _asked(layout, span, progress)
    traffic = len(asked)
    asked_by_cases = {case.question.canonical for case in (*before.cases, *after.cases)}
    only_cases = sorted(asked_by_cases - asked.keys())
    counts = dict(asked) | dict.fromkeys(only_cases, 0)
    questions = [question_of(one) for one in counts]
    with module_point(before) as old, module_point(after) as new:
        decided = zip(
            questions,
            counts.values(),
            (await old.decide(questions, at)).decisions,
            (await new.decide(questions, at)).decisions,
            strict=True,
        )
        found = impact(decided, dict(_names(before)) | dict(_names(after)))
    return Impacts(asked.total() + erased, erased, traffic, len(only_cases), found)


async def _asked(
    layout: Layout, span: LogQuery, progress: Callable[[int], None]
) -> tuple[Counter[bytes], int]:
    asked: Counter[bytes] = Counter()
    read = erased = 0
    async for page in pages(layout, span, Wanted(), FIND_LIMIT):
        for one in page.found:
            facts, personal = one.entry.facts, one.entry.personal
            if facts is None or not facts.decision:
                continue
            if personal is None or personal.question is None:
                erased += 1
            else:
                asked[personal.question] += 1
        read += len(page.found)
        progress(read)
    return asked, erased


def _names(revision: Revision) -> Iterator[tuple[str, Mapping[str, str]]]:
    for digest, schema in revision.data["schemas"].items():
        yield digest, schema["slots"]
