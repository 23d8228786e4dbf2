"""Formats of police systems, one file each."""
