"""Formats of school and college systems, one file each."""
