"""Every format in words, from its own module: what it reads and what it makes of it.

A format's module begins with what it is: the first line says whose export becomes which record
types, the rest what a person who sends such files should know. Nothing is written twice.
"""

import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

import adapters
from adapters.format import Format
from adapters.registry import FORMATS

LEFT_OUT = ("adapters.registry", "adapters.described")
"""Modules that hold formats of other modules."""


@dataclass(frozen=True, slots=True)
class Described:
    """One format in words.

    Attributes:
        name: what `--format` calls it.
        agency_type: whose systems produce it; None: any.
        title: in a line.
        text: the rest; may be empty.
    """

    name: str
    agency_type: str | None
    title: str
    text: str


def described() -> tuple[Described, ...]:
    """Return every format that is read, in the order of the registry."""
    homes = {id(one): module for module in _modules() for one in vars(module).values()}
    return tuple(_of(one, homes[id(one)]) for one in FORMATS)


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(adapters.__path__, f"{adapters.__name__}."):
        if found.name in LEFT_OUT or found.ispkg:
            continue
        try:
            yield import_module(found.name)
        except ModuleNotFoundError as error:
            # A listener or a sink whose extra is not installed: no format is among them.
            if (error.name or "").partition(".")[0] == adapters.__name__:
                raise


def _of(one: Format, home: ModuleType) -> Described:
    title, _, text = (inspect.getdoc(home) or one.name).partition("\n")
    return Described(one.name, one.agency_type, title.rstrip("."), text.strip())
