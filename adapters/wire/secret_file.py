"""A file of secrets: one a line, read by its owner alone, read again when it changes.

A secret never stands in a configuration file, which is copied, printed and kept under version
control. Several lines are several secrets, all valid: a secret is exchanged by adding the new one
here, changing it at the other side, and removing the old one.
"""

import hmac
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from adapters.wire.errors import SECRET_CONTENT, SECRET_FILE, SECRET_MODE, WireFilesUnfit

MOST_SECRETS = 10
"""Secrets valid at one time: two while one is exchanged, and room for mistakes; each costs one
signature a message."""

FILE_OCTETS = 16 * 1024
"""Bytes of a file of secrets: ten of the longest ones and their ends of line."""

LEAST_BEARER = 32
"""Characters of a bearer secret: 128 bits in hexadecimal (RFC 6750, section 5.2, with NIST
SP 800-63B's least entropy of a secret that is looked up)."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO

Parse = Callable[[str], bytes]
"""Returns a line's secret; raises ValueError if it is none."""


def bearer(line: str) -> bytes:
    """Return the secret of a line that stands in the header as it is: visible ASCII.

    Raises:
        ValueError: it is too short, or holds other signs.
    """
    if len(line) < LEAST_BEARER or not line.isascii() or not line.isprintable() or " " in line:
        raise ValueError("no bearer secret")
    return line.encode("ascii")


def matches_any(said: bytes, secrets: Iterable[bytes]) -> bool:
    """Tell whether what was said is one of several, in a time that doesn't depend on which."""
    found = False
    for one in secrets:
        found |= hmac.compare_digest(said, one)
    return found


class SecretFile:
    """The secrets of a file, as it is now."""

    def __init__(self, path: Path, parse: Parse) -> None:
        """Take the file's path and what makes a secret of a line; nothing is read yet."""
        self.path = path
        self._parse = parse
        self._mark: tuple[int, ...] = ()
        self._secrets: tuple[bytes, ...] = ()

    def current(self) -> tuple[bytes, ...]:
        """Return the secrets, in the file's order; read it only if it changed.

        Raises:
            WireFilesUnfit: `wire.secret.file`, `wire.secret.mode`, `wire.secret.content`.
        """
        try:
            found = self.path.stat()
            mark = (found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode)
            if mark == self._mark:
                return self._secrets
            if not stat.S_ISREG(found.st_mode) or found.st_size > FILE_OCTETS:
                raise WireFilesUnfit(SECRET_FILE, "file")
            if found.st_mode & _OTHERS:
                raise WireFilesUnfit(SECRET_MODE, "file")
            text = self.path.read_bytes().decode("ascii")
        except OSError as error:
            raise WireFilesUnfit(SECRET_FILE, "file") from error
        except UnicodeDecodeError:
            # Without its cause, which holds the bytes.
            raise WireFilesUnfit(SECRET_CONTENT, "file") from None
        self._secrets = self._parsed(text)
        self._mark = mark
        return self._secrets

    def _parsed(self, text: str) -> tuple[bytes, ...]:
        numbered = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
        lines = [(number, line) for number, line in numbered if line]
        if not 0 < len(lines) <= MOST_SECRETS:
            raise WireFilesUnfit(SECRET_CONTENT, "file")
        secrets: list[bytes] = []
        for number, line in lines:
            try:
                secrets.append(self._parse(line))
            except ValueError:
                raise WireFilesUnfit(SECRET_CONTENT, f"line {number}") from None
        return tuple(secrets)
