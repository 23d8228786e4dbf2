"""The routers' sealing keys: a new one a day, the old ones destroyed when no message needs them.

What agencies publish is sealed to the newest key that the protocol names. A key is retired by the
entry that follows its successor's, kept for as long as a message sealed to it may still come or lie
on a topic, and then destroyed: from then on every copy of those messages is dark.

Order, and why: the new private key is on disk before anybody is told to use it; the old one is
marked retired only after the entry that says so. A crash in between is mended by the next run.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker.clock import DAY, Instant
from broker.lanes import Message, Streams
from broker.protocol.bodies import KeyBody
from broker.protocol.entries import sign_entry
from broker.protocol.published import PublishedProtocol
from broker.records.batches import key_id_of
from broker.records.check import ROUTER
from broker.records.keys import Change, Use
from broker.routing.intake import PROTOCOL
from broker.runtimes.keystore import undamaged
from broker.runtimes.layout import replace_file

ROTATE_AFTER = DAY
"""Age at which a key is followed by a new one."""

DESTROY_AFTER = 16 * DAY
"""Time after retirement at which a key is destroyed: the topics keep a message for 15 days."""

_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class RouterKey:
    """One key.

    Attributes:
        private: opens what was sealed to it.
        made: when it was made.
        retired: when its retirement was published; None while it is in use.
    """

    private: X25519PrivateKey
    made: Instant
    retired: Instant | None = None

    @property
    def public(self) -> bytes:
        """The raw public key."""
        return self.private.public_key().public_bytes_raw()


def fresh_key(at: Instant) -> RouterKey:
    """Return a new key from the system's random source."""
    return RouterKey(X25519PrivateKey.generate(), at)


def save_router_keys(path: Path, keys: Sequence[RouterKey]) -> None:
    """Replace the file of keys, newest first, in one step; only its owner may read it."""
    plain = [
        {"private": one.private.private_bytes_raw().hex(), "made": one.made, "retired": one.retired}
        for one in keys
    ]
    replace_file(path, json.dumps(plain, indent=1).encode("ascii"), _OWNER_ONLY)


def load_router_keys(path: Path) -> tuple[RouterKey, ...]:
    """Read the keys, newest first.

    Raises:
        InstallationError: `installation.damaged`.
    """
    with undamaged(path):
        return tuple(
            RouterKey(
                X25519PrivateKey.from_private_bytes(bytes.fromhex(one["private"])),
                Instant(one["made"]),
                None if one["retired"] is None else Instant(one["retired"]),
            )
            for one in json.loads(path.read_text("ascii"))
        )


def due(keys: Sequence[RouterKey], at: Instant) -> bool:
    """Tell whether anything is to be rotated or destroyed."""
    return keys[0].made + ROTATE_AFTER <= at or any(_expired(one, at) for one in keys)


def _expired(key: RouterKey, at: Instant) -> bool:
    return key.retired is not None and key.retired + DESTROY_AFTER <= at


async def rotate(
    path: Path,
    protocol: PublishedProtocol,
    streams: Streams,
    operator: Ed25519PrivateKey,
    at: Instant,
) -> tuple[RouterKey, ...]:
    """Make, publish, retire and destroy keys as far as it is due; return those that are left.

    Args:
        path: the file of keys.
        protocol: as it is published now.
        streams: hold the `protocol` topic.
        operator: signs the entries.
        at: now.

    Raises:
        Unavailable: the stream cannot be reached; the next run goes on.
    """
    keys = tuple(one for one in load_router_keys(path) if not _expired(one, at))
    if keys[0].made + ROTATE_AFTER <= at:
        keys = (fresh_key(at), *keys)
    save_router_keys(path, keys)
    named = protocol.registry.sealing_key(ROUTER).public_bytes_raw()
    newest = keys[0].public
    if named != newest:
        changes = [(Change.ADD, newest)]
        # What is newer than the named one was never published: a run before was cut off.
        known = dropwhile(lambda one: one.public != named, keys)
        changes += [(Change.RETIRE, one.public) for one in known if one.retired is None]
        entries = [
            KeyBody(
                ROUTER,
                change,
                Use.SEAL,
                key_id_of(public),
                public if change is Change.ADD else b"",
            )
            for change, public in changes
        ]
        await streams.publish(
            [
                Message(
                    PROTOCOL, bytes(8), sign_entry(protocol.partnership, one.plain(), [operator])
                )
                for one in entries
            ]
        )
    keys = (
        keys[0],
        *(replace(one, retired=at) if one.retired is None else one for one in keys[1:]),
    )
    save_router_keys(path, keys)
    return keys
