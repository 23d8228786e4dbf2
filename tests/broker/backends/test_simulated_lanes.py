"""The lane contract in memory: calm, late and with gaps, and exactly once when all goes wrong."""

import asyncio
from random import Random
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.backends.simulated.faults import CALM, ROUGH, Rates
from tests.contracts.lane_machine import SHORT, LaneMachine
from tests.contracts.lane_restarts import (
    RestartContract,
    assert_copied_once,
    copy_all,
    copy_as_rivals,
    publish_numbers,
)
from tests.contracts.lanes import LaneContract
from tests.contracts.simulated_world import SimulatedWorld

UNEVEN = Rates(gaps=True, reorder=True)
"""What the contract allows and SQLite never does: nobody may rely on its absence."""


@pytest.fixture(params=[(1, CALM), (3, CALM), (1, UNEVEN), (3, UNEVEN)])
def world(request: pytest.FixtureRequest) -> SimulatedWorld:
    shards, rates = request.param
    return SimulatedWorld(shards, seed=11, rates=rates)


class TestSimulatedLanes(LaneContract, RestartContract):
    """See `tests.contracts.lanes`."""


class SimulatedMachine(LaneMachine):
    def make_world(self) -> SimulatedWorld:
        return SimulatedWorld(self.shards)


class SimulatedMachineOfThree(SimulatedMachine):
    shards: ClassVar[int] = 3

    def make_world(self) -> SimulatedWorld:
        return SimulatedWorld(self.shards, rates=UNEVEN)


TestSimulatedMachine = SimulatedMachine.TestCase
TestSimulatedMachine.settings = SHORT
TestSimulatedMachineOfThree = SimulatedMachineOfThree.TestCase
TestSimulatedMachineOfThree.settings = SHORT


@given(seed=st.integers(0, 2**32), shards=st.sampled_from([1, 3]), rivals=st.integers(1, 3))
@settings(max_examples=40)
def test_whatever_goes_wrong_everything_is_copied_once(seed: int, shards: int, rivals: int) -> None:
    """Given rivals on rough stores, when all is counted, then each message is copied once."""
    total = 60
    world = SimulatedWorld(shards, seed)

    async def scene() -> None:
        await publish_numbers(world, total)
        world.faults.rates = ROUGH
        await copy_as_rivals(world, range(seed, seed + rivals), total)
        world.faults.rates = CALM
        world.clock.advance(ROUGH.delay_ms)
        await assert_copied_once(world, total)

    asyncio.run(scene())


@given(seed=st.integers(0, 2**32))
@settings(max_examples=10)
def test_the_same_seed_gives_the_same_run(seed: int) -> None:
    async def scene() -> list[tuple[int, int, bytes]]:
        world = SimulatedWorld(1, seed)
        await publish_numbers(world, 30)
        world.faults.rates = ROUGH
        await copy_all(world.streams("broker"), Random(seed), 30)
        world.faults.rates = CALM
        world.clock.advance(ROUGH.delay_ms)
        copies = await world.streams("broker").read("decided", 0)
        return [(received.offset, received.at, received.message.value) for received in copies]

    assert asyncio.run(scene()) == asyncio.run(scene())
