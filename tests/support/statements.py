"""What Eastshire's agencies say in tests: registers, alerts, answers, receipts, retractions."""

from typing import Any

from broker.clock import SECOND, Instant
from broker.records.names import AgencyId, Kind
from broker.records.statement import Indicator, Statement
from tests.support.county import GIRL, NOON, TODAY, County, sample

MISSING = Indicator("missing", TODAY - 1, "fact")


def high_risk() -> dict[str, Any]:
    """Return labels of a missing child at high risk: the floor's case."""
    return {"facts": ("missing:current", "missing:high-risk"), "indicators": (MISSING,)}


def involved(
    county: County,
    kind: str = "on-roll",
    **changes: Any,  # noqa: ANN401 - as `County.say`
) -> Statement:
    """Return an agency's statement that it works with a child; `first` and `last` are days."""
    about = changes.pop("about", GIRL)
    first, last = changes.pop("first", TODAY - 30), changes.pop("last", None)
    link = {"kind": kind, "from": first, "until": last}
    content = {"link": link, "site": sample("involvement")["site"]}
    return county.say("involvement", about, kind=Kind.REGISTER, content=content, **changes)


def alerted(
    county: County,
    kind: str = "protected-address",
    **changes: Any,  # noqa: ANN401 - as `County.say`
) -> Statement:
    """Return an alert; `who` may name persons who must not see the child's records."""
    about = changes.pop("about", GIRL)
    first, last = changes.pop("first", TODAY - 1), changes.pop("last", None)
    said = {"kind": kind, "from": first, "until": last, "who": changes.pop("who", [])}
    return county.say("alert", about, kind=Kind.REGISTER, content={"alert": said}, **changes)


def answered(
    county: County,
    task: bytes,
    record_id: bytes,
    answer: str = "share",
    **changes: Any,  # noqa: ANN401 - as `County.say`
) -> Statement:
    """Return a person's answer to a task."""
    given = {
        "task": task,
        "record_id": record_id,
        "answer": answer,
        "reason": "made up",
        "role": "lead",
        "at": NOON,
    }
    labels = {"subject": "record", "concerns": record_id, "answer": answer, **changes}
    return county.say("answer", None, content={"answer": given}, **labels)


def receipt(county: County, source: AgencyId, record_id: bytes) -> Statement:
    """Return that a delivery was acknowledged."""
    happened = {
        "delivery_id": bytes(16),
        "source": source,
        "record_id": record_id,
        "event": "acknowledged",
        "action": None,
        "at": NOON,
        "role": "lead",
    }
    labels = {"subject": "record", "concerns": record_id}
    return county.say("receipt", None, content={"receipt": happened}, **labels)


def retracted(
    county: County,
    record_type: str,
    record_id: bytes,
    **changes: Any,  # noqa: ANN401 - as `County.say`
) -> Statement:
    """Return a retraction of a record; it repeats nothing of what was wrong."""
    about = changes.pop("about", GIRL)
    said = {"kind": Kind.RETRACTION, "content": {}, "concerns": record_id, **changes}
    return county.say(record_type, about, **said)


def later(seconds: int) -> Instant:
    """Return an instant after noon."""
    return Instant(NOON + seconds * SECOND)
