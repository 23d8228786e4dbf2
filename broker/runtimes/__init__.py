"""Runtimes: build the ports from settings, and nothing else.

`embedded` needs Python alone: SQLite streams, the compiled policy module, a log of files. What a
port does is the business of `broker.backends`; what is done with it, of the features.
"""
