"""The steps of one scenario: what is done, and what came of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from adapters.format import Draft
from broker.access_log.query import Found
from broker.clock import DAY, Instant
from broker.errors import ConcordatError
from broker.protocol.decision_codec import decode_decision
from broker.protocol.narrowing import Direction
from broker.receipts.inbox import Item
from broker.records.names import AgencyId, RecordId
from broker.records.statement import Identifiers, Labels, Statement
from broker.runtimes import answering, narrowing
from broker.runtimes.agency import AgencySide
from broker.runtimes.answering import RECEIPT, Answer
from broker.runtimes.catalogue import sentence_of
from broker.runtimes.publishing import PublishReport, publish_drafts, publish_files
from broker.runtimes.reading import content_of
from broker.runtimes.receiving import inbox
from broker.runtimes.scenarios.actions import REGISTERS, RETRACTION, stated
from broker.runtimes.scenarios.comparing import compare
from broker.runtimes.scenarios.errors import RECORD, ScenarioError
from broker.runtimes.scenarios.known import Known
from broker.runtimes.scenarios.model import (
    Acknowledges,
    Answers,
    Lifts,
    Narrows,
    Says,
    Scenario,
    Sheet,
    Step,
)
from broker.runtimes.scenarios.results import Arrived, Came, Decided, Row
from broker.runtimes.scenarios.stage import Stage

SYSTEM = "scenario"
BEFORE_DAYS = 30
"""How long links of `works_with` have held when a scenario starts."""


@dataclass(slots=True)
class Doing:
    """One scenario while it is played.

    Attributes:
        scenario: which.
        known: its protocol.
        stage: where.
        records: step → records that it published.
        types: record → its type.
        narrowings: step → the narrowing that it made.
        wrong: what went wrong in the present step, in words.
    """

    scenario: Scenario
    known: Known
    stage: Stage
    records: dict[str, list[RecordId]] = field(default_factory=dict)
    types: dict[RecordId, str] = field(default_factory=dict)
    narrowings: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    async def links(self) -> None:
        """State who works with whom before the first step; what comes of it is not looked at.

        Raises:
            ScenarioError: `scenario.record`; no such link.
        """
        first = self.scenario.starts // DAY - BEFORE_DAYS
        for child in self.scenario.children.values():
            for agency, link in child.works_with:
                said = stated(child, link, first, None, child.line)
                await self._say("", self._side(agency), said)
        await self._came()

    async def step(self, step: Step) -> list[Row]:
        """Do a step, and return what came of it beside what must.

        Raises:
            ScenarioError: `scenario.record`; it publishes what its agency could not.
            ConcordatError: anything that a command would refuse.
        """
        now = self.stage.clock.now()
        self.stage.clock.set(Instant(now + step.after) if step.at is None else step.at)
        self.wrong = []
        if step.action is not None:
            await self._do(step, self._side(step.by))
        came = await self._came()
        return list(compare(self.scenario, step, came, self.known))

    def _side(self, agency: str) -> AgencySide:
        return self.stage.sides[AgencyId(agency)]

    async def _do(self, step: Step, side: AgencySide) -> None:
        match step.action:
            case Says() as says:
                await self._say(step.id, side, says)
            case Sheet() as sheet:
                await self._publish(step.id, side, sheet)
            case Answers() as answers:
                await self._answer(side, answers)
            case Narrows() as narrows:
                self.narrowings[step.id] = await narrowing.narrow(
                    side,
                    Direction(narrows.direction),
                    counterpart=narrows.counterpart,
                    record_type=narrows.type,
                    clause=narrows.clause,
                    hours=narrows.hours,
                    reason=narrows.reason,
                )
                await self.stage.open_sides()
            case Lifts(step=earlier):
                await narrowing.lift(side, self.narrowings.get(earlier, earlier))
                await self.stage.open_sides()
            case Acknowledges(role=role):
                await answering.acknowledge(side, answering.ALL, role)
            case None:
                pass

    async def _say(self, step: str, side: AgencySide, says: Says) -> None:
        concerned = self._last(says.concerns)
        of_register = self.types.get(RecordId(concerned or b""), "")
        if says.type == RETRACTION and of_register in REGISTERS:
            says = replace(says, type=of_register, subject="child", content={})
        statement = Statement(
            says.type,
            self.known.schemas[says.type].version,
            says.kind,
            SYSTEM,
            f"{says.type}/{says.reference}",
            None,
            Labels(says.type, subject=says.subject, concerns=concerned, **says.labels),
            self._identifiers(says),
            side.contact(),
            says.content,
        )
        try:
            planned = await publish_drafts(side, [Draft(statement, says.reference, says.urgent)])
        except ConcordatError as error:
            where = f"{self.scenario.file}:{says.line}: {error.where}"
            raise ScenarioError(RECORD, where, error.fix) from error
        if not planned:
            self.wrong.append("It says nothing new: the same record was published before.")
        for one in planned:
            self._remember(step, one.prepared.record_id, says.type)

    def _identifiers(self, says: Says) -> Identifiers:
        child = self.scenario.children.get(says.child)
        return Identifiers() if child is None else child.identifiers

    def _last(self, step: str) -> bytes | None:
        records = self.records.get(step)
        return records[-1] if records else None

    def _remember(self, step: str, record: RecordId, record_type: str) -> None:
        self.records.setdefault(step, []).append(record)
        self.types[record] = record_type

    async def _publish(self, step: str, side: AgencySide, sheet: Sheet) -> None:
        folder = self.stage.layout.root / "files"
        folder.mkdir(exist_ok=True)
        path = folder / sheet.name
        path.write_bytes(sheet.data)
        report = await publish_files(side, [path], sheet.format)
        self._refuse_rejected(report, sheet.line)
        for one in report.published:
            self._remember(step, one.record_id, one.type)
        for kept in () if sheet.kept_back else report.kept_back:
            self.wrong.append(
                f"The agency's own rule {kept.rule} kept it back: {kept.text.strip()}"
            )
        if sheet.kept_back and report.published:
            self.wrong.append("The agency's own rule must keep it back, and it left.")
        if not report.published and not report.kept_back:
            self.wrong.append("The file gave no record that is new.")

    def _refuse_rejected(self, report: PublishReport, line: int) -> None:
        rejected = [one for file in report.files for one in file.rejected]
        rejected += [one for _, one in report.refused]
        for one in rejected:
            where = f"{self.scenario.file}:{line}: {one.item}, {one.field}: {one.reason}"
            raise ScenarioError(RECORD, where, one.fix)

    async def _answer(self, side: AgencySide, answers: Answers) -> None:
        about = self.records.get(answers.to, [])
        tasks = [
            one
            for one in await inbox(side)
            if one.row.told.task is not None
            and one.done.answered is None
            and one.row.record is not None
            and one.row.record.head.record_id in about
        ]
        if not tasks:
            self.wrong.append("There is no task to answer: nobody asked this agency to decide.")
        for one in tasks:
            await answering.answer_task(
                side, one.row.id.hex(), Answer(answers.say), answers.reason, answers.role
            )

    async def _came(self) -> Came:
        await self.stage.settle()
        arrived: list[Arrived] = []
        for side, item in await self.stage.arrived():
            if item.row.told.kind == "quarantine":
                sentence, _ = sentence_of(item.row.told.code or "")
                self.wrong.append(f"The broker did not accept it: {sentence}")
            else:
                arrived.append(self._arrived(side, item))
        for topic, _, code in self.stage.refused:
            self.wrong.append(f"{topic}: what came does not verify: {sentence_of(code)[0]}")
        self.stage.refused.clear()
        logged = await self.stage.logged()
        records = dict.fromkeys(one.row.record.hex() for one in logged if one.row.record)
        return Came(tuple(arrived), tuple(_decided(logged)), tuple(records), tuple(self.wrong))

    def _arrived(self, side: AgencySide, item: Item) -> Arrived:
        told, record = item.row.told, item.row.record
        content = {} if record is None else content_of(side, record)
        record_type = RECEIPT if record is None else self.types.get(record.head.record_id, RECEIPT)
        slots = frozenset(told.slots)
        return Arrived(
            told.consumer,
            told.task is not None,
            told.outcome,
            record_type,
            slots,
            self.known.names(slots, record_type),
            told.clauses if told.task is None else told.task.clauses,
            tuple(f"{one.kind} {one.detail}".rstrip() for one in told.obligations),
            json.dumps(content, ensure_ascii=False),
        )


def _decided(logged: Sequence[Found]) -> list[Decided]:
    decided = []
    for one in logged:
        row, facts = one.row.row, one.entry.facts
        if facts is None or not facts.decision:
            continue
        decision = decode_decision(facts.decision)
        reasons = {*decision.reasons, *(each.clause for each in decision.refusals)}
        reasons.update(decision.narrowings)
        decided.append(
            Decided(
                row.consumer,
                row.type,
                decision.outcome.value,
                decision.clauses,
                tuple(sorted(reasons)),
                "" if one.row.record is None else one.row.record.hex(),
            )
        )
    return decided
