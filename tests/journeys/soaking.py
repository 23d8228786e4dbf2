"""A soak: parts in processes of their own, files, messages and webhooks for them, and a killer.

What is brought is remembered only once the adapter has said that it is safe; what has become of it
is looked up afterwards in stores, log and sinks, not in what the processes say.
"""

import asyncio
import base64
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from adapters.demo_week.people import COUNCIL, HOSPITALS, ST_BRANNOCKS
from adapters.wire.mllp import Framer, framed
from adapters.wire.signature import ID_HEADER, SIGNATURE_HEADER, TIME_HEADER, secret_of, signed
from benchmarks.adapters.acknowledging import free_port
from benchmarks.adapters.catalogue import SHAPES
from benchmarks.adapters.messages import registration
from benchmarks.adapters.shapes import Shape
from benchmarks.adapters.site import ON_ROLL, concern, concordat, involvement
from benchmarks.kafka.processes import Ended, Worker
from broker.clock import SECOND
from broker.protocol.clauses import Kind
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.cluster_file import ClusterFile
from broker.runtimes.founding import found_county
from broker.runtimes.layout import Layout
from broker.runtimes.publishing import publish_files
from broker.settings import Settings
from tests.adapters.listening.support import secret_file

SOURCES = {ST_BRANNOCKS: "education", HOSPITALS: "health", COUNCIL: "social-care"}
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
HONOURS = ", ".join(Kind)
ITEMS_A_FILE = 40
UNITS_A_FILE = 300
"""Numbers set aside for the units of one file: more than one pupil has marks, so that no two files
tell of one item, and few enough that the days of a night's files have passed."""

MESSAGES_APART = 100_000_000
"""Numbers set aside for the messages of one engine, past those of all files: no two are of one
visit."""

PIECE = 1 << 16
FILE_PAUSE_S, MESSAGE_PAUSE_S, HOOK_PAUSE_S = 1.0, 0.3, 0.7
KILL_PAUSE_S = (2.0, 12.0)
DOWN_S = (0.0, 3.0)
ALL_AT_ONCE = 0.1
"""Share of kills that are a power cut: all parts at once."""

AGAIN = 0.1
"""Share of files and messages that are brought a second time."""

PORTAL_AWAY = 0.1
"""Share of webhooks that the council's other system does not take at once."""


