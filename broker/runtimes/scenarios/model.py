"""What a scenario consists of, once its file is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias

from broker.clock import Instant
from broker.records.names import Kind
from broker.records.statement import Identifiers


class Expected(StrEnum):
    """What an agency or desk must get from a step."""

    CONTENT = "content"
    EXISTENCE = "existence"
    REFER = "refer"
    WITHHOLD = "withhold"
    NOT_ASKED = "not-asked"
    NOTHING = "nothing"
    TASK = "task"


ARRIVES = (Expected.CONTENT, Expected.EXISTENCE)
"""What lies in an inbox; a task lies there, too, but for whoever sent the record."""


TAGGED = MappingProxyType(
    {
        "tag:place": "what tells a place",
        "tag:narrative": "free text",
        "tag:third-party": "what is about other people",
    }
)
"""Words for parts that schemas mark, in plain words."""


@dataclass(frozen=True, slots=True)
class Child:
    """A child of a scenario.

    Attributes:
        name: what the file calls her.
        identifiers: as agencies write them.
        works_with: (agency, kind of link) that holds before the first step.
        line: of the file.
    """

    name: str
    identifiers: Identifiers
    works_with: tuple[tuple[str, str], ...]
    line: int


@dataclass(frozen=True, slots=True)
class Says:
    """A record as an agency states it.

    Attributes:
        type: record type.
        kind: what it does.
        child: whom it is about; empty for records about no child.
        subject: child, unborn, person, place, business, group or record.
        reference: the source's own id of the fact; a second record of the same id replaces the
            first.
        concerns: id of the step whose record this one is about; empty if of none.
        labels: the other labels, by their names in `broker.records.statement.Labels`.
        content: slot → value.
        urgent: goes by the urgent lane.
        line: of the file.
    """

    type: str
    kind: Kind
    child: str
    subject: str
    reference: str
    concerns: str
    labels: Mapping[str, Any]
    content: Mapping[str, Any]
    urgent: bool
    line: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file as an agency's system writes it.

    Attributes:
        name: of the file.
        data: its bytes.
        format: named by the scenario; None to have it recognised.
        kept_back: the agency's own rule must keep back all that is in it.
        line: of the file.
    """

    name: str
    data: bytes
    format: str | None
    kept_back: bool
    line: int


@dataclass(frozen=True, slots=True)
class Answers:
    """A person answers what the source was asked about an earlier step's record."""

    to: str
    say: str
    reason: str
    role: str


@dataclass(frozen=True, slots=True)
class Narrows:
    """An agency stops sending or receiving."""

    direction: str
    counterpart: str
    type: str
    clause: str
    hours: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Lifts:
    """An agency ends the narrowing of an earlier step."""

    step: str


@dataclass(frozen=True, slots=True)
class Acknowledges:
    """An agency acknowledges all that it has received."""

    role: str


Action: TypeAlias = Says | Sheet | Answers | Narrows | Lifts | Acknowledges


@dataclass(frozen=True, slots=True)
class Expect:
    """What one agency or desk must get.

    Attributes:
        consumer: agency, or agency/desk.
        outcome: what must come.
        type: of the record, where a step brings several; empty: any.
        slots: words for parts that must be open.
        never: words for parts that must not.
        clauses: ids of clauses that must grant, or be the reason.
        obligations: kinds, or `kind detail`, that must come with it.
        because: why, in words.
        line: of the file.
    """

    consumer: str
    outcome: Expected
    type: str
    slots: tuple[str, ...]
    never: tuple[str, ...]
    clauses: tuple[str, ...]
    obligations: tuple[str, ...]
    because: str
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens.

    Attributes:
        id: what other steps call it.
        title: in a line.
        at: when, if it is said.
        after: milliseconds after the step before.
        by: who does it; empty where only time passes.
        action: what; None where only time passes.
        checked: whether what comes is compared at all.
        gets: what must come.
        others: whether agencies that are not named may get something, too.
        line: of the file.
    """

    id: str
    title: str
    at: Instant | None
    after: int
    by: str
    action: Action | None
    checked: bool
    gets: tuple[Expect, ...]
    others: bool
    line: int


@dataclass(frozen=True, slots=True)
class Secret:
    """Words that nobody else may read, in any step."""

    text: str
    only: tuple[str, ...]
    because: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole story.

    Attributes:
        file: its name.
        title: in a line.
        story: lines for people.
        starts: the clock before the first step.
        children: by name.
        secrets: what must stay with whom.
        steps: in order.
    """

    file: str
    title: str
    story: tuple[str, ...]
    starts: Instant
    children: Mapping[str, Child]
    secrets: tuple[Secret, ...]
    steps: tuple[Step, ...]
