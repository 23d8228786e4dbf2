"""One secured cluster for the tests of this folder."""

from tests.broker.backends.kafka.secured import county

__all__ = ["county"]
