# URL ANSWER: an answer whose program fails is told from one that is whole.
import sys

import httpx

url, expected = sys.argv[1:]
said = ""
try:
    with httpx.stream("POST", url, content="hello") as response:
        for piece in response.iter_text():
            said += piece
except httpx.RemoteProtocolError:
    assert said == expected, said
else:
    raise AssertionError(f"a whole answer: {said}")
