"""URL: an echo that pings often. Each ping is answered with its payload, between messages too."""

import asyncio
import sys

from websockets.asyncio.client import connect


async def main(url):
    async with connect(url, proxy=None) as connection:
        for payload in [b"", b"x", b"y" * 125]:
            await (await connection.ping(payload))  # ends with the pong of this payload
            await connection.send("between")
            assert await connection.recv() == "between"
    assert connection.close_code == 1000


asyncio.run(main(sys.argv[1]))
