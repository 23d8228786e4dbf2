"""What an agency writes into `adapter.yaml` becomes: a frozen value that refuses other settings."""

from typing import ClassVar


class Configured:
    """Base of a dataclass whose fields are settings; a setting it has no field for is refused.

    Whoever reads settings validates them against the dataclass; see
    `broker.runtimes.adapter_settings`.
    """

    __slots__ = ()
    __pydantic_config__: ClassVar = {"extra": "forbid"}
