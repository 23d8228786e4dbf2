"""Answering a request for information: a signed record to whoever asked, and to nobody else."""

from enum import StrEnum

from adapters.format import Draft
from broker.receipts.errors import NO_DELIVERY, NO_TEXT, InboxError
from broker.receipts.inbox import Item
from broker.records.names import Kind, RecordId
from broker.records.statement import Identifiers, Labels, Statement
from broker.runtimes.agency import AgencySide
from broker.runtimes.answering import SYSTEM, VERSION, acknowledge, find
from broker.runtimes.publishing import publish_drafts
from broker.runtimes.reading import content_of
from broker.runtimes.receiving import inbox

REQUEST = "information-request"
RESPONSE = "information-response"


class Result(StrEnum):
    """What the answer is."""

    CONTENT = "content"
    NOTHING_HELD = "nothing-held"
    REFUSED = "refused"


class Because(StrEnum):
    """Why an answer is refused."""

    NOT_LAWFUL = "not-lawful"
    MORE_DETRIMENTAL = "more-detrimental"
    THIRD_PARTY = "third-party"
    LIVE_INVESTIGATION = "live-investigation"
    CHILD_OBJECTS = "child-objects"
    NOT_THIS_AGENCY = "not-this-agency"


async def respond(
    side: AgencySide, name: str, result: Result, because: Because | None, text: str, role: str
) -> Item:
    """Answer a request, and take it on.

    Args:
        side: who answers.
        name: the delivery of the request, by its id or its beginning.
        result: what the answer is.
        because: why, if it is refused.
        text: the answer in words, or more on the reason; empty if there is none.
        role: of the person who answers.

    Raises:
        InboxError: none, or several, are named; it is no request; or nothing is said.
    """
    item = find(await inbox(side), name, "delivery")
    record = item.row.record
    said = {} if record is None else content_of(side, record)
    if record is None or "request" not in said:
        raise InboxError(NO_DELIVERY, REQUEST)
    if (result is Result.CONTENT and not text) or (result is Result.REFUSED and because is None):
        raise InboxError(NO_TEXT, result.value)
    at = side.clock.now()
    asked, source = record.head.record_id, record.head.agency
    desk = f"{source}/{(said.get('contact') or {}).get('desk')}"
    to = desk if side.agreement.roster.has(desk) else source
    statement = Statement(
        RESPONSE,
        VERSION,
        Kind.RECORD,
        SYSTEM,
        f"response/{item.row.id.hex()}/{at}",
        "1",
        Labels(
            RESPONSE,
            purpose=("safeguarding",),
            facts=() if result is Result.CONTENT else (f"response:{result.value}",),
            addressed_to=(to,),
            concerns=asked,
        ),
        _identifiers(said),
        side.contact(item.row.told.consumer.partition("/")[2], role),
        {
            "response": {
                "result": result.value,
                "because": None if because is None else because.value,
                "at": at,
                "role": role,
                "request": RecordId(asked).hex(),
            },
            "answer": text or None,
            "records": None,
        },
    )
    await publish_drafts(side, [Draft(statement, item.row.id.hex(), urgent=True)])
    (taken,) = await acknowledge(side, item.row.id.hex(), role)
    return taken


def _identifiers(said: dict[str, object]) -> Identifiers:
    """Return whom the request is about, as the asking agency has named her."""
    who = said.get("identity")
    named = who if isinstance(who, dict) else {}
    return Identifiers(
        **{name: _text(said.get(name)) for name in ("nhs_number", "upn", "council_id")},
        **{name: _text(named.get(name)) for name in ("given", "family", "date_of_birth")},
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
