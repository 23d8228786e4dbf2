"""Drafts of clauses as a file in which people go on: no protocol before they have written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from adapters.errors import InputRefused

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "gateway": "the power or duty that allows it, with its section",
        "condition": "of UK GDPR and the DPA 2018, or of Part 3 for the police",
        "confidentiality": "why a duty of confidence does not stand against it",
        "necessity": "why this child needs it, and nothing less would do",
    }
)
"""What a person must write into each draft, with what it is."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One clause to be.

    Attributes:
        id: within the draft.
        title: what, from whom, to whom.
        text: in words; to be written better.
        effect: content, existence or refuse.
        when: conditions, as clauses write them.
        slots: opened or closed; none for existence.
        first: day, ISO 8601; None: from the start.
        last: day; None: without end.
        notes: what is narrower than the rule, and why.
    """

    id: str
    title: str
    text: str
    effect: str
    when: Mapping[str, object]
    slots: tuple[str, ...]
    first: str | None
    last: str | None
    notes: tuple[str, ...]


@dataclass(slots=True)
class Drafts:
    """What came of a policy.

    Attributes:
        clauses: drafts, in the policy's order.
        left: rules that give no draft: place, and why.
        refused: rules that cannot be read: place and error.
    """

    clauses: list[Draft] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, InputRefused]] = field(default_factory=list)


HEADING = """\
# Drafts of clauses, made from a policy on sharing; not a protocol.
#
# Each lacks four things that only people can write, as its comments say; until they are there, it
# is refused. Read the conditions, too: those on link, kind and consumer.relation are not in the
# policy. Nothing goes to an agency that has nothing to do with the child.
"""


def as_yaml(drafts: Drafts) -> str:
    """Return drafts as a file of clauses, in which people go on."""
    lines = [HEADING, "clauses:"]
    if not drafts.clauses:
        lines[-1] += " []"
    for one in drafts.clauses:
        lines += ["", *(f"  # {_plain(note)}" for note in one.notes)]
        lines.append(f"  - id: {_quoted(one.id)}")
        lines += [f"    title: {_quoted(one.title)}", f"    text: {_quoted(one.text)}"]
        lines += [f"    # {name}: {what}" for name, what in WORDS.items()]
        lines += [f"    effect: {one.effect}", "    when:"]
        lines += [f"      {name}: {_value(value)}" for name, value in one.when.items()]
        if one.slots:
            lines.append(f"    slots: {_value(list(one.slots))}")
        lines += [f"    first_day: {one.first}"] if one.first else []
        lines += [f"    last_day: {one.last}"] if one.last else []
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_value(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(str, value)) + "]"
    return str(value)


def _quoted(text: str) -> str:
    return json.dumps(_plain(text), ensure_ascii=False)


def _plain(text: str) -> str:
    """Return a text as one line of what YAML takes."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
