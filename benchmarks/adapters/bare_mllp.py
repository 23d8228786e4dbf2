"""The least that an MLLP listener can do and keep its word: fsync the message, then acknowledge.

`python -m benchmarks.adapters.bare_mllp PORT FILE`
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

END = b"\x1c\r"


async def serve(port: int, path: Path) -> None:
    """Take messages until the process is ended."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                framed = await reader.readuntil(END)
                os.write(file, framed)
                os.fsync(file)
                control = framed.split(b"|", 10)[9]
                answer = b"MSH|^~\\&|B|B|E|E|||ACK|1|P|2.4\rMSA|AA|" + control + b"\r"
                writer.write(b"\x0b" + answer + END)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def main(arguments: Sequence[str]) -> None:
    """Serve."""
    port, path = arguments
    asyncio.run(serve(int(port), Path(path)))


if __name__ == "__main__":
    main(sys.argv[1:])
