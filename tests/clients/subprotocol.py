"""URL OFFERED,... EXPECTED: the program's first line and the handshake name the subprotocol EXPECTED."""

import asyncio
import sys

from websockets.asyncio.client import connect


async def main(url, offered, expected):
    async with connect(url, proxy=None, subprotocols=offered.split(",")) as connection:
        assert connection.subprotocol == expected, connection.subprotocol
        assert await connection.recv() == expected
    assert connection.close_code == 1000


asyncio.run(main(*sys.argv[1:]))
