"""Adds up how long named methods take, whoever calls them."""

import functools
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def timed(steps: dict[str, list[tuple[type, str]]]) -> Iterator[Counter[str]]:
    """Time coroutine methods while the context lasts.

    Args:
        steps: name of a step → classes and their methods.

    Yields:
        Step → seconds, growing. Steps that run side by side are each counted whole.
    """
    seconds: Counter[str] = Counter()
    before: list[tuple[type, str, Any]] = []
    for step, methods in steps.items():
        for owner, name in methods:
            method = getattr(owner, name)
            before.append((owner, name, method))
            setattr(owner, name, _timed(method, step, seconds))
    try:
        yield seconds
    finally:
        for owner, name, method in before:
            setattr(owner, name, method)


def _timed(method: Any, step: str, seconds: Counter[str]) -> Any:  # noqa: ANN401 - any coroutine method
    @functools.wraps(method)
    async def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as above
        begun = time.perf_counter()
        try:
            return await method(*arguments, **named)
        finally:
            # Counters hold ints by their type; these are seconds.
            seconds[step] += time.perf_counter() - begun  # type: ignore[assignment]  # a JSON object

    return call
