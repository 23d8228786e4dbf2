"""What the tests of the MLLP listener share: a listener, a message, a sender."""

from adapters.listening.mllp import MllpListener, MllpListening
from adapters.wire.mllp import framed
from tests.adapters.listening.support import (
    Ears,
    FixedClock,
    Line,
    Memory,
)

CONFIG = MllpListening("adt", format="health-hl7-adt", idle_s=5, frame_s=5)


def message(
    control_id: str = "C1", version: str = "2.4", rest: str = "", processing: str = "P"
) -> bytes:
    """A short message; `rest` follows MSH-12."""
    head = f"MSH|^~\\&|EPR|SITE|CONC|EAST|20260304||ADT^A04|{control_id}|{processing}|{version}"
    return f"{head}{rest}\rPID|1||9990000018\r".encode()


def listener(
    intake: Memory, config: MllpListening = CONFIG, ears: Ears | None = None
) -> MllpListener:
    return MllpListener(config, intake, FixedClock(), ears or Ears())


def msa(answer: bytes) -> list[str]:
    lines = answer.decode("latin-1").split("\r")
    return next(one for one in lines if one.startswith("MSA")).split("|")


async def ask(one: Line, content: bytes) -> list[str]:
    await one.send(framed(content))
    return msa(await one.answer())
