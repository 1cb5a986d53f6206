#!/usr/bin/env python3
import sys

for line in sys.stdin:
    print(len(line.split()), "words, says Python", flush=True)
