"""Look at one medium. Runs in a worker process: a file that crashes or hangs FFmpeg costs that process only."""

from __future__ import annotations

from collections.abc import Callable

from otio_perf.errors import TaskCancelledError
from otio_perf.media import probe
from otio_perf.model.events import Probed
from otio_perf.model.tasks import ProbeTask


def run(task: ProbeTask, *, progress: Callable[[int], None], cancelled: Callable[[], bool]) -> Probed:
    """:raises MediaError, TaskCancelledError: offline, corrupt, unsupported or refused; the registry makes it a ``Failed``"""

    def tick() -> None:
        if cancelled():
            raise TaskCancelledError("stopped", path=task.label)
        progress(0)

    return Probed(key=task.key, media=probe.probe(task.sequence or task.path, sequence_rate=task.sequence_rate, tick=tick))
