"""Certificates of listeners and sinks.

TLS 1.2 or later, and a sink never talks to a side whose certificate it has not checked.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from adapters.configured import Configured
from adapters.wire.errors import TLS, WireFilesUnfit


@dataclass(frozen=True, slots=True)
class ServerTls(Configured):
    """How a listener proves who it is, and whom it believes.

    Attributes:
        certificate: its certificate with the chain, in PEM.
        key: the private key; None: it stands in the same file.
        clients: authorities, in PEM; whoever brings content must show a certificate of one of
            them. None: none is asked for.
    """

    certificate: Path
    key: Path | None = None
    clients: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return what connections are accepted with.

        Raises:
            WireFilesUnfit: `wire.tls`.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _load(context, self.certificate, self.key)
        if self.clients is not None:
            _believe(context, self.clients)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@dataclass(frozen=True, slots=True)
class ClientTls(Configured):
    """How a sink knows the other side, and proves who it is.

    Attributes:
        authorities: in PEM; None: those of the system.
        certificate: what it shows of itself; None: nothing.
        key: the private key; None: it stands in the same file.
    """

    authorities: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return what connections are made with; names of hosts are checked.

        Raises:
            WireFilesUnfit: `wire.tls`.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.authorities is None:
            context.load_default_certs()
        else:
            _believe(context, self.authorities)
        if self.certificate is not None:
            _load(context, self.certificate, self.key)
        return context


def _load(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    try:
        # A pass phrase nobody is there to type: an empty one fails at once, and is told.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        raise WireFilesUnfit(TLS, "certificate or key") from error


def _believe(context: ssl.SSLContext, authorities: Path) -> None:
    try:
        context.load_verify_locations(authorities)
    except (OSError, ValueError) as error:
        raise WireFilesUnfit(TLS, "authorities") from error
