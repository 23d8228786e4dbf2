"""Putting another protocol in force in a demonstration, while it runs: agencies join with it.

The officers' private keys lie in the same folder, so they sign at once; a partnership's officers
sign on hosts of their own. An agency that joins gets keys and stores first, then the entries are
published together: a root that lists its officer, signed by the quorum of the root before it and by
its own; its keys; the revision. Routers that run see it, and take its topics in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.backends.sqlite.outbox import SqliteOutbox
from broker.backends.sqlite.store import Store
from broker.clock import Clock, Instant
from broker.errors import Code, ConcordatError
from broker.lanes import Message
from broker.protocol.agreement import Agreement
from broker.protocol.bodies import RevisionBody, RootBody
from broker.protocol.entries import sign_entry
from broker.protocol.published import PublishedProtocol
from broker.protocol.revision import Revision
from broker.protocol.root import Officer, Trust, make_root
from broker.records.names import AgencyId
from broker.routing.intake import PROTOCOL
from broker.runtimes.exchange import exchange_of
from broker.runtimes.founding import agency_entries, copy_rule, read_county, signing
from broker.runtimes.keystore import AgencyKeys, add_officers, load_officers
from broker.runtimes.layout import InstallationError, Layout
from broker.runtimes.protocol import read_protocol
from broker.runtimes.witness_memory import begin_to_witness

SAME = Code(
    "protocol.adopt.same",
    "This protocol is the newest already.",
    "Change its text before it is put in force again.",
)
LEAVES = Code(
    "protocol.adopt.leaves",
    "The protocol lacks agencies that the one in force has.",
    "Keep them in it: what an agency holds must be returned or destroyed before it leaves.",
)
OTHER_ORIGIN = Code(
    "protocol.adopt.origin",
    "The protocol is of another partnership: its `origin` is not that of this installation.",
    "Write this installation's origin, or found another with `concordat init --protocol`.",
)
NO_OFFICERS = Code(
    "installation.officers",
    "The officers' keys don't lie in this installation, so it cannot sign for them.",
    "Only a demonstration can be changed so; officers of a partnership sign on their own hosts.",
)
NO_RULE = Code(
    "protocol.adopt.rule",
    "An agency that joins has no publication rule.",
    "Write publication/AGENCY.yaml in the protocol's folder.",
)


class AdoptionError(ConcordatError):
    """Another protocol is not put in force; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was put in force.

    Attributes:
        number: of the revision.
        digest: of its bundle.
        in_force: its first instant.
        joined: agencies that are new.
    """

    number: int
    digest: bytes
    in_force: Instant
    joined: tuple[AgencyId, ...]


async def adopt(layout: Layout, clock: Clock, folder: Path) -> Adopted:
    """Sign and publish the protocol of a folder as the next revision.

    Raises:
        AdoptionError: `protocol.adopt.*`.
        InstallationError: there is no such installation, or it lacks the officers' keys.
        ProtocolTextError: the protocol's text cannot be read.
        Unavailable: a store cannot be reached.
    """
    layout.require()
    if not layout.officers.exists():
        raise InstallationError(NO_OFFICERS, layout.officers.name)
    revision = read_county(folder=folder)
    roster = revision.agreement.roster.agencies
    async with exchange_of(layout).found(clock, roster) as streams:
        protocol = await read_protocol(streams, layout.first_root.read_bytes())
        joined = _joining(protocol, revision, folder)
        officers = load_officers(layout.officers)
        if fresh := [one for one in joined if one not in officers]:
            officers |= {one: Ed25519PrivateKey.generate() for one in fresh}
            add_officers(layout.officers, officers)
        keys = {agency: _stores(layout, agency, folder) for agency in joined}
        witnesses = {agency: begin_to_witness(layout, agency) for agency in joined}
        entries = _entries(protocol, revision, officers, keys, witnesses)
        await streams.publish([Message(PROTOCOL, bytes(8), entry) for entry in entries])
    return Adopted(
        len(protocol.revisions) + 1, revision.digest, revision.agreement.in_force, joined
    )


def _joining(protocol: PublishedProtocol, revision: Revision, folder: Path) -> tuple[AgencyId, ...]:
    agreement, trust = revision.agreement, protocol.trust
    if agreement.origin != trust.origin:
        raise AdoptionError(OTHER_ORIGIN, agreement.origin)
    if protocol.revisions[-1].digest == revision.digest:
        raise AdoptionError(SAME, revision.digest.hex())
    before = {one.agency for one in trust.officers}
    if lacking := before - agreement.roster.agencies.keys():
        raise AdoptionError(LEAVES, ", ".join(sorted(lacking)))
    joined = tuple(one for one in agreement.roster.agencies if one not in before)
    for agency in joined:
        if not _rule(folder, agency).is_file():
            raise AdoptionError(NO_RULE, agency)
    return joined


def _rule(folder: Path, agency: AgencyId) -> Path:
    return folder / "publication" / f"{agency}.yaml"


def _stores(layout: Layout, agency: AgencyId, folder: Path) -> AgencyKeys:
    """Make what an agency works with, but what an interrupted run has made already."""
    file = layout.agency_keys(agency)
    if file.exists():
        own = AgencyKeys.load(file)
    else:
        own = AgencyKeys.fresh()
        own.save(file)
    Store.open(layout.agency_store(agency), create=True).close()
    SqliteOutbox.open(layout.outbox(agency), own.id_key).close()
    copy_rule(_rule(folder, agency), layout.publication_rule(agency))
    return own


def _entries(
    protocol: PublishedProtocol,
    revision: Revision,
    officers: Mapping[str, Ed25519PrivateKey],
    keys: Mapping[AgencyId, AgencyKeys],
    witnesses: Mapping[AgencyId, Ed25519PrivateKey],
) -> Iterator[bytes]:
    partnership, before = protocol.partnership, protocol.trust
    trust = _trust(before, revision.agreement, officers)
    if trust is not None:
        fresh = [officers[agency] for agency in signing(revision.agreement)]
        known = [officers[one.agency] for one in before.officers]
        both = {key.public_key().public_bytes_raw(): key for key in (*known, *fresh)}
        root = RootBody(make_root(trust, fresh))
        yield sign_entry(partnership, root.plain(), list(both.values()))
    for agency, own in keys.items():
        yield from agency_entries(partnership, agency, own, officers[agency], witnesses[agency])
    body = RevisionBody(
        len(protocol.revisions) + 1,
        protocol.revisions[-1].digest,
        revision.digest,
        revision.packed(),
    )
    signers = [officers[agency] for agency in revision.agreement.roster.agencies]
    yield sign_entry(partnership, body.plain(), signers)


def _trust(
    before: Trust, agreement: Agreement, officers: Mapping[str, Ed25519PrivateKey]
) -> Trust | None:
    """Return what the next root says; None if it would say what the one in force says."""
    named = tuple(
        Officer(
            agency.id,
            agency.signatory.name,
            agency.signatory.role,
            officers[agency.id].public_key().public_bytes_raw(),
        )
        for agency in agreement.roster.agencies.values()
    )
    same = (before.officers, before.quorum, before.expires)
    if same == (named, agreement.quorum, agreement.until):
        return None
    return Trust(
        before.origin,
        before.version + 1,
        agreement.until,
        agreement.quorum,
        named,
        before.operator,
        before.log_key,
        before.witnesses,
    )
