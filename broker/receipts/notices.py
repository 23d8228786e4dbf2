"""Notices: what people are told of their duties without having to look; pure.

A notice holds nothing of a child: what is owed, by when, the type of the record, the beginning of
its id, and whom to ring. It may go by ways that are not safe, such as e-mail. For that reason it
does not say when a duty is due whose last day is a birthday.

Rules:

1. A duty is told to its desk when it arises, once more when half of its time has gone, and, when
   its time is over, to the desk's manager; each once. A later notice stands for an earlier one that
   was never made; but a desk hears of each duty at least once, before or with its manager.
2. What another agency owes is told to one's own first desk: it is to ring them.
3. What is told to one desk, or to one manager, at one time is one notice.
4. What is no longer owed is not told, even if a notice of it was made and could not be sent.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from broker.clock import Instant
from broker.protocol.roster import local_time
from broker.receipts.duties import Duty, Level, Owed
from broker.records.digests import lp, tag
from broker.records.names import AgencyId, agency_of

MOST_LINES = 20
"""Duties that one notice names; of the others it says how many there are."""

SHOWN_ID = 12
"""Digits of an id that a notice shows: enough to find it, as the commands show it."""

TELLS_A_BIRTHDAY = frozenset({Owed.PREPARE})
"""What is due on a birthday."""

_LINE = tag("notice-line")
_NOTICE = tag("notice")
_ID_BYTES = 16


class Stage(StrEnum):
    """Why somebody is told now."""

    NEW = "new"
    REMINDER = "reminder"
    OVERDUE = "overdue"


class To(StrEnum):
    """Whom at a desk a notice is for."""

    DESK = "desk"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class Line:
    """What a notice says of one duty.

    Attributes:
        key: names duty and stage, in hex: the same whenever it is made.
        stage: why now.
        owed: what.
        type: record type; empty if it is not known.
        due: by when; None where that would tell a birthday.
        about: delivery or record, with the beginning of its id.
        desk: whom to ring.
        manager: of that desk.
        telephone: the number that somebody answers when the notice is made.
        do: what to do, in a sentence.
    """

    key: str
    stage: Stage
    owed: Owed
    type: str
    due: Instant | None
    about: str
    desk: str
    manager: str
    telephone: str
    do: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one desk or its manager.

    Attributes:
        id: in hex: names it at each try, and after a crash.
        agency: whose.
        desk: whose duties; `agency/desk`, or the agency alone if it has no desk.
        to: desk or manager.
        lines: what it says.
    """

    id: str
    agency: AgencyId
    desk: str
    to: To
    lines: tuple[Line, ...]


def line_key(duty: Duty, stage: Stage) -> str:
    """Return what names a duty and a stage."""
    said = (duty.owed.value, duty.record, duty.delivery, duty.desk, stage.value)
    return sha256(_LINE + b"".join(lp(one.encode()) for one in said)).digest()[:_ID_BYTES].hex()


def stages_of(duty: Duty, noted: Collection[str]) -> tuple[Stage, ...]:
    """Return what must be told of a duty now, if these lines were told before (rule 1)."""
    told = {stage for stage in Stage if line_key(duty, stage) in noted}
    desk_heard = bool(told & {Stage.NEW, Stage.REMINDER})
    if duty.level is Level.OPEN:
        return () if told else (Stage.NEW,)
    if duty.level is Level.REMINDER:
        return () if told & {Stage.REMINDER, Stage.OVERDUE} else (Stage.REMINDER,)
    found = () if desk_heard else (Stage.NEW,)
    return found if Stage.OVERDUE in told else (*found, Stage.OVERDUE)


def notices(
    duties: Iterable[Duty], agency: AgencyId, home: str, noted: Collection[str]
) -> tuple[Notice, ...]:
    """Return what must be told now, by desk and recipient.

    Args:
        duties: all that are owed now.
        agency: whose they are.
        home: its own desk that rings others, `agency/desk`.
        noted: keys of lines that were told before, or are on their way.
    """
    found: dict[tuple[str, To], list[Line]] = {}
    for duty in duties:
        desk = duty.desk if agency_of(duty.desk) == agency else home
        for stage in stages_of(duty, noted):
            to = To.MANAGER if stage is Stage.OVERDUE else To.DESK
            found.setdefault((desk, to), []).append(line_of(duty, stage))
    return tuple(
        Notice(notice_id(agency, desk, to, lines), agency, desk, to, tuple(lines))
        for (desk, to), lines in sorted(found.items())
    )


