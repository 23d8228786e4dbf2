"""How long a narrowing takes to hold: an agency stops what it sends while records keep coming."""

import math
import time

from benchmarks.kafka.concordat import Concordat, ConcordatCourse
from benchmarks.kafka.contestants import Shape
from benchmarks.kafka.measuring import Bench
from benchmarks.kafka.summaries import Narrowed


def narrowing(
    bench: Bench, contestant: Concordat, shape: Shape, rate: float, seconds: float
) -> Narrowed:
    """Feed so many records a second; half way an agency narrows all that it sends.

    Raises:
        Stalled, Ended: not everything is delivered in the end.
        ValueError: the agency's records were not delivered before, or are still.
    """
    fed = math.ceil(rate * seconds) + 1
    with bench.running(contestant, shape, fed) as (course, driver):
        if not isinstance(course, ConcordatCourse):
            raise TypeError("only Concordat narrows")
        driver.ready(fed)
        bench.told(f"{contestant.name}: an agency narrows after {seconds / 2:g} s")
        said: list[tuple[float, float]] = []

        def narrow() -> None:
            said.append(course.narrow())

        due, _ = driver.feed_evenly(rate, seconds, seconds / 2, narrow)
        driver.wait(bench.progress(contestant.name, time.monotonic()))
        sources = course.stock.sources
        read = [
            (due[number], at)
            for number, at in driver.deliveries.read
            if number in due and sources[number].agency == course.narrows
        ]
        fed_after = [
            when for number, when in due.items() if sources[number].agency == course.narrows
        ]
        return Narrowed.of(read, fed_after, *said[0])
