"""URL: a line echo. Texts of every kind of length in RFC 6455 §5.2 come back as they went."""

import asyncio
import sys

from websockets.asyncio.client import connect


async def main(url):
    async with connect(url, proxy=None) as connection:
        for size in [0, 1, 125, 126, 127, 65535, 65536, 1024 * 1024 - 1]:
            text = ("0123456789abcdefghijklmnopqrstuvwxyz!" * (size // 37 + 1))[:size]
            await connection.send(text)
            assert await connection.recv() == text, f"{size} bytes"
    assert connection.close_code == 1000


asyncio.run(main(sys.argv[1]))
