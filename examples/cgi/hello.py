#!/usr/bin/env python3
import os
import sys

length = int(os.environ.get("CONTENT_LENGTH", 0))
body = sys.stdin.buffer.read(length)
print("Content-Type: text/plain")
print()
print(f"Hello from Python. Your {os.environ['REQUEST_METHOD']} had {len(body)} bytes of body.")
