"""The report on quality as a page: to be printed, or sent to whoever supplies the system."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from adapters.quality import IDENTIFIERS
from broker.clock import SECOND
from broker.runtimes.quality import NAMES, Found, Month, share

FILES_NAMED = 5
"""Files named for one fault; the table for spreadsheets names them all."""

STYLE = """
body { font: 11pt/1.45 Arial, Helvetica, sans-serif; color: black; background: white }
body { max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; line-height: 1.2; margin-bottom: .3rem }
h2 { font-size: 1.2rem; margin-top: 2rem; border-top: 2px solid black; padding-top: .4rem }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
caption { text-align: left; font-weight: bold; padding: .6rem 0 .2rem }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem .35rem 0 }
th, td { border-bottom: 1px solid gray; overflow-wrap: anywhere }
thead th { border-bottom-width: 2px }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; margin: 1rem 0 }
dt, dd { margin: 0 } dt { color: dimgray } dd { font-weight: bold }
code { font: .88rem/1.4 Consolas, 'Courier New', monospace }
.wide { overflow-x: auto } small { color: dimgray }
@media (max-width: 600px) {
  table.stack, .stack tbody, .stack tr, .stack td { display: block }
  .stack caption { display: block }
  .stack thead { position: absolute; left: -999rem }
  .stack tr { border-bottom: 1px solid gray; padding: .5rem 0 }
  .stack td { border: 0; padding: .1rem 0; text-align: left; white-space: normal }
  .stack td[data-name]::before { content: attr(data-name) ': '; color: dimgray }
}
@media print { tr { break-inside: avoid } .wide { overflow: visible } body { font-size: 9pt } }
"""


def page_of(month: Month) -> str:
    """Return the page, which needs nothing else and bears no value of any record."""
    when = datetime.strptime(month.month, "%Y-%m").replace(tzinfo=UTC).strftime("%B %Y")
    title = f"Data quality: {month.agency}, {when}"
    return (
        "<!doctype html>\n<html lang='en-GB'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f"<h1>{escape(title)}</h1>"
        "<p>What the adapter found in the files and messages of the agency’s systems, so that the "
        "systems can be mended. It holds counts and codes, no name, number or other value of "
        "anybody.</p>"
        f"{_summary(month)}{_faults(month)}{_identifiers(month)}{_files(month)}{_unmapped(month)}"
        "</main></body></html>\n"
    )


def _summary(month: Month) -> str:
    total = month.total
    facts = (
        ("Files and messages", str(total.contents)),
        ("Items in them", str(total.read)),
        ("Items that became records", share(total.mapped, total.read)),
        ("Rejected", share(total.rejected, total.read)),
        ("No record by design", share(total.context, total.read)),
        ("Kept back by the agency’s own rule", f"{total.kept_back} of {total.records} records"),
        ("Cannot be linked to a child", share(total.cannot_link, total.children)),
    )
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts) + "</dl>"


def _faults(month: Month) -> str:
    if not month.found:
        return "<h2>What to mend</h2><p>Nothing was found.</p>"
    parts = (
        ("Rejected: nobody was told of these", [one for one in month.found if one.fault.rejects]),
        (
            "Went through without that part",
            [one for one in month.found if not one.fault.rejects],
        ),
    )
    tables = "".join(
        _table(
            caption,
            ("How often", "What and where", "What to do"),
            [
                (
                    str(one.fault.count),
                    _what(one),
                    escape(one.fix),
                )
                for one in found
            ],
            {0},
        )
        for caption, found in parts
        if found
    )
    return f"<h2>What to mend</h2>{tables}"


def _what(found: Found) -> str:
    fault = found.fault
    return (
        f"{escape(found.sentence)}<br><small>field <code>{escape(fault.field)}</code>"
        f" · {_places(found)} · <code>{fault.code}</code></small>"
    )


def _places(found: Found) -> str:
    named = "; ".join(
        f"{escape(file)}: {escape(', '.join(places))}"
        + (f" and {count - len(places)} more" if count > len(places) else "")
        for file, count, places in found.files[:FILES_NAMED]
    )
    more = len(found.files) - FILES_NAMED
    return named + (f"; and {more} more files" if more > 0 else "")


def _identifiers(month: Month) -> str:
    rows = []
    for name in IDENTIFIERS:
        held = month.total.identifiers[name]
        whole = held.valid + held.invalid + held.absent
        rows.append(
            (NAMES[name], *(share(one, whole) for one in (held.valid, held.invalid, held.absent)))
        )
    return (
        "<h2>Whom the records are about</h2>"
        "<p>The hub links a record by a date of birth with an NHS number, a unique pupil number or "
        "a council’s identifier. Without both it goes to the one desk that the protocol names "
        "for records that fit no child.</p>"
        + _table("", ("Identifier", "Valid", "Invalid", "Not given"), rows, {1, 2, 3})
    )


def _files(month: Month) -> str:
    rows = [
        (
            datetime.fromtimestamp(one.at // SECOND, UTC).strftime("%-d %b, %H:%M"),
            escape(one.quality.file)
            + (f" ({one.quality.contents} messages)" if one.quality.contents > 1 else ""),
            escape(one.quality.format or "not known"),
            str(one.quality.read),
            str(one.quality.mapped),
            str(one.quality.rejected),
            str(one.quality.context),
            share(one.quality.cannot_link, one.quality.children),
        )
        for one in month.noted
    ]
    heads = (
        "Read (UTC)",
        "File",
        "Format",
        "Items",
        "Mapped",
        "Rejected",
        "By design none",
        "Cannot link",
    )
    return "<h2>File by file</h2>" + (
        _table("", heads, rows, {3, 4, 5, 6, 7}) if rows else "<p>Nothing was read.</p>"
    )


def _unmapped(month: Month) -> str:
    if not month.unmapped:
        return ""
    rows = [
        (escape(name), f"<code>{escape(', '.join(held))}</code>") for name, held in month.unmapped
    ]
    return (
        "<h2>Given, and not used</h2><p>Elements that hold something and have no place in any "
        "record. They stay in the agency’s own system.</p>"
        + _table("", ("Format", "Elements"), rows, set())
    )


def _table(
    caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: set[int]
) -> str:
    def cells(row: Sequence[str]) -> Iterator[str]:
        for place, (head, text) in enumerate(zip(heads, row, strict=True)):
            yield f"<td class='{'n' if place in numbers else 't'}' data-name='{head}'>{text}</td>"

    head = "".join(
        f"<th scope='col' class='{'n' if place in numbers else 't'}'>{name}</th>"
        for place, name in enumerate(heads)
    )
    body = "".join(f"<tr>{''.join(cells(row))}</tr>" for row in rows)
    title = f"<caption>{caption}</caption>" if caption else ""
    return (
        f"<div class='wide'><table class='stack'>{title}<thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )
