"""Reading one file to its end: choose the format, map, account. What `publish` begins with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from adapters.accounting import Accounting, Ledger
from adapters.errors import EMPTY, OTHER_TYPE, InputRefused
from adapters.format import Draft, Format, Outcome, ReadContext
from adapters.registry import named, recognise
from adapters.sources.files import HEAD_BYTES, load, load_beside, masked


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file gave.

    Attributes:
        drafts: in its order.
        accounting: the account that adds up.
        digest: SHA-256 of the file, empty if it could not be read; None if it was no file.
    """

    drafts: tuple[Draft, ...]
    accounting: Accounting
    digest: bytes | None = None


def read_file(
    path: Path,
    context: ReadContext,
    format_name: str | None = None,
    given: Mapping[str, Path] | None = None,
) -> Reading:
    """Read a file from disk; a fault of the file as a whole is a rejected item, not an error.

    Args:
        path: the file.
        context: whose it is, and what else is known.
        format_name: the format, if a person named it.
        given: other files of the same command by name: companions may be among them.

    Raises:
        AccountingBroken: a fault of ours.
        InputRefused: `input.format.unknown` for `format_name` only.
    """
    wanted = None if format_name is None else named(format_name)
    digest = b""
    try:
        data = load(path)
        digest = sha256(data).digest()
        chosen = wanted or recognise(data[:HEAD_BYTES], path.name)
    except InputRefused as error:
        ledger = Ledger(masked(path.name), "" if wanted is None else wanted.name)
        ledger.refuse_file(error)
        return Reading((), ledger.close(), digest)
    beside = load_beside(path, chosen.companions(path.name), given)
    reading = read_bytes(data, path.name, replace(context, beside=beside), chosen)
    return replace(reading, digest=digest)


def read_bytes(data: bytes, name: str, context: ReadContext, chosen: Format) -> Reading:
    """Read a file's bytes with one format; pure.

    Raises:
        AccountingBroken: a fault of ours.
    """
    ledger = Ledger(masked(name), chosen.name)
    drafts: list[Draft] = []
    try:
        for outcome in _outcomes(data, name, context, chosen):
            ledger.enter(outcome)
            if isinstance(outcome, Draft):
                drafts.append(outcome)
    except InputRefused as error:
        ledger.refuse_file(error)
    return Reading(tuple(drafts), ledger.close())


def _outcomes(data: bytes, name: str, context: ReadContext, chosen: Format) -> Iterator[Outcome]:
    if not data:
        raise InputRefused(EMPTY, "file")
    if chosen.agency_type not in (None, context.agency_type):
        raise InputRefused(OTHER_TYPE, "file")
    yield from chosen.read(BytesIO(data), name, context)
