"""Which topics there are, which are tables, and in which store each lies.

The catalogue for people and other systems is `schemas/topics.yaml`; a test compares the two.
"""

from collections.abc import Iterable

from broker.access_log.alarms import ALARMS
from broker.access_log.published import CHECKPOINTS, SHOWN
from broker.access_log.sequencer import DECIDED
from broker.access_log.witness import COSIGNATURES
from broker.backends.topology import Topology
from broker.receipts.inbox import DONE, INBOX
from broker.routing.holders import HOLDERS
from broker.routing.intake import HELD, PROTOCOL, SEEN
from broker.routing.knowledge import REGISTERS

FOLLOWED = "followed"
"""An agency's table of checkpoints that it has followed: size → root; `last` → how far."""

STREAM = (
    "records.",
    "urgent.",
    "deliveries.",
    "quarantine.",
    PROTOCOL,
    CHECKPOINTS,
    SHOWN,
    COSIGNATURES,
    ALARMS,
)
BROKER = (DECIDED, SEEN, REGISTERS, HELD, HOLDERS)
AGENCY = (INBOX, DONE, FOLLOWED)


def names(agencies: Iterable[str]) -> list[str]:
    """Return every topic of stream and broker, for these agencies."""
    kinds = [name for name in STREAM if name.endswith(".")]
    single = [name for name in (*STREAM, *BROKER) if not name.endswith(".")]
    return [*single, *(kind + agency for agency in agencies for kind in kinds)]


TOPOLOGY = Topology(
    1,
    compacted={SEEN, HELD, HOLDERS, INBOX, DONE, FOLLOWED, SHOWN, COSIGNATURES},
    single_shard={PROTOCOL, REGISTERS, CHECKPOINTS, SHOWN, COSIGNATURES, ALARMS},
)
"""One shard: an embedded installation has one router."""
