"""Records as an agency knows them, and what it owes for them."""

from dataclasses import replace
from typing import Any

from broker.clock import Instant
from broker.receipts.duties import duties
from broker.receipts.known import Known, Task
from broker.receipts.owed import Duty
from broker.records.names import AgencyId
from tests.support.county import COUNCIL, NOON, POLICE, revision

MASH = f"{COUNCIL}/mash"
GIRL: dict[str, Any] = {
    "nhs_number": "9990000018",
    "identity": {"given": "Robin", "family": "Sample", "date_of_birth": "2011-09-25"},
}


def known(
    record_type: str,
    record: str = "aa",
    source: AgencyId = POLICE,
    **changes: Any,  # noqa: ANN401 - fields of `Known`
) -> Known:
    content = {**GIRL, **changes.pop("content", {})}
    base = Known(record, source, record_type, NOON, content)
    return replace(base, **changes)


def received(
    record_type: str,
    to: str = MASH,
    **changes: Any,  # noqa: ANN401 - fields of `Known`
) -> Known:
    return known(record_type, consumer=to, delivery="dd", **changes)


AGREEMENT = revision().agreement


def owed(
    *records: Known,
    agency: AgencyId = COUNCIL,
    at: Instant = NOON,
    tasks: tuple[Task, ...] = (),
) -> tuple[Duty, ...]:
    return duties(records, tasks, agency, AGREEMENT, at)


def later(ms: int) -> Instant:
    return Instant(NOON + ms)
