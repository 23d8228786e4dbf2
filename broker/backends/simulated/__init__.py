"""Lanes in memory, from a seed: what a real store does once a year, as often as a test wants it.

The same contract as `broker.backends.sqlite` (`tests/contracts/lanes.py` runs on both), with faults
from `faults`: fenced owners, commits with unknown outcome, a frozen member that wakes up, outputs
that readers see late, gaps between offsets, short takes, topics read in another order after a
restart. Time is virtual, nothing sleeps, and the same seed gives the same run.
"""
