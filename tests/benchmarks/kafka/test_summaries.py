"""From what was measured to the figures that are told."""

from dataclasses import replace

import pytest

from benchmarks.kafka.summaries import (
    BROKER,
    DRIVER,
    Latency,
    Narrowed,
    Run,
    Speed,
    Waits,
    percentile,
    ratio,
)

RUN = Run(
    records=100,
    deliveries=220,
    seconds=2.0,
    cpu={"worker": 0.5, "kafka": 0.1, DRIVER: 0.3},
    others=0.2,
    peak={"worker": 50.0},
)


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 3.0), (99, 5.0), (100, 5.0), (20, 1.0), (21, 2.0)]
)
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    # given values in no order
    values = [5.0, 1.0, 4.0, 2.0, 3.0]

    # when a percentile is asked for
    found = percentile(values, percent)

    # then it is the smallest value that so many do not exceed
    assert found == expected


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1.0], 0), ([1.0], 101)])
def test_no_percentile_of_nothing(values: list[float], percent: float) -> None:
    # given no values, or no percentage; when a percentile is asked for; then there is none
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, percent)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(6.0, 3.0, 2.0), (None, 3.0, None), (6.0, None, None), (6.0, 0.0, None)],
)
def test_a_ratio_needs_both(one: float | None, other: float | None, expected: float | None) -> None:
    # given two figures, one of which may be missing; when they are compared; then only if both are
    assert ratio(one, other) == expected


def test_runs_come_to_medians() -> None:
    # given three runs, one of them disturbed
    slow = replace(
        RUN, seconds=10.0, others=1.5, cpu={**RUN.cpu, "worker": 0.6}, peak={"worker": 70.0}
    )
    runs = [RUN, slow, replace(RUN, seconds=1.0)]

    # when they are condensed
    speed = Speed.of(runs)

    # then the disturbed one does not move the figure, but can be seen
    assert (speed.rate, speed.slowest, speed.fastest) == (50.0, 10.0, 100.0)
    assert (speed.runs, speed.records, speed.deliveries, speed.others) == (3, 100, 2.2, 0.2)

    # and processor time is told a record, without what feeds and reads
    assert speed.cpu == pytest.approx({"worker": 5.0, "kafka": 1.0, DRIVER: 3.0})
    assert speed.cpu_of_all == pytest.approx(6.0)

    # and memory is the most of all runs
    assert speed.peak == {"worker": 70.0, "kafka": 0.0, DRIVER: 0.0}


def test_latencies_are_told_apart_by_the_kill() -> None:
    # given deliveries read before a kill at 10 s, one that it held up, and one of a later record
    read = [(1.0, 1.1), (2.0, 2.3), (9.9, 12.0), (10.5, 12.5)]

    # when they are sorted
    latency = Latency.of(5.0, read, 10.0)

    # then what was held up counts as after the kill
    assert latency.steady.count == 2
    assert latency.steady.p50 == pytest.approx(0.1)
    assert latency.steady.most == pytest.approx(0.3)
    assert latency.killed == Waits.of([12.0 - 9.9, 12.5 - 10.5])

    # and recovery ends with the first delivery of a record that came after it
    assert latency.recovered == pytest.approx(2.5)


def test_without_deliveries_after_the_kill_there_is_no_latency() -> None:
    # given that nothing came of later records; when they are sorted; then that is said
    with pytest.raises(ValueError, match="after the kill"):
        Latency.of(5.0, [(1.0, 1.1)], 10.0)


def test_memory_of_a_contestant_is_without_the_broker() -> None:
    # given a run in which Kafka's memory was seen too; when it is told; then it is nobody's own
    speed = Speed.of([replace(RUN, peak={"worker": 50.0, BROKER: 300.0})])
    assert speed.peak == {"worker": 50.0, BROKER: 300.0, DRIVER: 0.0}
    assert speed.peak_of_own == pytest.approx(50.0)


def test_a_narrowing_holds_from_the_last_delivery_on() -> None:
    # given an agency's deliveries, the last of a record that was due when it narrowed at 10 s
    read = [(8.0, 8.2), (9.9, 10.3)]

    # when they are looked at, with its records that came later
    found = Narrowed.of(read, [8.0, 9.9, 10.1, 10.5], 10.0, 10.05)

    # then it took until that delivery could be read
    assert found.published == pytest.approx(0.05)
    assert found.last == pytest.approx(0.3)
    assert found.stopped == 2


def test_a_narrowing_that_stops_the_next_delivery_took_no_time() -> None:
    # given no delivery after it; when they are looked at; then it held at once
    assert Narrowed.of([(8.0, 8.2)], [8.0, 10.1], 10.0, 10.05).last == 0


@pytest.mark.parametrize(
    ("read", "due", "said"),
    [
        ([(10.5, 10.7)], [10.5, 11.0], "could be narrowed"),
        ([(8.0, 8.2), (11.0, 11.2)], [8.0, 11.0], "stopped nothing"),
    ],
)
def test_a_narrowing_that_shows_nothing_has_no_figure(
    read: list[tuple[float, float]], due: list[float], said: str
) -> None:
    # given nothing delivered before it, or its last record delivered; when it is looked at;
    # then that is said
    with pytest.raises(ValueError, match=said):
        Narrowed.of(read, due, 10.0, 10.05)
