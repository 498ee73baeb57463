"""The HTTP that the control API and the licence verification service need, on any ASGI server."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

MAXIMUM_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """Header names are lower case; the path is decoded."""

    method: str
    path: str
    headers: dict[str, str]
    text: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(status: int, value: Any) -> HttpAnswer:
    return HttpAnswer(status, json.dumps(value).encode())


def asgi(handle: Callable[[HttpRequest], Awaitable[HttpAnswer]]) -> Callable[..., Awaitable[None]]:
    """Wrap a handler as an ASGI application."""

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if message["type"] == "http.disconnect" or len(body) > MAXIMUM_BODY:
                break
            if not message.get("more_body"):
                break
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        request = HttpRequest(scope["method"], scope["path"], headers, body.decode("utf-8", "replace"), scope["query_string"].decode())
        answer = await handle(request) if len(body) <= MAXIMUM_BODY else json_answer(413, {"error": "the body is too large"})
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [
                    (b"content-type", answer.content_type.encode()),
                    (b"content-length", str(len(answer.body)).encode()),
                    *((name.encode(), value.encode()) for name, value in answer.headers.items()),
                ],
            }
        )
        await send({"type": "http.response.body", "body": answer.body})

    return application
