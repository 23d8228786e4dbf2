"""Messages of an agency that the broker did not accept: only the source can open them."""

import asyncio
from typing import Annotated

import typer
from rich.markup import escape

from broker.cli.place import layout_for
from broker.cli.show import (
    SHOWN_HEX,
    AgencyName,
    Dir,
    Json,
    Refused,
    iso,
    reporting,
    say,
    say_json,
    table,
    when,
)
from broker.errors import Code
from broker.receipts.inbox import Item
from broker.records.errors import RecordRefused
from broker.records.names import SLOT_SCHEMA, RecordId
from broker.runtimes import answering, receiving
from broker.runtimes.agency import AgencySide, agency_side
from broker.runtimes.catalogue import sentence_of
from broker.runtimes.clock import SystemClock
from broker.runtimes.reading import lines, plain

ONE_OR_ALL = Code(
    "usage.retry",
    "Say which message is meant, or for which reason all of them.",
    "Name one message, or give --code with the code that `concordat quarantine list` shows.",
)

Named = Annotated[
    str, typer.Argument(metavar="MESSAGE", help="A quarantined message's id, or its beginning.")
]


def list_quarantine(agency: AgencyName, folder: Dir = None, as_json: Json = False) -> None:
    """List an agency's quarantined messages, each with its code and what to do."""
    with reporting(as_json=as_json):
        items, _ = asyncio.run(_items(folder, agency))
        documents = [_document(one) for one in items]
    if as_json:
        say_json({"quarantined": documents})
        return
    table(
        "",
        ("message", "came", "what is wrong"),
        [
            (
                item.row.id.hex()[:SHOWN_HEX],
                when(item.row.at),
                f"{one['sentence']} [{one['code']}]\nWhat to do: {one['fix']}{_retried(item)}",
            )
            for item, one in zip(items, documents, strict=True)
        ],
        "Nothing is in quarantine.",
        whole=("message", "came"),
    )


def _retried(item: Item) -> str:
    at = item.done.retried
    return "" if at is None else f"\nSent again {when(at)}."


def show(agency: AgencyName, message: Named, folder: Dir = None, as_json: Json = False) -> None:
    """Open one quarantined message, as far as it opens."""

    async def run() -> tuple[dict[str, object], dict[str, object]]:
        items, side = await _items(folder, agency)
        item = answering.find(items, message, "quarantine")
        return _document(item), _content(side, item)

    with reporting(as_json=as_json):
        document, content = asyncio.run(run())
    if as_json:
        say_json({**document, "content": content})
        return
    for name, value in {**document, **content}.items():
        if value is not None:
            for line in lines(name, value):
                say(escape(line))


def retry(
    agency: AgencyName,
    message: Annotated[
        str | None,
        typer.Argument(metavar="MESSAGE", help="A quarantined message's id, or its beginning."),
    ] = None,
    code: Annotated[
        str | None,
        typer.Option(help="All that is there for this reason, such as record.issued.future."),
    ] = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Sign and seal quarantined records anew from the outbox, under the same ids, and send them."""

    async def run() -> tuple[list[RecordId], int]:
        if (message is None) is (code is None):
            raise Refused(ONE_OR_ALL)
        async with agency_side(layout_for(folder), agency, SystemClock()) as side:
            await receiving.receive(side)
            if code is not None:
                return await answering.retry_all(side, code)
            return [await answering.retry(side, message or "")], 0

    with reporting(as_json=as_json):
        records, strangers = asyncio.run(run())
    if as_json:
        names = [one.hex() for one in records]
        say_json({"record": names[0]} if code is None else {"records": names, "left": strangers})
        return
    if code is None:
        say("Signed anew and sent. The next `concordat route` checks it again.")
        return
    say(f"{len(records)} signed anew and sent. The next `concordat route` checks them again.")
    if strangers:
        say(f"{strangers} are none that this agency's outbox has sent.")


async def _items(folder: Dir, agency: str) -> tuple[list[Item], AgencySide]:
    async with agency_side(layout_for(folder), agency, SystemClock()) as side:
        await receiving.receive(side)
        items = await receiving.inbox(side)
    return [one for one in items if one.row.told.kind == "quarantine"], side


def _document(item: Item) -> dict[str, object]:
    envelope = answering.quarantined_envelope(item)
    code = item.row.told.code or ""
    sentence, fix = sentence_of(code)
    return {
        "message": item.row.id.hex(),
        "received_at": iso(item.row.at),
        "code": code,
        "sentence": sentence,
        "fix": fix,
        "record": None if envelope is None else envelope.head.record_id.hex(),
        "retried_at": None if item.done.retried is None else iso(item.done.retried),
    }


def _content(side: AgencySide, item: Item) -> dict[str, object]:
    envelope = answering.quarantined_envelope(item)
    if envelope is None:
        return {"bytes": len(item.row.minimised)}
    try:
        schema = side.schemas.by_digest(envelope.slots[SLOT_SCHEMA].value)
        head = side.schemas.head(envelope.head.head_version).slots
        return {
            spec.name: plain(spec.decode(envelope.slots[number].value))
            for number, spec in sorted({**head, **schema.slots}.items())
        }
    except RecordRefused as error:
        return {"unreadable": error.code.name}
