"""Settings of this installation: environment first, then `concordat.toml`, then what stands here.

Only what belongs to a machine is a setting. Parties, keys, retention, deadlines are protocol data,
signed by the officers.
"""

from pathlib import Path
from typing import ClassVar

from pydantic import Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class Settings(BaseSettings):
    """Each may be given as `CONCORDAT_<NAME>` or in `concordat.toml` in the working directory."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix="CONCORDAT_", toml_file="concordat.toml", extra="ignore"
    )

    dir: Path = Field(default=Path("concordat-data"), description="where the installation lives")
    kafka: str = Field(
        default="",
        description="addresses of Kafka, host:port,host:port, if not those that the installation "
        "names itself",
    )
    kafka_security: Path | None = Field(
        default=None, description="file that says how this process and Kafka know each other"
    )
    postgres: str = Field(
        default="", description="address of the PostgreSQL that holds the log's index"
    )
    opa_server: str = Field(
        default="", description="address of the OPA server that decides, http://host:port"
    )
    batch_count: int = Field(default=500, ge=1, le=10_000, description="messages a commit, at most")
    batch_octets: int = Field(
        default=8 * 1024 * 1024, ge=1024, description="bytes a commit, at most"
    )
    core_seconds: float = Field(
        default=20.0,
        gt=0,
        description="how long the core may work on one batch before it is stopped and the batch "
        "is halved; a batch of 500 takes under one second",
    )
    memo_size: int = Field(
        default=100_000, ge=0, description="decisions remembered, about 1 kB each"
    )

    @classmethod
    def settings_customise_sources(  # the signature is pydantic-settings' own
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - there is no .env file
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - secrets are not settings
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources in the order of their weight."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)
