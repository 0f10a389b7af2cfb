"""What a user asks for by hand: proxies of these media, needed or not; away with them; made anew."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from otio_perf.errors import (
    BusyError,
    CacheError,
    OfflineMediaError,
    OtioPerfError,
    ServiceError,
    SettingsError,
    TaskCancelledError,
)
from otio_perf.model.plans import Action, Decision, Plan, Product
from otio_perf.model.tasks import ProxyTask
from otio_perf.model.uses import Target
from otio_perf.optimizer import caching, proxies, sources
from otio_perf.optimizer.session import Session
from otio_perf.service.core import Core

_KEPT = 50
_KIND = "request"
#: That wait for their turn: each may be a folder of thousands.
_MOST_WAITING = 32


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
        self._planned: dict[str, Request] = {}
        self._waiting: deque[tuple[str, Callable[[], None]]] = deque()  # of what, and how it is planned
        self._is_planning = False

    def planned(self) -> tuple[Request, ...]:
        """The last ones, oldest first."""
        with self._lock:
            return tuple(self._planned.values())

    def generate(self, paths: Sequence[str | Path]) -> str:
        """Make proxies of the media at ``paths``, files and folders. :returns: the job

        :raises SettingsError: none are named. :raises OfflineMediaError: one is not there. :raises BusyError
        """
        if not paths:
            raise SettingsError("no media are named", hint="Give ids or paths")
        for path in paths:
            if not Path(path).exists():
                raise OfflineMediaError("is not there", path=path, hint="Check the name")
        label = Path(paths[0]).name if len(paths) == 1 else f"{len(paths)} media"
        return self._ask(label, lambda job: self._generate(job, label, tuple(paths)))

    def regenerate(self, source_path: str, target: Target | None, *, force: bool) -> str:
        """Make the proxies of a medium anew, each as it was and where it was; they go once that is planned. :returns: the job

        :param target: what a timeline or folder calls it
        :raises ServiceError: timelines play one of them, and ``force`` is not said. :raises OfflineMediaError, BusyError
        """
        if not Path(source_path).exists():
            raise OfflineMediaError("is not there: its proxies stay", path=source_path, hint="Check that its disk is connected")
        old = self._own(source_path)
        if not old:
            return self.generate([source_path])
        if not force:
            self._refuse_played(old)
        return self._ask(Path(source_path).name, lambda job: self._regenerate(job, Path(source_path).name, source_path, target))

    def delete(self, source_path: str, *, force: bool) -> int:
        """Delete the proxies of the medium at ``source_path``: bytes that became free. Those made elsewhere stay.

        :raises ServiceError: timelines play one of them, and ``force`` is not said
        """
        old = self._own(source_path)
        if not force:
            self._refuse_played(old)
        return self._forget(old)

    # -- one after the other -------------------------------------------------------------------------------------------

    def _ask(self, label: str, plan: Callable[[str], None]) -> str:
        """:raises BusyError"""
        job = f"{_KIND}-{secrets.token_hex(4)}"
        with self._lock:
            if len(self._waiting) >= _MOST_WAITING:
                raise BusyError("too much was asked for at once", hint="Try again in a moment")
            self._waiting.append((label, lambda: plan(job)))
            if not self._is_planning:
                self._is_planning = True
                threading.Thread(target=self._work, name="requests", daemon=True).start()
        return job

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting or self._core.stop.is_set():
                    self._is_planning = False
                    return
                label, plan = self._waiting.popleft()
            try:
                plan()
            except TaskCancelledError:
                continue  # the service ends
            except OtioPerfError as e:
                self._core.note(f"proxies of {label}: {e}")
            except Exception as e:  # noqa: BLE001 (others wait behind it)
                self._core.note(f"proxies of {label}: unforeseen {type(e).__name__}: {e}")

    def _generate(self, job: str, label: str, paths: Sequence[str | Path]) -> None:
        with self._core.session() as session:
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
            tasks = self._tasks(session, plan)
        self._submit(job, label, plan, tasks)

    def _regenerate(self, job: str, label: str, source_path: str, target: Target | None) -> None:
        with self._core.session() as session:
            medium = target or sources.named(session, [source_path])[0]
            finding = session.look_up([medium])[medium.medium]
            old = self._own(source_path)
            if finding.info is None:
                raise CacheError(f"{finding.reason}: its proxies stay", path=source_path)
            stale = [product for product in old if product.source_fingerprint != finding.info.fingerprint]
            if stale:  # of what the source was: the same sizes, of what it is
                recipes = tuple(dict.fromkeys(product.recipe for product in stale))
                plan = proxies.planned(
                    session,
                    findings={medium.medium: finding},
                    recipes=recipes,
                    targets=[medium],
                    force=True,
                    beside=len(recipes) == 1 and all(Path(product.path).parent.name == "Proxy" for product in stale),
                    dry_run=False,
                )
            else:
                anew = tuple(replace(product, size_bytes=0, digest="") for product in old)
                made = Decision(target=medium, action=Action.MAKE, reason="is made anew", media=finding.info, products=anew)
                plan = Plan(decisions=(made,))
            tasks = self._tasks(session, plan)
        if tasks:
            self._forget(stale or old)
        self._submit(job, label, plan, tasks)

    def _tasks(self, session: Session, plan: Plan) -> tuple[ProxyTask, ...]:
        possible, impossible = proxies.divided(session, plan)
        for failed in impossible.values():
            self._core.note(f"{failed.path}: {failed.message}")
        without: dict[str, list[str]] = {}  # media, by why they get none
        for decision in plan.decisions:
            if decision.action in (Action.SKIP, Action.REFUSE, Action.OFFLINE):
                without.setdefault(decision.reason, []).append(decision.target.path or decision.target.url)
        for reason, (first, *others) in without.items():
            self._core.note(f"{first}{f' and {len(others)} more' if others else ''}: no proxy: {reason}")
        return proxies.ready(session, possible)

    def _submit(self, job: str, label: str, plan: Plan, tasks: Sequence[ProxyTask]) -> None:
        with self._lock:
            self._planned[job] = Request(id=job, plan=plan)
            for old in list(self._planned)[:-_KEPT]:
                del self._planned[old]
        if tasks:
            self._core.queue.submit(job, tasks, label=label, kind=_KIND)
        self._core.tell("sources")

    # -- what was made -------------------------------------------------------------------------------------------------

    def _own(self, source_path: str) -> tuple[Product, ...]:
        return tuple(p for p, _ in self._core.index.products.on_record(source_path) if not p.is_adopted)

    def _refuse_played(self, products: Sequence[Product]) -> None:
        """:raises ServiceError: a timeline that was written plays one of them"""
        played = caching.played_files(self._core.index)
        timelines = tuple(dict.fromkeys(name for product in products for name in played.get(product.path, ())))
        if timelines:
            more = f" and {len(timelines) - 1} more" if len(timelines) > 1 else ""
            hint = "Say force where it may show the original until they are made again"
            raise ServiceError(f"{timelines[0]}{more} plays its proxies", path=products[0].source_path, hint=hint)

    def _forget(self, products: Sequence[Product]) -> int:
        freed = sum(self._core.index.products.forget(product.key) or 0 for product in products)
        self._core.tell("sources")
        self._core.tell("cache")
        return freed
