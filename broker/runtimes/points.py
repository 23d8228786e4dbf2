"""What decides: a revision's own module, or an OPA server with that module behind it."""

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

from broker.backends.opa_module.point import ModulePoint
from broker.backends.opa_server.fallback import FloorFallback
from broker.errors import Code
from broker.protocol.decision_point import DecisionPoint
from broker.protocol.revision import Revision
from broker.runtimes.layout import InstallationError
from broker.runtimes.policy import POINTS_KEPT, run_ready

NO_CLIENT = Code(
    "installation.opa-client",
    "An address of an OPA server is given, and the client for it is not installed.",
    "Install the distribution with its extra: concordat-broker[opa].",
)

MakeServer = Callable[[bytes], DecisionPoint]
"""Builds what asks the server for a revision, by its digest."""


def module_point(revision: Revision) -> ModulePoint:
    """Return the decision point on a revision's own module."""
    return ModulePoint(revision.module, revision.data, revision.digest)


def server_point(address: str) -> MakeServer:
    """Return what builds decision points on an OPA server.

    Raises:
        AnswerRefused: `protocol.server.address`.
        InstallationError: `installation.opa-client`.
    """
    try:
        from broker.backends.opa_server.point import (  # noqa: PLC0415 - an extra
            ServerPoint,
            address_of,
        )
    except ModuleNotFoundError as error:
        raise InstallationError(NO_CLIENT) from error
    address_of(address)
    return lambda revision: ServerPoint(address, revision)


class Modules(AbstractContextManager["Modules"]):
    """Builds modules for one `Policy` and closes them: each has memory and a clock of its own.

    A policy keeps the last `POINTS_KEPT`, in the order in which they were made.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._made: deque[ModulePoint] = deque()

    def make(self, revision: Revision) -> ModulePoint:
        """Return the decision point on a revision's own module."""
        made = module_point(revision)
        self._made.append(made)
        if len(self._made) > POINTS_KEPT:
            self._made.popleft().close()
        return made

    def close(self) -> None:
        """Close all."""
        while self._made:
            self._made.popleft().close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Points:
    """Builds decision points, and knows whether one that can be away is there."""

    def __init__(self, opa_server: str, modules: Modules | None = None) -> None:
        """Decide by an OPA server, or by the module alone if there is no address of one.

        Args:
            opa_server: its address; empty: there is none.
            modules: builds modules, and belongs to whoever closes it.

        Raises:
            AnswerRefused: `protocol.server.address`.
            InstallationError: `installation.opa-client`.
        """
        self._server = server_point(opa_server) if opa_server else None
        self._modules = modules or Modules()
        self._made: deque[FloorFallback] = deque(maxlen=POINTS_KEPT)

    def make(self, revision: Revision) -> DecisionPoint:
        """Return the decision point of a revision."""
        module = self._modules.make(revision)
        if self._server is None:
            return module
        made = FloorFallback(self._server(revision.digest), module)
        self._made.append(made)
        return made

    def answering(self) -> bool:
        """Tell whether what was left unanswered would be answered now.

        The module is always there: so that what a server owed is decided after it was taken away.
        Before anything was asked nobody knows; to look is the way to find out.
        """
        return not self._made or any(run_ready(made.answering()) for made in self._made)
