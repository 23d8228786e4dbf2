"""The difference of two revisions beside their clauses: who takes part, signs and is asked."""

from collections.abc import Iterator, Mapping

from broker.clock import DAY, Instant
from broker.protocol.agreement import Agreement
from broker.protocol.difference import Change, What, day
from broker.protocol.reach import Reach, together
from broker.protocol.revision import CAPABILITIES, MODULE, SCHEMAS, Revision
from broker.protocol.roster import Agency, Desk, Person
from broker.protocol.wording import listing

ENGINE = (MODULE, CAPABILITIES)


def agreement_changes(before: Revision, after: Revision) -> tuple[Change, ...]:
    """Return what is different beside the clauses, agencies first."""
    old, new = before.agreement, after.agreement
    return (
        *_agencies(old, new),
        *_asked(old, new),
        *_parts(old, new),
        *_engine(before, after),
    )


def _changed(about: str, reach: Reach, *lines: str) -> Change:
    return Change(about, "", What.CHANGED, reach, lines)


def _agencies(old: Agreement, new: Agreement) -> Iterator[Change]:
    before, after = old.roster.agencies, new.roster.agencies
    for agency in after.values():
        if agency.id not in before:
            guest = ", as a guest, for its own children alone" if agency.guest else ""
            yield Change(
                agency.id,
                "",
                What.ADDED,
                Reach.MORE,
                (
                    f"{agency.name} joins{guest}: what clauses open to {agency.type} it can get.",
                    f"For it signs {_signs(agency.signatory)}.",
                ),
            )
        elif parts := list(_agency(before[agency.id], agency)):
            lines, reaches = zip(*parts, strict=True)
            yield _changed(agency.id, together(reaches), *lines)
    for agency in before.values():
        if agency.id not in after:
            line = f"{agency.name} leaves: what it holds must be returned or destroyed."
            yield Change(agency.id, "", What.REMOVED, Reach.LESS, (line,))


def _agency(before: Agency, after: Agency) -> Iterator[tuple[str, Reach]]:
    """Yield what is different in an agency, with its reach."""
    if before.name != after.name:
        yield f"It was called {before.name}, and is called {after.name}.", Reach.SAME
    if before.type != after.type:
        line = f"It was {before.type}, and is {after.type}: other clauses speak of it."
        yield line, Reach.EITHER
    if before.guest != after.guest:
        yield (
            ("It is a guest now: it is told of its own children alone.", Reach.LESS)
            if after.guest
            else ("It is no guest any longer: clauses speak of it as a member.", Reach.MORE)
        )
    if before.signatory != after.signatory:
        line = f"For it signs {_signs(after.signatory)}, not {_signs(before.signatory)}."
        yield line, Reach.SAME
    if before.deputies != after.deputies:
        deputies = listing([_signs(one) for one in after.deputies]) or "nobody"
        yield f"In their place may sign: {deputies}.", Reach.SAME
    yield from ((line, Reach.SAME) for line in _desks(before, after))


def _desks(before: Agency, after: Agency) -> Iterator[str]:
    for desk in after.desks.values():
        if desk.id not in before.desks:
            yield f"It has a desk more: {_desk(desk)}"
        elif desk != before.desks[desk.id]:
            yield f"Its desk is now: {_desk(desk)}"
    for desk in before.desks.values():
        if desk.id not in after.desks:
            yield f"It has a desk no longer: {desk.name}."


def _signs(person: Person) -> str:
    return f"{person.name} ({person.role})"


def _desk(desk: Desk) -> str:
    return (
        f"{desk.name} ({desk.id}), {desk.hours.said}, {desk.telephone}, else {desk.out_of_hours};"
        f" in charge: {desk.manager}."
    )


