"""What stands before the API: who asks, for whom, from which page, and how much. What is not plainly in order is refused.

A page of any web site can make the browser on this machine send requests to 127.0.0.1, and a name of its own may lead there
(DNS rebinding; CVE-2025-62593 is one service that did not look). So the Host is held against a list, a token is always asked
for, and what changes something, or streams, must come from our own page or from a program that has the token.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from html import escape
from typing import Any
from urllib.parse import parse_qs

from otio_perf.web.door import Door
from otio_perf.web.keys import Keys

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BODY_BYTES = 1 << 20
BODY_SECONDS = 10.0
#: How long a reader may take nothing of what is sent.
SEND_SECONDS = 30.0
ENTER = "/enter"
EVENTS = "/api/v1/events"

_READS = ("GET", "HEAD")
_WRITES = ("POST", "PUT", "DELETE")
_HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_ENTER_HINT = "Programs send 'Authorization: Bearer TOKEN'; otio-perf dashboard lets a browser in"
_GO_ON = (
    b'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/"><title>otio-perf</title>'
    b'<p><a href="/">otio-perf</a></p>'
)
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="dark light">'
    "<title>otio-perf</title><h1>{error}</h1><p>{hint}</p></html>"
)
_log = logging.getLogger("otio_perf.web")


class _Refused(Exception):  # noqa: N818 - an answer, not an error
    def __init__(self, status: int, error: str, hint: str = "", **headers: str) -> None:
        super().__init__(error)
        self.status, self.error, self.hint, self.headers = status, error, hint, headers


class Gate:
    """ASGI around ``app``. ``port`` is the one that is listened on; it is set when it is known."""

    def __init__(self, app: App, *, keys: Keys, door: Door) -> None:
        self._app, self._keys, self._door = app, keys, door
        self.port = door.port

    @property
    def cookie(self) -> str:
        """Its name. Cookies are kept by host, whatever the port: two services must not share one."""
        return f"otio_perf_{self.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await self._app(scope, receive, send)
            return
        answer = _Answer(send, scope)
        try:
            body = await self._admit(scope, receive, answer)
            if body is not None:
                await self._app(scope, _replay(body, receive), answer)
        except _Refused as refused:
            await answer.error(refused.status, refused.error, refused.hint, refused.headers)
        except TimeoutError:
            answer.drop()
        except Exception as e:  # noqa: BLE001 - whatever it is: one line for who asked, and the service goes on
            _log.debug("unforeseen", exc_info=e)
            await answer.error(500, f"unforeseen {type(e).__name__}: {e}", "Please report it", {})

    async def _admit(self, scope: Scope, receive: Receive, answer: _Answer) -> bytes | None:
        """The request's body; ``None``: it is answered already. :raises _Refused"""
        headers = _headers(scope)
        host = headers.get("host", "")
        if not self._door.is_called(host, self.port):
            raise _Refused(421, "this service is not called that", "Use the address that otio-perf serve prints")
        method = scope["method"]
        if method not in (*_READS, *_WRITES):
            raise _Refused(405, f"{method} is not understood", allow=", ".join((*_READS, *_WRITES)))
        if scope["path"] == ENTER:
            await self._enter(scope, answer)
            return None
        is_browser = self._who(headers)
        if method in _WRITES or scope["path"] == EVENTS:
            self._require_own_page(headers, host, is_browser=is_browser)
        return await _body(headers, receive)

    def _who(self, headers: dict[str, str]) -> bool:
        """Is it a browser, by its cookie, rather than a program with the token? :raises _Refused: neither"""
        kind, _, said = headers.get("authorization", "").partition(" ")
        if said and kind.lower() == "bearer" and self._keys.is_token(said.strip()):
            return False
        if self._keys.is_visitor(_cookie(headers.get("cookie", ""), self.cookie)):
            return True
        wait = self._keys.refuse()
        if wait:
            raise _Refused(429, "too many requests without a token", _ENTER_HINT, **{"retry-after": str(round(wait) + 1)})
        raise _Refused(401, "this browser or program has no access", _ENTER_HINT, **{"www-authenticate": "Bearer"})

    def _require_own_page(self, headers: dict[str, str], host: str, *, is_browser: bool) -> None:
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        is_foreign = (site is not None and site not in ("same-origin", *(() if is_browser else ("none",)))) or (
            origin is not None and origin.lower() != f"{self._door.scheme}://{host}".lower()
        )
        if is_foreign or (is_browser and site is None and origin is None):
            raise _Refused(403, "this was asked from another site's page", "Use the dashboard, or a program with the token")

    async def _enter(self, scope: Scope, answer: _Answer) -> None:
        code = parse_qs(scope["query_string"].decode("latin-1")).get("code", [""])[0]
        visitor = self._keys.let_in(code) if scope["method"] == "GET" else None
        if visitor is None:
            wait = self._keys.refuse()
            status = 429 if wait else 401
            raise _Refused(status, "this address was used before, or never given out", "otio-perf dashboard makes a new one")
        secure = "; Secure" if self._door.scheme == "https" else ""
        cookie = f"{self.cookie}={visitor}; Path=/; HttpOnly; SameSite=Strict{secure}"
        # A page that goes on by itself, and no redirect: behind a link in another program's page the browser takes the whole
        # chain for another site's, and keeps a Strict cookie back.
        headers = {"content-type": "text/html; charset=utf-8", "set-cookie": cookie, "cache-control": "no-store"}
        await answer.send_whole(200, _GO_ON, headers)


