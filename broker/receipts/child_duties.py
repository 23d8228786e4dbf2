"""Duties about one child: who stays with her, who asks her, who tells her, who prepares.

Rules:

1. *Name*: when a named professional's last day passes and nobody else has begun by the next day,
   the agency that had named one, and those whom the protocol names, owe another one; there is no
   gap without this duty. It is known from the day that the end is written down.
2. *Take over*: a handover to this agency is owed from the day that it is announced, until the
   agency has named somebody itself.
3. *Interview*: of a return, within 72 hours (statutory guidance, 2014), where this agency is one
   that the protocol names for return interviews. That none was offered is no offer.
4. *Tell*: whoever knows that its record was opened elsewhere, or said something by telephone, tells
   the child within a week; a record of her voice says that she was told, or why she is not.
5. *Prepare*: from 17½ on, whoever works with her names who supports her after her birthday, until
   she is 25 (Children and Social Work Act 2017 s.3).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from broker.clock import DAY, HOUR, Instant
from broker.receipts.known import Known
from broker.receipts.owed import Clock, Duty, Owed
from broker.records.names import agency_of

NAME_WITHIN = DAY
"""How long there is to name somebody when an end, or a handover, is heard of late."""

INTERVIEW_WITHIN = 72 * HOUR
SAME_RETURN = HOUR
"""How far two agencies may differ on when a child came back."""

TELL_WITHIN = 7 * DAY

MONTHS_BEFORE = 6
"""Months before the eighteenth birthday from which preparing is a duty: 17½."""

ADULT = 18
LEFT = 25

WORKS_WITH = frozenset({"allocated", "placed", "open-case"})
"""Links of whoever works with a child; being on a roll or a list is none."""

NOTHING_OF_HER = frozenset(
    {"alert", "break-glass", "correction", "court-order", "information-request", "involvement",
     "named-professional", "retraction"}
)  # fmt: skip
"""Record types that tell others nothing that a child would have to be told of."""

_EPOCH = date(1970, 1, 1)
_NOT_YET = frozenset({None, "not-yet", "could-not-be-reached"})


def shared_at(known: Sequence[Known]) -> Mapping[str, Instant]:
    """Return the records that others have had: record id in hex → when first, as receipts say."""
    found: dict[str, Instant] = {}
    for one in known:
        said = one.part("receipt")
        if said:
            record, at = str(said["record_id"]), Instant(said["at"])
            found[record] = min(found.get(record, at), at)
    return found


def of_child(clock: Clock, group: Sequence[Known], shared: Mapping[str, Instant]) -> Iterator[Duty]:
    """Yield what is owed about one child.

    Args:
        clock: whose duties, and when.
        group: all that is known of the child.
        shared: of `shared_at`.
    """
    yield from _named(clock, group)
    yield from _interviews(clock, group)
    yield from _told(clock, group, shared)
    yield from _grown(clock, group)


# ------------------------------------------------------------------ a named professional


def _named(clock: Clock, group: Sequence[Known]) -> Iterator[Duty]:
    posts = {
        one.record: one for one in group if one.type == "named-professional" and one.part("post")
    }
    ends: set[int] = set()
    for record, one in sorted(posts.items()):
        to, last = one.part("post").get("handed_to"), _last(one)
        others = [other for other in posts.values() if other.record != record]
        if to is not None and agency_of(to) == clock.agency:
            if not any(_takes_over(clock, other, one) for other in others):
                yield clock.duty(Owed.TAKE_OVER, record, _by(one), to, one.delivery)
            continue
        if last is None or last in ends or not _must_name(clock, one):
            continue
        if not any(_succeeds(clock, other, last) for other in others):
            ends.add(last)
            yield clock.duty(Owed.NAME, record, _by(one), one.consumer, one.delivery)


def _last(post: Known) -> int | None:
    last: int | None = post.part("post").get("until")
    return last


def _by(post: Known) -> tuple[Instant, Instant]:
    """Since when and by when somebody else must be there: with the end, or a day after hearing."""
    last = _last(post)
    heard = Instant(post.at + NAME_WITHIN)
    return post.at, heard if last is None else max(heard, Instant((last + 1) * DAY))


def _must_name(clock: Clock, post: Known) -> bool:
    named = clock.agreement.named.get("named-professional", ())
    return not post.delivery or post.consumer in named


def _succeeds(clock: Clock, other: Known, last: int) -> bool:
    """Tell whether there is no gap after a last day: somebody is there by the next, or is now."""
    until = _last(other)
    begun = other.part("post")["from"] <= max(last + 1, clock.at // DAY)
    return begun and (until is None or until > last)


def _takes_over(clock: Clock, other: Known, post: Known) -> bool:
    if other.source != clock.agency:
        return False
    last, until = _last(post), _last(other)
    begins = post.part("post")["from"] if last is None else last + 1
    return until is None or until >= begins


# ------------------------------------------------------------------ return interviews


@dataclass(frozen=True, slots=True)
class _Return:
    """A child came back.

    Attributes:
        at: when; the beginning of the day, if no more is known.
        exact: whether the time is known.
    """

    at: Instant
    exact: bool

    def same(self, other: "_Return") -> bool:
        """Tell whether two agencies speak of one return."""
        if self.exact and other.exact:
            return abs(self.at - other.at) <= SAME_RETURN
        return self.at // DAY == other.at // DAY


def _interviews(clock: Clock, group: Sequence[Known]) -> Iterator[Duty]:
    mine = [
        consumer
        for consumer in clock.agreement.named.get("return-interview", ())
        if agency_of(consumer) == clock.agency
    ]
    told = [(back, one) for one in group if (back := _return(one)) is not None]
    seen: list[_Return] = []
    for back, one in sorted(told, key=lambda pair: (pair[0].at, pair[1].record)) if mine else ():
        if any(back.same(other) for other in seen):
            continue
        seen.append(back)
        if any(_offered(other, back) for other in group):
            continue
        times = (back.at, Instant(back.at + INTERVIEW_WITHIN))
        yield clock.duty(Owed.INTERVIEW, one.record, times, mine[0], one.delivery)


def _return(one: Known) -> _Return | None:
    if one.type != "missing-episode":
        return None
    said = one.part("episode")
    if said.get("end_at") is not None:
        return _Return(Instant(said["end_at"]), exact=True)
    if said.get("end") is not None:
        return _Return(Instant(said["end"] * DAY), exact=False)
    return _Return(one.at, exact=False) if said.get("returned") else None


def _offered(one: Known, back: _Return) -> bool:
    """Tell whether a record says that an interview about a return was offered."""
    if one.type == "missing-episode":
        said, its = one.part("return_interview"), _return(one)
        return bool(its and its.same(back) and (said.get("offered") or said.get("held")))
    said = one.part("interview")
    if one.type != "return-interview" or said.get("accepted") == "not-offered":
        return False
    about = said.get("returned_at")
    if about is None:  # of which return is not said: of every one before it
        return one.at >= back.at
    return _Return(Instant(about), exact=True).same(back)


# ------------------------------------------------------------------ telling her


def _told(clock: Clock, group: Sequence[Known], shared: Mapping[str, Instant]) -> Iterator[Duty]:
    voices = [one for one in group if one.type == "voice" and one.part("told")]
    latest = max(voices, key=_heard, default=None)
    told = [_when(one) for one in voices if one.part("told").get("what_is_shared")]
    untold: list[tuple[Instant, str]] = []
    if latest is not None and not latest.part("told").get("what_is_shared"):
        if latest.part("told").get("why_not") not in _NOT_YET:
            return
        if not latest.delivery:
            untold.append((latest.at, latest.record))
    since = max(told, default=Instant(0))
    for one in group:
        at = _gave(one, shared)
        if at is not None and at > since:
            untold.append((at, one.record))
    if untold:
        at, record = min(untold)
        yield clock.duty(Owed.TELL, record, (at, Instant(at + TELL_WITHIN)))


def _heard(voice: Known) -> tuple[int, Instant, str]:
    day: int = voice.part("observed").get("on", voice.at // DAY)
    return day, voice.at, voice.record


def _when(voice: Known) -> Instant:
    """Return when she was told: by the end of the day that is given, and before it was written."""
    day = voice.part("told").get("on")
    return voice.at if day is None else min(voice.at, Instant((day + 1) * DAY - 1))


def _gave(one: Known, shared: Mapping[str, Instant]) -> Instant | None:
    """Return when others first had an own record; of a telephone note, when it was said."""
    if one.delivery or one.type in NOTHING_OF_HER:
        return None
    if one.type == "verbal-disclosure":
        said = one.part("disclosure").get("at")
        return None if said is None else Instant(said)
    return shared.get(one.record)


# ------------------------------------------------------------------ turning eighteen


def _grown(clock: Clock, group: Sequence[Known]) -> Iterator[Duty]:
    born = next((day for one in group if (day := _born(one)) is not None), None)
    links = [one for one in group if _works_with(clock, one)]
    if born is None or not links:
        return
    birthday = _years_on(born, ADULT)
    since = _months_before(birthday, MONTHS_BEFORE)
    links = [one for one in links if one.part("link").get("from", 0) * DAY < birthday]
    planned = any(_stays(one, since, birthday) for one in group)
    if since <= clock.at < _years_on(born, LEFT) and links and not planned:
        first = min(one.record for one in links)
        yield clock.duty(Owed.PREPARE, first, (since, birthday))


def _works_with(clock: Clock, one: Known) -> bool:
    link = one.part("link")
    if one.type != "involvement" or one.delivery or link.get("kind") not in WORKS_WITH:
        return False
    until = link.get("until")
    return until is None or (until + 1) * DAY > clock.at


def _stays(one: Known, since: Instant, birthday: Instant) -> bool:
    """Tell whether a record of the last half year says who is there on and after her birthday."""
    post = one.part("post")
    if one.type != "named-professional" or not post or one.at < since:
        return False
    until = post.get("until")
    return until is None or until * DAY >= birthday


def _born(one: Known) -> date | None:
    said = one.part("identity").get("date_of_birth")
    return None if said is None else date.fromisoformat(said)


def _years_on(born: date, years: int) -> Instant:
    # Born on 29 February, one is a year older on 1 March (as the law counts from the day before).
    leap = (born.month, born.day) == (2, 29)
    day = date(born.year + years, 3, 1) if leap else born.replace(year=born.year + years)
    return Instant((day - _EPOCH).days * DAY)


def _months_before(at: Instant, months: int) -> Instant:
    day = _EPOCH + timedelta(days=at // DAY)
    month = day.month - months
    year, month = (day.year - 1, month + 12) if month < 1 else (day.year, month)
    first = date(year, month, 1)
    return Instant((first - _EPOCH).days * DAY + (min(day.day, 28) - 1) * DAY)
