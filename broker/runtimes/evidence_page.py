"""The page of a file of evidence: for people who decide about people, and never saw a log."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from broker.clock import SECOND, Instant
from broker.protocol.decision_codec import decode_decision
from broker.protocol.decisions import Decision, Obligation, Outcome
from broker.protocol.published import PublishedProtocol
from broker.protocol.revision import Revision
from broker.protocol.wording import obligation_words
from broker.receipts.evidence_check import Checked, CheckedEntry, Shown, What
from broker.records.envelope import Minimised, Slot
from broker.records.names import SLOT_SCHEMA, AgencyId
from broker.runtimes.reading import lines, plain

STYLE = """
body { font: 12pt/1.5 Georgia, 'Times New Roman', serif; color: black; background: white }
body { max-width: 48rem; margin: 1.5rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; line-height: 1.2 } h2 { font-size: 1.2rem; margin-top: 2rem }
section { border-top: 2px solid black; padding-top: .2rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0 }
th, td { border-bottom: 1px solid gray }
th { width: 9rem; font-weight: normal; color: dimgray } td p:first-child { margin-top: 0 }
table.all { font-size: .85rem } td.time { white-space: nowrap } a { color: navy }
.fails { color: firebrick; font-weight: bold }
code { font: .85rem/1.4 Consolas, 'Courier New', monospace; overflow-wrap: anywhere }
blockquote { margin: .3rem 0 .3rem 0; padding-left: .8rem; border-left: 3px solid gray }
@media (max-width: 600px) {
  th { width: auto; font-weight: bold; padding-top: .7rem }
  th, td { display: block; border: 0; padding-bottom: 0 }
  .all tr { display: block; border-bottom: 1px solid gray; padding: .3rem 0 }
}
@media print { section { break-inside: avoid } }
"""

OUTCOMES = {
    Outcome.WITHHOLD: "Nothing was given.",
    Outcome.REFER: "Nothing was given yet; a person at the sending agency was asked.",
    Outcome.EXISTENCE: "It was told that there is something, and whom to ask; nothing else.",
    Outcome.CONTENT: "It was given the parts that are listed here.",
}

IN_A_WORD = {
    Outcome.WITHHOLD: "nothing given",
    Outcome.REFER: "asked first",
    Outcome.EXISTENCE: "whom to ask",
    Outcome.CONTENT: "given",
}

KINDS = {
    "decision": "A decision",
    "quarantine": "A message that was not accepted",
    "protocol": "A change of the protocol",
    "register": "A change of who works with whom",
    "receipt": "A receipt",
    "task": "A task for a person",
}

HOLDS = {
    What.PLACE: "It stands in the log, at this place, under the signature below.",
    What.FACTS: "Time, parties and decision are what the log committed to.",
    What.PERSONAL: "The record and what was asked are what the log committed to.",
    What.TOLD: "What the receiving agency was told is what the log committed to.",
    What.PROTOCOL: "It rests on the protocol that comes with this file.",
    What.REVISION: "The version of the protocol that decided was signed by the quorum.",
    What.SOURCE: "The sending agency signed the record.",
    What.SLOTS: "The parts that are open are those that it was told of.",
    What.DECISION: "That version of the protocol, asked again, gives this decision.",
}

FAILS = {
    What.PLACE: "It could not be shown that it stands in the log.",
    What.FACTS: "Time, parties or decision are NOT what the log committed to.",
    What.PERSONAL: "The record or what was asked is NOT what the log committed to.",
    What.TOLD: "What the receiving agency was told is NOT what the log committed to.",
    What.PROTOCOL: "It rests on ANOTHER protocol than the one that comes with this file.",
    What.REVISION: "The version of the protocol that decided was NOT signed by the quorum.",
    What.SOURCE: "The sending agency did NOT sign this record.",
    What.SLOTS: "OTHER parts are open than it was told of.",
    What.DECISION: "That version of the protocol, asked again, gives ANOTHER decision.",
}


def said(shown: Shown) -> str:
    """Return a sentence about one thing that was checked."""
    return HOLDS[shown.what] if shown.holds else f"{FAILS[shown.what]} ({shown.why})"


def time_of(at: Instant) -> str:
    """Return an instant as people write it, in UTC."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%-d %B %Y, %H:%M:%S UTC")


