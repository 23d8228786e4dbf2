"""A small web server that an OPA server fetches its policy from.

It gives out the bundle of the revision in force, nothing else. OPA asks with the tag of what it has
(`If-None-Match`) and how long it will wait (`Prefer: modes=snapshot,delta;wait=N`); while nothing
changes the answer is kept back for so long, then it is 304. OPA goes on waiting in this way only as
long as answers bear its own content type.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Final

from aiohttp import web

from broker.backends.opa_server.bundle import bundle_of
from broker.protocol.errors import ProtocolError
from broker.protocol.revision import Engine, Revision

PATH: Final = "/bundle.tar.gz"
CONTENT_TYPE: Final = "application/vnd.openpolicyagent.bundles"

LOOK_S: Final = 0.2
"""Between two looks at which revision is in force, while somebody waits: far below the 2 s in which
a new one should be in use."""

MOST_WAIT_S: Final = 60
"""Longest wait that is granted: a connection that is dead is noticed then."""

_WAIT: Final = re.compile(r"(?:^|[;,\s])wait=(\d{1,6})(?:$|[;,\s])")

Current = Callable[[], Revision]
"""Returns the revision in force; raises ProtocolError if there is none."""


class BundleService:
    """Gives out the bundle of whatever revision is in force."""

    def __init__(self, current: Current, engine: Engine) -> None:
        """Serve what `current` returns.

        Args:
            current: the revision in force, now; asked often.
            engine: what this release ships.
        """
        self._current = current
        self._engine = engine
        self._made: tuple[bytes, bytes, str] = (b"", b"", "")
        self._closing = asyncio.Event()

    @asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Yield the bundle's URL; leaving ends whatever waits and stops the server.

        Args:
            host: whom to listen for; an OPA server stands beside the broker.
            port: 0 for one that is free.
        """
        app = web.Application()
        app.router.add_get(PATH, self._bundle)
        app.on_shutdown.append(self._close)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            _, bound = runner.addresses[0][:2]
            yield f"http://{f'[{host}]' if ':' in host else host}:{bound}{PATH}"
        finally:
            await runner.cleanup()

    async def _close(self, app: web.Application) -> None:  # noqa: ARG002 - aiohttp gives it
        self._closing.set()

    async def _bundle(self, request: web.Request) -> web.Response:
        has = {one.strip() for one in request.headers.get("If-None-Match", "").split(",")}
        until = time.monotonic() + _wait_of(request.headers.get("Prefer", ""))
        while True:
            try:
                bundle, tag = self._bundle_now()
            except ProtocolError as error:
                # OPA goes on with what it has; the broker then refuses it as another revision.
                return web.json_response(
                    {"code": error.code.name, "message": error.code.sentence}, status=503
                )
            if tag not in has:
                return web.Response(body=bundle, content_type=CONTENT_TYPE, headers={"ETag": tag})
            left = until - time.monotonic()
            if left <= 0 or self._closing.is_set():
                return web.Response(status=304, headers={"ETag": tag})
            await self._look_again(min(LOOK_S, left))

    async def _look_again(self, after: float) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), after)
        except TimeoutError:
            return

    def _bundle_now(self) -> tuple[bytes, str]:
        revision = self._current()
        made_of, bundle, tag = self._made
        if made_of != revision.digest:
            bundle = bundle_of(revision, self._engine)
            tag = f'"{sha256(bundle).hexdigest()}"'
            self._made = (revision.digest, bundle, tag)
        return bundle, tag


def _wait_of(prefer: str) -> float:
    """Return for how long a request is content to wait, in seconds."""
    found = _WAIT.search(prefer)
    return 0.0 if found is None else min(float(found[1]), MOST_WAIT_S)
