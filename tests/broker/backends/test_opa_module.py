"""The reference decision point: it answers by one revision's module, within limits, or refuses."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.backends.opa_module import Limits, ModulePoint
from broker.clock import FOREVER, Instant
from broker.protocol.clauses import Effect
from broker.protocol.decisions import Outcome
from broker.protocol.errors import AnswerRefused
from broker.protocol.policy_data import policy_data
from tests.broker.protocol.county import REVISION, SCHEMAS, county, during, point, question

MODULE = county().module


def compiled(opa: Path, folder: Path, rego: str) -> bytes:
    """Return the module of a policy with the two entry points."""
    source = folder / "policy.rego"
    source.write_text(rego, encoding="utf-8")
    entries = ["-e", "concordat/decide", "-e", "concordat/explain"]
    bundle = folder / "bundle.tar.gz"
    command = [str(opa), "build", "-t", "wasm", *entries, "-o", str(bundle), str(source)]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    subprocess.run(["tar", "-xzf", bundle, "-C", folder, "/policy.wasm"], check=True, cwd=folder)
    return (folder / "policy.wasm").read_bytes()


async def test_it_answers_in_the_order_of_the_questions() -> None:
    # given more questions than one call of the module takes
    asked = [question(), question({"consumer.involvement": []})] * 3
    with ModulePoint(MODULE, county().data, REVISION, Limits(questions=4)) as module:
        answers = await module.decide(asked, during())

    # then each has its answer, by the revision that it was made for
    assert [one.outcome for one in answers.decisions] == [Outcome.CONTENT, Outcome.WITHHOLD] * 3
    assert answers.revision == module.revision == REVISION
    assert {one.revision for one in answers.decisions} == {REVISION}


async def test_no_questions_no_answers() -> None:
    with point() as module:
        assert (await module.decide([], during())).decisions == ()


async def test_it_explains_every_clause() -> None:
    with point() as module:
        found = await module.explain(question(), during())
    assert found.keys() == county().data["clauses"].keys()
    assert found["4.1"].verdicts == ("yes", "yes", "yes", "yes")


def test_what_is_no_module_is_refused() -> None:
    for bad in (b"", b"\x00asm\x01\x00\x00\x00", MODULE[:1000]):
        with pytest.raises(AnswerRefused, match=r"protocol\.engine\]"):
            ModulePoint(bad, county().data, REVISION)


def test_data_beyond_the_limit_is_refused() -> None:
    with pytest.raises(AnswerRefused, match=r"protocol\.engine\]"):
        ModulePoint(MODULE, county().data, REVISION, Limits(octets=1000))


def test_without_data_nothing_is_released() -> None:
    # given a module that was given no clauses
    with ModulePoint(MODULE, {}, REVISION) as module:
        (decision,) = module.decide_now([question()], during()).decisions
    assert decision.outcome is Outcome.WITHHOLD
    assert decision.reasons == ("not-in-force", "unknown-schema")


def test_input_beyond_the_limit_is_refused_and_the_next_question_is_answered() -> None:
    # given a limit that the data fits, and four hundred questions do not
    with ModulePoint(MODULE, county().data, REVISION, Limits(octets=200_000)) as module:
        with pytest.raises(AnswerRefused, match=r"protocol\.answer"):
            module.decide_now([question()] * 400, during())
        assert module.decide_now([question()], during()).decisions


def test_a_protocol_of_two_thousand_clauses_is_asked_in_smaller_calls() -> None:
    # given a protocol with so many clauses that five hundred questions would take too long at once
    own = [one for one in county().clauses if one.effect is not Effect.DEFAULT]
    copies = [replace(own[number % len(own)], id=f"X{number}") for number in range(2_000)]
    data = policy_data(county().agreement, [*county().clauses, *copies], SCHEMAS.types())

    # when so many are asked, then each is answered, and nothing more is opened than by the county
    asked = [question({"labels.facts": [f"f{number}"]}) for number in range(60)]
    with ModulePoint(MODULE, data, REVISION) as module, point() as small:
        found = module.decide_now(asked, during()).decisions
        assert [one.slots for one in found] == [
            one.slots for one in small.decide_now(asked, during()).decisions
        ]


def test_after_closing_it_answers_nothing() -> None:
    module = ModulePoint(MODULE, county().data, REVISION)
    module.close()
    with pytest.raises(AnswerRefused):
        module.decide_now([question()], during())


def test_a_module_that_runs_on_is_stopped(opa_binary: Path, tmp_path: Path) -> None:
    # given a policy that counts for a very long time
    module = compiled(
        opa_binary,
        tmp_path,
        """package concordat
        decide := count([1 | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000)
            some c in numbers.range(1, 3000); a + b == c])
        explain := decide
        """,
    )

    # when it is asked, then it is stopped in time, and a new one is there for the next question
    with ModulePoint(module, {}, REVISION, Limits(seconds=0.05)) as slow:
        for _ in range(2):
            with pytest.raises(AnswerRefused, match=r"protocol\.engine\.limit"):
                slow.decide_now([question()], during())


def test_a_module_that_grows_is_stopped(opa_binary: Path, tmp_path: Path) -> None:
    module = compiled(
        opa_binary,
        tmp_path,
        """package concordat
        decide := [concat("", [format_int(n, 10), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]) |
            some n in numbers.range(1, 20000)]
        explain := decide
        """,
    )
    limits = Limits(seconds=20, memory_pages=20)
    with ModulePoint(module, {}, REVISION, limits) as big, pytest.raises(AnswerRefused):
        big.decide_now([question()], during())


@pytest.mark.parametrize(
    "decide",
    [
        "input",
        '"share"',
        '{"revision": data.revision}',
        '{"revision": "00", "valid_from": 0, "valid_until": 9000000000000, "decisions": []}',
        '{"revision": data.revision, "valid_from": 0, "valid_until": 90000000000000}',
        "x if { x := 1; x == 2 }",
    ],
)
def test_another_policy_s_answer_is_refused(decide: str, opa_binary: Path, tmp_path: Path) -> None:
    rule = f"decide := {decide}"
    module = compiled(opa_binary, tmp_path, f"package concordat\n{rule}\nexplain := 1\n")
    with ModulePoint(module, county().data, REVISION) as other, pytest.raises(AnswerRefused):
        other.decide_now([question()], during())


def test_a_module_that_wants_host_functions_is_refused(opa_binary: Path, tmp_path: Path) -> None:
    # given a policy that asks the host for the time
    module = compiled(
        opa_binary, tmp_path, "package concordat\ndecide := time.now_ns()\nexplain := decide\n"
    )
    with pytest.raises(AnswerRefused, match="entry points or builtins"):
        ModulePoint(module, {}, REVISION)


def test_errors_hold_nothing_of_the_question() -> None:
    # given a question with a word that must not be found again
    canary = "canary-7f3a"
    asked = question({"consumer.agency": canary, "labels.facts": [canary]})
    small = Limits(octets=200_000)
    with (
        ModulePoint(MODULE, county().data, REVISION, small) as module,
        pytest.raises(AnswerRefused) as caught,
    ):
        module.decide_now([asked] * 400, during())
    assert canary not in str(caught.value)
    assert canary not in str(caught.value.__cause__)


def test_every_instant_has_an_answer() -> None:
    with point() as module:

        @given(st.integers(0, FOREVER - 1).map(Instant))
        def holds(at: Instant) -> None:
            (decision,) = module.decide_now([question()], at).decisions
            assert decision.valid_from <= at < decision.valid_until

        holds()