def page_of(checked: Checked) -> str:
    """Return the page, which needs nothing else."""
    evidence, protocol = checked.evidence, checked.protocol
    sections = "".join(_entry(one, protocol) for one in checked.entries)
    return (
        "<!doctype html>\n<html lang='en-GB'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>Evidence from {escape(evidence.origin)}</title><style>{STYLE}</style></head><body>"
        f"<h1>Who was given what, when and why</h1>"
        f"<p>Entries of the access log <code>{escape(evidence.origin)}</code>: "
        f"{escape(evidence.asked)}. Gathered on {time_of(evidence.made_at)}.</p>"
        "<p>This page was made from the files that lie beside it, and says nothing that is not in "
        "them. It proves nothing by itself: what proves it is that anybody can check those files "
        "without the people who run the log, by the steps in <code>README.txt</code>.</p>"
        f"{_summary(checked)}{sections}{_signatures(checked)}</body></html>\n"
    )


def read_me_of(checked: Checked) -> str:
    """Return the text that says how to check the file."""
    evidence = checked.evidence
    return (
        f"Evidence from the access log {evidence.origin}.\n\n"
        "page.html    what the entries say, for people\n"
        "evidence.json, root.json, protocol/, entries/    what it is checked by\n\n"
        "To check it, without anything of those who run the log:\n\n"
        "1. Get the partnership's first root from somebody whom you trust. Its SHA-256 is\n"
        f"   {evidence.partnership.hex()}\n"
        "   and the partnership publishes that number.\n"
        "2. concordat log verify-evidence FILE.zip --root 1.root.json\n"
        "   or, with nothing of Concordat's: python verify_evidence.py FILE.zip 1.root.json\n\n"
        "It holds personal data: keep and pass on no more of it than you must.\n"
    )


def named(protocol: PublishedProtocol, consumer: str) -> str:
    """Return an agency's name, and its desk's, as the newest revision of the protocol has them."""
    agency, _, desk = consumer.partition("/")
    roster = protocol.revisions[-1].agreement.roster if protocol.revisions else None
    held = None if roster is None else roster.agencies.get(AgencyId(agency))
    if held is None:
        return consumer or "–"
    return f"{held.name}, {held.desks[desk].name}" if desk in held.desks else held.name


def _summary(checked: Checked) -> str:
    """Return a table of all entries, in which each leads to its section."""
    if len(checked.entries) == 1:
        return ""
    rows = ""
    for one in checked.entries:
        facts, number = one.facts, one.entry.index
        link = f"<a href='#entry-{number}'>{number}</a>"
        if facts is None:
            rows += f"<tr><td>{link}</td><td colspan='3'>closed</td></tr>"
            continue
        parties = escape(named(checked.protocol, facts.source))
        if facts.consumer:
            parties += f" → {escape(named(checked.protocol, facts.consumer))}"
        outcome = facts.kind
        if facts.decision:
            outcome = IN_A_WORD[decode_decision(facts.decision).outcome]
        rows += (
            f"<tr><td>{link}</td><td class='time'>{time_of(facts.at)}</td><td>{parties}</td>"
            f"<td>{escape(outcome)}</td></tr>"
        )
    return f"<h2>{len(checked.entries)} entries</h2><table class='all'>{rows}</table>"


def _entry(one: CheckedEntry, protocol: PublishedProtocol) -> str:
    facts = one.facts
    rows: list[tuple[str, str]] = []
    number = one.entry.index
    heading = f"Entry {number}"
    if facts is None:
        rows.append(("What", "It is closed to whoever gathered this file."))
    else:
        heading += f": {KINDS.get(facts.kind, facts.kind).lower()}, {time_of(facts.at)}"
        rows.append(("From", escape(named(protocol, facts.source))))
        if facts.consumer:
            rows.append(("To", escape(named(protocol, facts.consumer))))
        if facts.code:
            rows.append(("Why not", f"<code>{escape(facts.code)}</code>"))
        if facts.decision:
            decision = decode_decision(facts.decision)
            rows += _decision(decision, protocol)
    rows += _told(one, protocol)
    rows.append(("Checked", _list((escape(said(x)), x.holds) for x in one.shown)))
    cells = "".join(f"<tr><th>{name}</th><td>{text}</td></tr>" for name, text in rows)
    return (
        f"<section id='entry-{number}'><h2>{escape(heading)}</h2><table>{cells}</table></section>"
    )


