#!/usr/bin/env python3
"""A chat room on a TCP port: a line from one client goes to all, the sender too.

Usage: chat_server.py [PORT]    (default: $CHAT_PORT, else 7777)
"""

import asyncio
import os
import re
import signal
import sys

MAX_LINE = 64 * 1024  # bytes; who sends a longer line is dropped
MAX_BACKLOG = 1024 * 1024  # bytes waiting for a client; who reads too slowly is dropped

names = {}  # of those who are in the room, by the StreamWriter of each


def tell_all(line):
    for client in names:
        if not client.is_closing():
            client.write(line + b"\n")  # never waits: what the network does not take yet is kept
    for client in list(names):
        if client in names and client.transport.get_write_buffer_size() > MAX_BACKLOG:
            leave(client)


def event(text):
    tell_all(f"* {text}, {len(names)} here: {', '.join(names.values())}".encode())


def leave(client):
    name = names.pop(client, None)
    if name:
        client.transport.abort()
        event(f"{name} left")


def hear(client, line):
    if not line.startswith(b"/name "):
        return tell_all(names[client].encode() + b": " + line)
    old = names[client]
    names[client] = re.sub(r"[^\w-]", "", line[6:].decode(errors="replace"))[:20] or "someone"
    event(f"{old} is {names[client]}")


async def serve(reader, client):
    names[client] = "someone"
    event("someone joined")
    try:
        while line := await reader.readline():
            if client not in names:
                break  # dropped meanwhile
            hear(client, line.rstrip(b"\r\n"))
    except (OSError, ValueError):
        pass  # vanished, or sent a line that is too long
    except asyncio.CancelledError:
        return  # the server stops
    leave(client)


async def main():
    port = int(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("CHAT_PORT", 7777))
    server = await asyncio.start_server(serve, "127.0.0.1", port, limit=MAX_LINE)
    stop = asyncio.current_task().cancel
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    port = server.sockets[0].getsockname()[1]
    print(f"chat server listening on 127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()  # until a signal comes


try:
    asyncio.run(main())
except (KeyboardInterrupt, asyncio.CancelledError):
    pass  # asked to stop
except (OSError, OverflowError, ValueError) as error:
    sys.exit(f"chat_server.py: {error}")
