# URL BODY ANSWER: what a program says of a body that is sent to it.
import sys

import httpx

url, body, expected = sys.argv[1:]
response = httpx.post(url, content=body)
assert response.status_code == 200, response
assert response.headers["content-type"] == "text/plain; charset=utf-8", response.headers
assert response.text == expected, response.text