def _decision(decision: Decision, protocol: PublishedProtocol) -> Iterator[tuple[str, str]]:
    yield "Outcome", OUTCOMES[decision.outcome]
    revision = next((one for one in protocol.revisions if one.digest == decision.revision), None)
    if revision is None:
        return
    opened = [name for name in decision.clauses if name]
    if opened:
        yield "Because", "".join(_clause(revision, name) for name in opened)
    closed = sorted({one.clause for one in decision.refusals} | set(decision.referrals))
    if closed:
        yield "But", "".join(_clause(revision, name) for name in closed)
    if not opened and not closed:
        yield "Because", "No clause of the protocol allows it."
    if decision.narrowings:
        yield "Stopped by", escape(", ".join(decision.narrowings))


def _clause(revision: Revision, name: str) -> str:
    clause = revision.clause(name)
    if clause is None:
        return f"<p>{escape(name)}</p>"
    return (
        f"<p>Clause {escape(name)}, {escape(clause.title)}:</p><blockquote>{escape(clause.text)}"
        f"<br><small>{escape(clause.gateway)} · {escape(clause.condition)}</small></blockquote>"
    )


def _told(one: CheckedEntry, protocol: PublishedProtocol) -> Iterator[tuple[str, str]]:
    told = one.told
    if told is None:
        return
    if told.obligations:
        words = [
            f"must {obligation_words(Obligation(each.kind, each.detail))}"
            for each in told.obligations
        ]
        yield "It was told", _list((escape(word), True) for word in words)
    if one.record is not None and told.slots:
        found = [escape(line) for line in _content(one.record, protocol)]
        if found:
            yield "What it got", _list((line, True) for line in found)


def _content(record: Minimised, protocol: PublishedProtocol) -> Iterator[str]:
    """Yield the open slots as a person reads them."""
    schemas = protocol.schemas
    slot = record.slots[SLOT_SCHEMA]
    schema = schemas.by_digest(slot.value) if isinstance(slot, Slot) else None
    head = schemas.head(record.head.head_version)
    if schema is not None:
        yield f"record type: {schema.type}"
    for number in record.opened():
        spec = head.slots.get(number) or (schema and schema.slots.get(number))
        opened = record.slots[number]
        if spec and isinstance(opened, Slot) and (value := spec.decode(opened.value)) is not None:
            yield from lines(spec.name.replace("_", " "), plain(value))


def _list(items: Iterator[tuple[str, bool]]) -> str:
    return "".join(
        f"<div>{text}</div>" if good else f"<div class='fails'>{text}</div>" for text, good in items
    )


def _signatures(checked: Checked) -> str:
    evidence, checkpoint = checked.evidence, checked.checkpoint
    rows = [("P", f"<code>{evidence.partnership.hex()}</code>")]
    if checkpoint is not None:
        rows.append(("Log", f"{checkpoint.size} entries, signed by the log's key"))
        rows.append(("Root", f"<code>{checkpoint.root.hex()}</code>"))
    if checked.witnesses:  # a file of before there were witnesses has a page without
        have, of = len(checked.witnesses), checked.agencies
        rows.append(("Witnesses", f"{have} of {of} agencies were shown the same log"))
        rows.append(("", _list((escape(name), True) for name in checked.witnesses)))
    for revision in _revisions(checked):
        names = [
            f"{escape(one.name)}, {escape(one.role)} ({escape(one.agency)})"
            for one in checked.protocol.signatories(revision)
        ]
        rows.append(("Protocol", f"<code>{revision.hex()}</code>, signed by"))
        rows.append(("", _list((name, True) for name in names)))
    cells = "".join(f"<tr><th>{name}</th><td>{text}</td></tr>" for name, text in rows)
    return f"<section><h2>Who vouches for it</h2><table>{cells}</table></section>"


def _revisions(checked: Checked) -> Sequence[bytes]:
    named = {one.facts.revision for one in checked.entries if one.facts and one.facts.revision}
    return sorted(named)
