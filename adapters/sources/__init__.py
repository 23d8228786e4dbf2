"""Where items come from: files on disk, and the two notations that most of them use.

`files.py` is the one module that touches a disk; text, JSON, tables and elements are pure. Other
sources (a watched folder, MLLP, a webhook) belong here too, one module each.
"""
