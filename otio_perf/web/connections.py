"""Connections that do nothing do not stop the service: each has a short time to ask, and the oldest idle one makes room."""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

#: Open at once. A page takes up to six, a program one.
MOST_CONNECTIONS = 256
#: From coming in, or from the last answer, to a whole head of a request.
ASK_SECONDS = 10.0


class Hall(ServerState):
    """Who is connected, and who of them has not asked anything, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self.idle: OrderedDict[Connection, None] = OrderedDict()


class Connection(H11Protocol):
    """uvicorn's, with an end to its patience. (Its own time limit begins only after the first answer.)"""

    server_state: Hall
    _deadline: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False  # whoever configures logging: addresses hold one-time codes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio does so only for sockets that name their protocol, and ``socket.create_server`` names none: without it, the
        # second half of an answer waits 40 ms for the acknowledgement of the first
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wait()
        while len(self.connections) > MOST_CONNECTIONS and self.server_state.idle:
            next(iter(self.server_state.idle)).leave()

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        before = self.cycle
        super().on_response_complete()
        if self.cycle is before and not self.transport.is_closing():
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def leave(self) -> None:
        """End it at once."""
        self._stop_waiting()
        self.connections.discard(self)  # counted no more, whenever the line goes down
        self.transport.abort()

    def _wait(self) -> None:
        self._stop_waiting()
        self.server_state.idle[self] = None
        self._deadline = self.loop.call_later(ASK_SECONDS, self.leave)

    def _stop_waiting(self) -> None:
        self.server_state.idle.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing is logged: anybody can ask for it."""
