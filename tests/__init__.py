"""Tests: folders mirror the packages; `contracts` and `faults` are the specification.

This file makes `tests.support` importable by one name from everywhere, and keeps `tests/broker`
from being taken for the package `broker`.
"""
