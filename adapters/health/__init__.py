"""Formats of hospital, practice and community health systems, one file each."""
