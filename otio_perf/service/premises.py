"""Whether the workspace is still there: a disk that is taken out comes back, a folder that was deleted does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from otio_perf.service.lock import ServiceLock

_LOOK_SECONDS = 2.0
#: A folder that is gone for so long, while the one that it lay in is there, was deleted.
_DELETED_SECONDS = 8.0


class Premises:
    """Looks every two seconds. ``changed(problem, is_final)`` is called when something is wrong, and with "" when all is well
    again; ``is_final``: it will not be."""

    def __init__(self, lock: ServiceLock, changed: Callable[[str, bool], None]) -> None:
        self._lock, self._changed = lock, changed
        self.problem = ""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="premises", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _look_after(self) -> None:
        gone_since: float | None = None  # while the folder that it lay in is there
        while not self._closing.wait(_LOOK_SECONDS):
            root = self._lock.workspace
            if self._lock.is_current:
                gone_since = None
                if self.problem:
                    before, self.problem = self.problem, ""
                    try:
                        self._changed("", False)
                    except Exception:  # noqa: BLE001 (what cannot be taken up again now is at the next look)
                        self.problem = before
                continue
            gone_since = (gone_since or time.monotonic()) if _is_folder(root.parent) else None
            was_deleted = gone_since is not None and time.monotonic() - gone_since > _DELETED_SECONDS
            if not self.problem:
                self.problem = f"the workspace {root} is gone: nothing is done until it is there again"
                self._changed(self.problem, False)
            if was_deleted:
                what = "is another one now" if _is_folder(root) else "was deleted"
                self.problem = f"the workspace {root} {what}: the service ends"
                self._changed(self.problem, True)
                return


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # its disk does not answer
        return False
