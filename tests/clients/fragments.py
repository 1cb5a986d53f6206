"""URL: an echo with length framing. A message in fragments arrives as one."""

import asyncio
import sys

from websockets.asyncio.client import connect


async def main(url):
    async with connect(url, proxy=None) as connection:
        for parts in [["one ", "", "two"], [b"one ", b"", b"two"]]:
            await connection.send(parts)
            assert await connection.recv() == parts[0][:0].join(parts)
    assert connection.close_code == 1000


asyncio.run(main(sys.argv[1]))
