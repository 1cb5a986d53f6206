"""WSD [PARAMETER...]: a server that compresses, with these parameters in its answer, and `WSD --connect --compress`
as its client, which hears itself."""

import asyncio
import re
import sys

from websockets.asyncio.server import serve
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory


def parameter(name):
    name, _, value = re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name).partition("=")
    return name, int(value) if value else True


async def echo(connection):
    [extension] = connection.protocol.extensions
    assert extension.name == "permessage-deflate"
    async for message in connection:
        await connection.send(message)


async def main(wsd, *names):
    answer = ServerPerMessageDeflateFactory(**dict(map(parameter, names)))
    async with serve(echo, "localhost", 0, compression=None, extensions=[answer], max_size=None) as server:
        port = server.sockets[0].getsockname()[1]
        client = await asyncio.create_subprocess_exec(
            wsd,
            f"--connect=ws://localhost:{port}",
            "--compress",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2 << 20,
        )
        pattern = "0123456789abcdefghijklmnopqrstuvwxyz!" * 30_000
        for size in [0, 1, 31, 32, 125, 126, 4095, 65535, 65536, 1024 * 1024]:
            line = pattern[:size].encode() + b"\n"
            client.stdin.write(line)
            assert await client.stdout.readline() == line, size
        client.terminate()
        assert await client.wait() == 143


asyncio.run(main(*sys.argv[1:]))
