# URL of a program that repeats each line: a session by an event stream, which is lost and goes on.
import json
import sys

import httpx

url = sys.argv[1]
headers = {"Accept": "text/event-stream"}
client = httpx.Client()


def events(response):
    """The events of a stream, one by one."""
    assert response.status_code == 200, response
    fields = {}
    for line in response.iter_lines():
        if line.startswith(":"):
            continue
        if line:
            name, value = line.split(": ", 1)
            fields[name] = value
        elif fields:
            yield fields
            fields = {}


def say(body, query=""):
    return client.post(f"{url}?session={session}{query}", content=body).status_code


with client.stream("POST", url, headers=headers) as response:
    stream = events(response)
    opened = next(stream)
    assert opened["event"] == "open", opened
    session = json.loads(opened["data"])["session"]
    assert say("one\ntwo") == 204
    assert next(stream)["data"] == "one"
    two = next(stream)
    assert two["data"] == "two", two
    assert two["id"].startswith(f"{session}."), two

assert say("three\n") == 204
with client.stream("GET", url, headers={**headers, "Last-Event-ID": two["id"]}) as response:
    stream = events(response)
    assert next(stream)["event"] == "open"
    assert next(stream)["data"] == "three"
    assert say("", "&close") == 204
    close = next(stream)
    assert close["event"] == "close", close
    assert json.loads(close["data"])["code"] == 1000, close
    assert next(stream, None) is None
assert say("four") == 404
