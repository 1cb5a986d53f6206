"""URL: a line echo. Characters of one to four bytes come back, alone and many at a time."""

import asyncio
import sys

from websockets.asyncio.client import connect

TEXTS = ["é", "żółw", "日本語", "😀👩‍👩‍👧", "שלום עולם", "e\u0301", "\U0010ffff", "\u2028\u2029\u0085", "\ufeffx", "a\tb\0c"]


async def main(url):
    async with connect(url, proxy=None) as connection:
        for text in TEXTS + [text * 20_000 for text in TEXTS]:
            await connection.send(text)
            assert await connection.recv() == text, f"{len(text)} × {text[:10]!r}"
    assert connection.close_code == 1000


asyncio.run(main(sys.argv[1]))
