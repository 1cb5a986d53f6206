#!/usr/bin/env python3
"""A chat room as one program for all: wsd --share=tagged ./chat.py"""

import sys

here = set()  # the numbers of those who are in the room


def tell(to, text):
    print(to, text, sep="\t", flush=True)


for line in sys.stdin:
    who, _, text = line.rstrip("\n").partition("\t")
    if who.startswith("+"):
        here.add(who[1:])
        tell("*", f"* someone joined, {len(here)} here")
    elif who.startswith("-"):
        here.discard(who[1:])
        tell("*", f"* someone left, {len(here)} here")
    else:
        tell("*", text)