@dataclass
class Estate:
    """An installation whose parts run in processes, and may be killed.

    Attributes:
        layout: where.
        kafka: address of Kafka; empty: over files.
        drop: folder of each agency's watched folder.
        out: folder of the council's sink.
        mllp: port of the hospitals' listener.
        hooks: port of the school's listener.
        workers: processes by name.
        kills: by name.
    """

    layout: Layout
    kafka: str
    drop: Path
    out: Path
    mllp: int
    hooks: int
    workers: dict[str, Worker] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)

    @classmethod
    async def found(cls, root: Path, kafka: str, portal: str) -> "Estate":
        """Found an installation, with settings for its three adapters; nothing runs yet."""
        settings = Settings(dir=root / "county", kafka=kafka)
        estate = cls(
            Layout.of(settings), kafka, root / "drop", root / "out", free_port(), free_port()
        )
        cluster = None
        if kafka:
            cluster = ClusterFile.at(kafka, f"soak-{os.urandom(4).hex()}.", 1)
        await found_county(estate.layout, SystemClock(), cluster)
        links = [involvement(ST_BRANNOCKS, number, "on-roll") for number in range(ON_ROLL)]
        await estate._publish(ST_BRANNOCKS, links)
        await estate._publish(COUNCIL, [involvement(COUNCIL, 0, "allocated")])
        secret = secret_file(root / "secret", SECRET)
        for agency in SOURCES:
            (estate.drop / agency).mkdir(parents=True)
        listeners = {
            HOSPITALS: f"{{kind: mllp, name: adt, place: {{port: {estate.mllp}}}}}",
            ST_BRANNOCKS: (
                f"{{kind: webhook, name: hooks, place: {{port: {estate.hooks}}},"
                f" sources: [{{path: /concerns, secrets: {secret}}}]}}"
            ),
        }
        sinks = (
            f"- {{kind: folder, name: case, path: {estate.out}, honours: [{HONOURS}]}}\n"
            f"- {{kind: webhook, name: portal, url: '{portal}', secrets: {secret},"
            f" honours: [{HONOURS}]}}\n"
        )
        for agency in SOURCES:
            text = f"folders: [{{path: {estate.drop / agency}}}]\n"
            if agency in listeners:
                text += f"listeners:\n- {listeners[agency]}\n"
            if agency == COUNCIL:
                text += f"sinks:\n{sinks}"
            estate.layout.adapter_settings(agency).write_text(text, encoding="utf-8")
        broker = (
            {"router": ("run", "router"), "log": ("run", "log")}
            if kafka
            else {"router and log": ("route", "--follow", "--json")}
        )
        parts = broker | {agency: ("adapter", agency) for agency in SOURCES}
        for name, arguments in parts.items():
            environment = ("env", f"CONCORDAT_KAFKA={kafka}")
            command = (*environment, *concordat(*arguments, "--dir", estate.layout.root))
            estate.workers[name] = Worker(name, command, root / f"{name.replace(' ', '-')}.out")
        return estate

    async def _publish(self, agency: str, forms: Sequence[object]) -> None:
        path = self.layout.root / f"{agency}-forms.json"
        path.write_text(json.dumps({"forms": forms}), encoding="utf-8")
        async with agency_side(self.layout, agency, SystemClock()) as side:
            assert (await publish_files(side, [path])).clean

    def start(self) -> None:
        """Start everything."""
        for one in self.workers.values():
            one.start()

    def stop(self) -> None:
        """Stop everything."""
        for one in self.workers.values():
            one.stop()

    async def kill_until(self, end: float, random: Random) -> None:
        """Kill parts at random moments, and start them again, until a time of the monotonic clock.

        Raises:
            Ended: a part has ended by itself.
        """
        while time.monotonic() < end:
            await asyncio.sleep(random.uniform(*KILL_PAUSE_S))
            names = list(self.workers)
            if random.random() >= ALL_AT_ONCE:
                names = [random.choice(names)]
            for name in names:
                self.workers[name].check()
            for name in names:
                self.kills[name] += 1
                await asyncio.to_thread(self.workers[name].kill)
            for name in names:
                await asyncio.sleep(random.uniform(*DOWN_S))
                self.workers[name].start()

    async def watched(self) -> None:
        """Look that nothing ends by itself, until cancelled.

        Raises:
            Ended: a part has.
        """
        while True:
            for one in self.workers.values():
                one.check()
            await asyncio.sleep(1)


@dataclass
class Brought:
    """What was brought, as far as it was said to be safe.

    Attributes:
        files: dropped, by agency; each is safe once it lies in `done` or `rejected`.
        messages: over MLLP, that got AA.
        hooks: webhooks that got 200.
        tries: how often each way was tried in vain.
    """

    files: Counter[str] = field(default_factory=Counter)
    messages: list[bytes] = field(default_factory=list)
    hooks: list[bytes] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)


def shapes_of(agency_type: str) -> list[Shape]:
    """Return the formats that an agency's systems have, those of any agency among them."""
    return [one for one in SHAPES if one.agency_type == agency_type or one.format == "form"]


async def drop_files(estate: Estate, brought: Brought, agency: str, random: Random) -> None:
    """Drop files of all formats of an agency, one by one, until cancelled."""
    folder = estate.drop / agency
    shapes = shapes_of(SOURCES[agency])
    made: list[tuple[str, str]] = []
    for number in range(1_000_000):
        turn, which = divmod(number, len(shapes))
        shape = shapes[which]
        if made and random.random() < AGAIN:
            name, text = random.choice(made[-50:])
        else:
            items = random.randint(1, ITEMS_A_FILE)
            name, text = shape.file, "".join(shape.pieces(items, turn * UNITS_A_FILE))
            made.append((name, text))
        part = folder / f".{number:06d}-{name}"
        part.write_text(text, encoding="utf-8", newline="")
        part.rename(folder / part.name.removeprefix("."))
        brought.files[agency] += 1
        await asyncio.sleep(random.uniform(0, 2 * FILE_PAUSE_S))


