#!/usr/bin/env python3
"""A telnet server to try a client on: it asks for a name and a password, and answers a few commands.

Usage: telnet_server.py [PORT]    (default: 2323)
"""

import asyncio
import sys
import time

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
ECHO, TERMINAL_TYPE, WINDOW_SIZE = 1, 24, 31
MAX_LINE = 1024  # bytes; what is longer is cut


class Session:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.terminal, self.window = "?", "?"

    def say(self, text):
        self.writer.write(text.replace("\n", "\r\n").encode())

    def command(self, *numbers):
        self.writer.write(bytes([IAC, *numbers]))

    async def byte(self):
        return (await self.reader.readexactly(1))[0]

    async def line(self):
        """The next line; what is negotiated meanwhile is taken note of."""
        line = bytearray()
        while True:
            byte = await self.byte()
            if byte == IAC:
                byte = await self.negotiate()
            if byte is None:
                continue
            if byte in b"\r\n":
                if byte == ord("\r"):
                    await self.byte()  # LF or NUL (RFC 854)
                return line.decode(errors="replace")
            if len(line) < MAX_LINE:
                line.append(byte)

    async def negotiate(self):
        """What stands behind IAC; a byte that is text, or nothing."""
        command = await self.byte()
        if command == IAC:
            return IAC
        if command == SB:
            told = bytearray()
            while (byte := await self.byte()) != IAC or (byte := await self.byte()) != SE:
                told.append(byte)
            if told[:2] == bytes([TERMINAL_TYPE, 0]):
                self.terminal = told[2:].decode(errors="replace")
            if told[:1] == bytes([WINDOW_SIZE]) and len(told) == 5:
                self.window = f"{told[1] * 256 + told[2]}x{told[3] * 256 + told[4]}"
        elif command in (WILL, WONT, DO, DONT):
            option = await self.byte()
            if (command, option) == (WILL, TERMINAL_TYPE):
                self.command(SB, TERMINAL_TYPE, 1, IAC, SE)
        return None

    async def run(self):
        self.command(DO, TERMINAL_TYPE)
        self.command(DO, WINDOW_SIZE)
        self.say("name: ")
        name = await self.line()
        self.command(WILL, ECHO)  # and then shows nothing: it is a password
        self.say("password (any will do): ")
        await self.line()
        self.command(WONT, ECHO)
        self.say(f"\nhello {name}, your terminal is {self.terminal}, your window {self.window}\n")
        while True:
            self.say("time, quit> ")
            command = (await self.line()).strip()
            if command == "quit":
                return self.say("bye\n")
            self.say(time.ctime() + "\n" if command == "time" else f"what is {command}?\n" if command else "")


async def serve(reader, writer):
    try:
        await Session(reader, writer).run()
        await writer.drain()
    except (asyncio.IncompleteReadError, OSError):
        pass  # the client has gone
    finally:
        writer.close()


async def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 2323
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    print(f"telnet server listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()  # until a signal comes


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass  # asked to stop
except (OSError, OverflowError, ValueError) as error:
    sys.exit(f"telnet_server.py: {error}")
