"""The HTTP server of a service: one thread, from ``start`` to ``close``."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import threading
from pathlib import Path

import uvicorn

from otio_perf.errors import ServiceError
from otio_perf.service import lock
from otio_perf.service.service import Service
from otio_perf.web.app import application
from otio_perf.web.connections import Connection, Hall
from otio_perf.web.door import BACKLOG, Door
from otio_perf.web.events import Streams
from otio_perf.web.gate import ENTER, Gate
from otio_perf.web.keys import Keys
from otio_perf.web.lanes import Lanes

_START_SECONDS = 30.0
_STOP_SECONDS = 2
#: For so long a thread of the service that reckons (a survey, a plan) may keep the interpreter from the one that answers, each
#: of the half a dozen times that an answer needs it. Measured with one such thread: 95 of 100 answers within 15 ms; with
#: Python's own 5 ms, 40.
_SWITCH_SECONDS = 0.001
#: Connections that are taken in one go: so many files are opened before the first of them can be shown out.
_AT_ONCE = 128


_SILENCE = logging.NullHandler()


class Server:
    """Answers for ``service``, which has been started. Use as a context manager, or ``start`` and ``close``.

    :raises SettingsError, ServiceError: (``start``) the address or its certificate cannot be used
    """

    def __init__(self, service: Service, door: Door | None = None) -> None:
        self._service = service
        self._door = door or Door()
        self._keys = Keys()
        self._uvicorn: _Uvicorn | None = None
        self._thread: threading.Thread | None = None
        self._port = 0
        self._switch_seconds = sys.getswitchinterval()

    def start(self) -> None:
        listener = self._door.open()
        self._port = listener.getsockname()[1]
        lanes = Lanes()
        streams = Streams(self._service, lanes)
        gate = Gate(application(self._service, lanes, streams, self._enter_link), keys=self._keys, door=self._door)
        gate.port = self._port
        config = uvicorn.Config(
            gate,
            loop="asyncio",
            http=Connection,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            backlog=_AT_ONCE,
            timeout_graceful_shutdown=_STOP_SECONDS,
            ssl_certfile=self._door.certificate,
            ssl_keyfile=self._door.key,
        )
        # what it has to say is for its developers, and may hold what somebody sent
        for name in ("uvicorn.error", "asyncio"):
            logging.getLogger(name).addHandler(_SILENCE)
        logging.getLogger("uvicorn.error").propagate = False
        try:
            self._keys.write(self.token_file)
            self._uvicorn = _Uvicorn(config, streams, [listener])
            self._thread = threading.Thread(target=self._uvicorn.run, args=([listener],), name="web", daemon=True)
            self._thread.start()
            sys.setswitchinterval(_SWITCH_SECONDS)
            if not self._uvicorn.is_up.wait(_START_SECONDS):
                raise ServiceError("the HTTP server does not start", hint="Run otio-perf doctor")
            self._service.announce(self.url, self.token_file)
        except BaseException:
            listener.close()
            self.close()
            raise

    def close(self) -> None:
        """Streams end, answers under way are given two seconds."""
        if self._uvicorn is not None and self._thread is not None:
            self._uvicorn.leave()
            self._thread.join(_STOP_SECONDS + 5)
            sys.setswitchinterval(self._switch_seconds)
            self._uvicorn = self._thread = None
            self._keys.remove(self.token_file)

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return self._door.url(self._port)

    @property
    def token(self) -> str:
        return self._keys.token

    @property
    def token_file(self) -> Path:
        return lock.token_file(self._service.workspace)

    def enter_url(self) -> str:
        """Opens the dashboard in a browser, once."""
        return self.url + self._enter_link()

    def _enter_link(self) -> str:
        return f"{ENTER}?code={self._keys.code()}"


class _Uvicorn(uvicorn.Server):
    """Ends when it is told, and does not look ten times a second whether it was."""

    def __init__(self, config: uvicorn.Config, streams: Streams, listeners: list[socket.socket]) -> None:
        super().__init__(config)
        self._listeners = listeners
        self._streams = streams
        self.server_state = Hall()
        self.is_up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: asyncio.Event | None = None

    async def main_loop(self) -> None:
        for listener in self._listeners:  # asyncio has one number for both: how many may wait is another matter
            listener.listen(BACKLOG)
        self._loop, self._told = asyncio.get_running_loop(), asyncio.Event()
        self.is_up.set()
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._streams.close()  # else each would be waited for
        await super().shutdown(sockets)

    def leave(self) -> None:
        """From any thread."""
        self.should_exit = True
        if self._loop is not None and self._told is not None:
            try:
                self._loop.call_soon_threadsafe(self._told.set)
            except RuntimeError:  # it has ended already
                return
