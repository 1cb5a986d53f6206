"""URL [PARAMETER...]: an echo with length framing that compresses. Messages of all kinds come back, with these
parameters in the offer."""

import asyncio
import re
import sys

from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory


def parameter(name):
    name, _, value = re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name).partition("=")
    return name, int(value) if value else True


async def main(url, *names):
    offer = ClientPerMessageDeflateFactory(**dict(map(parameter, names)))
    async with connect(url, proxy=None, compression=None, extensions=[offer], max_size=None) as connection:
        [extension] = connection.protocol.extensions
        assert extension.name == "permessage-deflate"
        pattern = "0123456789abcdefghijklmnopqrstuvwxyz!" * 30_000
        for size in [0, 1, 31, 32, 125, 126, 4095, 65535, 65536, 1024 * 1024]:
            await connection.send(pattern[:size])
            assert await connection.recv() == pattern[:size], size
        noise = bytes((n * n * 2654435761) >> 13 & 255 for n in range(300_000))
        await connection.send(noise)
        assert await connection.recv() == noise
        await connection.send(["one ", "", "two " * 1000, "three"])
        assert await connection.recv() == "one " + "two " * 1000 + "three"
    assert connection.close_code == 1000


asyncio.run(main(*sys.argv[1:]))
