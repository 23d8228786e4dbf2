"""The catalogue of topics, `schemas/topics.yaml`, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ruamel.yaml import YAML

from broker import shipped

AGENCY = "<agency>"
"""Stands in a name for an agency's id."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of the catalogue; the file says what each attribute means.

    Attributes:
        name: with `<agency>` in it where each agency has its own.
        store: `stream`, `broker` or `agency`.
        single: whether it has one shard, whatever the installation's count.
        key: what a message's key is, in words.
        compacted: whether it is a table.
        value: what a message holds, in words.
        producers: parties that write.
        consumers: parties that read.
        sealed_to: who can open it.
        retention: in words.
        why: in words.
    """

    name: str
    store: str
    single: bool
    key: str
    compacted: bool
    value: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    sealed_to: str
    retention: str
    why: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return the topic in a row of the file."""
        until, most = row["retention"]["until"], row["retention"].get("at_most")
        at_most = f", {most} at most" if most else ""
        return cls(
            name=row["name"],
            store=row["store"],
            single=row["shards"] == "one",
            key=row["key"],
            compacted=row["compacted"],
            value=row["value"],
            producers=tuple(row["producers"]),
            consumers=tuple(row["consumers"]),
            sealed_to=row["sealed_to"],
            retention="for ever" if until == "never" else f"until {until}" + at_most,
            why=row["why"],
        )

    @property
    def of_agencies(self) -> bool:
        """Whether each agency has one of its own."""
        return AGENCY in self.name

    @property
    def stem(self) -> str:
        """The name without the agency: `records.`, or the whole name."""
        return self.name.removesuffix(AGENCY)


def topics() -> tuple[Topic, ...]:
    """Return every topic, in the order of the catalogue.

    Raises:
        ShippedError: the installation has no catalogue.
    """
    text = (shipped.schemas() / "topics.yaml").read_text(encoding="utf-8")
    return tuple([Topic.of(row) for row in YAML(typ="safe").load(text)["topics"]])
