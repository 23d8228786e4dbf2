"""Formats of children's social care systems and statutory returns, one file each."""
