"""What one run of a command holds: settings, workspace, what is known of the machine, and who listens."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from otio_perf import settings as settings_module
from otio_perf.cache.index import Index
from otio_perf.cache.shared import Shared
from otio_perf.cache.workspace import MARKER, Workspace
from otio_perf.errors import MediaError, OfflineMediaError, TaskCancelledError, by_name
from otio_perf.metrics import system
from otio_perf.metrics.trace import Trace
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.events import (
    Calibrated,
    Event,
    Failed,
    Listener,
    Notice,
    Outcome,
    Prerendered,
    Probed,
    Stage,
    StageFinished,
    StageStarted,
    TaskFinished,
)
from otio_perf.model.machine import MachineProfile
from otio_perf.model.media import MediaInfo, at_rate
from otio_perf.model.tasks import CalibrateTask, ProbeTask, Task
from otio_perf.model.uses import Target, TargetKind
from otio_perf.optimizer import places, this_machine
from otio_perf.optimizer.devices import Devices
from otio_perf.optimizer.overwriting import refuse_media
from otio_perf.optimizer.places import other_workspaces, workspace_root
from otio_perf.planning.effect_times import learnt
from otio_perf.settings import Settings
from otio_perf.timeline import child

#: A process that decodes 8K HEVC with frame threads needs about 1.5 GB (measured: 1.4–1.5 GB); leave it twice that.
_BYTES_PER_JOB = 3 << 30
#: Above it other programs hold the processors, and share their caches: what rendering takes then is not what it takes.
_QUIET_LOAD = 1.0


Work = Callable[[Sequence[Task], threading.Event, Callable[[Outcome], None] | None], dict[str, Outcome]]
"""Works tasks off as ``Session.run`` does, until the event is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A medium that must be opened to say what it is."""

    target: Target
    identity: tuple[str, int, int]  # path, size in bytes, modification time in nanoseconds: before it is opened
    task: ProbeTask


class Session:
    """Opened once per command. ``anchor`` is the first timeline: the workspace lies beside it.

    :param create: make the workspace beside the timeline if there is none; otherwise the user's cache folder serves, so that
        a look at a timeline leaves nothing beside it.
    :param documents: files that will be written: refused where they turn out to be media.
    :param root: the workspace's folder, where it is known already. :param devices: what is known of them already.
    :param work: does the tasks; default: worker processes of its own.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        anchor: Path | None,
        create: bool,
        listener: Listener,
        trace: Trace,
        stop: threading.Event,
        documents: Sequence[str | os.PathLike[str]] = (),
        root: Path | None = None,
        devices: Devices | None = None,
        work: Work | None = None,
    ) -> None:
        self.settings = settings
        self._work = work
        self.devices = Devices() if devices is None else devices
        self.listener = listener
        self.trace = trace
        self.stop = stop
        self.documents = documents
        self.notices: list[str] = []
        self._is_quiet = system.load() <= _QUIET_LOAD  # before this command adds its own
        self._root = workspace_root(settings, anchor, create=create) if root is None else root
        self._opened: tuple[Workspace, Index] | None = None
        self._shared: Shared | None = None
        for folder in settings.media_root:
            if not folder.is_dir():
                self.note(f"--media-root {folder} is not there")
        if not create or (self._root / MARKER).is_file():
            self._open()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened is not None:
            self._opened[1].close()

    @property
    def has_workspace(self) -> bool:
        """Is it there? One that is to be made is made when it is first needed: nothing is left where nothing can be done."""
        return self._opened is not None

    @property
    def workspace(self) -> Workspace:
        """:raises CacheError: it cannot be made or opened"""
        return self._open()[0]

    @property
    def index(self) -> Index:
        """:raises CacheError"""
        return self._open()[1]

    @property
    def shared(self) -> Shared:
        """What other workspaces have; nothing where the user named one, which is then the place of all that is made.

        :raises CacheError
        """
        from otio_perf.media import fingerprint

        if self._shared is None:
            roots = other_workspaces(self.workspace.root) if self.settings.workspace is None else ()
            self._shared = Shared(self.index, roots, lambda path: fingerprint.digest(str(path), self.check_stop))
        return self._shared

    def _open(self) -> tuple[Workspace, Index]:
        if self._opened is None:
            workspace = Workspace.open(self._root)
            self._opened = workspace, Index.open(workspace.root)
            places.remember(workspace.root)
            for notice in self._opened[1].notices:
                self.note(notice)
        return self._opened

    def note(self, text: str, *, is_urgent: bool = False) -> None:
        """Tell the user, and keep it for the report. ``is_urgent``: also who wants to hear of failures only."""
        if text not in self.notices:
            self.notices.append(text)
            self.listener(Notice(text=text, is_urgent=is_urgent))

    @contextmanager
    def stage(self, stage: Stage, total: int = 0) -> Iterator[None]:
        """Announce a stage and time it. :raises TaskCancelledError: the user stopped in the meantime"""
        self.check_stop()
        self.listener(StageStarted(stage=stage, total=total))
        with self.trace.stage(stage.value, total=total) as timed, child.stopped_by(self.stop.is_set):
            yield
        self.listener(StageFinished(stage=stage, seconds=timed.seconds))
        self.check_stop()

    def check_stop(self) -> None:
        if self.stop.is_set():
            raise TaskCancelledError("interrupted", hint="The same command goes on from here")

    # -- media ---------------------------------------------------------------------------------------------------------

    def look_up(self, targets: Iterable[Target]) -> dict[str, MediaFinding]:
        """What each target is, by ``Target.medium``. Opens only media that the index does not know.

        :raises SettingsError: a document would be written over one
        """
        targets = tuple(targets)
        refuse_media(self.documents, targets)
        findings, unknown = self.recall(targets)
        with self.stage(Stage.PROBE, len(unknown)):
            outcomes = self.run(tuple(one.task for one in unknown), workers=system.cores())
        for one in unknown:
            findings[one.target.medium] = self.learn(one, outcomes[one.task.key])
        return findings

    def recall(self, targets: Iterable[Target]) -> tuple[dict[str, MediaFinding], tuple[Unknown, ...]]:
        """What is known of ``targets`` without opening any, by ``Target.medium``; and those that must be opened."""
        from otio_perf.media import fingerprint

        findings: dict[str, MediaFinding] = {}
        unknown: dict[str, Unknown] = {}
        for target in targets:
            name = target.medium
            if name in findings or name in unknown:
                continue
            self.check_stop()
            if target.kind not in (TargetKind.FILE, TargetKind.SEQUENCE) or target.path is None:
                findings[name] = _finding(target, target.kind.value, target.reason)
                continue
            subject = target.sequence or target.path
            try:
                seen = fingerprint.identity(subject)
                content = fingerprint.fingerprint(subject)
            except MediaError as e:
                state = "offline" if isinstance(e, OfflineMediaError) else "refused"
                findings[name] = _finding(target, state, _clause(e))
                continue
            identity = (target.path, seen.size_bytes, seen.mtime_ns)
            info = self.index.probes.get(identity)
            if info is not None and info.fingerprint == content:  # a file of the same size and time may have replaced it
                if target.sequence_rate is not None:  # it may have been looked at for another timeline
                    info = at_rate(info, target.sequence_rate)
                findings[name] = _finding(target, "online", None, info)
            else:
                task = ProbeTask(
                    path=target.path,
                    sequence=target.sequence,
                    sequence_rate=target.sequence_rate,
                    stall_seconds=float(self.settings.stall_seconds),
                )
                unknown[name] = Unknown(target=target, identity=identity, task=task)
        return findings, tuple(unknown.values())

    def learn(self, unknown: Unknown, outcome: Outcome) -> MediaFinding:
        """What opening it said; kept for the next time."""
        if isinstance(outcome, Probed):
            self.index.probes.put(unknown.identity, outcome.media)
        return _looked_at(unknown.target, outcome)

    # -- work ----------------------------------------------------------------------------------------------------------

    def run(self, tasks: Sequence[Task], *, workers: int, done: Callable[[Outcome], None] | None = None) -> dict[str, Outcome]:
        """Work tasks off in worker processes; outcomes by task key. Returns early, with what is done, when stopped.

        :param done: called with each outcome as it comes: what it keeps is there even if this process is killed.
        """
        from otio_perf.render_queue import runner
        from otio_perf.render_queue.backend import ProcessBackend

        if not tasks:
            return {}
        if self._work is not None:
            return self._work(tasks, self.stop, done)

        def heard(event: Event) -> None:
            if done is not None and isinstance(event, TaskFinished):
                done(event.outcome)
            self._heard(event)

        with ProcessBackend(workers=min(workers, len(tasks))) as backend:
            outcomes = runner.run(tasks, backend=backend, listener=heard, stop=self.stop)
        self._learn(outcomes.values())
        return outcomes

    def hardware(self, codecs: Collection[str]) -> tuple[str, ...]:
        """Hardware encoders and decoders of ``codecs`` that tasks may use: those that pass their self-test, here and now.

        Seconds where a device is, nothing where there is none; a run asks once, and its workers not at all.
        """
        findings = self.devices.hardware(codecs, self.check_stop)
        failed = [
            f"{finding.kind} {finding.name} {finding.reason}" for finding in findings if finding.was_tried and not finding.works
        ]
        if failed:
            self.note(f"hardware that is here but not used: {'; '.join(failed)}")
        return tuple(finding.name for finding in findings if finding.works)

    def _heard(self, event: Event) -> None:
        self.trace.hear(event)
        self.listener(event)

    @property
    def jobs(self) -> int:
        """Proxies made at once. One decode feeds all cores up to about four; memory limits the rest."""
        if self.settings.jobs:
            return self.settings.jobs
        return max(1, min(system.cores() // 4, system.available_memory_bytes() // _BYTES_PER_JOB))

    # -- machine -------------------------------------------------------------------------------------------------------

    def machine(self, *, measure_again: bool = False) -> MachineProfile:
        """The profile of this machine; measured when there is none yet or hardware or FFmpeg changed.

        Measured again, it forgets what rendering taught of effects.
        """
        if not measure_again and (profile := this_machine.known()) is not None:
            return profile
        if not measure_again:
            self.note("measuring this machine once (at most 20 seconds); 'otio-perf calibrate' does it anew")
        task = CalibrateTask(machine=this_machine.identity())
        with self.stage(Stage.CALIBRATE):
            outcome = self.run((task,), workers=1)[task.key]
        if isinstance(outcome, Failed):
            raise by_name(outcome.error)(outcome.message, path=outcome.path, hint=outcome.hint)
        assert isinstance(outcome, Calibrated)
        profile = outcome.machine
        if not measure_again:
            for note in profile.notes:
                if note.startswith("other programs"):
                    self.note(note)
        self._keep(profile)
        return profile

    def _learn(self, outcomes: Iterable[Outcome]) -> None:
        """What rendering taught of effects. Two runs that end at once may lose what one of them learnt: the next teaches it."""
        if not self._is_quiet:
            return
        timings = [t for o in outcomes if isinstance(o, Prerendered) and o.engine == "cpu" for t in o.timings]
        profile = this_machine.known() if timings else None
        if profile is not None:
            self._keep(learnt(profile, timings))

    def _keep(self, profile: MachineProfile) -> None:
        try:
            this_machine.keep(profile)
        except OSError as e:
            self.note(f"the machine profile cannot be kept in {settings_module.user_cache_folder()}: {e.strerror}")


def _clause(error: MediaError) -> str:
    return error.message if error.hint is None else f"{error.message}. {error.hint}"


def _finding(target: Target, state: str, reason: str | None, info: MediaInfo | None = None) -> MediaFinding:
    return MediaFinding(path=target.path or target.url, url=target.url, state=state, info=info, reason=reason)


def _looked_at(target: Target, outcome: Outcome) -> MediaFinding:
    if isinstance(outcome, Probed):
        return _finding(target, "online", None, outcome.media)
    if isinstance(outcome, Failed):
        reason = outcome.message if outcome.hint is None else f"{outcome.message}. {outcome.hint}"
        state = "offline" if outcome.error == "OfflineMediaError" else "refused"
        return _finding(target, state, reason)
    return _finding(target, "refused", "not looked at")
