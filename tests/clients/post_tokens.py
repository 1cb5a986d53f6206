# URL: tokens come one by one, while their program still writes others.
import sys

import httpx

with httpx.stream("POST", sys.argv[1], content="why?\n") as response:
    pieces = list(response.iter_text())
assert "".join(pieces) == "Because of\nthe why? ", pieces
assert len(pieces) >= 3, pieces
