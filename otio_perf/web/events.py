"""The service's events as a stream for browsers (server-sent events, WHATWG HTML section 9.2).

The service keeps its last events once, for everybody; a stream is a number: what has been sent. A reader that is slow, or gone,
costs nothing, and finds a ``missed`` where it lost something.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from otio_perf.errors import OtioPerfError, ServiceError
from otio_perf.model.views import ServiceEvent
from otio_perf.service.service import Service
from otio_perf.web.lanes import Lane, Lanes

MOST_STREAMS = 64
#: Between two looks: what changes often is sent as it is by then.
_PAUSE_SECONDS = 0.1
#: So often somebody who listens counts as looking.
_LOOK_SECONDS = 5.0
#: A line that says nothing, so that both sides see whether the other is there.
_BEAT_SECONDS = 15.0
_RETRY_MS = 1000
_PIECE_BYTES = 1 << 16

#: Of which a newer one makes the older one needless, and what tells them apart.
_REPLACED = {
    "task": "key",
    "timeline": "id",
    "folder": "id",
    "queue": None,
    "sources": None,
    "cache": None,
    "settings": None,
    "metrics": None,
}


class Streams:
    """All streams of one server, on its loop."""

    def __init__(self, service: Service, lanes: Lanes) -> None:
        self._service, self._lanes = service, lanes
        self._looked_at = -_LOOK_SECONDS
        self._run = secrets.token_hex(4)  # numbers begin anew with each service
        self._woken: set[asyncio.Event] = set()
        self._is_closed = False
        self._is_due = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: Callable[[], None] | None = None

    def open(self) -> None:
        """Begin to listen; on the loop."""
        self._loop = asyncio.get_running_loop()
        self._end = self._service.subscribe(self._heard)

    def close(self) -> None:
        """End every stream; on the loop."""
        if self._end is not None:
            self._end()
        self._is_closed = True
        self._wake()

    def admit(self) -> None:
        """:raises ServiceError: there are too many"""
        if len(self._woken) >= MOST_STREAMS:
            raise ServiceError(f"more than {MOST_STREAMS} streams of events", hint="Close some pages of the dashboard")

    async def stream(self, last: str | None) -> AsyncIterator[bytes]:
        """:param last: id of the last event that was seen; ``None``: only what comes from now on"""
        woken = asyncio.Event()
        self._woken.add(woken)
        try:
            number = self._number(last)
            yield f"retry: {_RETRY_MS}\nid: {self._run}-{number}\n\n".encode()
            while not self._is_closed:
                woken.clear()
                await self._look()
                events = self._service.events(number)
                if events:
                    number = events[-1].number
                    for piece in _pieces(self._lines(event) for event in newest(events)):
                        yield piece
                    await asyncio.sleep(_PAUSE_SECONDS)
                    continue
                try:
                    await asyncio.wait_for(woken.wait(), _BEAT_SECONDS)
                except TimeoutError:
                    yield b":\n\n"
        finally:
            self._woken.discard(woken)

    async def _look(self) -> None:
        """Who listens looks: readings are taken while somebody does (``service.metrics_view``)."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = loop.time()
            with suppress(OtioPerfError):
                await self._lanes.call(Lane.LOOK, self._service.metrics)

    def _number(self, last: str | None) -> int:
        if last is None:
            kept = self._service.events(None)
            return kept[-1].number if kept else 0
        run, _, number = last.partition("-")
        # of another run: a number that no event has yet, which the service answers with "missed"
        return int(number) if run == self._run and number.isdecimal() else 1 << 62

    def _heard(self, event: ServiceEvent) -> None:
        """From any thread; a burst wakes the loop once."""
        del event
        if not self._is_due and self._loop is not None and self._woken:
            self._is_due = True
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:  # the loop has ended
                self._is_due = False

    def _wake(self) -> None:
        self._is_due = False
        for woken in self._woken:
            woken.set()

    def _lines(self, event: ServiceEvent) -> bytes:
        body = json.dumps(_body(event), ensure_ascii=True, separators=(",", ":"))
        return f"id: {self._run}-{event.number}\nevent: {event.kind}\ndata: {body}\n\n".encode()


def _pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    """So large that a few fill a line's buffer: what a reader does not take is kept once, by the service, and not for each."""
    piece = b""
    for line in lines:
        piece += line
        if len(piece) >= _PIECE_BYTES:
            yield piece
            piece = b""
    if piece:
        yield piece


def newest(events: Iterable[ServiceEvent]) -> tuple[ServiceEvent, ...]:
    """``events`` without those that a later one replaces: of a task, only how it stands now."""
    kept: dict[object, ServiceEvent] = {}
    for event in events:
        name = _REPLACED.get(event.kind, event.number)
        subject = event.body.get(name) if isinstance(name, str) else name
        key = (event.kind, subject)
        kept.pop(key, None)
        kept[key] = event
    return tuple(kept.values())


def _body(event: ServiceEvent) -> dict[str, Any]:
    return {"number": event.number, "at": event.at, "kind": event.kind, "body": event.body}
