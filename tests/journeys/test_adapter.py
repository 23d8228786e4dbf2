"""Adapters day and night over Kafka: MLLP, folder and webhook in, folder and webhook out.

Nothing is lost and no record is published twice, whatever is away meanwhile.
"""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from adapters.wire.mllp import framed
from adapters.wire.signature import ID_HEADER, SIGNATURE_HEADER, TIME_HEADER, secret_of, signed
from broker.clock import SECOND
from broker.protocol.clauses import Kind
from broker.runtimes.adapter import Adapter, open_adapter
from broker.runtimes.adapter_settings import read_adapter_settings
from broker.runtimes.adapter_status import AdapterStatus, status_of
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.serving import Service, serve_agency, serve_log, serve_router
from tests.adapters.listening.support import Line, line, secret_file
from tests.adapters.reading_support import ADT, NHS
from tests.broker.cli.files import GIRL
from tests.support import parts
from tests.support.parts import COUNCIL, PATIENCE_S, SCHOOL, County, concerns

pytestmark = pytest.mark.slow

HOSPITAL = "eastshire-hospitals"
SECRET = "whsec_" + base64.b64encode(b"m" * 32).decode()
HONOURS = f"[{', '.join(Kind)}]"


@dataclass
class Portal:
    """The council's other system: takes webhooks, and can be away.

    Attributes:
        away: whether it answers 503.
        got: ids of deliveries.
        url: where it is.
    """

    away: bool = False
    got: list[str] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        document = json.loads(await request.read())
        if self.away:
            return web.Response(status=503)
        self.got.append(document["delivery"])
        return web.Response(status=204)


@pytest.fixture
async def portal() -> AsyncIterator[Portal]:
    found = Portal()
    http = web.Server(found.take, access_log=None)
    server = await asyncio.get_running_loop().create_server(http, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"
    yield found
    server.close()
    await http.shutdown(1)


@dataclass
class Adapting:
    """An agency's adapter as a part that runs.

    Attributes:
        county: where.
        agency: whose.
        opened: the adapter, once it runs.
    """

    county: County
    agency: str
    opened: Adapter | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, service: Service) -> None:
        settings = read_adapter_settings(self.county.layout, self.agency)
        async with open_adapter(
            self.county.layout, self.agency, settings, service.clock, service.said
        ) as self.opened:
            await serve_agency(service, self.agency, self.opened)

    def port(self, name: str) -> int:
        """Return the port of one of its listeners; 0 until it listens."""
        listeners = () if self.opened is None else self.opened.listeners
        for one in listeners:
            if one.name == name and one.address:
                return int(one.address.rpartition(":")[2])
        return 0

    async def status(self) -> AdapterStatus:
        layout = self.county.layout
        settings = read_adapter_settings(layout, self.agency)
        return await status_of(layout, self.agency, settings, SystemClock().now())


async def until(what: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not what():  # noqa: ASYNC110 - files and sockets of others set no event
            await asyncio.sleep(0.05)


@asynccontextmanager
async def settings_of(county: County, agency: str, text: str) -> AsyncIterator[Adapting]:
    county.layout.adapter_settings(agency).write_text(text, encoding="utf-8")
    yield Adapting(county, agency)


def attendance(visit: str) -> bytes:
    """Return an attendance of the girl at the emergency department, as it is framed."""
    changes = {
        NHS: str(GIRL["nhsNumber"]), "MARSH^ELLIE": "SAMPLE^ROBIN", "|V1|": f"|{visit}|",
    }  # fmt: skip
    text = ADT
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return framed(text.encode())


async def brought(engine: Line, frame: bytes) -> None:
    """Send a message as an interface engine does: again, until it is taken."""
    answer = b"|AE|"
    while b"|AE|" in answer:
        await engine.send(frame)
        answer = await engine.answer()
    assert b"|AA|" in answer


async def posted(port: int, body: bytes, message_id: str) -> int:
    """Post a signed webhook; return the status."""
    seconds = SystemClock().now() // SECOND
    headers = {
        "Content-Type": "application/json",
        ID_HEADER: message_id,
        TIME_HEADER: str(seconds),
        SIGNATURE_HEADER: signed([secret_of(SECRET)], message_id, seconds, body),
    }
    async with (
        ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}/concerns", data=body, headers=headers) as answer,
    ):
        return answer.status


async def hooked(port: int, body: bytes, message_id: str) -> None:
    """Post a signed webhook as its sender does: again, until it is taken."""
    status = 503
    while status == 503:
        status = await posted(port, body, message_id)
    assert status == 200


