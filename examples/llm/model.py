#!/usr/bin/env python3
"""A very small language model: it has read one paragraph, and answers a question token by token. Put a real one here."""

import random
import re
import sys
import time

TOKENS = re.findall(r"\w+|[.,]", """
A WebSocket is a connection between a page and a server on which both may speak at any time. A program is a process that
reads lines and writes lines. The gateway starts a program for each connection, and each line that the program writes is a
message to the page. A page that waits is a page that nobody reads, so a model writes each token at once. Each token is a
word that follows two words which it has seen before, and so a model is a gateway between a question and a paragraph. When
the page goes, the gateway ends the program, and nothing is written that nobody reads. When the program ends, the page is
told so, and the answer is complete.""")
follows = {}
for one, two, three in zip(TOKENS, TOKENS[1:] + TOKENS[:1], TOKENS[2:] + TOKENS[:2]):
    follows.setdefault((one, two), []).append(three)

dice = random.Random(sys.stdin.readline().strip())  # the same question has the same answer
one, two = dice.choice([pair for pair in follows if pair[0].istitle()])
sys.stdout.write(f"{one} {two}")
for count in range(300):
    one, two = two, dice.choice(follows[one, two])
    sys.stdout.write(two if two in ".," else f" {two}")
    sys.stdout.flush()  # what is kept back comes all at once
    time.sleep(0.04)
    if two == "." and count > 40:
        break
print()
