"""`quality`: what an agency's files were like in a month."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from adapters.quality import IDENTIFIERS
from broker.cli.place import layout_for
from broker.cli.show import AgencyName, Dir, Json, iso, reporting, say, say_json, table, when
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.quality import (
    NAMES,
    Found,
    Month,
    faults_csv,
    files_csv,
    month_of,
    month_report,
    share,
)
from broker.runtimes.quality_page import page_of

_FILES_NAMED = 3


def quality(
    agency: AgencyName,
    month: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM", help="Of which month; by default of this one, UTC."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Also write a page and two tables to this folder."),
    ] = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Tell how good an agency's files were: for those who keep its systems. No values."""

    async def run() -> Month:
        clock = SystemClock()
        async with agency_side(layout_for(folder), agency, clock, by_copy=True) as side:
            return await month_report(side, month or month_of(clock.now()))

    with reporting(as_json=as_json):
        found = asyncio.run(run())
        written = [] if output is None else _write(found, output)
    if as_json:
        say_json({**_document(found), "written": [path.name for path in written]})
        return
    _tell(found)
    for path in written:
        say(f"Written: {escape(str(path))}")


def _write(month: Month, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"quality-{month.agency_id}-{month.month}"
    written = []
    for end, text in (
        (".html", page_of(month)),
        ("-files.csv", files_csv(month)),
        ("-faults.csv", faults_csv(month)),
    ):
        path = folder / f"{stem}{end}"
        path.write_text(text, encoding="utf-8", newline="")
        written.append(path)
    return written


def _document(month: Month) -> dict[str, object]:
    total = month.total
    return {
        "agency": month.agency_id,
        "month": month.month,
        "contents": total.contents,
        "read": total.read,
        "mapped": total.mapped,
        "rejected": total.rejected,
        "context": total.context,
        "records": total.records,
        "kept_back": total.kept_back,
        "about_a_child": total.children,
        "cannot_link": total.cannot_link,
        "identifiers": {
            name: {
                "valid": total.identifiers[name].valid,
                "invalid": total.identifiers[name].invalid,
                "absent": total.identifiers[name].absent,
            }
            for name in IDENTIFIERS
        },
        "faults": [_fault(one) for one in month.found],
        "not_mapped": {name: list(held) for name, held in month.unmapped},
        "files": [
            {
                "read_at": iso(one.at),
                "file": one.quality.file,
                "format": one.quality.format,
                "contents": one.quality.contents,
                "read": one.quality.read,
                "mapped": one.quality.mapped,
                "rejected": one.quality.rejected,
                "context": one.quality.context,
                "about_a_child": one.quality.children,
                "cannot_link": one.quality.cannot_link,
            }
            for one in month.noted
        ],
    }


def _fault(one: Found) -> dict[str, object]:
    return {
        "rejects": one.fault.rejects,
        "code": one.fault.code,
        "field": one.fault.field,
        "format": one.format,
        "count": one.fault.count,
        "reason": one.sentence,
        "fix": one.fix,
        "files": [
            {"file": file, "count": count, "first_places": list(places)}
            for file, count, places in one.files
        ],
    }


def _tell(month: Month) -> None:
    total = month.total
    say(f"[bold]{escape(month.agency)}, {month.month}[/]")
    table(
        "",
        ("read (UTC)", "file", "format", "items", "mapped", "rejected", "no link"),
        [
            (
                when(one.at),
                one.quality.file
                + (f" ×{one.quality.contents}" if one.quality.contents > 1 else ""),
                one.quality.format or "-",
                str(one.quality.read),
                str(one.quality.mapped),
                str(one.quality.rejected),
                str(one.quality.cannot_link),
            )
            for one in month.noted
        ],
        "Nothing was read in that month.",
        whole=("read (UTC)",),
    )
    if not month.noted:
        return
    say(
        f"{total.read} items: {total.mapped} mapped, {total.rejected} rejected,"
        f" {total.context} give no record by design."
        f" Cannot be linked to a child: {share(total.cannot_link, total.children)}."
    )
    table(
        "Identifiers of children",
        ("identifier", "valid", "invalid", "not given"),
        [
            (NAMES[name], str(held.valid), str(held.invalid), str(held.absent))
            for name, held in ((name, total.identifiers[name]) for name in IDENTIFIERS)
        ],
    )
    for heading, rejects in (("Rejected", True), ("Went through without that part", False)):
        found = [one for one in month.found if one.fault.rejects is rejects]
        if found:
            say(f"[bold]{heading}[/]")
        for one in found:
            say(
                f"  {one.fault.count} × {escape(one.sentence)}"
                f" {escape(f'[{one.fault.code}, {one.fault.field}]')}"
            )
            files = [f"{file} ({', '.join(places)})" for file, _, places in one.files]
            more = len(files) - _FILES_NAMED
            shown = "; ".join(files[:_FILES_NAMED]) + (f"; {more} more files" if more > 0 else "")
            say(f"    Where: {escape(shown)}")
            say(f"    What to do: {escape(one.fix)}")
    for name, held in month.unmapped:
        say(f"Given in {escape(name)}, and not used: {escape(', '.join(held))}.")