async def send_messages(estate: Estate, brought: Brought, turn: int, random: Random) -> None:
    """Send HL7 as an interface engine does: each message until it is acknowledged."""
    number = (1 + turn) * MESSAGES_APART
    while True:
        number += 1
        message = framed(registration(number, random).encode())
        for _ in range(1 + (random.random() < AGAIN)):
            while not await _acknowledged(estate.mllp, message):
                brought.tries["MLLP"] += 1
                await asyncio.sleep(0.2)
        brought.messages.append(message[1:-2])
        await asyncio.sleep(random.uniform(0, 2 * MESSAGE_PAUSE_S))


async def _acknowledged(port: int, message: bytes) -> bool:
    """Send a message over a connection of its own; tell whether it got AA."""
    try:
        async with asyncio.timeout(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(message)
                framer = Framer(PIECE)
                while data := await reader.read(PIECE):
                    for answer in framer.feed(data):
                        assert isinstance(answer, bytes)
                        assert b"|AR|" not in answer
                        return b"MSA|AA|" in answer
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    except OSError:  # also a time-out
        return False
    return False


async def post_hooks(estate: Estate, brought: Brought, random: Random) -> None:
    """Post concerns as a system of the school's does: each until it is taken."""
    for number in range(1_000_000):
        body = json.dumps({"forms": [concern(f"hook-{number:06d}")]}).encode()
        while not await _posted(estate.hooks, body, f"m{number}"):
            brought.tries["webhook"] += 1
            await asyncio.sleep(0.2)
        brought.hooks.append(body)
        await asyncio.sleep(random.uniform(0, 2 * HOOK_PAUSE_S))


async def _posted(port: int, body: bytes, message_id: str) -> bool:
    seconds = SystemClock().now() // SECOND
    headers = {
        "Content-Type": "application/json",
        ID_HEADER: message_id,
        TIME_HEADER: str(seconds),
        SIGNATURE_HEADER: signed([secret_of(SECRET)], message_id, seconds, body),
    }
    url = f"http://127.0.0.1:{port}/concerns"
    try:
        async with (
            ClientSession(timeout=ClientTimeout(30)) as session,
            session.post(url, data=body, headers=headers) as answer,
        ):
            assert answer.status in {200, 503}, answer.status
            return answer.status == 200
    except (ClientError, OSError):
        return False


@dataclass
class Portal:
    """The council's other system, which is away now and then.

    Attributes:
        random: when.
        got: ids of deliveries, and how often each came.
    """

    random: Random
    got: Counter[str] = field(default_factory=Counter)

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        document = json.loads(await request.read())
        if self.random.random() < PORTAL_AWAY:
            return web.Response(status=503)
        self.got[document["delivery"]] += 1
        return web.Response(status=204)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Listen; yield the address."""
        http = web.Server(self._take, access_log=None)
        server = await asyncio.get_running_loop().create_server(http, "127.0.0.1", 0)
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"
        server.close()
        await http.shutdown(1)


async def load_until(estate: Estate, brought: Brought, end: float, seed: int) -> None:
    """Bring everything and kill parts until a time; then let what is under way be brought.

    Raises:
        Ended: a part has ended by itself.
    """
    bringing = [
        *(
            asyncio.create_task(drop_files(estate, brought, agency, Random(f"{seed} {agency}")))
            for agency in SOURCES
        ),
        *(
            asyncio.create_task(send_messages(estate, brought, turn, Random(f"{seed} {turn}")))
            for turn in range(2)
        ),
        asyncio.create_task(post_hooks(estate, brought, Random(f"{seed} hooks"))),
    ]
    killing = asyncio.create_task(estate.kill_until(end, Random(f"{seed} kill")))
    try:
        await asyncio.wait([killing, *bringing], return_when=asyncio.FIRST_COMPLETED)
        killed = killing.done()
    finally:
        for task in (killing, *bringing):
            task.cancel()
        ends = await asyncio.gather(killing, *bringing, return_exceptions=True)
    errors = [one for one in ends if isinstance(one, Exception)]
    if errors:
        raise errors[0]
    if not killed:
        raise Ended("whoever brings something")
