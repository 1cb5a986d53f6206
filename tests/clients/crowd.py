"""URL: an echo. Fifty clients at once each hear themselves, in order, and nobody else."""

import asyncio
import sys

from websockets.asyncio.client import connect


async def one(url, name, all_here):
    async with connect(url, proxy=None) as connection:
        messages = [f"client {name}, message {n}" for n in range(20)]
        for message in messages:
            await connection.send(message)
        for message in messages:
            assert await connection.recv() == message
        await all_here.wait()
    assert connection.close_code == 1000


async def main(url):
    all_here = asyncio.Barrier(50)
    await asyncio.gather(*(one(url, name, all_here) for name in range(50)))


asyncio.run(main(sys.argv[1]))
