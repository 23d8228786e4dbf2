"""Playing scenarios: each on an installation of its own, then its log verified."""

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from broker.clock import Clock
from broker.errors import ConcordatError
from broker.protocol.explain import Mark
from broker.runtimes import explaining
from broker.runtimes.layout import Layout
from broker.runtimes.scenarios.doing import Doing
from broker.runtimes.scenarios.errors import ScenarioError
from broker.runtimes.scenarios.known import Known
from broker.runtimes.scenarios.model import Scenario
from broker.runtimes.scenarios.results import Played, Row
from broker.runtimes.scenarios.stage import found, set_up
from broker.runtimes.verifying import verify
from broker.settings import Settings

_TELLS = (Mark.OUTCOME, Mark.OPENS, Mark.CLOSES, Mark.WAITS, Mark.NARROWED, Mark.DEFAULT)


async def play_all(
    scenarios: Sequence[Scenario],
    known: Known,
    settings: Settings,
    county: Path | None = None,
    told: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[list[Played], list[ConcordatError]]:
    """Play scenarios, each in a county of its own that nobody else has touched.

    One that cannot be played holds up none of the others.

    Args:
        scenarios: in order.
        known: the protocol that they were read with.
        settings: bounds.
        county: the protocol's folder; by default the shipped one.
        told: called before each, with how many are done, and of how many.

    Returns:
        What was played, and why the others were not: a step publishes what its agency could not
        (`scenario.record`), or does what a command would refuse.
    """
    root = Path(tempfile.mkdtemp(prefix="concordat-scenarios-"))
    try:
        first = min(one.starts for one in scenarios)
        layout = await found(root / "county", first, county)
        played: list[Played] = []
        refused: list[ConcordatError] = []
        for number, one in enumerate(scenarios):
            told(number, len(scenarios))
            place = root / f"{number}"
            try:
                played.append(await play(one, known, settings, layout, place))
            except ScenarioError as error:
                refused.append(error)
            except ConcordatError as error:
                where = f"{one.file}: {error.where}" if error.where else one.file
                refused.append(ConcordatError(error.code, where, error.fix))
            shutil.rmtree(place)
        return played, refused
    finally:
        shutil.rmtree(root, ignore_errors=True)


async def play(
    scenario: Scenario, known: Known, settings: Settings, county: Layout, place: Path
) -> Played:
    """Play one scenario in a copy of a county that is made at `place`.

    Raises:
        ScenarioError: `scenario.record`.
        ConcordatError: anything that a command would refuse.
    """
    began = time.monotonic()
    played = Played(scenario)
    async with set_up(county, place, scenario.starts, settings) as stage:
        doing = Doing(scenario, known, stage)
        await doing.links()
        for step in scenario.steps:
            played.rows += await doing.step(step)
        played.entries = stage.entries
    for row in played.differing:
        if row.record and row.consumer:
            row.why = await _why(stage.layout, stage.clock, row)
    verification = await verify(stage.layout, stage.clock)
    played.verified = verification.sound
    played.findings = tuple(str(one) for one in verification.findings)
    played.seconds = time.monotonic() - began
    return played


async def _why(layout: Layout, clock: Clock, row: Row) -> tuple[str, ...]:
    explained = await explaining.explain_record(layout, clock, row.record, row.consumer)
    return tuple(
        line.text
        for one in explained[-1:]
        for line in one.lines
        if line.mark in _TELLS or (line.mark is Mark.DOES_NOT and line.clause in row.wanted)
    )
