"""Whether the index holds what the log holds: a search that leaves rows out misleads in silence."""

from broker.access_log.decided import Kept
from broker.access_log.errors import INDEX
from broker.access_log.findings import MOST_FINDINGS, Finding
from broker.access_log.openings import Batch
from broker.access_log.ports import EVERYTHING, FIND_LIMIT, Cursor, LogIndex, LogRow
from broker.access_log.reader import LogView
from broker.access_log.sequencer import rows_of


async def verify_index(view: LogView, index: LogIndex) -> tuple[Finding, ...]:
    """Return where the index differs from the log, newest first; empty if it does not.

    Rows beyond the view's checkpoint are not looked at.

    Raises:
        LogError: a file of the log is missing or not what the format says.
        Unavailable: a store cannot be reached.
    """
    findings: list[Finding] = []
    size = await index.size()
    if size < view.state.tree.size:
        findings.append(Finding(None, INDEX, f"{size} rows, {view.state.tree.size} entries"))
    async for batch in view.batches_back():
        openings = await view.openings(batch)
        kept = [Kept.decode(message.kept) for message in openings.messages]
        expected = rows_of(batch, [entry for one in kept for entry in one.entries])
        found = {row.index: row for row in await _rows(index, batch)}
        findings += [
            Finding(row.index, INDEX, "row") for row in expected if found.get(row.index) != row
        ]
        if len(findings) >= MOST_FINDINGS:
            break
    return tuple(findings)


async def _rows(index: LogIndex, batch: Batch) -> list[LogRow]:
    """Return the rows that the index holds of a batch, newest first."""
    rows: list[LogRow] = []
    cursor: Cursor | None = Cursor(batch.start + batch.count)
    while cursor is not None and cursor > batch.start:
        left = min(FIND_LIMIT, cursor - batch.start)
        page = await index.find(EVERYTHING, cursor, left)
        rows += page.rows
        cursor = page.cursor
    return rows
