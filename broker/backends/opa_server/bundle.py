"""The bundle that an OPA server decides by: one revision's data, and the shipped Rego.

A revision decides by its module; the Rego beside it says what that module was compiled from. A
server reads the Rego, so it may decide by a revision only if the revision's module is the shipped
one, which `make module` compiles from the shipped Rego byte for byte.
"""

import gzip
import json
import tarfile
from collections.abc import Mapping
from io import BytesIO
from typing import Final

from broker.protocol.errors import SERVER_ENGINE, ProtocolError
from broker.protocol.policy_data import canonical
from broker.protocol.revision import DATA, Engine, Revision

ROOTS: Final = ("concordat", "protocol", "revision")
"""What the bundle owns in the server: nobody else may write there."""

REGO_VERSION: Final = 1


def bundle_of(revision: Revision, engine: Engine) -> bytes:
    """Return the bundle, the same bytes for the same revision and engine.

    Args:
        revision: whose data.
        engine: what this release ships.

    Raises:
        ProtocolError: `protocol.server.engine`; the revision's module is not the shipped one.
    """
    if revision.module != engine.module:
        raise ProtocolError(SERVER_ENGINE, f"revision {revision.digest.hex()[:12]}")
    manifest = {
        "revision": revision.digest.hex(),
        "roots": list(ROOTS),
        "rego_version": REGO_VERSION,
    }
    data = {"protocol": json.loads(revision.files[DATA]), "revision": revision.digest.hex()}
    return _packed({".manifest": canonical(manifest), "data.json": canonical(data), **engine.rego})


def _packed(files: Mapping[str, bytes]) -> bytes:
    """Return a compressed archive without times, owners or a name in it."""
    archive = BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(files):
            entry = tarfile.TarInfo(path)
            entry.size = len(files[path])
            tar.addfile(entry, BytesIO(files[path]))
    return gzip.compress(archive.getvalue(), mtime=0)