class _Answer:
    """``send`` of ASGI: adds our headers, waits for no reader for ever, and knows what has been sent."""

    def __init__(self, send: Send, scope: Scope) -> None:
        self._send = send
        self._is_api = scope["path"].startswith("/api/")
        self._is_for_people = not self._is_api and any(k == b"accept" and b"text/html" in v for k, v in scope["headers"])
        self._has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._has_begun = True
            given = {key.lower() for key, _ in message.get("headers", ())}
            added = dict(_HEADERS)
            if self._is_api and b"cache-control" not in given:
                added["cache-control"] = "no-store"
            message = {**message, "headers": [*message.get("headers", ()), *_encoded(added)]}
        async with asyncio.timeout(SEND_SECONDS):
            await self._send(message)

    async def error(self, status: int, error: str, hint: str, headers: dict[str, str]) -> None:
        if self._has_begun:
            self.drop()
            return
        kind, body = "application/json", json.dumps({"error": error, "hint": hint})
        if self._is_for_people:
            kind, body = "text/html; charset=utf-8", _PAGE.format(error=escape(error), hint=escape(hint))
        await self.send_whole(status, body.encode(), {"content-type": kind, "cache-control": "no-store", **headers})

    async def send_whole(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        closing = {"connection": "close"} if status >= 400 else {}  # a body that was not read may follow
        sized = {**headers, **closing, "content-length": str(len(body))}
        await self({"type": "http.response.start", "status": status, "headers": _encoded(sized)})
        await self({"type": "http.response.body", "body": body})

    def drop(self) -> None:
        """Half an answer is out: the line is cut, so that nobody takes it for a whole one."""
        raise ConnectionAbortedError


async def _body(headers: dict[str, str], receive: Receive) -> bytes:
    """:raises _Refused: too much, or too slowly"""
    announced = headers.get("content-length", "0")
    if not announced.isdigit() or int(announced) > MOST_BODY_BYTES:
        raise _Refused(413, f"more than {MOST_BODY_BYTES} bytes")
    if announced == "0" and "transfer-encoding" not in headers:
        return b""
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _Refused(400, "the request ended too early")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > MOST_BODY_BYTES:
                    raise _Refused(413, f"more than {MOST_BODY_BYTES} bytes")
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError as e:
        raise _Refused(408, f"the request took longer than {BODY_SECONDS:g} s") from e


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()  # which waits until the other side leaves
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _headers(scope: Scope) -> dict[str, str]:
    """By lower-case name. :raises _Refused: one that decides is there twice"""
    found: dict[str, str] = {}
    for key, value in scope["headers"]:
        name = key.decode("latin-1").lower()
        if name in found and name in ("host", "authorization", "origin", "content-length"):
            raise _Refused(400, f"the header {name} is there twice")
        found[name] = f"{found[name]}; {value.decode('latin-1')}" if name in found else value.decode("latin-1")
    return found


def _cookie(header: str, name: str) -> str:
    """The value of ``name``; what other programs of this machine left in the browser beside it may be of any form."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return next((value for key, _, value in pairs if key == name), "")


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers.items()]
