"""Which function does which kind of task. Nothing is imported before it is needed: workers start light."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from otio_perf.errors import OtioPerfError
from otio_perf.model import wire
from otio_perf.model.events import Failed, Outcome
from otio_perf.model.tasks import Task

Progress = Callable[[int], None]
"""Called with the units done so far; every call is a sign of life."""
Cancelled = Callable[[], bool]


def _proxy() -> Callable[..., Outcome]:
    from otio_perf.tasks import proxy

    return proxy.run


def _probe() -> Callable[..., Outcome]:
    from otio_perf.tasks import probe

    return probe.run


def _prerender() -> Callable[..., Outcome]:
    from otio_perf.tasks import prerender

    return prerender.run


def _calibrate() -> Callable[..., Outcome]:
    from otio_perf.tasks import calibrate

    return calibrate.run


def _thumbnail() -> Callable[..., Outcome]:
    from otio_perf.tasks import thumbnail

    return thumbnail.run


KINDS: dict[str, Callable[[], Callable[..., Outcome]]] = {
    "proxy": _proxy,
    "probe": _probe,
    "calibrate": _calibrate,
    "prerender": _prerender,
    "thumbnail": _thumbnail,
}


def run_json(text: str, progress: Progress, cancelled: Cancelled) -> str:
    """Do the task in ``text``; its outcome, as ``wire.dumps`` writes both. Errors become ``Failed``."""
    task: Any = wire.loads(Task, text)  # type: ignore[arg-type]  # a union is a type to wire
    return wire.dumps(outcome_of(task, KINDS[task.kind], progress, cancelled))


def outcome_of(task: Task, load: Callable[[], Callable[..., Outcome]], progress: Progress, cancelled: Cancelled) -> Outcome:
    try:
        return load()(task, progress=progress, cancelled=cancelled)
    except OtioPerfError as e:
        return Failed(key=task.key, error=type(e).__name__, message=e.message, path=e.path or task.label, hint=e.hint)
    except BaseException as e:  # noqa: BLE001 (one bad clip never stops a job, nor a library that calls exit)
        return Failed(
            key=task.key,
            error="TaskError",
            message=f"unforeseen {type(e).__name__}: {str(e) or 'no message'}",
            path=task.label,
            hint="please report it with the output of --debug",
            debug=traceback.format_exc(),
        )
