"""How a process proves to the cluster who it is, and makes sure that it is the cluster.

A password never travels unencrypted: SASL goes over TLS, or not at all. The password lies in a file
of its own, which only this process may read; neither it nor a key is ever shown.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Protocol = Literal["PLAINTEXT", "SSL", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class Security:
    """Settings of every client of one process.

    Attributes:
        protocol: PLAINTEXT for a cluster on this machine only.
        ca_file: certificates that the cluster's own must lead to; None: those of the system.
        cert_file: this process's certificate; None: it shows none.
        key_file: the certificate's private key, if it is not in the same file.
        mechanism: of SASL.
        username: for SASL.
        password_file: holds the password; a newline at its end is not part of it.
    """

    protocol: Protocol = "PLAINTEXT"
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str = ""
    password_file: Path | None = None

    def __post_init__(self) -> None:
        """Refuse settings that would not be used: somebody believes in them.

        Raises:
            ValueError: they do not fit the protocol.
        """
        tls = (self.ca_file, self.cert_file, self.key_file)
        if self.protocol == "PLAINTEXT" and any(tls):
            raise ValueError("certificates are for SSL or SASL_SSL")
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("a private key needs its certificate")
        has_login = bool(self.username), self.password_file is not None
        if has_login != (self.protocol == "SASL_SSL",) * 2:
            raise ValueError("SASL_SSL, and it alone, has user name and password file")

    def options(self) -> dict[str, Any]:
        """Return what every client is made with.

        Raises:
            OSError: a file cannot be read, or is no certificate (`ssl.SSLError`).
        """
        if self.protocol == "PLAINTEXT":
            return {"security_protocol": self.protocol}
        context = ssl.create_default_context(cafile=self.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        found: dict[str, Any] = {"security_protocol": self.protocol, "ssl_context": context}
        if self.password_file is not None:
            found |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password_file.read_text("utf-8").removesuffix("\n"),
            }
        return found


OPEN = Security()
"""No TLS: for tests, and for a cluster that only this machine reaches."""
