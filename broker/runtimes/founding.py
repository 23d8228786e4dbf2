"""Founding an installation: keys, the first root, the first revision, empty stores.

This founds the *demonstration* county: officers' private keys lie in the same folder, so signatures
prove nothing to anybody there. A partnership's officers make their keys on hosts of their own.

The order is that of trust: the root names officers, operator and log; the operator names the
routers' key; each agency's officer names that agency's keys; then the quorum signs the revision.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import shipped
from broker.backends.files.store import FileTileStore
from broker.backends.sqlite.log_index import SqliteLogIndex
from broker.backends.sqlite.outbox import SqliteOutbox
from broker.backends.sqlite.record_keys import SqliteRecordKeys
from broker.backends.sqlite.store import Store
from broker.clock import Clock
from broker.errors import Code
from broker.lanes import Message
from broker.protocol.agreement import Agreement, read_agreement
from broker.protocol.bodies import KeyBody, RevisionBody, RootBody
from broker.protocol.cases import read_cases
from broker.protocol.clause_text import Vocabulary, read_clauses
from broker.protocol.clauses import Clause
from broker.protocol.entries import sign_entry
from broker.protocol.errors import REFERENCE, ProtocolTextError
from broker.protocol.revision import Engine, Revision, compose
from broker.protocol.root import Officer, Trust, make_root, read_root
from broker.protocol.tiers import INHERITS, inherited, read_tier
from broker.records.batches import key_id_of
from broker.records.check import ROUTER
from broker.records.keys import Change, Use
from broker.records.names import AgencyId, Partnership, is_agency_id
from broker.records.schemas import SchemaSet
from broker.routing.intake import PROTOCOL
from broker.runtimes.cluster_file import ClusterFile
from broker.runtimes.exchange import exchange_of
from broker.runtimes.keystore import AgencyKeys, BrokerSecrets, save_officers
from broker.runtimes.layout import (
    COUNTY_EXISTS,
    UNFINISHED,
    InstallationError,
    Layout,
    replace_file,
)
from broker.runtimes.rotation import RouterKey, fresh_key, save_router_keys
from broker.runtimes.witness_memory import begin_to_witness, witness_entry

COUNTY = "eastshire"
CLAUSES = "clauses.yaml"

NO_PROTOCOL = Code(
    "usage.protocol",
    "There is no protocol of this name, and no folder with one.",
    "Name eastshire or eastbridge, or a folder with protocol.yaml, clauses.yaml and cases.yaml.",
)

REGO_FOLDERS = ("engine", "special")


def schema_files() -> dict[str, bytes]:
    """Return the shipped schemas: `<type>/<version>.avsc` → bytes."""
    root = shipped.schemas()
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.avsc")}


def engine_files() -> Engine:
    """Return the shipped engine: module, capabilities, Rego without its tests."""
    root = shipped.policies()
    rego = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in REGO_FOLDERS
        for path in sorted((root / folder).rglob("*.rego"))
        if not path.name.endswith("_test.rego")
    }
    return Engine(
        (root / "module.wasm").read_bytes(), (root / "capabilities.json").read_bytes(), rego
    )


def county_folder(name: str = COUNTY) -> Path:
    """Return the folder of a shipped protocol."""
    return shipped.policies() / "protocols" / name


def protocol_folder(said: str) -> Path:
    """Return the folder of a protocol that is named, or given by its path.

    Raises:
        InstallationError: `usage.protocol`; there is neither.
    """
    for folder in (county_folder(said) if is_agency_id(said) else Path(said), Path(said)):
        if (folder / "protocol.yaml").is_file():
            return folder
    raise InstallationError(NO_PROTOCOL, said)


def read_county(name: str = COUNTY, folder: Path | None = None) -> Revision:
    """Return the revision that a shipped protocol makes, or the one in another folder.

    Raises:
        ProtocolTextError: its text cannot be read.
        OSError: it lacks a file.
    """
    folder = folder or county_folder(name)
    schemas = schema_files()
    vocabulary = read_vocabulary(folder)
    clauses = _clauses(folder, vocabulary)
    cases = read_cases((folder / "cases.yaml").read_bytes(), clauses, vocabulary)
    return compose(vocabulary.agreement, clauses, cases, schemas, engine_files())


def read_vocabulary(folder: Path) -> Vocabulary:
    """Return what the clauses of a protocol in a folder may name.

    Raises:
        ProtocolTextError: its agreement cannot be read.
        OSError: it lacks the file.
    """
    known = SchemaSet(schema_files()).types()
    types = frozenset(schema.type for schema in known)
    return Vocabulary(read_agreement((folder / "protocol.yaml").read_bytes(), types), known)


def _clauses(folder: Path, vocabulary: Vocabulary) -> tuple[Clause, ...]:
    text = (folder / CLAUSES).read_bytes()
    above = inherited(text)
    if above is None:
        return read_clauses(text, vocabulary)
    if not is_agency_id(above):
        raise ProtocolTextError(REFERENCE, f"{CLAUSES}: {INHERITS}: no folder {above}")
    upper = read_clauses(
        (folder.parent / above / CLAUSES).read_bytes(), vocabulary, f"{above}/{CLAUSES}"
    )
    return read_tier(text, upper, vocabulary)


async def found_county(
    layout: Layout,
    clock: Clock,
    cluster: ClusterFile | None = None,
    county: Path | None = None,
) -> Revision:
    """Found the demonstration county.

    Args:
        layout: where; an empty or absent folder.
        clock: the time.
        cluster: where parties exchange what they do, if not over files.
        county: folder of its protocol; by default the shipped one.

    Raises:
        InstallationError: `installation.exists`, `installation.unfinished`.
        Unavailable: Kafka cannot be reached.
        OSError: the folder cannot be written.
    """
    if layout.first_root.exists():
        raise InstallationError(COUNTY_EXISTS, layout.root.name)
    if layout.broker_secrets.exists():
        raise InstallationError(UNFINISHED, layout.root.name)
    revision = read_county(folder=county)
    agreement = revision.agreement
    officers = {agency: Ed25519PrivateKey.generate() for agency in agreement.roster.agencies}
    keys = {agency: AgencyKeys.fresh() for agency in agreement.roster.agencies}
    witnesses = {agency: Ed25519PrivateKey.generate() for agency in keys}
    secrets = BrokerSecrets.fresh()
    router = fresh_key(clock.now())
    root = make_root(
        _trust(agreement, officers, secrets),
        [officers[agency] for agency in signing(agreement)],
    )
    partnership = read_root(root).digest
    for agency, witness in witnesses.items():
        layout.agency(agency).mkdir(parents=True, exist_ok=True)
        begin_to_witness(layout, agency, witness)
    _make_stores(layout, secrets, keys, (county or county_folder()) / "publication")
    save_router_keys(layout.router_keys, [router])
    save_officers(layout.officers, {str(one): key for one, key in officers.items()})
    if cluster is not None:
        cluster.write(layout.cluster)
    async with exchange_of(layout).found(clock, keys) as streams:
        if await streams.end(PROTOCOL):
            raise InstallationError(COUNTY_EXISTS, "topics of the same name in Kafka")
        named = _router_entry(partnership, router, secrets)
        entries = [
            *_entries(partnership, root, revision, officers, keys, witnesses),
            named,
        ]
        await streams.publish([Message(PROTOCOL, bytes(8), entry) for entry in entries])
    # Last: what has no first root is no installation, so an interrupted founding is never used.
    replace_file(layout.first_root, root)
    return revision


def signing(agreement: Agreement) -> tuple[AgencyId, ...]:
    """Return whose signatures make the quorum: those it names, and as many others as it needs."""
    named = agreement.quorum.agencies
    others = [agency for agency in agreement.roster.agencies if agency not in named]
    return (*named, *others)[: max(len(named), agreement.quorum.at_least)]


def _trust(
    agreement: Agreement, officers: Mapping[AgencyId, Ed25519PrivateKey], secrets: BrokerSecrets
) -> Trust:
    signatories = tuple(
        Officer(
            agency.id,
            agency.signatory.name,
            agency.signatory.role,
            officers[agency.id].public_key().public_bytes_raw(),
        )
        for agency in agreement.roster.agencies.values()
    )
    return Trust(
        agreement.origin,
        1,
        agreement.until,
        agreement.quorum,
        signatories,
        secrets.operator.public_key().public_bytes_raw(),
        secrets.log.public_key().public_bytes_raw(),
        {},
    )


def _router_entry(partnership: Partnership, router: RouterKey, secrets: BrokerSecrets) -> bytes:
    body = KeyBody(ROUTER, Change.ADD, Use.SEAL, key_id_of(router.public), router.public)
    return sign_entry(partnership, body.plain(), [secrets.operator])


def _entries(
    partnership: Partnership,
    root: bytes,
    revision: Revision,
    officers: Mapping[AgencyId, Ed25519PrivateKey],
    keys: Mapping[AgencyId, AgencyKeys],
    witnesses: Mapping[AgencyId, Ed25519PrivateKey],
) -> Iterator[bytes]:
    quorum = [officers[agency] for agency in signing(revision.agreement)]
    yield sign_entry(partnership, RootBody(root).plain(), quorum)
    for agency, own in keys.items():
        yield from agency_entries(partnership, agency, own, officers[agency], witnesses[agency])
    first = RevisionBody(1, b"", revision.digest, revision.packed())
    yield sign_entry(partnership, first.plain(), list(officers.values()))


def agency_entries(
    partnership: Partnership,
    agency: AgencyId,
    own: AgencyKeys,
    officer: Ed25519PrivateKey,
    witness: Ed25519PrivateKey,
) -> Iterator[bytes]:
    """Yield the entries that name an agency's first keys."""
    sign = own.sign.public_key().public_bytes_raw()
    body = KeyBody(agency, Change.ADD, Use.SIGN, key_id_of(sign), sign)
    yield sign_entry(partnership, body.plain(), [officer, own.sign])
    seal = own.seal.public_key().public_bytes_raw()
    body = KeyBody(agency, Change.ADD, Use.SEAL, key_id_of(seal), seal)
    yield sign_entry(partnership, body.plain(), [officer])
    yield witness_entry(partnership, agency, witness, officer)


def _make_stores(
    layout: Layout, secrets: BrokerSecrets, keys: Mapping[AgencyId, AgencyKeys], rules: Path
) -> None:
    for folder in (layout.stream.parent, layout.broker):
        folder.mkdir(parents=True, exist_ok=True)
    secrets.save(layout.broker_secrets)
    SqliteRecordKeys.open(layout.record_keys, secrets.record_keys, create=True).close()
    SqliteLogIndex.open(layout.log_index).close()
    FileTileStore(layout.log)
    for agency, own in keys.items():
        own.save(layout.agency_keys(agency))
        Store.open(layout.agency_store(agency), create=True).close()
        SqliteOutbox.open(layout.outbox(agency), own.id_key).close()
        copy_rule(rules / f"{agency}.yaml", layout.publication_rule(agency))


def copy_rule(source: Path, to: Path) -> None:
    """Give an agency the publication rule of a protocol's folder."""
    shutil.copyfile(source, to)
