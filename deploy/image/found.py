# ruff: noqa: INP001 - run as a program
"""Found the county once, with each party's part in a volume of its own.

    python found.py [OPTION…]

Runs `concordat init` with these options, unless it was done before. `init` writes one folder; here
every party's folder in it is a volume, so each part lands where only that party will mount it. Two
things remain to be put in their places: the demonstration's officers' keys, which `init` writes
beside the public first root, and the password of PostgreSQL, which the broker reads from a file of
its own, so that no environment and no address holds it.

Exit codes: those of `concordat init`.
"""

import os
import subprocess
import sys
from pathlib import Path

OFFICERS = "officers-of-the-demonstration.json"
PASSWORD = Path("/run/secrets/postgres-password")


def put_officers_away(county: Path) -> None:
    """Move the officers' keys out of the public part, into the officers' own volume."""
    found = county / OFFICERS
    if not found.exists():
        return
    kept = county / "officers" / OFFICERS
    descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(found.read_bytes())
        file.flush()
        os.fsync(file.fileno())
    found.unlink()


def hand_over_password(county: Path) -> None:
    """Write PostgreSQL's password as its clients read it: a file for its owner alone."""
    if not PASSWORD.exists():
        return
    password = PASSWORD.read_text("utf-8").strip()
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    passfile = county / "broker" / "pgpass"
    descriptor = os.open(passfile, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"*:*:*:*:{escaped}\n")


def main(options: list[str]) -> int:
    """Return the exit code."""
    county = Path(os.environ["CONCORDAT_DIR"])
    put_officers_away(county)  # a founding that was interrupted right after its end
    hand_over_password(county)
    if (county / "1.root.json").exists():
        print("The county was founded before.")  # noqa: T201 - a program
        return 0
    command = ["concordat", "init", "--dir", str(county), *options]
    code = subprocess.run(command, check=False).returncode  # noqa: S603 - our own command
    put_officers_away(county)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
