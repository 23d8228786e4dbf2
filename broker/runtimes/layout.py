"""Where an embedded installation keeps what, and which party opens which folder.

`publish`, `inbox` and `ack` open the agency's folder and the stream; `route` opens the broker's
folder and the stream. Officers' private keys exist in a demonstration only.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from broker.errors import Code, ConcordatError
from broker.records.names import AgencyId, is_agency_id
from broker.settings import Settings

NO_COUNTY = Code(
    "installation.absent",
    "There is no installation in this folder.",
    "Make one with `concordat init --dir DIR`, or name the folder of an existing one.",
)
NO_AGENCY = Code(
    "installation.agency",
    "This installation has no such agency.",
    "`concordat doctor` lists the agencies.",
)
COUNTY_EXISTS = Code(
    "installation.exists",
    "There is an installation in this folder already.",
    "Choose another folder; an installation is never overwritten.",
)
UNUSABLE = Code(
    "installation.unusable",
    "A file or folder of the installation cannot be read or written.",
    "Check that it exists, that this user may use it, and that the disk is not full.",
)
DAMAGED = Code(
    "installation.damaged",
    "A file of the installation is damaged.",
    "Restore it from a copy, then run `concordat doctor` and `concordat log verify`.",
)
UNFINISHED = Code(
    "installation.unfinished",
    "This folder holds what a founding that was interrupted has left behind.",
    "Nothing was published from it: delete the folder and run `concordat init` again.",
)


class InstallationError(ConcordatError):
    """The folder is not what the command needs."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where servers are, as this machine reaches them; empty: there is none.

    Attributes:
        kafka: `host:port,…`, in place of the one in the installation's `kafka.toml`.
        kafka_security: the file that says how this process and Kafka know each other.
        postgres: of the log's index.
        opa_server: of the policy server.
    """

    kafka: str = ""
    kafka_security: Path | None = None
    postgres: str = ""
    opa_server: str = ""


NO_ADDRESSES = Addresses()


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one installation, and the addresses of what does not lie in them.

    Attributes:
        root: the installation's folder.
        addresses: of servers; an installation on files needs none.
    """

    root: Path
    addresses: Addresses = NO_ADDRESSES

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the layout that settings describe."""
        return cls(
            settings.dir,
            Addresses(
                settings.kafka, settings.kafka_security, settings.postgres, settings.opa_server
            ),
        )

    @property
    def first_root(self) -> Path:
        """The partnership's first root: public, the start of all trust."""
        return self.root / "1.root.json"

    @property
    def stream(self) -> Path:
        """What all parties exchange: short writes from any party's process."""
        return self.root / "stream" / "stream.sqlite"

    @property
    def cluster(self) -> Path:
        """Says, in place of `stream`, that parties exchange what they do over Kafka, and where."""
        return self.root / "stream" / "kafka.toml"

    @property
    def broker(self) -> Path:
        """The broker's folder: one writer at a time."""
        return self.root / "broker"

    @property
    def broker_store(self) -> Path:
        """What is decided, remembered and held."""
        return self.broker / "broker.sqlite"

    @property
    def broker_tables(self) -> Path:
        """Copies of Kafka's tables, one folder a part of the broker; they are made anew."""
        return self.broker / "tables"

    @property
    def record_keys(self) -> Path:
        """One key a record."""
        return self.broker / "record-keys.sqlite"

    @property
    def log_index(self) -> Path:
        """The searchable index, made from the log."""
        return self.broker / "log-index.sqlite"

    @property
    def looks(self) -> Path:
        """Searches for a person that wait to be logged, and how many there were."""
        return self.broker / "looks.sqlite"

    @property
    def log(self) -> Path:
        """The access log: tiles, openings, checkpoint."""
        return self.broker / "log"

    @property
    def broker_secrets(self) -> Path:
        """Private keys of log and operator, and the router's secrets."""
        return self.broker / "secrets.json"

    @property
    def router_keys(self) -> Path:
        """Private keys that open what agencies publish: a new one a day."""
        return self.broker / "router-keys.json"

    @property
    def broker_lock(self) -> Path:
        """Held by the one process that routes."""
        return self.broker / "router.lock"

    @property
    def officers(self) -> Path:
        """Officers' private keys: in a demonstration only."""
        return self.root / "officers-of-the-demonstration.json"

    def agency(self, agency: str) -> Path:
        """One agency's folder."""
        return self.root / "agencies" / agency

    def agency_keys(self, agency: str) -> Path:
        """One agency's private keys."""
        return self.agency(agency) / "keys.json"

    def agency_store(self, agency: str) -> Path:
        """One agency's inbox and positions."""
        return self.agency(agency) / "agency.sqlite"

    def agency_tables(self, agency: str) -> Path:
        """Copies of Kafka's tables; they are made anew."""
        return self.agency(agency) / "tables"

    def protocol_copy(self, agency: str) -> Path:
        """The published protocol as one agency has last read it: for when Kafka is away."""
        return self.agency(agency) / "protocol.copy"

    def outbox(self, agency: str) -> Path:
        """What one agency signed, and how far it is published."""
        return self.agency(agency) / "outbox.sqlite"

    def readings(self, agency: str) -> Path:
        """How good the files were that one agency read: counts and codes."""
        return self.agency(agency) / "readings.sqlite"

    def publication_rule(self, agency: str) -> Path:
        """What leaves one agency, and who stands behind that."""
        return self.agency(agency) / "publication.yaml"

    def adapter_settings(self, agency: str) -> Path:
        """What one agency's adapter watches."""
        return self.agency(agency) / "adapter.yaml"

    def adapter_status(self, agency: str) -> Path:
        """What its adapter's listeners and sinks did since it runs."""
        return self.agency(agency) / "adapter.status.json"

    def seen_messages(self, agency: str) -> Path:
        """Ids of the messages that its adapter's webhooks took."""
        return self.agency(agency) / "seen-messages.sqlite"

    def witness_key(self, agency: str) -> Path:
        """The private key by which one agency cosigns the log."""
        return self.agency(agency) / "witness-key.json"

    def witness_memory(self, agency: str) -> Path:
        """What one agency cosigned last, written before anybody sees it."""
        return self.agency(agency) / "witness.json"

    def witness_status(self, agency: str) -> Path:
        """How far all agencies have witnessed the log, as one agency has seen it last."""
        return self.agency(agency) / "witness.status.json"

    def witness_lock(self, agency: str) -> Path:
        """Held by the one process that cosigns for an agency."""
        return self.agency(agency) / "witness.lock"

    def hand_overs(self, agency: str) -> Path:
        """Which deliveries its adapter's sinks have, and which wait."""
        return self.agency(agency) / "hand-overs.sqlite"

    def notices(self, agency: str) -> Path:
        """Which notices its people were sent, and which are on their way."""
        return self.agency(agency) / "notices.sqlite"

    def adapter_lock(self, agency: str) -> Path:
        """Held by the one adapter of an agency that runs."""
        return self.agency(agency) / "adapter.lock"

    def agencies(self) -> tuple[AgencyId, ...]:
        """Return the agencies that have a folder here."""
        folder = self.root / "agencies"
        if not folder.is_dir():
            return ()
        return tuple(AgencyId(one.name) for one in sorted(folder.iterdir()) if one.is_dir())

    def require(self, agency: str | None = None) -> None:
        """Refuse a folder without an installation, or an agency that it does not have.

        Raises:
            InstallationError: `installation.absent` or `installation.agency`.
        """
        if not self.first_root.is_file():
            raise InstallationError(NO_COUNTY, self.root.name)
        if agency is None:
            return
        if not is_agency_id(agency) or not self.agency_keys(agency).is_file():
            raise InstallationError(NO_AGENCY)


def replace_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file in one step: after a crash it holds all of `data`, or what it held before.

    Args:
        path: the file.
        data: what it holds from now on.
        mode: who may use it.
    """
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # its name lasts too
    finally:
        os.close(folder)
