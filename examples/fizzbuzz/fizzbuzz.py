#!/usr/bin/env python3
"""Reads a number a line and answers it: 15 => FizzBuzz."""

import sys


def fizzbuzz(n):
    if n % 15 == 0:
        return "FizzBuzz"
    if n % 5 == 0:
        return "Buzz"
    if n % 3 == 0:
        return "Fizz"
    return n


for line in sys.stdin:
    try:
        n = int(line)
        answer = f"{n} => {fizzbuzz(n)}"
    except ValueError:
        answer = "error: cannot process input"
    # Output to a pipe is kept back until there is a lot of it; flush sends this line now.
    print(answer, flush=True)
