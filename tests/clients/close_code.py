"""URL CODE REASON: the server closes with them, after the program's last line, which has no newline."""

import asyncio
import sys

from websockets.asyncio.client import connect


async def main(url, code, reason):
    async with connect(url, proxy=None) as connection:
        assert await connection.recv() == "last words"
        await connection.wait_closed()
        assert (connection.close_code, connection.close_reason) == (int(code), reason), (
            connection.close_code,
            connection.close_reason,
        )


asyncio.run(main(*sys.argv[1:]))
