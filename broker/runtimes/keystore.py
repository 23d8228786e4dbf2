"""Private keys as files that only their owner may read (mode 0600). Never printed, never logged."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker.runtimes.layout import DAMAGED, InstallationError, replace_file

SECRET_BYTES = 32
_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class AgencyKeys:
    """What one agency keeps to itself.

    Attributes:
        sign: signs its records and protocol entries.
        seal: opens what is delivered to it.
        id_key: makes record ids, versions and message keys unguessable.
    """

    sign: Ed25519PrivateKey
    seal: X25519PrivateKey
    id_key: bytes

    @classmethod
    def fresh(cls) -> "AgencyKeys":
        """Return new keys from the system's random source."""
        return cls(
            Ed25519PrivateKey.generate(), X25519PrivateKey.generate(), os.urandom(SECRET_BYTES)
        )

    def save(self, path: Path) -> None:
        """Write the keys to a file that does not exist yet."""
        _write(
            path,
            {
                "sign": self.sign.private_bytes_raw(),
                "seal": self.seal.private_bytes_raw(),
                "id_key": self.id_key,
            },
        )

    @classmethod
    def load(cls, path: Path) -> "AgencyKeys":
        """Read the keys.

        Raises:
            InstallationError: `installation.damaged`.
        """
        with undamaged(path):
            raw = _read(path)
            return cls(
                Ed25519PrivateKey.from_private_bytes(raw["sign"]),
                X25519PrivateKey.from_private_bytes(raw["seal"]),
                raw["id_key"],
            )


@dataclass(frozen=True, slots=True)
class BrokerSecrets:
    """What router and log keep to themselves; the routers' sealing keys lie apart (`rotation`).

    Attributes:
        log: signs checkpoints.
        operator: names the routers' sealing keys.
        facts: opens the facts part of log entries.
        state: seals what the router remembers.
        seen: makes the memory of seen values unreadable.
        tokens: makes subject tokens.
        record_keys: wraps the record keys.
    """

    log: Ed25519PrivateKey
    operator: Ed25519PrivateKey
    facts: X25519PrivateKey
    state: bytes
    seen: bytes
    tokens: bytes
    record_keys: bytes

    @classmethod
    def fresh(cls) -> "BrokerSecrets":
        """Return new secrets from the system's random source."""
        return cls(
            Ed25519PrivateKey.generate(),
            Ed25519PrivateKey.generate(),
            X25519PrivateKey.generate(),
            *(os.urandom(SECRET_BYTES) for _ in range(4)),
        )

    def save(self, path: Path) -> None:
        """Write the secrets to a file that does not exist yet."""
        _write(
            path,
            {
                "log": self.log.private_bytes_raw(),
                "operator": self.operator.private_bytes_raw(),
                "facts": self.facts.private_bytes_raw(),
                "state": self.state,
                "seen": self.seen,
                "tokens": self.tokens,
                "record_keys": self.record_keys,
            },
        )

    @classmethod
    def load(cls, path: Path) -> "BrokerSecrets":
        """Read the secrets.

        Raises:
            InstallationError: `installation.damaged`.
        """
        with undamaged(path):
            raw = _read(path)
            return cls(
                Ed25519PrivateKey.from_private_bytes(raw["log"]),
                Ed25519PrivateKey.from_private_bytes(raw["operator"]),
                X25519PrivateKey.from_private_bytes(raw["facts"]),
                raw["state"],
                raw["seen"],
                raw["tokens"],
                raw["record_keys"],
            )


def save_witness_key(path: Path, key: Ed25519PrivateKey) -> None:
    """Write the key by which an agency cosigns, in place of one that is there."""
    text = _dumped({"witness": key.private_bytes_raw()})
    replace_file(path, text.encode("ascii"), _OWNER_ONLY)


def load_witness_key(path: Path) -> Ed25519PrivateKey | None:
    """Read the key by which an agency cosigns; None if it has none yet.

    Raises:
        InstallationError: `installation.damaged`.
    """
    if not path.exists():
        return None
    with undamaged(path):
        return Ed25519PrivateKey.from_private_bytes(_read(path)["witness"])


def save_officers(path: Path, keys: Mapping[str, Ed25519PrivateKey]) -> None:
    """Write the demonstration's officers' keys, by agency."""
    _write(path, {agency: key.private_bytes_raw() for agency, key in keys.items()})


def add_officers(path: Path, keys: Mapping[str, Ed25519PrivateKey]) -> None:
    """Write the demonstration's officers' keys anew, with more of them: all or nothing."""
    text = _dumped({agency: key.private_bytes_raw() for agency, key in keys.items()})
    replace_file(path, text.encode("ascii"), _OWNER_ONLY)


def load_officers(path: Path) -> dict[str, Ed25519PrivateKey]:
    """Read the demonstration's officers' keys, by agency.

    Raises:
        InstallationError: `installation.damaged`.
    """
    with undamaged(path):
        found = _read(path)
        return {name: Ed25519PrivateKey.from_private_bytes(raw) for name, raw in found.items()}


@contextmanager
def undamaged(path: Path) -> Iterator[None]:
    """Say which file is damaged, and nothing of what it holds, when it does not read as it should.

    Raises:
        InstallationError: `installation.damaged`.
    """
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError):
        # Without its cause: that could hold a piece of a private key.
        raise InstallationError(DAMAGED, path.name) from None


def _write(path: Path, secrets: Mapping[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(_dumped(secrets))
        file.flush()
        os.fsync(file.fileno())


def _dumped(secrets: Mapping[str, bytes]) -> str:
    return json.dumps({name: raw.hex() for name, raw in secrets.items()}, indent=1)


def _read(path: Path) -> dict[str, bytes]:
    found = {name: bytes.fromhex(raw) for name, raw in json.loads(path.read_text("ascii")).items()}
    if any(len(raw) != SECRET_BYTES for raw in found.values()):
        raise ValueError("size of a key")
    return found
