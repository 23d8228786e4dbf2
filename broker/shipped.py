"""Where the schemas and the policies are, in the tree or in an installed wheel.

They are data, at the root of the tree; the wheel carries them as `broker/shipped/schemas` and
`broker/shipped/policies` (`pyproject.toml`, force-include), and `tests/test_wheel.py` compares the
two. Only `runtimes`, `cli`, `adapters` and `backends` ask: the core is given the bytes.
"""

from pathlib import Path
from typing import Literal

from broker.errors import Code, ConcordatError

Folder = Literal["schemas", "policies"]
"""What is shipped beside the code."""

MISSING = Code(
    "shipped.missing",
    "A folder that belongs to Concordat is missing from this installation.",
    "Install it again from the wheel, or run it from a complete checkout.",
)


class ShippedError(ConcordatError):
    """The installation is incomplete."""


def schemas() -> Path:
    """Return the folder that holds the topics catalogue and the schemas, `<type>/<version>.avsc`.

    Raises:
        ShippedError: the installation has no such folder.
    """
    return find("schemas")


def policies() -> Path:
    """Return the folder that holds the engine, the special rules and the protocols.

    Raises:
        ShippedError: the installation has no such folder.
    """
    return find("policies")


def find(folder: Folder, package: Path = Path(__file__).parent) -> Path:
    """Return a shipped folder of the package that lies at `package`.

    The wheel's copy is looked for first: a checkout never has one, and an installed package must
    not pick up a folder that happens to lie beside it.

    Args:
        folder: which one.
        package: the folder of the package `broker`.

    Raises:
        ShippedError: neither the wheel's copy nor the tree's folder exists.
    """
    in_wheel = package / "shipped" / folder
    if in_wheel.is_dir():
        return in_wheel
    root = package.parent
    # pyproject.toml marks the root of a checkout: an installed package never lies beside one.
    if (root / "pyproject.toml").is_file() and (root / folder).is_dir():
        return root / folder
    raise ShippedError(MISSING, where=folder)
