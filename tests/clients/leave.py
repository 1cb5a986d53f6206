"""URL CODE: a client that says goodbye with CODE hears it back."""

import asyncio
import sys

from websockets.asyncio.client import connect


async def main(url, code):
    async with connect(url, proxy=None) as connection:
        assert await connection.recv() == "ready"
        await connection.close(int(code), "goodbye")
        assert connection.close_code == int(code), connection.close_code


asyncio.run(main(*sys.argv[1:]))
