"""How long to wait before something is tried again: longer after each failure, half by chance.

Half of it by chance, so that those who failed together do not come back together.
"""

from secrets import SystemRandom

_chance = SystemRandom()


def pause_s(failures: int, first_s: float, longest_s: float) -> float:
    """Return how long to wait after so many failures, in seconds: twice as long each time.

    Args:
        failures: how many, one or more.
        first_s: longest wait after the first.
        longest_s: longest wait after any.
    """
    longest = min(longest_s, first_s * 2.0 ** min(failures - 1, 16))
    return _chance.uniform(longest / 2, longest)
