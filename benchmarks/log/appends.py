"""What an entry costs: appending it, proving it, keeping it; beside a plain insert of its bytes."""

import random
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, telling
from benchmarks.installation import Installation, installation
from broker.access_log.proofs import Proof, ProofWriter
from broker.access_log.prover import TileCache
from broker.access_log.reader import LogView, read_state
from broker.access_log.tree import hash_leaf
from broker.access_log.verify import Checks, verify_log
from broker.backends.files.store import FileTileStore
from broker.lanes import Bound
from broker.protocol.root import read_root
from broker.runtimes.embedded import open_broker
from broker.runtimes.protocol import log_keys

PROOFS = 20_000


async def appending(records: int) -> list[Figure]:
    """Measure the log of so many records of a made-up county."""
    async with installation(records) as made:
        before = await _size(made)
        folder = _octets(made.layout.log)
        await made.publish(made.county.take(records))
        seconds = await _sequence(made)
        view = await _view(made)
        entries = view.state.tree.size - before
        batches = await _batches(view, before)
        plain = _insert(batches)
        stored = _octets(made.layout.log) - folder
        kept = sum(len(one) for batch in batches for one in batch)
        figures = [
            Figure("entries appended a second", entries / seconds, "entries/s"),
            Figure(
                "entries a second by plain inserts of the same bytes", entries / plain, "entries/s"
            ),
            Figure("time of appending, of plain inserts", seconds / plain, "times"),
            Figure("octets of the log an entry", stored / entries, "octets"),
            Figure("of these, what the router hands over", kept / entries, "octets"),
            Figure("octets of the index an entry", _index(made) / view.state.tree.size, "octets"),
        ]
        return [*figures, *await _proofs(made, view)]


async def _sequence(made: Installation) -> float:
    """Route everything, then log everything; return the seconds of the latter."""
    bound = Bound(made.settings.batch_count)
    async with open_broker(made.layout, made.clock, made.settings) as broker:
        with telling("Routing"):
            for lane in broker.lanes:
                while await broker.router.step(lane):
                    pass
            await broker.router.settle()
        with telling("Appending"):
            begun = time.perf_counter()
            while (await broker.sequencer.run_once(bound)).messages:
                pass
            return time.perf_counter() - begun


async def _view(made: Installation) -> LogView:
    tiles = FileTileStore(made.layout.log)
    state = await read_state(tiles)
    if state is None:
        raise RuntimeError
    return LogView(tiles, state)


async def _size(made: Installation) -> int:
    return (await _view(made)).state.tree.size


async def _batches(view: LogView, after: int) -> list[list[bytes]]:
    """Return what the log keeps of each message, batch by batch."""
    found: list[list[bytes]] = []
    for start in await view.starts(after):
        openings = await view.openings(await view.batch(start))
        found.append([one.kept for one in openings.messages])
    return found


def _insert(batches: Sequence[Sequence[bytes]]) -> float:
    """Insert the same bytes into a table, a synced commit a batch; return the seconds."""
    with TemporaryDirectory(prefix="concordat-bench-") as folder:
        with sqlite3.connect(Path(folder) / "plain.sqlite", isolation_level=None) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("CREATE TABLE kept (place INTEGER PRIMARY KEY, data BLOB NOT NULL)")
            begun = time.perf_counter()
            for batch in batches:
                database.execute("BEGIN IMMEDIATE")
                database.executemany(
                    "INSERT INTO kept (data) VALUES (?)", [(one,) for one in batch]
                )
                database.execute("COMMIT")
            seconds = time.perf_counter() - begun
        database.close()
    return seconds


async def _proofs(made: Installation, view: LogView) -> list[Figure]:
    """Prove entries, check the proofs, and check the whole log by public keys alone."""
    trust = read_root(made.layout.first_root.read_bytes()).trust
    keys, size = log_keys(trust), view.state.tree.size
    full = [await view.bundle(number) for number in range(size // 256)]
    leaves = [hash_leaf(leaf) for bundle in (*full, view.state.entries) for leaf in bundle]
    chance = random.Random(3)
    indices = [chance.randrange(size) for _ in range(PROOFS)]
    cache = TileCache()
    prover = view.prover(cache)
    await view.load(cache, prover.missing(*indices))
    with telling("Proving"):
        writer = ProofWriter(prover, view.state.record.checkpoint)
        begun = time.perf_counter()
        proofs = [writer.write(index) for index in indices]
        made_in = time.perf_counter() - begun
        begun = time.perf_counter()
        for index, proof in zip(indices, proofs, strict=True):
            Proof.parse(proof).verify(leaves[index], trust.origin, keys)
        checked_in = time.perf_counter() - begun
    with telling("Verifying the tree"):
        begun = time.perf_counter()
        report = await verify_log(
            FileTileStore(made.layout.log, cache_bytes=0), Checks(trust.origin, keys)
        )
        verified_in = time.perf_counter() - begun
    if not report.sound:
        raise RuntimeError(*map(str, report.findings))
    return [
        Figure("proofs made a second", PROOFS / made_in, "proofs/s"),
        Figure("proofs checked a second, signature included", PROOFS / checked_in, "proofs/s"),
        Figure("octets of a proof", sum(map(len, proofs)) / PROOFS, "octets"),
        Figure("entries verified a second by public keys alone", size / verified_in, "entries/s"),
    ]


def _octets(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def _index(made: Installation) -> int:
    index = made.layout.log_index
    return sum(one.stat().st_size for one in index.parent.glob(f"{index.name}*"))
