"""URL CODE KIND: a message that the server does not take, "binary" or "big", is answered with a close."""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def main(url, code, kind):
    async with connect(url, proxy=None) as connection:
        try:
            await connection.send("x" * (1024 * 1024 + 1) if kind == "big" else b"\x01")
        except ConnectionClosed:
            pass  # the server did not want to hear the end
        await connection.wait_closed()
        assert connection.close_code == int(code), connection.close_code
        assert connection.close_reason


asyncio.run(main(*sys.argv[1:]))
