"""The workspace stays within its limits while the service runs: looked at every hour, and when the disk becomes full."""

from __future__ import annotations

import threading
import time

from otio_perf.cache.pruning import Pruned
from otio_perf.metrics import system
from otio_perf.optimizer import caching
from otio_perf.service.core import Core

_LOOK_SECONDS = 60.0
#: Every source is looked at, which takes a millisecond or two of each.
_EVERY_SECONDS = 3600.0
#: A disk that stays full is no reason to look all the time.
_AGAIN_SECONDS = 600.0
#: After the start others have more to do.
_FIRST_SECONDS = 300.0


class Upkeep:
    """``prune`` may be called from any thread."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._turn = threading.Lock()
        self._closing = threading.Event()
        self._looked_at = time.monotonic() - _EVERY_SECONDS + _FIRST_SECONDS
        self._thread = threading.Thread(target=self._work, name="upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def prune(self) -> Pruned:
        """Bring the workspace within its limits, now. What timelines play, or are about to, stays, and is told.

        :raises CacheError
        """
        with self._turn:
            self._looked_at = time.monotonic()
            with self._core.session() as session:
                done = caching.prune(session, dry_run=False, players=self._players())
        if done.removed:
            self._core.note(
                f"the workspace lost {len(done.removed)} products ({done.freed_bytes / 1e9:.1f} GB): {_reasons(done)}"
            )
        if done.over_bytes:
            what = f"{done.kept} products stay, for timelines play them" if done.kept else "there is nothing left that may go"
            self._core.note(f"the workspace is {done.over_bytes / 1e9:.1f} GB beyond its limits: {what}")
        if done.removed or done.parts:
            self._core.tell("cache")
        return done

    def _players(self) -> dict[str, tuple[str, ...]]:
        """What timelines that are followed will play, written or not."""
        found: dict[str, tuple[str, ...]] = {}
        for timeline in self._core.timelines():
            for decision in timeline.plan.decisions if timeline.plan is not None else ():
                for product in decision.products:
                    found[product.path] = (*found.get(product.path, ()), str(timeline.path))
        return found

    def _work(self) -> None:
        while not self._closing.wait(_LOOK_SECONDS):
            with self._core.guarded("the workspace cannot be tidied up"):
                if self._is_due():
                    self.prune()

    def _is_due(self) -> bool:
        since = time.monotonic() - self._looked_at
        if since >= _EVERY_SECONDS and not self._core.queue.posture.suspended:
            return True
        least = self._core.settings.min_free_disk
        return since >= _AGAIN_SECONDS and least is not None and system.free_disk_bytes(self._core.workspace.root) < least


def _reasons(done: Pruned) -> str:
    return ", ".join(dict.fromkeys(one.reason for one in done.removed))
