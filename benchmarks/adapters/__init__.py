"""What the agencies' adapters do, measured; `python -m benchmarks.adapters --help` lists what.

What lives here: files of every format made up from a seed, a process that reads one of them, the
bare parsers that formats are compared with, and the ways in and out of a running installation:
publishing, a dropped file, MLLP. What doesn't: tests. Nobody imports it but them.
`docs/benchmarks.md` says what each figure means, and what limits it.
"""
