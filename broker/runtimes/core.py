"""Building a core: in the router's worker process, and again, fresh, for a verification."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from broker.lanes import Received
from broker.protocol.published import PublishedProtocol
from broker.protocol.root import read_root
from broker.records.batches import BatchVerifier
from broker.records.check import Checker
from broker.records.sealing import Opener, Sealer
from broker.routing.core import Core
from broker.routing.entries import EntryMaker
from broker.routing.handling import Handling
from broker.routing.holders import Holders
from broker.routing.knowledge import Knowledge
from broker.routing.replay import Recorder, Replay
from broker.runtimes.keystore import BrokerSecrets
from broker.runtimes.points import Modules, Points
from broker.runtimes.policy import MakePoint, Policy
from broker.runtimes.rotation import RouterKey
from broker.subjects.tokens import Tokeniser


@dataclass(frozen=True, slots=True)
class CoreParts:
    """What a core is built from; plain bytes, so that it can be sent to another process.

    Attributes:
        first_root: the partnership's first root.
        router: the routers' private sealing keys, raw, newest first; none for a verification.
        facts: the log's public sealing key, raw.
        state: seals what routers remember.
        seen: makes the memory of seen values unreadable.
        tokens: makes subject tokens.
        memo_size: decisions remembered.
        shard: the lane's shard.
        opa_server: address of the OPA server that decides; empty: the module does. A verification
            asks the module alone.
    """

    first_root: bytes
    router: tuple[bytes, ...]
    facts: bytes
    state: bytes
    seen: bytes
    tokens: bytes
    memo_size: int
    shard: int = 0
    opa_server: str = ""

    @classmethod
    def of(
        cls,
        first_root: bytes,
        secrets: BrokerSecrets,
        memo_size: int,
        keys: Sequence[RouterKey] = (),
        opa_server: str = "",
    ) -> "CoreParts":
        """Return the parts that a broker's secrets and router keys give."""
        return cls(
            first_root,
            tuple(one.private.private_bytes_raw() for one in keys),
            secrets.facts.public_key().public_bytes_raw(),
            secrets.state,
            secrets.seen,
            secrets.tokens,
            memo_size,
            opa_server=opa_server,
        )


_Maker = TypeVar("_Maker", bound=EntryMaker)


@dataclass(frozen=True, slots=True)
class _Built(Generic[_Maker]):
    checker: Checker
    tokeniser: Tokeniser
    maker: _Maker
    knowledge: Knowledge
    handling: Handling


def _build(parts: CoreParts, maker_type: type[_Maker], make: MakePoint) -> _Built[_Maker]:
    partnership = read_root(parts.first_root).digest
    protocol = PublishedProtocol(partnership)
    private = tuple(X25519PrivateKey.from_private_bytes(raw) for raw in parts.router)
    opener = Opener(partnership, private)
    checker = Checker(
        partnership,
        opener,
        protocol.schemas,
        protocol.registry,
        BatchVerifier(partnership),
        parts.seen,
    )
    tokeniser = Tokeniser(parts.tokens, partnership)
    facts = X25519PublicKey.from_public_bytes(parts.facts)
    maker = maker_type(partnership, Sealer(partnership, os.urandom), facts, os.urandom)
    knowledge = Knowledge(partnership, protocol, parts.state, os.urandom, parts.shard)
    handling = Handling(
        checker=checker,
        tokeniser=tokeniser,
        maker=maker,
        knowledge=knowledge,
        holders=Holders(parts.state),
        decide=Policy(protocol, make, parts.memo_size),
        random_bytes=os.urandom,
    )
    return _Built(checker, tokeniser, maker, knowledge, handling)


def make_core(parts: CoreParts, modules: Modules | None = None) -> Core:
    """Return a core that has learnt nothing yet.

    Args:
        parts: what it is built from.
        modules: builds its decision modules; by default they end with the process.
    """
    points = Points(parts.opa_server, modules)
    built = _build(parts, EntryMaker, points.make)
    return Core(
        built.checker,
        built.tokeniser,
        built.maker,
        built.knowledge,
        built.handling,
        points.answering,
    )


def core_maker(parts: CoreParts, modules: Modules | None = None) -> Callable[[], Core]:
    """Return what builds cores of these parts, here or, without `modules`, in another process.

    Raises:
        AnswerRefused: `protocol.server.address`.
        InstallationError: `installation.opa-client`.
    """
    # Once here: in another process it would be a core that does not start, and nobody told why.
    Points(parts.opa_server)
    return partial(make_core, parts) if modules is None else partial(make_core, parts, modules)


def make_replay(
    parts: CoreParts, protocol: Sequence[Received], modules: Modules | None = None
) -> Replay:
    """Return what re-derives every entry of the log; all its state is its own.

    Args:
        parts: what a core is built from.
        protocol: the published protocol.
        modules: builds its decision modules; by default they end with the process.
    """
    built = _build(parts, Recorder, (modules or Modules()).make)
    return Replay(
        built.checker, built.tokeniser, built.maker, built.knowledge, built.handling, protocol
    )
