"""Where a listener listens and who may come; what is safe by default, and what must be said."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from adapters.configured import Configured
from adapters.listening.errors import (
    ANYBODY,
    LISTENER_CONFIGURATION,
    UNPROTECTED,
    ListenerFailed,
)
from adapters.wire.tls import ServerTls

MOST_PORT = 65_535
MOST_CONNECTIONS = 500
"""Connections that one listener may be told to hold: a process usually has 1,024 files, and its
stores need some."""

MOST_SECONDS = 86_400
MOST_OCTETS = 64 * 1024 * 1024
"""Bytes of one piece of content: as of a file (`adapters.sources.files.FILE_LIMIT`)."""


@dataclass(frozen=True, slots=True)
class Place(Configured):
    """An address, and who may connect to it.

    Attributes:
        host: address to listen on; a loopback address is reached from this machine only.
        port: 0 for one that is free.
        tls: certificate, and authorities of clients; None: no TLS.
        allow: addresses or networks that may connect; none named: all.
        plain: whether it may listen without TLS beyond this machine, because something else
            protects the way.
        connections: how many there may be at one time.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls: ServerTls | None = None
    allow: tuple[str, ...] = ()
    plain: bool = False
    connections: int = 32

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ListenerFailed: `listener.configuration`, `listener.unprotected`.
        """
        within("port", self.port, 0, MOST_PORT)
        within("connections", self.connections, 1, MOST_CONNECTIONS)
        self.networks()
        if self.tls is None and not self.plain and not self.is_local:
            raise ListenerFailed(UNPROTECTED, "host")

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def must_know_who_comes(self) -> None:
        """Refuse a place that asks nobody who they are, for protocols that don't ask either.

        Raises:
            ListenerFailed: `listener.anybody`.
        """
        by_certificate = self.tls is not None and self.tls.clients is not None
        if not (self.is_local or self.allow or by_certificate):
            raise ListenerFailed(ANYBODY, "allow")

    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Return the networks that may connect.

        Raises:
            ListenerFailed: `listener.configuration`.
        """
        try:
            return tuple(ip_network(one) for one in self.allow)
        except ValueError as error:
            raise ListenerFailed(LISTENER_CONFIGURATION, "allow") from error

    def admits(self, peer: str) -> bool:
        """Tell whether an address may connect."""
        if not self.allow:
            return True
        try:
            address = ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self.networks())


def within(name: str, value: float, least: float, most: float) -> None:
    """Refuse a number of the configuration that is out of its bounds.

    Raises:
        ListenerFailed: `listener.configuration`, with the name and the bounds.
    """
    if not least <= value <= most:
        raise ListenerFailed(LISTENER_CONFIGURATION, f"{name}: from {least} to {most}")


def shown(host: str, port: int) -> str:
    """Return an address as it is written."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
