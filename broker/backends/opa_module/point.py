"""A decision point on the WebAssembly module of one revision."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from opapywasm import OpaEvaluationError, OpaWasmError, OpaWasmPolicy, PolicyConfig

from broker.clock import Instant
from broker.protocol.decision_point import (
    Answers,
    Explanation,
    answers_of,
    explanation_of,
)
from broker.protocol.errors import ANSWER, ENGINE, ENGINE_LIMIT, AnswerRefused
from broker.protocol.questions import Question

DECIDE = "concordat/decide"
EXPLAIN = "concordat/explain"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one evaluation may take.

    Attributes:
        questions: questions in one call of the module. 500 take about 60 ms.
        clauses: up to so many, a call has as many questions; of a larger protocol, in proportion
            fewer, since each question takes longer.
        seconds: of one call. 2 s is thirty times what 500 questions take.
        memory_pages: of 64 KiB. 256 MiB holds a protocol of 3,000 clauses; it is asked for as it
            is needed.
        octets: bytes of data, input and result, each.
    """

    questions: int = 500
    clauses: int = 100
    seconds: float = 2.0
    memory_pages: int = 4096
    octets: int = 16 * 1024 * 1024


LIMITS = Limits()


class ModulePoint:
    """Answers by one revision's module and data; what is wrong with them raises, never releases.

    Not for several threads at once: each worker has its own.
    """

    def __init__(
        self, module: bytes, data: Mapping[str, Any], revision: bytes, limits: Limits = LIMITS
    ) -> None:
        """Load the module and give it the policy data.

        Args:
            module: WebAssembly, as OPA compiles it.
            data: what it reads as `data.protocol`.
            revision: digest of the revision that both belong to.
            limits: what one evaluation may take.

        Raises:
            AnswerRefused: `protocol.engine`; not such a module, or it asks for host functions.
        """
        self._revision = revision
        clauses = max(len(data.get("clauses", ())), limits.clauses)
        self._at_once = max(1, limits.questions * limits.clauses // clauses)
        config = PolicyConfig(
            pool_size=1,
            strict_result=True,
            max_input_bytes=limits.octets,
            max_data_bytes=limits.octets,
            max_result_bytes=limits.octets,
            max_cstring_scan_bytes=limits.octets,
            # The input is spliced from canonical bytes; to parse it once more would double the
            # cost.
            parse_raw_json_input=False,
            max_memory_pages=limits.memory_pages,
            eval_timeout_seconds=limits.seconds,
        )
        try:
            self._policy = OpaWasmPolicy.from_wasm_bytes(module, config)
            self._policy.set_data({"protocol": dict(data), "revision": revision.hex()})
        except OpaWasmError as error:
            raise AnswerRefused(ENGINE, type(error).__name__) from error
        if self._policy.builtins or not {DECIDE, EXPLAIN} <= self._policy.entrypoints.keys():
            self.close()
            raise AnswerRefused(ENGINE, "entry points or builtins")

    @property
    def revision(self) -> bytes:
        """Digest of the revision that it answers by."""
        return self._revision

    async def decide(self, questions: Sequence[Question], at: Instant) -> Answers:
        """Answer questions as of `at`, in this thread: who cannot wait asks from a worker.

        Raises:
            AnswerRefused: the module failed, exceeded a limit, or its answer does not add up.
        """
        return self.decide_now(questions, at)

    def decide_now(self, questions: Sequence[Question], at: Instant) -> Answers:
        """Answer questions as of `at`.

        Raises:
            AnswerRefused: as for `decide`.
        """
        return Answers(
            self._revision,
            tuple(
                decision
                for some in _chunks(questions, self._at_once)
                for decision in self._decide_some(some, at).decisions
            ),
        )

    def _decide_some(self, questions: Sequence[Question], at: Instant) -> Answers:
        plain = self._evaluate(DECIDE, questions, at)
        return answers_of(plain, len(questions), self._revision, at)

    async def explain(self, question: Question, at: Instant) -> Explanation:
        """Return every clause with the verdict of each of its conditions.

        Raises:
            AnswerRefused: as for `decide`.
        """
        return explanation_of(self._evaluate(EXPLAIN, (question,), at), self._revision)

    def _evaluate(self, entry: str, questions: Sequence[Question], at: Instant) -> object:
        asked = b",".join(question.canonical for question in questions)
        try:
            return self._policy.evaluate(b'{"at":%d,"questions":[%b]}' % (at, asked), entry)
        except OpaEvaluationError as error:
            raise AnswerRefused(ENGINE_LIMIT, type(error).__name__) from error
        # json: what the module returned is not JSON; the library lets that pass through.
        except (OpaWasmError, json.JSONDecodeError, RecursionError) as error:
            raise AnswerRefused(ANSWER, type(error).__name__) from error

    def close(self) -> None:
        """Free the module's memory and stop its clock. It answers nothing afterwards."""
        self._policy.close()

    def __enter__(self) -> Self:
        """Return itself; leaving closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _chunks(questions: Sequence[Question], size: int) -> Iterator[Sequence[Question]]:
    for start in range(0, len(questions), size):
        yield questions[start : start + size]
