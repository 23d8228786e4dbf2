"""Looks between whoever searches and the router: sealed, counted, handed over.

A search for a person is answered only once the look is durable here; the router logs it within a
minute while it follows, or when it next runs.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from broker.access_log.errors import LogError
from broker.access_log.looks import LOOKS, Look
from broker.backends.sqlite.looks import SqliteLooks
from broker.clock import HOUR, Instant
from broker.errors import Code, ConcordatError
from broker.lanes import Message, Received
from broker.protocol.root import read_root
from broker.records.errors import RecordRefused
from broker.records.names import Partnership
from broker.records.sealing import open_under, seal_under
from broker.routing.intake import KEY_BYTES
from broker.runtimes.keystore import BrokerSecrets
from broker.runtimes.layout import Layout

TOO_MANY = Code(
    "usage.look-limit",
    "As many persons as may be searched for in an hour have been searched for.",
    "Go on in an hour. Who needs more asks the partnership why, and what for.",
)

MOST_IN_AN_HOUR = 30
"""Persons that one looker may search for in an hour: a day's audit by hand, not a trawl."""

AT_ONCE = 100
"""Looks that are logged in one commit."""

LOOK_PART = "look"


class LookRefused(ConcordatError):  # noqa: N818 - what happened
    """A search for a person was not made."""


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks of one installation; made by `open_looks`."""

    store: SqliteLooks
    key: bytes
    partnership: Partnership

    async def note(self, look: Look) -> None:
        """Keep a look until it is in the log.

        Raises:
            LookRefused: `usage.look-limit`.
            Unavailable: the file cannot be written; nothing may be searched then.
        """
        sealed = seal_under(
            self.key,
            look.encode(),
            partnership=self.partnership,
            part=LOOK_PART,
            random_bytes=os.urandom,
        )
        since = Instant(look.at - HOUR)
        kept = await self.store.note(
            look.id, look.agency, look.at, sealed, since=since, most=MOST_IN_AN_HOUR
        )
        if not kept:
            raise LookRefused(TOO_MANY)

    async def waiting(self) -> list[Received]:
        """Return what is to be logged, as the router takes it; what does not open is left."""
        found = await self.store.waiting(AT_ONCE)
        return list(self._open(sealed for _, sealed in found))

    def _open(self, sealed: Iterator[bytes]) -> Iterator[Received]:
        for number, one in enumerate(sealed):
            try:
                raw = open_under(self.key, one, partnership=self.partnership, part=LOOK_PART)
                at = Look.decode(raw).at
            except (RecordRefused, LogError):
                continue
            yield Received(Message(LOOKS, bytes(KEY_BYTES), raw), 0, number, at)

    async def logged(self, received: Sequence[Received], at: Instant) -> None:
        """Note that these are in the log."""
        looks = [Look.decode(one.message.value).id for one in received]
        await self.store.logged(looks, Instant(at - HOUR))


@contextmanager
def open_looks(layout: Layout, secrets: BrokerSecrets) -> Iterator[Looks]:
    """Open the looks of an installation.

    Raises:
        StoreError: the file is damaged, or not ours.
        Unavailable: it cannot be opened.
    """
    partnership = read_root(layout.first_root.read_bytes()).digest
    with SqliteLooks.open(layout.looks) as store:
        yield Looks(store, secrets.state, partnership)
