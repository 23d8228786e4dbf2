"""What the service of bundles says to whoever asks, in the way that OPA asks."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from aiohttp import ClientSession

from broker.backends.opa_server.bundle import bundle_of
from broker.backends.opa_server.service import BundleService
from broker.protocol.errors import NO_REVISION, NoRevision
from broker.protocol.revision import Revision
from broker.runtimes.founding import engine_files
from tests.broker.protocol.county import county

CONTENT_TYPE = "application/vnd.openpolicyagent.bundles"


class InForce:
    """Which revision is in force; None for none."""

    def __init__(self, revision: Revision | None = None) -> None:
        self.revision = revision

    def __call__(self) -> Revision:
        if self.revision is None:
            raise NoRevision(NO_REVISION)
        return self.revision


@dataclass(frozen=True, slots=True)
class Answered:
    """What came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def tag(self) -> str:
        return self.headers["Etag"]


@asynccontextmanager
async def asking(current: InForce, service: BundleService | None = None) -> AsyncIterator["Asker"]:
    made = service or BundleService(current, engine_files())
    async with made.serving() as url, ClientSession() as session:
        yield Asker(session, url)


class Asker:
    """Asks as OPA does."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def __call__(self, tag: str = "", wait: int | None = None) -> Answered:
        prefer = "modes=snapshot,delta" + ("" if wait is None else f";wait={wait}")
        headers = {"If-None-Match": tag, "Prefer": prefer}
        async with self._session.get(self._url, headers=headers) as answer:
            return Answered(answer.status, dict(answer.headers), await answer.read())


async def test_who_has_nothing_gets_the_bundle_at_once() -> None:
    async with asking(InForce(county())) as ask:
        began = time.monotonic()
        answer = await ask(wait=30)
        assert time.monotonic() - began < 2
        assert (answer.status, answer.headers["Content-Type"]) == (200, CONTENT_TYPE)
        assert answer.body == bundle_of(county(), engine_files())
        assert answer.tag.startswith('"')


async def test_who_has_it_waits_until_there_is_another(other: Revision) -> None:
    current = InForce(county())
    async with asking(current) as ask:
        tag = (await ask()).tag

        # when nothing changes, then the answer is kept back for as long as was asked
        began = time.monotonic()
        same = await ask(tag, wait=1)
        assert (same.status, same.tag) == (304, tag)
        assert 0.9 < time.monotonic() - began < 3

        # and not at all for one who would not wait, or says so in words of its own
        assert (await ask(tag)).status == 304
        assert (await ask(f'"older", {tag}')).status == 304

        # when another revision comes to be in force, then it is there within a second
        waiting = asyncio.create_task(ask(tag, wait=30))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        current.revision = other
        changed = await asyncio.wait_for(waiting, 1)
        assert changed.status == 200
        assert changed.tag != tag
        assert changed.body == bundle_of(other, engine_files())


async def test_without_a_revision_it_says_so_and_goes_on() -> None:
    current = InForce()
    async with asking(current) as ask:
        answer = await ask(wait=30)
        assert (answer.status, json.loads(answer.body)["code"]) == (503, "protocol.revision.none")
        current.revision = county()
        assert (await ask()).status == 200


async def test_a_revision_with_another_engine_is_not_served() -> None:
    # given a release whose module is not the one of the revision in force
    other = replace(engine_files(), module=b"\0asm")
    async with asking(InForce(), BundleService(InForce(county()), other)) as ask:
        answer = await ask()
        assert answer.status == 503
        said = json.loads(answer.body)
        assert said["code"] == "protocol.server.engine"
        assert "engine" in said["message"]


async def test_whoever_waits_is_let_go_when_it_stops() -> None:
    service = BundleService(InForce(county()), engine_files())
    async with ClientSession() as session:
        async with service.serving() as url:
            ask = Asker(session, url)
            tag = (await ask()).tag
            waiting = asyncio.create_task(ask(tag, wait=30))
            await asyncio.sleep(0.1)
            began = time.monotonic()
        assert time.monotonic() - began < 3
        assert (await waiting).status == 304


async def test_nothing_else_is_there() -> None:
    service = BundleService(InForce(county()), engine_files())
    async with service.serving() as url, ClientSession() as session:
        for path in ("/", "/v1/data", "/bundle.tar.gz/../data.json"):
            async with session.get(url.replace("/bundle.tar.gz", path)) as answer:
                assert answer.status == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_its_address_can_be_asked(host: str) -> None:
    service = BundleService(InForce(county()), engine_files())
    try:
        async with (
            service.serving(host) as url,
            ClientSession() as session,
            session.get(url) as got,
        ):
            assert got.status == 200
    except OSError:
        pytest.skip(f"this machine has no {host}")
