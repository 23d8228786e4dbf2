"""Formats that any agency may use, one file each."""