async def records_of(county: County, agency: str) -> int:
    """Return how many records an agency has published.

    What was sent while nobody answered is sent again and may lie there twice: readers drop it.
    """
    async with agency_side(county.layout, agency, SystemClock()) as side:
        found = {
            received.message.value
            for topic in (f"records.{agency}", f"urgent.{agency}")
            for received in await side.stream.read(topic, 0)
        }
    return len(found)


async def test_from_mllp_folder_and_webhook_to_folder_and_webhook(
    kafka_address: str, tmp_path: Path, portal: Portal
) -> None:
    # given a hospital that listens, a school with a folder and a webhook, a council with two sinks
    county = await County.found(tmp_path, kafka_address)
    before = {one: await records_of(county, one) for one in (HOSPITAL, SCHOOL)}
    secret = secret_file(tmp_path / "secret", SECRET)
    drop, out = tmp_path / "drop", tmp_path / "out"
    drop.mkdir()
    hospital = "listeners: [{kind: mllp, name: adt, format: health-hl7-adt}]"
    school = (
        f"folders: [{{path: {drop}}}]\n"
        "listeners:\n"
        f"- {{kind: webhook, name: hooks, sources: [{{path: /concerns, secrets: {secret}}}]}}\n"
    )
    council = (
        "sinks:\n"
        f"- {{kind: folder, name: case, path: {out}, honours: {HONOURS}}}\n"
        f"- {{kind: webhook, name: portal, url: '{portal.url}', secrets: {secret},"
        f" honours: {HONOURS}}}\n"
    )
    async with (
        settings_of(county, HOSPITAL, hospital) as hears,
        settings_of(county, SCHOOL, school) as watches,
        settings_of(county, COUNCIL, council) as hands,
        parts.serving(county, serve_router, serve_log, hears, watches, hands),
    ):
        await until(lambda: bool(hears.port("adt") and watches.port("hooks")))

        # when each brings something, twice, and the portal is away at first
        portal.away = True
        async with line(hears.port("adt")) as engine:
            for visit in ("V1", "V1", "V2"):
                await brought(engine, attendance(visit))
        forms = [json.dumps({"forms": concerns(one, 1)}).encode() for one in range(3)]
        for _ in range(2):
            await hooked(watches.port("hooks"), forms[0], "m0")
        (drop / "a.json").write_bytes(forms[1])
        (drop / "b.json").write_bytes(forms[2])

        # then the council's folder has a file for each delivery that is its own system's
        await until((drop / "done" / "b.json").exists)
        await until(lambda: len(list(out.glob("*.json"))) >= 5)
        assert portal.got == []
        assert not (await hands.status()).good

        # and the portal gets the same ones when it is back
        portal.away = False
        await until(lambda: len(portal.got) >= 5)
        files = {one.stem: json.loads(one.read_bytes()) for one in out.glob("*.json")}
        await until(lambda: set(portal.got) >= set(files))
        assert len(portal.got) == len(set(portal.got))
        said = await hands.status()
        assert said.runs
        assert said.sinks["case"].handed == len(files)
        told = [await one.status() for one in (hears, watches)]
        heard = {one.name: one.counts for each in told for one in each.listeners}
        assert heard["adt"]["accepted"] == 3
        assert heard["hooks"]["accepted"] == 2

    # and what was brought twice was published once
    came = {(one["type"], one["record"]) for one in files.values()}
    assert Counter(name for name, _ in came)["concern"] == 3
    assert await records_of(county, HOSPITAL) - before[HOSPITAL] == 2
    assert await records_of(county, SCHOOL) - before[SCHOOL] == 3
    verification = await county.verified()
    assert verification.sound


async def test_a_listener_takes_nothing_while_kafka_is_out_of_reach(
    kafka_address: str, tmp_path: Path
) -> None:
    # given a hospital whose adapter has not reached Kafka
    county = await County.found(tmp_path, kafka_address)
    async with settings_of(county, HOSPITAL, "listeners: [{kind: mllp, name: adt}]") as hears:
        settings = read_adapter_settings(county.layout, HOSPITAL)
        async with (
            open_adapter(
                county.layout, HOSPITAL, settings, SystemClock(), lambda *_: None
            ) as hears.opened,
            hears.opened.listening(),
            line(hears.port("adt")) as engine,
        ):
            # when a message comes, then it is answered with an error, and is not lost: it comes
            # again
            await engine.send(attendance("V1"))
            assert b"|AE|" in await engine.answer()
            async with (
                agency_side(county.layout, HOSPITAL, SystemClock()) as side,
                hears.opened.attending(side, lambda _file: None),
            ):
                await engine.send(attendance("V1"))
                assert b"|AA|" in await engine.answer()
                assert len(await side.outbox.waiting(10)) == 1
            await engine.send(attendance("V2"))
            assert b"|AE|" in await engine.answer()
