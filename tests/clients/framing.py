"""URL: an echo with length framing. Type, bytes and boundaries survive while many messages are on the way."""

import asyncio
import sys

from websockets.asyncio.client import connect

MESSAGES = ["", "two\nlines\r\n", "\n", "żółw 😀", b"", b"\x00\n\r\xff"]
for size in [1, 125, 126, 65535, 65536, 1024 * 1024 - 1]:
    MESSAGES += [("x\n" * size)[:size], (b"\x00\n\xff\xfe" * size)[:size]]


async def main(url):
    async with connect(url, proxy=None) as connection:

        async def send():
            for message in MESSAGES:
                await connection.send(message)

        sending = asyncio.create_task(send())
        for index, message in enumerate(MESSAGES):
            answer = await connection.recv()
            assert type(answer) is type(message), f"type of message {index}"
            assert answer == message, f"bytes of message {index}"
        await sending
    assert connection.close_code == 1000


asyncio.run(main(sys.argv[1]))
