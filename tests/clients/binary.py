"""URL: an echo with --binary. A message of up to 64 KiB comes back as one, a longer one as its bytes."""

import asyncio
import sys

from websockets.asyncio.client import connect


async def main(url):
    async with connect(url, proxy=None) as connection:
        for size in [1, 125, 126, 4096, 4097, 65535, 65536]:
            message = (b"\x00\n\r\xff\xfe\x80" * size)[:size]
            await connection.send(message)
            answer = await connection.recv()
            assert type(answer) is bytes
            assert len(answer) == size, f"{len(answer)} bytes of {size}"
            assert answer == message, f"{size} bytes"

        long = (b"\x00\n\r\xff\xfe\x80\x7f" * 1024 * 1024)[: 1024 * 1024 - 1]
        await connection.send(long)
        parts = b""
        while len(parts) < len(long):
            parts += await connection.recv()
        assert parts == long, "the bytes of a long message"

        await connection.send("żółw")
        assert await connection.recv() == "żółw".encode(), "a text message is its bytes"
    assert connection.close_code == 1000


asyncio.run(main(sys.argv[1]))
