"""What a user asks for by hand: proxies of these media, needed or not; away with them; made anew."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from otio_perf.errors import OfflineMediaError, OtioPerfError, SettingsError, TaskCancelledError
from otio_perf.model.plans import Action, Plan
from otio_perf.optimizer import proxies, sources
from otio_perf.service.core import Core

_KEPT = 50
_KIND = "request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A job that was asked for by hand, and what came of planning it."""

    id: str
    plan: Plan


class Requests:
    """Media are looked at, and their proxies planned, in one thread: who asks does not wait for it."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._planned: dict[str, Request] = {}
        self._turn = threading.Lock()  # one at a time: each may keep all cores busy with looking

    def planned(self) -> tuple[Request, ...]:
        """The last ones, oldest first."""
        with self._lock:
            return tuple(self._planned.values())

    def generate(self, paths: Sequence[str | Path]) -> str:
        """Make proxies of the media at ``paths``, files and folders. :returns: the job

        :raises SettingsError: none are named. :raises OfflineMediaError: one is not there
        """
        if not paths:
            raise SettingsError("no media are named", hint="Give ids or paths")
        for path in paths:
            if not Path(path).exists():
                raise OfflineMediaError("is not there", path=path, hint="Check the name")
        job = f"{_KIND}-{next(self._numbers)}"
        label = Path(paths[0]).name if len(paths) == 1 else f"{len(paths)} media"
        threading.Thread(target=self._run, args=(job, label, tuple(paths)), name=job, daemon=True).start()
        return job

    def _run(self, job: str, label: str, paths: Sequence[str | Path]) -> None:
        try:
            with self._turn, self._core.session() as session:
                targets = [t for t in sources.named(session, paths) if session.index.products.key_at(t.url) is None]
                lut = session.settings.viewing_lut()
                plan = proxies.planned(
                    session,
                    findings=session.look_up(targets),
                    recipes=proxies.recipes_for(session, (), lut),
                    targets=targets,
                    force=True,
                    beside=False,
                    dry_run=False,
                )
                possible, impossible = proxies.divided(session, plan)
                jobs = max(1, min(session.jobs, len(possible)))
                tasks = proxies.ready(session, possible, jobs=jobs)
            with self._lock:
                self._planned[job] = Request(id=job, plan=plan)
                for old in list(self._planned)[:-_KEPT]:
                    del self._planned[old]
            for failed in impossible.values():
                self._core.note(f"{failed.path}: {failed.message}")
            for decision in plan.decisions:
                if decision.action in (Action.REFUSE, Action.OFFLINE):
                    self._core.note(f"{decision.target.path or decision.target.url}: no proxy: {decision.reason}")
            if tasks:
                self._core.queue.submit(job, tasks, label=label, kind=_KIND)
            self._core.tell("sources")
        except TaskCancelledError:
            return  # the service ends
        except OtioPerfError as e:
            self._core.note(f"proxies of {label}: {e}")

    def delete(self, source_path: str) -> int:
        """Delete the proxies of the medium at ``source_path``: bytes that became free. Those made elsewhere stay."""
        products = self._core.index.products
        freed = sum(
            products.forget(product.key) or 0 for product, _ in products.on_record(source_path) if not product.is_adopted
        )
        self._core.tell("sources")
        self._core.tell("cache")
        return freed
