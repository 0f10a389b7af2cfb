"""Where a movie would not be what its host shows, and whether that is in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from otio_perf.model.exports import ExportProblem, ProblemKind
from otio_perf.model.frames import FramePlan, with_reasons
from otio_perf.model.sound import Silence, SoundPlan
from otio_perf.model.timing import FrameRange

T = TypeVar("T")


class Inexact:
    """Of frames ``within`` a timeline. ``fidelity``: as ``movie.FIDELITIES``; ``timecode``: the label of a frame."""

    def __init__(self, within: FrameRange, timecode: Callable[[int], str], *, fidelity: str, allow_missing: bool) -> None:
        self._within, self._timecode = within, timecode
        self._in_the_way = {
            ProblemKind.UNKNOWN: fidelity != "any",
            ProblemKind.APPROXIMATE: fidelity == "exact",
            ProblemKind.MISSING: not allow_missing,
            ProblemKind.UNUSABLE: not allow_missing,
        }

    def of_pictures(self, plans: Sequence[FramePlan]) -> Iterator[ExportProblem]:
        """:param plans: of all frames."""
        for kind, reason, names_of in (
            (ProblemKind.UNUSABLE, "cannot be shown", [plan.unusable for plan in plans]),
            (ProblemKind.UNKNOWN, "not rendered here", [plan.unknown for plan in plans]),
            (ProblemKind.APPROXIMATE, "only near to the host's", [plan.approximate for plan in plans]),
            (ProblemKind.MISSING, "media are missing", [plan.missing for plan in plans]),
        ):
            for start, stop, names in self._runs(names_of):
                there = plans[start - self._within.start : stop - self._within.start]
                why = {name: said for plan in reversed(there) for name, said in plan.why if name in names}
                yield self.problem(kind, start, stop, f"{reason}: {with_reasons(names, why)}", names, why)

    def of_files(self, unreadable: Sequence[Mapping[str, str]]) -> Iterator[ExportProblem]:
        """:param unreadable: of each frame, the files that its effects read (a LUT) and that cannot be read, and why."""
        for start, stop, files in self._runs(unreadable):
            names = tuple(Path(path).name for path in files)
            reason = "; ".join(f"{Path(path).name} {why}" for path, why in files.items())
            yield self.problem(ProblemKind.MISSING, start, stop, reason, names)

    def of_sound(self, plan: SoundPlan) -> Iterator[ExportProblem]:
        """Those of effects are of the whole: where each is heard is not asked."""
        why = dict(plan.why)
        for kind, reason, names in (
            (ProblemKind.UNKNOWN, "of the sound, not rendered here", plan.unknown),
            (ProblemKind.APPROXIMATE, "of the sound, only near to the host's", plan.approximate),
        ):
            if names:
                told = {name: why[name] for name in names if name in why}
                said = f"{reason}: {with_reasons(names, told)}"
                yield self.problem(kind, self._within.start, self._within.stop, said, names, told)
        for (clip, reason, is_unusable), ranges in _together(plan.silent).items():
            kind = ProblemKind.UNUSABLE if is_unusable else ProblemKind.MISSING
            said = f"{'cannot be heard' if is_unusable else 'sound is missing'}: {with_reasons([clip], {clip: reason})}"
            for first, last in ranges:
                start, stop = (round(sample * self._within.rate / plan.sample_rate) for sample in (first, last))
                start = min(max(start, self._within.start), self._within.stop - 1)
                stop = min(max(stop, start + 1), self._within.stop)
                yield self.problem(kind, start, stop, said, (clip,), {clip: reason})

    def problem(
        self,
        kind: ProblemKind,
        start: int,
        stop: int,
        reason: str,
        names: tuple[str, ...] = (),
        why: Mapping[str, str] | None = None,
        *,
        in_the_way: bool | None = None,
    ) -> ExportProblem:
        """:param in_the_way: ``None``: as ``kind`` is"""
        return ExportProblem(
            kind=kind,
            start=start,
            stop=stop,
            start_timecode=self._timecode(start),
            stop_timecode=self._timecode(stop),
            reason=reason,
            names=names,
            why=tuple(sorted((why or {}).items())),
            is_in_the_way=self._in_the_way[kind] if in_the_way is None else in_the_way,
        )

    def _runs(self, of_frames: Iterable[T]) -> Iterator[tuple[int, int, T]]:
        """Frames in a row of which one thing is to be said; those of which nothing is are left out."""
        at = self._within.start
        for said, group in groupby(of_frames):
            stop = at + sum(1 for _ in group)
            if said:
                yield at, stop, said
            at = stop


def _together(silent: Iterable[Silence]) -> dict[tuple[str, str, bool], list[tuple[int, int]]]:
    """Samples ``[start, stop)`` by clip, reason and whether it is unusable: what touches or overlaps is one."""
    found: dict[tuple[str, str, bool], list[tuple[int, int]]] = {}
    for one in sorted(silent, key=lambda silence: silence.start):
        ranges = found.setdefault((one.clip, one.reason, one.is_unusable), [])
        if ranges and one.start <= ranges[-1][1]:
            start, stop = ranges.pop()
            ranges.append((start, max(stop, one.stop)))
        else:
            ranges.append((one.start, one.stop))
    return found