def _asked(old: Agreement, new: Agreement) -> Iterator[Change]:
    for record_type in sorted(old.named.keys() | new.named.keys()):
        before, after = (set(one.named.get(record_type, ())) for one in (old, new))
        if more := sorted(after - before):
            line = f"About each {record_type} are asked now, too: {listing(more)}."
            yield _changed("who is asked", Reach.MORE, line)
        if less := sorted(before - after):
            line = f"About each {record_type} are asked no longer: {listing(less)}."
            yield _changed("who is asked", Reach.LESS, line)
    pairs = (
        ("a record that has no known subject", old.unlinked, new.unlinked),
        ("somebody who was found among staff", old.staff_match, new.staff_match),
    )
    for what, was, now in pairs:
        if was != now:
            line = f"About {what} is asked {now or 'nobody'}, not {was or 'nobody'}."
            yield _changed("who is asked", Reach.EITHER, line)


def _parts(old: Agreement, new: Agreement) -> Iterator[Change]:
    if old.in_force != new.in_force:
        reach = Reach.MORE if new.in_force < old.in_force else Reach.LESS
        line = f"The first day is {day(new.in_force)}, not {day(old.in_force)}."
        yield _changed("dates", reach, line)
    if old.until != new.until:
        reach = Reach.MORE if new.until > old.until else Reach.LESS
        line = f"The last day is {day(_last(new))}, not {day(_last(old))}."
        yield _changed("dates", reach, line)
    if old.review != new.review:
        line = f"It is to be read again on {day(new.review)}, not on {day(old.review)}."
        yield _changed("dates", Reach.SAME, line)
    if old.quorum != new.quorum:
        line = f"It takes force when {_quorum(new)}; before, when {_quorum(old)}."
        yield _changed("quorum", Reach.SAME, line)
    if old.agency_types != new.agency_types:
        yield _changed("types of agency", Reach.EITHER, *_types(old.agency_types, new.agency_types))
    if old.retention != new.retention:
        yield _changed("retention", Reach.SAME, *_retention(old.retention, new.retention))
    if old.emergency != new.emergency:
        line = "What may be sent past the broker in an emergency, by whom or to whom, is different."
        yield _changed("emergency", Reach.EITHER, line)
    words = (
        ("name", old.name, new.name),
        ("origin of its log", old.origin, new.origin),
        ("purposes", " ".join(old.purposes), " ".join(new.purposes)),
    )
    for what, was, now in words:
        if was != now:
            yield _changed(what, Reach.SAME, f"It was “{was}”, and is now “{now}”.")


def _last(agreement: Agreement) -> Instant:
    return Instant(agreement.until - DAY)


def _quorum(agreement: Agreement) -> str:
    quorum = agreement.quorum
    named = f", among them {listing(quorum.agencies)}" if quorum.agencies else ""
    return f"{quorum.at_least} agencies have signed{named}"


def _types(
    old: Mapping[str, Mapping[str, bool]], new: Mapping[str, Mapping[str, bool]]
) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        before, after = (
            sorted(flag for flag, given in one.get(name, {}).items() if given) for one in (old, new)
        )
        if name not in old:
            yield f"{name} is new: {listing(after) or 'nothing in particular'}."
        elif name not in new:
            yield f"{name} is there no longer."
        elif before != after:
            yield f"{name} was {listing(before) or 'plain'}, and is {listing(after) or 'plain'}."


def _retention(old: Mapping[str, int], new: Mapping[str, int]) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            before, after = (
                f"{one[name]} days" if name in one else "no set time" for one in (old, new)
            )
            yield f"Each {name} is kept for {after}, not {before}."


def _engine(before: Revision, after: Revision) -> Iterator[Change]:
    schemas, engine = [], []
    for path in sorted(before.files.keys() | after.files.keys()):
        if before.files.get(path) == after.files.get(path):
            continue
        if path.startswith(SCHEMAS):
            schemas.append(path.removeprefix(SCHEMAS).removesuffix(".avsc"))
        elif path in ENGINE or path.endswith(".rego"):
            engine.append(path)
    if schemas:
        line = f"Other forms of records: {listing(schemas)}."
        yield _changed("forms of records", Reach.EITHER, line)
    if engine:
        line = (
            "The program that evaluates clauses is another one; what it decides otherwise is not"
            f" told here: {listing(engine)}."
        )
        yield _changed("engine", Reach.EITHER, line)
