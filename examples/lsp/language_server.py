#!/usr/bin/env python3
"""A small language server for Python: it finds errors of syntax, completes names, and says what a builtin is for.

It speaks the Language Server Protocol on stdin and stdout, as pylsp, gopls and clangd do; any of these does in its place.
"""

import builtins
import json
import keyword
import re
import sys
import warnings

documents = {}  # texts, by URI


def read():
    """The next message, None at the end; its header says how many bytes it has."""
    length = None
    while (line := sys.stdin.buffer.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(sys.stdin.buffer.read(length)) if length is not None else None


def write(**message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    sys.stdout.buffer.flush()


def units(text):
    """The protocol counts in UTF-16."""
    return len(text.encode("utf-16-le")) // 2


def word_before(uri, position):
    lines = documents.get(uri, "").split("\n")
    line = lines[position["line"]] if position["line"] < len(lines) else ""
    before = line.encode("utf-16-le")[: 2 * position["character"]].decode("utf-16-le", "replace")
    return re.search(r"\w*$", before)[0], re.match(r"\w*", line[len(before) :])[0]


def diagnostics(text):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            compile(text, "page", "exec")
            found = [(str(warning.message), warning.lineno or 1, 1, 2) for warning in warned]
        except SyntaxError as error:
            found = [(error.msg, error.lineno or 1, error.offset or 1, 1)]
        except ValueError as error:  # a NUL in it
            found = [(str(error), 1, 1, 1)]
    lines = text.split("\n")
    for message, line, column, severity in found:
        start = {"line": line - 1, "character": units(lines[min(line, len(lines)) - 1][: column - 1])}
        end = {"line": line - 1, "character": start["character"] + 1}
        yield {"range": {"start": start, "end": end}, "severity": severity, "message": message}


def changed(uri, text):
    documents[uri] = text
    write(method="textDocument/publishDiagnostics", params={"uri": uri, "diagnostics": list(diagnostics(text))})


def completion(params):
    uri = params["textDocument"]["uri"]
    start, _ = word_before(uri, params["position"])
    own = set(re.findall(r"[^\W\d]\w+", documents.get(uri, "")))
    names = own | set(keyword.kwlist) | set(dir(builtins))
    return {"isIncomplete": False, "items": [{"label": name} for name in sorted(names) if name.startswith(start) and name != start]}


def hover(params):
    name = "".join(word_before(params["textDocument"]["uri"], params["position"]))
    text = getattr(getattr(builtins, name, None), "__doc__", None)
    return {"contents": {"kind": "plaintext", "value": text}} if text else None


def initialize(_):
    return {"capabilities": {"textDocumentSync": 1, "completionProvider": {}, "hoverProvider": True}}


ANSWERS = {"initialize": initialize, "textDocument/completion": completion, "textDocument/hover": hover, "shutdown": lambda _: None}

while message := read():
    method, params = message.get("method"), message.get("params")
    if method == "exit":
        break
    if method == "textDocument/didOpen":
        changed(params["textDocument"]["uri"], params["textDocument"]["text"])
    elif method == "textDocument/didChange":
        changed(params["textDocument"]["uri"], params["contentChanges"][-1]["text"])
    elif "id" in message and method in ANSWERS:
        write(id=message["id"], result=ANSWERS[method](params))
    elif "id" in message:
        write(id=message["id"], error={"code": -32601, "message": f"no such method: {method}"})