def line_of(duty: Duty, stage: Stage) -> Line:
    """Return what is told of a duty."""
    about = f"delivery {duty.delivery}" if duty.delivery else f"record {duty.record}"
    kind, _, name = about.partition(" ")
    return Line(
        line_key(duty, stage),
        stage,
        duty.owed,
        duty.type,
        None if duty.owed in TELLS_A_BIRTHDAY else duty.due,
        f"{kind} {name[:SHOWN_ID]}",
        duty.desk,
        duty.manager,
        duty.telephone,
        duty.do,
    )


def notice_id(agency: AgencyId, desk: str, to: To, lines: Sequence[Line]) -> str:
    """Return a notice's id: the same for the same lines to the same people."""
    said = [agency, desk, to.value, *(one.key for one in lines)]
    return sha256(_NOTICE + b"".join(lp(one.encode()) for one in said)).digest()[:_ID_BYTES].hex()


def still_owed(notice: Notice, duties: Iterable[Duty]) -> tuple[Line, ...]:
    """Return what of a notice is still owed (rule 4)."""
    owed = {line_key(duty, stage) for duty in duties for stage in Stage}
    return tuple(one for one in notice.lines if one.key in owed)


def subject_of(notice: Notice) -> str:
    """Return a notice's subject line."""
    count = len(notice.lines)
    late = sum(one.stage is Stage.OVERDUE for one in notice.lines)
    what = "1 duty" if count == 1 else f"{count} duties"
    return f"Concordat: {what}{' past time' if late else ''}, {notice.desk}"


def text_of(notice: Notice, page: str | None = None) -> str:
    """Return a notice in words.

    Args:
        notice: the notice.
        page: address of the agency's page of duties; None: the command is named alone.
    """
    lines = [HEADING[notice.to].format(desk=notice.desk), ""]
    for one in notice.lines[:MOST_LINES]:
        lines += [f"{_MARKS[one.stage]}{one.owed.value}: {one.type or 'record'}, {one.about}"]
        lines += [f"  {one.do}"]
        lines += [f"  By {when(one.due)}." if one.due is not None else "  When: see the list."]
        manager = f" Manager: {one.manager}." if one.manager else ""
        lines += [f"  Ring {one.desk}: {one.telephone or 'no number known'}.{manager}", ""]
    more = len(notice.lines) - MOST_LINES
    if more > 0:
        lines += [f"And {more} more.", ""]
    desk = notice.desk.partition("/")[2]
    command = f"concordat duties {notice.agency}" + (f" --desk {desk}" if desk else "")
    lines += [f"The list: {command}"]
    lines += [page] if page else []
    lines += ["", FOOT, ""]
    return "\n".join(lines)


def document_of(notice: Notice) -> dict[str, object]:
    """Return a notice as JSON shows it; times in ms since 1970."""
    return {
        "notice": notice.id,
        "agency": notice.agency,
        "desk": notice.desk,
        "to": notice.to.value,
        "duties": [
            {
                "stage": one.stage.value,
                "owed": one.owed.value,
                "type": one.type or None,
                "due_ms": one.due,
                "about": one.about,
                "desk": one.desk,
                "manager": one.manager or None,
                "telephone": one.telephone or None,
                "do": one.do,
            }
            for one in notice.lines
        ],
    }


HEADING: Mapping[To, str] = {
    To.DESK: "This is owed by {desk}:",
    To.MANAGER: "This is past its time at {desk}, of which you are the manager:",
}
_MARKS: Mapping[Stage, str] = {
    Stage.NEW: "",
    Stage.REMINDER: "REMINDER - ",
    Stage.OVERDUE: "OVERDUE - ",
}
FOOT = (
    "This message names no child, and no answer to it is read. Look at the list for what it is "
    "about; do not write a child's name, number or date of birth into an e-mail."
)


def when(at: Instant) -> str:
    """Return a time as a clock in England shows it."""
    return f"{local_time(at):%A %-d %B %Y, %H:%M}"
