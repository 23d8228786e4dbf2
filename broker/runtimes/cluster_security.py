"""The file that says how one process and the Kafka cluster know each other.

TOML, one file a party, for it alone to read: `protocol`, `ca_file`, `cert_file`, `key_file`,
`mechanism`, `username`, `password_file`. Files in it are found from its own folder.
"""

import tomllib
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from broker.backends.kafka.security import Mechanism, Protocol, Security
from broker.errors import Code
from broker.runtimes.layout import InstallationError

SECURITY = Code(
    "usage.kafka-security",
    "The file with the security settings of Kafka cannot be used.",
    "Name a TOML file whose settings fit together; docs/kafka.md has examples.",
)


class SecurityFile(BaseModel):
    """What the file says."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    protocol: Protocol
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str = ""
    password_file: Path | None = None


def read_security(path: Path) -> Security:
    """Return the settings in a file, tried out: what they name can be read.

    Raises:
        InstallationError: `usage.kafka-security`.
    """
    try:
        said = SecurityFile.model_validate(tomllib.loads(path.read_text("utf-8")))
        found = Security(
            said.protocol,
            _from(path, said.ca_file),
            _from(path, said.cert_file),
            _from(path, said.key_file),
            said.mechanism,
            said.username,
            _from(path, said.password_file),
        )
        found.options()
    except (OSError, ValidationError) as error:
        raise InstallationError(SECURITY, path.name) from error
    except ValueError as error:
        raise InstallationError(SECURITY, f"{path.name}: {error}") from error
    return found


def _from(path: Path, named: Path | None) -> Path | None:
    return None if named is None else path.parent / named
