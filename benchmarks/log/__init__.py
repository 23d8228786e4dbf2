"""Measuring the access log: searching it, writing it, proving entries of it."""
