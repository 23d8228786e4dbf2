"""The contract's installation in memory."""

from broker.backends.simulated.clock import VirtualClock
from broker.backends.simulated.faults import CALM, Call, Fault, Faults, Rates
from broker.backends.simulated.store import SimulatedStore
from broker.backends.simulated.streams import SimulatedStreams
from tests.contracts.worlds import AGENCY, BROKER, START, STREAM, topology


class SimulatedWorld:
    """Three stores, one clock, one source of chance."""

    def __init__(
        self,
        shards: int,
        seed: int = 0,
        rates: Rates = CALM,
        script: dict[tuple[Call, int], Fault] | None = None,
    ) -> None:
        self.shards = shards
        self.clock = VirtualClock(START)
        self.faults = Faults(seed, rates, script)
        self.stores = {name: SimulatedStore(name) for name in ("stream", "broker", "agency")}

    def streams(self, sink: str) -> SimulatedStreams:
        places = {
            topic: self.stores[name]
            for name, topics in (("stream", STREAM), ("broker", BROKER), ("agency", AGENCY))
            for topic in topics
        }
        shape = topology(self.shards)
        return SimulatedStreams(places, self.stores[sink], self.clock, shape, self.faults)
