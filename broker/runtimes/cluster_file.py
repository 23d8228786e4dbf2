"""`DIR/stream/kafka.toml`: says that an installation exchanges over Kafka, and where."""

import os
import tomllib
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from broker.errors import Code
from broker.runtimes.layout import DAMAGED, InstallationError, replace_file

NO_ADDRESS = Code(
    "usage.kafka",
    "It is not said where Kafka is.",
    "Set CONCORDAT_KAFKA to its addresses: host:port,host:port.",
)

PREFIX = "concordat."
"""Begins the names of an installation that has none of its own."""


class ClusterFile(BaseModel):
    """What `kafka.toml` says; the same for every process of the installation."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    bootstrap: str = Field(min_length=1, description="addresses, host:port,host:port")
    prefix: str = Field(
        default="", pattern=r"^[a-z0-9._-]{0,64}$", description="begins every name in the cluster"
    )
    replicas: int = Field(default=1, ge=1, le=7, description="copies of each partition")
    demonstration: bool = Field(
        default=False, description="messages bear the demonstration's own time, not Kafka's"
    )

    @classmethod
    def at(cls, bootstrap: str, prefix: str, replicas: int) -> Self:
        """Return what a new installation's file says.

        Raises:
            InstallationError: `usage.kafka`.
        """
        if not bootstrap:
            raise InstallationError(NO_ADDRESS)
        return cls(bootstrap=bootstrap, prefix=prefix, replicas=replicas)

    @classmethod
    def of_demonstration(cls, bootstrap: str) -> Self:
        """Return what a demonstration's file says: names that no other installation has.

        Raises:
            InstallationError: `usage.kafka`.
        """
        if not bootstrap:
            raise InstallationError(NO_ADDRESS)
        return cls(bootstrap=bootstrap, prefix=f"demo-{os.urandom(4).hex()}.", demonstration=True)

    def write(self, path: Path) -> None:
        """Write the file."""
        lines = [
            "# Where the parties of this installation exchange what they do. Public.",
            *(f"{name} = {_toml(value)}" for name, value in self.model_dump().items()),
            "",
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, "\n".join(lines).encode())

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            InstallationError: `installation.damaged`.
        """
        try:
            return cls.model_validate(tomllib.loads(path.read_text("utf-8")))
        except (OSError, ValueError, ValidationError) as error:
            raise InstallationError(DAMAGED, path.name) from error


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
