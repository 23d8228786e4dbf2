"""`publish`: an agency's own files go out, or it is only shown what would."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from adapters.format import Rejected, Warned
from broker.cli.place import layout_for
from broker.cli.show import (
    AgencyName,
    Dir,
    Exit,
    Json,
    progress_bar,
    reporting,
    say,
    say_json,
    table,
)
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.previewing import ASSUMED, Preview, Share, preview_files
from broker.runtimes.publishing import PublishReport, publish_files

PLACES_SHOWN = 5
"""Rows or elements named for one reason; --json names them all."""

NAMED = 3
"""Agencies named in a cell; --json names them all."""

_GETS = {
    "content": "{}",
    "existence": "whom to ask, and nothing more",
    "refer": "nothing before somebody here has answered",
    "withhold": "nothing",
}


def publish(
    agency: AgencyName,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Exports to publish.")],
    format_name: Annotated[
        str | None, typer.Option("--format", help="Name the format instead of recognising it.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="The text encoding that you vouch for, such as cp1252.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Only show what would leave, and what each agency would receive."
        ),
    ] = False,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Read an agency's own files, sign what its publication rule lets out, and publish it."""

    async def run() -> PublishReport | Preview:
        async with agency_side(layout_for(folder), agency, SystemClock(), by_copy=dry_run) as side:
            with progress_bar(as_json=as_json) as bar:
                task = bar.add_task("Reading files", total=len(files))

                def progress(_what: str, done: int, total: int) -> None:
                    bar.update(task, completed=done, total=total)

                do = preview_files if dry_run else publish_files
                return await do(side, files, format_name, progress, encoding)

    with reporting(as_json=as_json):
        found = asyncio.run(run())
    report = found.report if isinstance(found, Preview) else found
    if as_json:
        say_json(preview_document(found) if isinstance(found, Preview) else publish_document(found))
    elif isinstance(found, Preview):
        show_preview(found)
    else:
        show_publish(found)
    raise typer.Exit(Exit.DONE if report.clean else Exit.REJECTED)


def publish_document(report: PublishReport) -> dict[str, object]:
    """Return a publish report as JSON shows it."""
    return {
        "read": sum(one.read for one in report.files),
        "mapped": sum(one.mapped for one in report.files),
        "rejected": [_rejected_document(file, one) for file, one in _rejected(report)],
        "context": sum(one.context for one in report.files),
        "records": sum(one.records for one in report.files),
        "published": [
            {"file": one.file, "item": one.item, "record": one.record_id.hex(), "type": one.type}
            for one in report.published
        ],
        "already": report.already,
        "kept_back": [
            {"file": one.file, "item": one.item, "rule": one.rule, "text": one.text}
            for one in report.kept_back
        ],
        "warnings": [_rejected_document(file, one) for file, one in _warnings(report)],
        "files": [
            {
                "file": one.file,
                "format": one.format,
                "read": one.read,
                "mapped": one.mapped,
                "rejected": len(one.rejected),
                "context": one.context,
                "not_mapped": list(one.unmapped),
            }
            for one in report.files
        ],
    }


def _rejected(report: PublishReport) -> list[tuple[str, Rejected]]:
    found = [(account.file, one) for account in report.files for one in account.rejected]
    return found + report.refused


def _warnings(report: PublishReport) -> list[tuple[str, Warned]]:
    return [(account.file, one) for account in report.files for one in account.warnings]


def _rejected_document(file: str, one: Rejected | Warned) -> dict[str, str]:
    return {
        "file": file,
        "item": one.item,
        "field": one.field,
        "code": one.code,
        "reason": one.reason,
        "fix": one.fix,
    }


def show_publish(report: PublishReport, *, dry: bool = False) -> None:
    """Show a publish report to a person; of a dry run, as what would be."""
    table(
        "",
        ("file", "format", "read", "mapped", "rejected", "context"),
        [
            (
                one.file,
                one.format or "-",
                str(one.read),
                str(one.mapped),
                str(len(one.rejected)),
                str(one.context),
            )
            for one in report.files
        ],
    )
    unmapped = sorted({name for one in report.files for name in one.unmapped})
    if unmapped:
        say(f"Left in the files, because no record type has a place for it: {', '.join(unmapped)}.")
    say(
        f"{len(report.published)} records {'would be published' if dry else 'published'},"
        f" {report.already} {'are' if dry else 'were'} there already,"
        f" {len(report.kept_back)} kept back by the publication rule."
    )
    if report.not_noted:
        say(f"Missing in the report on quality, which could not be written: {report.not_noted}.")
    reasons = Counter((one.rule, one.text) for one in report.kept_back)
    for (rule, text), number in sorted(reasons.items()):
        say(f"  {number} kept back by {rule}: {escape(text)}")
    _show_faults("Rejected", _rejected(report))
    _show_faults(
        "Not rejected, but look at it" if dry else "Published, but look at it", _warnings(report)
    )


def _show_faults(heading: str, faults: Sequence[tuple[str, Rejected | Warned]]) -> None:
    """Show what is wrong, each reason once, with the places where it was found."""
    if faults:
        say(f"[bold]{heading}: {len(faults)}[/]")
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for file, one in faults:
        place = one.item if one.field in {"", one.item} else f"{one.item} ({one.field})"
        groups.setdefault((file, one.reason, one.fix, one.code), []).append(place)
    for (file, reason, fix, code), places in groups.items():
        shown = ", ".join(places[:PLACES_SHOWN])
        if len(places) > PLACES_SHOWN:
            shown += f" and {len(places) - PLACES_SHOWN} more"
        say(f"  {escape(file)}, {escape(shown)}: {escape(reason)} {escape(f'[{code}]')}")
        say(f"    What to do: {escape(fix)}")


def preview_document(preview: Preview) -> dict[str, object]:
    """Return a preview as JSON shows it."""
    report = publish_document(preview.report)
    would = report.pop("published")
    return {
        "dry_run": True,
        **report,
        "would_be_published": would,
        "would_be_received": [_document(one) for one in preview.shares],
        "assumed": ASSUMED,
    }


def _document(one: Share) -> dict[str, object]:
    return {
        "type": one.type,
        "records": one.records,
        "consumers": list(one.consumers),
        "if_involved": not one.certain,
        "outcome": one.outcome,
        "gets": one.slots,
        "clauses": list(one.clauses),
        "recipient_must": list(one.obligations),
        "somebody_here_decides": one.asks,
    }


def show_preview(preview: Preview) -> None:
    """Show a preview to a person."""
    show_publish(preview.report, dry=True)
    table(
        "What each would receive",
        ("records", "who", "gets", "by"),
        [
            (
                f"{one.records} {one.type}",
                _who(one),
                "\n".join(_gets(one)),
                ", ".join(one.clauses),
            )
            for one in preview.shares
        ],
        "Nobody would receive anything.",
    )
    if preview.shares:
        say(escape(ASSUMED))
        say(
            "Which agencies are involved with a child only the hub knows: this command neither asks"
            " nor tells."
        )
    say("[bold]Nothing was signed, kept or sent.[/]")


def _who(one: Share) -> str:
    names = ", ".join(one.consumers[:NAMED])
    if len(one.consumers) > NAMED:
        names += f" and {len(one.consumers) - NAMED} more"
    return names if one.certain else f"if involved with the child:\n{names}"


def _gets(one: Share) -> list[str]:
    lines = [_GETS[one.outcome].format(one.slots)]
    lines += [f"must {obligation}" for obligation in one.obligations]
    if one.asks:
        lines.append("somebody here would have to decide")
    return lines
