"""A page's editor speaks to a language server, one message of JSON-RPC a WebSocket message.

The server is wsd --framing=headers with a server behind it; the document has characters of several bytes, and the
completion is a large answer.
"""

import asyncio
import json
import sys

from websockets.asyncio.client import connect

URI = "file:///editor.py"
TEXT = "größe = '€ 日本 🎉'\nimport os\nos."


async def main(url):
    async with connect(url, proxy=None, max_size=None) as socket:
        await request(socket, 1, "initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        await send(socket, method="initialized", params={})
        document = {"uri": URI, "languageId": "python", "version": 1, "text": TEXT}
        await send(socket, method="textDocument/didOpen", params={"textDocument": document})
        place = {"textDocument": {"uri": URI}, "position": {"line": 2, "character": 3}}
        answer, size = await request(socket, 2, "textDocument/completion", place)
        labels = [item["label"] for item in answer["items"]]
        assert any(label.startswith("getcwd") for label in labels), labels
        assert size > 32 * 1024, size
        answer, _ = await request(socket, 3, "textDocument/documentSymbol", {"textDocument": {"uri": URI}})
        assert "größe" in [symbol["name"] for symbol in answer], answer
        await request(socket, 4, "shutdown", None)
        await send(socket, method="exit")
        await socket.wait_closed()
        assert socket.close_code == 1000, socket.close_code


async def send(socket, **message):
    await socket.send(json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False))


async def request(socket, number, method, params):
    """The result, and how many bytes the answer has."""
    await send(socket, id=number, method=method, params=params)
    while True:
        text = await socket.recv()
        answer = json.loads(text)
        if answer.get("id") == number and "method" not in answer:
            assert "error" not in answer, answer
            return answer["result"], len(text.encode())


asyncio.run(main(sys.argv[1]))
