"""Council: SSDA903 return in XML → protection-status and missing-episode, as history.

The same facts as in the tables `episodes.csv` and `missing.csv`, and the same records: one fact has
one natural id, whichever form it came in. Items are each `EPISODE` of a `CHILD` and each `AMISSING`
of its `HEADER`; the other groups of the header are items of context. A child is read and forgotten,
so that memory does not grow with the file.

Elements are found by name alone, in capitals, wherever a namespace puts them: root `EXPSSDA903` or
`SSDA903`; `CHILD` with one `HEADER` (`CHILDID`, `DOB`, `UPN`) and `EPISODE`s, in which `PL` is the
placement. No XML schema is consulted: a file that names them otherwise is refused, or items of it
are, and whatever is not asked for is named as unmapped.
Source: Department for Education, Children looked-after by local authorities: technical
specification of the SSDA903 collection (list of XML tags).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from adapters.drafting import Naming
from adapters.errors import FIELD_MISSING, FIELD_TWICE, SHAPE, InputRefused
from adapters.format import (
    Context,
    Outcome,
    Read,
    ReadContext,
    Unmapped,
    one_item,
    rejected,
    warned,
)
from adapters.social_care.ssda903_facts import (
    EPISODE_COLUMNS,
    MISSING_COLUMNS,
    Held,
    Mapper,
    looked_after,
    missing_episode,
)
from adapters.social_care.ssda903_modules import (
    NO_ADOPTION,
    NO_OC2,
    NO_PERMANENCE,
    NO_REVIEWS,
)
from adapters.sources.text import glance
from adapters.sources.xml import Node, stream

NAME = "social-care-ssda903-xml"

TAGS = {"CHILD": "CHILDID", "PLACE": "PL"}
"""Elements that the tables call otherwise."""

IN_HEADER = frozenset({"CHILD", "DOB"})
"""Columns of the tables that stand in the header here."""

CONTEXT_GROUPS = {
    "AREVIEW": NO_REVIEWS,
    "OC2": NO_OC2,
    "PERMANENCE": NO_PERMANENCE,
    "AD_PLACED": NO_ADOPTION,
}
"""Groups of the header that give no record, and why, as for the tables of their modules."""

OUTSIDE = frozenset({"EXPSSDA903", "SSDA903"})
"""Elements that stand outside of children."""

NOTHING = "a child of whom the return says nothing but who it is"

_ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?(?:EXP)?SSDA903[\s>]")


@dataclass(frozen=True, slots=True)
class Group:
    """A group of elements that gives records.

    Attributes:
        tag: its element.
        columns: of the table that says the same.
        mapper: what maps a row of that table.
    """

    tag: str
    columns: tuple[str, ...]
    mapper: Mapper


EPISODES = Group("EPISODE", EPISODE_COLUMNS, looked_after)
ABSENCES = Group("AMISSING", MISSING_COLUMNS, missing_episode)


@dataclass(frozen=True, slots=True)
class Who:
    """What a child's header says, as written."""

    council_id: str | None
    born: str | None
    held: Held


@dataclass(slots=True)
class Gathered:
    """What is known of the file so far.

    Attributes:
        context: what else is known.
        naming: natural ids of this file.
        children: hashes of identifiers of children that it has named.
        left: names of elements outside of children.
    """

    context: ReadContext
    naming: Naming = field(default_factory=Naming)
    children: set[int] = field(default_factory=set)
    left: set[str] = field(default_factory=set)

    def outside(self, name: str, _: Node) -> None:
        """Note what stands outside of children."""
        if name not in OUTSIDE:
            self.left.add(name)


@dataclass(frozen=True, slots=True)
class Xml:
    """The return as one file; a `Format`."""

    name: str = NAME
    agency_type: str | None = "social-care"
    streams: bool = True

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the port
        """Tell by the root element."""
        text = glance(head).lstrip()
        return text.startswith("<") and _ROOT.search(text) is not None

    def companions(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - of the port
        """Name none: each child brings its header."""
        return ()

    def read(self, stream_: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:  # noqa: ARG002 - of the port
        """Yield what each child holds.

        Raises:
            InputRefused: the file is not XML, or stops being it, or has no `CHILD`.
        """
        gathered = Gathered(context)
        number = 0
        children = stream(stream_, "CHILD", context.encoding, gathered.outside)
        for number, node in enumerate(children, 1):
            yield from _child(node, f"CHILD[{number}]", gathered)
        yield Unmapped(tuple(sorted(gathered.left)))
        if number == 0:
            raise InputRefused(SHAPE, "CHILD")


def _child(node: Node, place: str, gathered: Gathered) -> Iterator[Outcome]:
    headers, episodes = node.nodes("HEADER"), node.nodes("EPISODE")
    missing = [one for header in headers for one in header.nodes("AMISSING")]
    facts = [
        *((f"{place}.EPISODE[{n}]", one, EPISODES) for n, one in enumerate(episodes, 1)),
        *((f"{place}.AMISSING[{n}]", one, ABSENCES) for n, one in enumerate(missing, 1)),
    ]
    others = [
        (f"{place}.{name}[{number}]", why)
        for name, why in CONTEXT_GROUPS.items()
        for number, _ in enumerate((one for each in headers for one in each.nodes(name)), 1)
    ]
    who = _who(headers)
    if isinstance(who, InputRefused):
        # Nobody knows whom they are about: each of them is told, none is lost.
        for item in [item for item, _, _ in facts] or [place]:
            yield from (Read(item), rejected(item, who))
    else:
        if who.council_id is not None and hash(who.council_id) in gathered.children:
            yield warned(place, FIELD_TWICE, "CHILDID")
        gathered.children.add(hash(who.council_id))
        for item, one, group in facts:
            yield from one_item(item, _mapped(one, group, who, item, gathered))
        if not facts and not others:
            yield from one_item(place, (Context(place, NOTHING),))
    for item, why in others:
        yield from one_item(item, (Context(item, why),))
    yield Unmapped(tuple(sorted(_left(node, headers, facts))))


def _who(headers: list[Node]) -> Who | InputRefused:
    """Return whom a child's parts are about, or why nobody can tell."""
    if len(headers) != 1:
        return InputRefused(FIELD_TWICE if headers else FIELD_MISSING, "HEADER")
    try:
        council_id, born, upn = (headers[0].text(name) for name in ("CHILDID", "DOB", "UPN"))
    except InputRefused as error:
        return error
    return Who(council_id, born, Held(born or "", upn or ""))


def _mapped(node: Node, group: Group, who: Who, item: str, gathered: Gathered) -> Iterator[Outcome]:
    """Map a group by the columns of its table; a refusal names the element instead."""
    values = {
        name: node.text(TAGS.get(name, name)) for name in group.columns if name not in IN_HEADER
    }
    values |= {"CHILD": who.council_id, "DOB": who.born}
    try:
        yield from group.mapper(values, who.held, item, gathered.naming, gathered.context)
    except InputRefused as error:
        raise InputRefused(error.code, TAGS.get(error.where, error.where), error.fix) from error


def _left(node: Node, headers: list[Node], facts: list[tuple[str, Node, Group]]) -> Iterator[str]:
    yield from node.left()
    yield from (f"HEADER.{name}" for header in headers for name in header.left())
    yield from (f"{group.tag}.{name}" for _, one, group in facts for name in one.left())


FORMAT = Xml()
