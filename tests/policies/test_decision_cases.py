"""Every decision case of every county: the `opa` binary and the module give equal answers."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from broker.backends.opa_module import ModulePoint
from broker.clock import Instant
from broker.protocol.cases import Case, check_case, missing_cases
from broker.protocol.decision_point import answers_of, explanation_of
from broker.protocol.questions import Question
from broker.protocol.revision import Revision
from broker.runtimes.founding import read_county
from tests.support.tree import ROOT

POLICIES = ROOT / "policies"
COUNTIES = sorted(file.parent.name for file in (POLICIES / "protocols").glob("*/protocol.yaml"))
EVALUATION_SECONDS = 60
"""Of one run of the binary: it takes under a second, and compiles the policies each time."""


@pytest.fixture(scope="module", params=COUNTIES)
def revision(request: pytest.FixtureRequest) -> Revision:
    """One county's revision."""
    return read_county(request.param)


def evaluated(
    opa: Path,
    folder: Path,
    revision: Revision,
    rule: str,
    questions: Sequence[Question],
    at: Instant,
) -> Any:  # noqa: ANN401 - JSON
    """Return what the `opa` binary makes of the Rego and a county's data."""
    data, asked = folder / "data.json", folder / "input.json"
    document = {"protocol": revision.data, "revision": revision.digest.hex()}
    data.write_text(json.dumps(document), encoding="utf-8")
    plain = [json.loads(question.canonical) for question in questions]
    asked.write_text(json.dumps({"at": at, "questions": plain}), encoding="utf-8")
    command = [str(opa), "eval", "--format", "raw", "--ignore", "*_test.rego"]
    for place in (POLICIES / "engine", POLICIES / "special", data):
        command += ["--data", str(place)]
    command += ["--input", str(asked), f"data.concordat.{rule}"]
    done = subprocess.run(
        command, check=True, capture_output=True, timeout=EVALUATION_SECONDS, cwd=folder
    )
    return json.loads(done.stdout)


def by_instant(cases: Sequence[Case]) -> dict[Instant, list[Case]]:
    found: dict[Instant, list[Case]] = defaultdict(list)
    for case in cases:
        found[case.at].append(case)
    return found


def test_every_case_comes_out_as_it_says(revision: Revision) -> None:
    # given a county's cases, when the module answers them
    wrong: list[str] = []
    with ModulePoint(revision.module, revision.data, revision.digest) as module:
        for case in revision.cases:
            (decision,) = module.decide_now([case.question], case.at).decisions
            clause = revision.clause(case.clause)
            assert clause is not None
            found = check_case(case, clause, decision)
            wrong += [f"{case.clause}, {case.name}: {what}" for what in found]

    # then each is as it says
    assert wrong == []


def test_no_clause_is_without_its_cases(revision: Revision) -> None:
    assert missing_cases(revision.clauses, revision.cases) == ()


def test_binary_and_module_decide_alike(
    revision: Revision, opa_binary: Path, tmp_path: Path
) -> None:
    with ModulePoint(revision.module, revision.data, revision.digest) as module:
        for at, cases in by_instant(revision.cases).items():
            # given all cases of one instant
            questions = [case.question for case in cases]

            # when the binary runs the Rego and the module runs itself
            plain = evaluated(opa_binary, tmp_path, revision, "decide", questions, at)
            by_binary = answers_of(plain, len(questions), revision.digest, at)
            by_module = module.decide_now(questions, at)

            # then both say the same, to the last obligation
            assert by_binary == by_module


async def test_binary_and_module_explain_alike(
    revision: Revision, opa_binary: Path, tmp_path: Path
) -> None:
    with ModulePoint(revision.module, revision.data, revision.digest) as module:
        at, cases = next(iter(by_instant(revision.cases).items()))
        questions = [case.question for case in cases]
        plain = evaluated(opa_binary, tmp_path, revision, "explain", questions, at)
        for question, one in zip(questions, plain["explanations"], strict=True):
            alone = {"revision": plain["revision"], "explanations": [one]}
            by_binary = explanation_of(alone, revision.digest)
            assert by_binary == await module.explain(question, at)
