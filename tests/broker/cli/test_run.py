"""`concordat run`: parts that go on until a signal, and the look whether they do."""

import json
import os
import signal

import pytest

from broker.cli.show import Exit
from broker.runtimes import serving
from broker.runtimes.layout import Layout
from tests.support.commands import Commands

COUNCIL = "eastshire-council"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Parts that only say what they are, and wait for a signal, which comes at once."""
    seen: list[str] = []

    def part(name: str) -> None:
        async def serve(service: serving.Service, *words: object) -> None:
            seen.append(" ".join([name, *(str(word) for word in words)]))
            service.said("works", name)
            service.counts["done"] += 2
            os.kill(os.getpid(), signal.SIGTERM)
            await service.stop.wait()

        monkeypatch.setattr(serving, f"serve_{name}", serve)

    for name in ("router", "log", "agency", "bundle"):
        part(name)
    return seen


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("router",), "router"),
        (("log",), "log"),
        (("agency", COUNCIL), f"agency {COUNCIL}"),
        (("bundle", "--port", "0"), "bundle 127.0.0.1 0"),
    ],
)
def test_a_part_works_until_it_is_told_to_stop(
    eastshire: Commands, served: list[str], words: tuple[str, ...], asked: str
) -> None:
    # given a part, when it is run and told to stop, then it has said what it did
    said = eastshire("run", *words).out
    assert served == [asked]
    assert said.splitlines() == [f"works: {words[0]}", "ends: 2 done"]


def test_a_part_speaks_json_by_the_line(eastshire: Commands, served: list[str]) -> None:
    lines = [json.loads(one) for one in eastshire("run", "log", "--json").out.splitlines()]
    assert [one["does"] for one in lines] == ["works", "ends"]
    assert served == ["log"]


def test_whether_a_part_runs_is_told(eastshire: Commands) -> None:
    # given no part, then that is an error
    dead = eastshire("run", "alive", "router", code=Exit.UNSAFE)
    assert "installation.heartbeat" in dead.errors

    # and with a heartbeat it runs
    layout = Layout(eastshire.root)
    serving.heartbeat(layout, "router").touch()
    serving.heartbeat(layout, COUNCIL).touch()
    assert "router runs" in eastshire("run", "alive", "router").out
    assert eastshire.json("run", "alive", COUNCIL) == {"part": COUNCIL, "alive": True}


def test_over_files_a_part_of_the_broker_is_refused(eastshire: Commands) -> None:
    refused = eastshire("run", "log", code=Exit.USAGE)
    assert "usage.run" in refused.errors
