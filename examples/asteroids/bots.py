#!/usr/bin/env python3
"""Players for asteroids, as many as you like, and what they have seen: how regularly the game's state came.

    bots.py [--url=ws://localhost:8080/] [--bots=100] [--seconds=0] [--pid=PID]

They play until the time is over (0: until Ctrl-C). Then a line of JSON says how long it took from one state to the
next (gap, in milliseconds, of all bots), and, with --pid, how much memory wsd, all that it has started and this
program have together (Pss: what several share is counted once).
"""

import argparse
import asyncio
import json
import math
import os
import random
import struct
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

SIZE = 7200  # of the world, until the server says it
SHOT_SPEED = 650


class Socket:
    """As much of RFC 6455 as a client needs that only speaks text."""

    @classmethod
    async def connect(cls, url):
        parts = urlsplit(url)
        self = cls()
        self.reader, self.writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        self.writer.write(
            f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n".encode()
        )
        head = await self.reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.splitlines()[0]:
            raise OSError(head.splitlines()[0].decode())
        return self

    def send(self, text, opcode=1):
        data = text if isinstance(text, bytes) else text.encode()
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        self.writer.write(bytes([0x80 | opcode, 0x80 | len(data)]) + mask + masked)  # never more than 125 bytes

    async def receive(self):
        """The next message's text; the server's pings are answered on the way."""
        while True:
            first, length = await self.reader.readexactly(2)
            if length >= 126:
                form = ">H" if length == 126 else ">Q"
                (length,) = struct.unpack(form, await self.reader.readexactly(struct.calcsize(form)))
            data = await self.reader.readexactly(length)
            opcode = first & 15
            if opcode == 9:
                self.send(data, 10)
            elif opcode == 8:
                code = int.from_bytes(data[:2], "big")
                raise OSError(f"closed, code {code} {data[2:].decode()}")
            elif opcode == 1:
                return data.decode()


def apart(a, b):
    return (b - a + SIZE / 2) % SIZE - SIZE / 2


class Bot:
    def __init__(self, number):
        self.name = f"bot {number}"
        self.id, self.ship, self.sent = "", None, ""
        self.time, self.came = "", 0.0  # of the last state
        self.gaps = []
        self.states = 0
        self.targets = []  # distance, dx, dy, vx, vy
        self.mood = random.uniform(0.5, 1)

    async def play(self, url):
        self.socket = await Socket.connect(url)
        self.socket.send(f"play {self.name}")
        try:
            while True:
                self.hear(await self.socket.receive())
        finally:
            self.socket.writer.close()

    def hear(self, text):
        moment, _, records = text.partition(" ")
        # Records of rooms are a state; several rooms tell of the same moment.
        if records[:2] in ("s ", "r ", "b ", "x ", "") and moment != self.time:
            arrived = time.monotonic()
            if self.time:
                self.gaps.append((arrived - self.came) * 1000)
            self.time, self.came = moment, arrived
            self.states += 1
            # Nobody thinks twenty times a second.
            if self.states % 4 == 0:
                self.think()
            self.targets.clear()
        if not self.id and "|y " in records:
            self.id = records.split("|y ")[1].split("|")[0]
        if self.states % 4 == 3:
            self.look(records)

    def look(self, records):
        """What there is in one of the rooms; only before it is thought."""
        for record in records.split("|"):
            if record[:2] not in ("s ", "r "):
                continue
            kind, id, x, y, vx, vy, *rest = record.split(" ")
            x, y, vx, vy = float(x), float(y), float(vx), float(vy)
            if id == self.id and kind == "s":
                self.ship = x, y, vx, vy, float(rest[0])
            elif self.ship:
                dx, dy = apart(self.ship[0], x), apart(self.ship[1], y)
                self.targets.append((math.hypot(dx, dy), dx, dy, vx, vy))

    def think(self):
        if not self.ship or not self.targets:
            return
        _, _, own_vx, own_vy, angle = self.ship
        gap, dx, dy, vx, vy = min(self.targets)
        flight = gap / SHOT_SPEED
        wanted = math.degrees(math.atan2(dy + (vy - own_vy) * flight, dx + (vx - own_vx) * flight))
        off = (wanted - angle + 180) % 360 - 180
        turn = 0 if abs(off) < 12 else 1 if off > 0 else -1
        thrust = gap > 350 * self.mood and abs(off) < 40 and math.hypot(own_vx, own_vy) < 250
        fire = gap < 500 and abs(off) < 15
        says = f"keys {turn} {int(thrust)} {int(fire)}"
        if says != self.sent:
            self.sent = says
            self.socket.send(says)


def memory(pid):
    """Pss in bytes of a process and all that it has started, by name."""
    pids, found = [pid, os.getpid()], {}
    for task in pids:
        pids += [int(child) for file in Path(f"/proc/{task}/task").glob("*/children") for child in file.read_text().split()]
        lines = Path(f"/proc/{task}/smaps_rollup").read_text().splitlines()
        name = Path(f"/proc/{task}/comm").read_text().strip()
        size = sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        found[name] = found.get(name, 0) + size
    return found


def result(bots, seconds, pid):
    gaps = sorted(gap for bot in bots for gap in bot.gaps[20:])  # not while they come
    at = lambda part: round(gaps[min(int(part * len(gaps)), len(gaps) - 1)], 1)
    found = {"bots": len(bots), "seconds": round(seconds, 1), "states": sum(bot.states for bot in bots)}
    if gaps:
        found["gap"] = {"p50": at(0.5), "p99": at(0.99), "p99.9": at(0.999), "max": round(gaps[-1], 1)}
    if pid:
        sizes = memory(pid)
        found["memory"] = {name: f"{size / 1e6:.1f} MB" for name, size in sizes.items()}
        found["memory"]["together"] = f"{sum(sizes.values()) / 1e6:.1f} MB"
    return found


async def main():
    arguments = argparse.ArgumentParser(description="Players for asteroids.")
    arguments.add_argument("--url", default="ws://localhost:8080/")
    arguments.add_argument("--bots", type=int, default=100)
    arguments.add_argument("--seconds", type=float, default=0, help="0: until Ctrl-C")
    arguments.add_argument("--pid", type=int, help="of wsd, for the memory")
    options = arguments.parse_args()
    bots = [Bot(number) for number in range(1, options.bots + 1)]
    start = time.monotonic()
    tasks = [asyncio.ensure_future(bot.play(options.url)) for bot in bots]
    try:
        done, _ = await asyncio.wait(tasks, timeout=options.seconds or None, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        print(json.dumps(result(bots, time.monotonic() - start, options.pid)), flush=True)


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass  # asked to stop
except (OSError, EOFError) as error:
    sys.exit(f"bots.py: {error}")
