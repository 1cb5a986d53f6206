#!/usr/bin/env python3
"""A chat room as one program for all: wsd --share=tagged ./chat.py"""

import re
import sys

names = {}  # of those who are in the room, by their IDs


def tell(text):
    print("*", text, sep="\t", flush=True)


for line in sys.stdin:
    who, _, text = line.rstrip("\n").partition("\t")
    event = ""
    if who[0] == "+":
        event, names[who[1:]] = "someone joined", "someone"
    elif who[0] == "-":
        event = names.pop(who[1:]) + " left"
    elif text.startswith("/name "):
        old, names[who] = names[who], re.sub(r"[^\w-]", "", text[6:])[:20] or "someone"
        event = f"{old} is {names[who]}"
    tell(f"* {event}, {len(names)} here: {', '.join(names.values())}" if event else f"{names[who]}: {text}")
