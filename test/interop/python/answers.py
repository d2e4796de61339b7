"""The paths of test/support/endpoints.ts, as an ASGI application."""

import json

PATTERN = bytes(range(251)) * 64


async def pieces(receive):
    """The request's body; nothing more once the client has gone."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        yield message.get("body", b"")
        more = message.get("more_body", False)


def pattern(length):
    for start in range(0, length, len(PATTERN)):
        yield PATTERN[: length - start]


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    _, name, *rest = scope["path"].split("/")
    argument = int(rest[0]) if rest else 0
    status, headers, body = 200, [], [b""]
    if name == "hello.txt":
        body = [b"hello\n"]
    elif name == "bytes":
        headers, body = [(b"content-length", b"%d" % argument)], pattern(argument)
    elif name == "headers":
        fields = {}
        for field, value in scope["headers"]:
            fields.setdefault(field.decode(), []).append(value.decode())
        joined = {field: ("; " if field == "cookie" else ", ").join(values) for field, values in fields.items()}
        body = [json.dumps(joined).encode()]
    elif name == "large-headers":
        headers = [(b"x-large-%d" % index, b"v" * 1000) for index in range(argument)]
    elif name != "echo":
        status, body = 404, [b"not found\n"]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if name == "echo":
        async for piece in pieces(receive):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    elif scope["method"] != "HEAD":
        for piece in body:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})
