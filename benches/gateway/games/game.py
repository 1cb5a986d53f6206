#!/usr/bin/env python3
# What each member says is counted, and twenty times a second all are sent a state of 10 KiB.
import sys

WORLD = "x" * (10 * 1024 - 20)
heard = 0
for line in sys.stdin:
    if line[0].isdigit():
        heard += 1
    elif line[0] == ".":
        print(f"*\t{heard:<20}{WORLD}", flush=True)
