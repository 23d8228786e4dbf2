"""What tests of the benchmarks over Kafka share: a broker, and a few of the county's records."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from benchmarks.kafka.load import Load, county_load
from benchmarks.kafka.services import NAMED, Kafka, running_kafka
from tests.support import kafka, services

RECORDS = 20


@pytest.fixture(scope="module")
def load() -> Load:
    """Twenty of the county's records."""
    return asyncio.run(county_load(RECORDS))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker; skips where it cannot be had."""
    if not os.environ.get(NAMED):
        libs = kafka.jars()
        if isinstance(libs, services.Missing):
            services.do_without(libs)
    with running_kafka(tmp_path_factory.mktemp("kafka")) as running:
        yield running
