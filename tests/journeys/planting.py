"""Plants a word that stands nowhere else in every place of a record that takes words."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from broker.records.errors import StatementRefused
from broker.records.names import SLOT_CONTACT, SLOT_IDENTITY, SLOT_OWN_ID, Kind
from broker.records.schemas import SchemaSet
from broker.records.signing import Signer, prepare
from broker.records.statement import Contact, Identifiers, Labels, Statement

WORD = "zqcanary"
"""Begins every planted word."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A statement and what was planted in it.

    Attributes:
        statement: every place of it that takes words holds one of its own.
        words: planted word → slot number.
    """

    statement: Statement
    words: Mapping[str, int]


class Planter:
    """Plants words, no two of them equal.

    Args:
        schemas: what the content must fit.
        signer: of the source; preparing tells whether a word fits.
        about: who the child is; names and own id are planted anew.
    """

    _numbers = count(1)

    def __init__(self, schemas: SchemaSet, signer: Signer, about: Identifiers) -> None:
        self._schemas, self._signer, self._about = schemas, signer, about

    def __call__(self, labels: Labels, kind: Kind, sample: Mapping[str, Any]) -> Planted:
        """Return a record of the labels' type with words in all places of its sample."""
        words: dict[str, int] = {}
        who = replace(
            self._about,
            own_id=self._word(words, SLOT_OWN_ID),
            given=self._word(words, SLOT_IDENTITY),
            family=self._word(words, SLOT_IDENTITY),
        )
        desk = Contact(
            self._word(words, SLOT_CONTACT),
            self._word(words, SLOT_CONTACT),
            "01632 960101",
            self._word(words, SLOT_CONTACT) + "@example.org",
        )
        natural_id = self._word(words, -1)
        content: dict[str, Any] = deepcopy(dict(sample))
        made = Statement(
            labels.type, "1.0", kind, "made-up", natural_id, "1", labels, who, desk, content
        )
        slots = self._schemas.named(labels.type, "1.0").by_name
        for holder, place, slot in _places(content):
            before, word = holder[place], self._word(words, slots[slot].number)
            holder[place] = word
            try:
                prepare(made, self._schemas, self._signer)
            except StatementRefused:  # a code list, or not a word at all
                holder[place] = before
                del words[word]
        return Planted(made, words)

    def _word(self, words: dict[str, int], slot: int) -> str:
        word = f"{WORD}{self._signer.agency.replace('-', '')}{next(Planter._numbers):04}"
        words[word] = slot
        return word


def _places(content: dict[str, Any]) -> Iterator[tuple[Any, Any, str]]:
    """Yield (holder, key or index, slot's name) of every word in a content."""
    for slot in content:
        yield from _within(content, slot, slot)


def _within(holder: Any, place: Any, slot: str) -> Iterator[tuple[Any, Any, str]]:  # noqa: ANN401 - any content
    value = holder[place]
    if isinstance(value, str):
        yield holder, place, slot
    elif isinstance(value, dict | list):
        for inner in value if isinstance(value, dict) else range(len(value)):
            yield from _within(value, inner, slot)
