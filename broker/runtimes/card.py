"""The printable card for an emergency: who may, how, what never goes, and whom to ring."""

from html import escape

from broker.protocol.agreement import Agreement
from broker.records.names import AgencyId

STYLE = """
@page { size: A4; margin: 12mm }
body { font: 11pt/1.35 Arial, Helvetica, sans-serif; color: black; max-width: 186mm; margin: auto }
h1 { font-size: 20pt; margin: 0 0 2mm } h2 { font-size: 13pt; margin: 5mm 0 1mm }
.first { border: 1.5mm solid firebrick; padding: 3mm; font-size: 13pt }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: 1mm 2mm; vertical-align: top }
th, td { border-bottom: .3mm solid dimgray }
td.number { font-weight: bold; white-space: nowrap; font-size: 12pt }
code { font: 10pt/1.3 Consolas, 'Courier New', monospace; overflow-wrap: anywhere }
ol { margin: 1mm 0 0; padding-left: 6mm } p { margin: 1mm 0 }
@media (max-width: 700px) { td.number { white-space: normal } }
"""

_WORDS = {"tag:place": "places", "tag:third-party": "other people", "tag:narrative": "free text"}


def card_of(agreement: Agreement, agency: AgencyId) -> str:
    """Return an agency's card, a page of HTML that needs nothing else."""
    rule = agreement.emergency
    mine = agreement.roster.agencies[agency]
    rows = "".join(
        f"<tr><td>{escape(one.name)}<br><small>{escape(desk.name)}</small></td>"
        f"<td>{escape(desk.hours.said)}</td><td class='number'>{escape(desk.telephone)}</td>"
        f"<td class='number'>{escape(desk.out_of_hours)}</td></tr>"
        for one in agreement.roster.agencies.values()
        for desk in one.desks.values()
    )
    how = "" if rule is None else _how(agreement, agency)
    return (
        "<!doctype html>\n<html lang='en-GB'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>Emergency card: {escape(mine.name)}</title><style>{STYLE}</style></head><body>"
        f"<h1>When the broker does not answer</h1><p>{escape(mine.name)} · "
        f"{escape(agreement.name)}</p>"
        "<p class='first'><strong>A child in immediate danger: ring 999 first.</strong> "
        "Then ring the desk. Nobody needs a computer to share what keeps a child alive.</p>"
        f"{how}<h2>Whom to ring</h2><table><tr><th>Desk</th><th>Staffed</th><th>In hours</th>"
        f"<th>Out of hours</th></tr>{rows}</table></body></html>\n"
    )


def _how(agreement: Agreement, agency: AgencyId) -> str:
    rule = agreement.emergency
    if rule is None:
        return ""
    clause = escape(rule.clause)
    never = ", ".join(escape(_WORDS.get(one, one)) for one in rule.never)
    hours, days = rule.lasts // 3_600_000, rule.review // 86_400_000
    return (
        "<h2>Breaking the glass</h2>"
        f"<p>Clause {clause} of the signed protocol allows it to: "
        f"<strong>{escape(', '.join(rule.roles))}</strong>.</p><ol>"
        f"<li>Find the record: <code>concordat inbox</code>, or the id on your own list.</li>"
        f"<li>Send it to one desk: <code>concordat break-glass send {escape(agency)} RECORD --to "
        "AGENCY/DESK --role ROLE --person NAME --reason WHY -o file.json</code></li>"
        "<li>Bring the file there by any way; it is sealed to that agency. Ring and say so.</li>"
        f"<li>There: <code>concordat break-glass take AGENCY file.json</code></li></ol>"
        f"<p>It goes to: {escape(', '.join(rule.to))}. Never sent: {never}. It is gone there after "
        f"{hours} hours. The duty desks hear that it was done, and a second person reviews it "
        f"within {days} days.</p>"
    )
