"""Measurements of the whole and of its parts; `python -m benchmarks --help` lists them.

What lives here: a county large enough to measure with, one module a benchmark, and what writes
their figures. What doesn't: tests, and anything that the product needs. Nobody imports it.
`docs/benchmarks.md` says what each figure means, and what limits it.
"""
