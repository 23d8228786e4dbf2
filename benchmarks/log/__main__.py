"""Measure the access log: `python -m benchmarks.log`."""

import argparse
import asyncio
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.figures import Figure, commit, machine, report, screen
from benchmarks.log.appends import appending
from benchmarks.log.searches import in_postgres, in_sqlite, set_up

EMBEDDED = "embedded"


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.log", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="entries in SQLite's index")
    parser.add_argument("--records", type=int, default=4_000, help="records appended to a log")
    parser.add_argument(
        "--postgres",
        default=os.environ.get("CONCORDAT_POSTGRES", ""),
        help="address of a server, or `embedded` for one from the wheel; else it is left out",
    )
    parser.add_argument(
        "--postgres-rows", type=int, default=1_000_000, help="entries in PostgreSQL's index"
    )
    parser.add_argument("--only", choices=("append", "sqlite", "postgres"), help="this one alone")
    chosen = parser.parse_args()
    screen.print(f"{machine()}; commit {commit()}")
    if chosen.only in {None, "append"}:
        report("log-append", asyncio.run(appending(chosen.records)))
    if chosen.only in {None, "sqlite"}:
        with tempfile.TemporaryDirectory(prefix="concordat-bench-") as folder:
            report("log-sqlite", asyncio.run(in_sqlite(Path(folder), chosen.rows)))
    if chosen.postgres and chosen.only in {None, "postgres"}:
        report("log-postgres", _postgres(chosen.postgres, chosen.postgres_rows))


def _postgres(address: str, rows: int) -> list[Figure]:
    with ExitStack() as stack:
        if address == EMBEDDED:
            from tests.support import postgres  # noqa: PLC0415 - only where no server is given
            from tests.support.services import Missing  # noqa: PLC0415 - as above

            programs = postgres.binaries()
            if isinstance(programs, Missing):
                raise SystemExit(programs.why)
            server = stack.enter_context(postgres.database(programs))
            address = server.address
            asyncio.run(set_up(address))
            server.stop()
            server.start()
        return asyncio.run(in_postgres(address, rows))


if __name__ == "__main__":
    main()
