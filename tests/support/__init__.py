"""What tests share: services to run against, and a look at the tree.

What lives here: code that more than one folder of tests imports. What doesn't: fixtures
(`tests/conftest.py`), and whatever one folder alone needs. Who may import it: tests only.
"""
