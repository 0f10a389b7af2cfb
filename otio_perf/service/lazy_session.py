"""A session that is opened when it is first asked for."""

from __future__ import annotations

import threading

from otio_perf.optimizer.session import Session
from otio_perf.service.core import Core
from otio_perf.settings import Settings


class LazySession:
    """For all that is to be done now. Use as a context manager."""

    def __init__(self, core: Core, settings: Settings, stop: threading.Event) -> None:
        self._core, self._settings, self._stop = core, settings, stop
        self._session: Session | None = None

    def __call__(self) -> Session:
        if self._session is None:
            self._session = self._core.session(stop=self._stop)
            self._session.settings = self._settings
        return self._session

    def __enter__(self) -> LazySession:
        return self

    def __exit__(self, *_: object) -> None:
        if self._session is not None:
            self._session.__exit__()
