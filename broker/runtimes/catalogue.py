"""Every error code there is, found in the modules themselves."""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from types import ModuleType

from broker.errors import Code

PACKAGES = ("broker", "adapters")


def _modules() -> Iterator[ModuleType]:
    for name in PACKAGES:
        package = importlib.import_module(name)
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            yield importlib.import_module(found.name)


@cache
def all_codes() -> dict[str, Code]:
    """Return every code by name.

    Raises:
        ValueError: one name stands for two codes.
    """
    codes: dict[str, Code] = {}
    for module in _modules():
        for value in vars(module).values():
            if isinstance(value, Code) and codes.setdefault(value.name, value) != value:
                raise ValueError(value.name)
    return dict(sorted(codes.items()))


def sentence_of(name: str) -> tuple[str, str]:
    """Return a code's sentence and mend, by its name."""
    code = all_codes().get(name)
    return (
        ("Not a code that this version knows.", "") if code is None else (code.sentence, code.fix)
    )
