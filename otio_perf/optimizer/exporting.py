"""From a timeline to a finished movie: cut, render what is missing, join without encoding once more, with its sound."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from otio_perf.errors import (
    CacheError,
    ContractError,
    CorruptMediaError,
    DiskFullError,
    EffectError,
    EncodeError,
    MediaError,
    OfflineMediaError,
    SettingsError,
    UnsupportedMediaError,
    by_name,
)
from otio_perf.media import concat, publish
from otio_perf.media.concat import Joined
from otio_perf.media.passthrough import Copyable, PassThrough
from otio_perf.media.pieces import Piece
from otio_perf.media.unchanged import Unchanged
from otio_perf.model.chunks import Chunk
from otio_perf.model.events import Failed, Stage, TaskProgress
from otio_perf.model.exports import SOUNDS, ExportCounts, ExportProblem, ExportReport, NotCopied, ProblemKind
from otio_perf.model.frames import FramePlan
from otio_perf.model.media import MediaInfo
from otio_perf.model.timing import FrameRange
from otio_perf.optimizer import records, timelines
from otio_perf.optimizer.accelerated import accelerated
from otio_perf.optimizer.chunked import Chunks, new_frames, warn_of_full_disk
from otio_perf.optimizer.composed import Composed, composed
from otio_perf.optimizer.effect_costs import effect_costs
from otio_perf.optimizer.inexact import Inexact
from otio_perf.optimizer.movie import MOVIE, Asked
from otio_perf.optimizer.named_files import finder
from otio_perf.optimizer.overwriting import refuse_media
from otio_perf.optimizer.session import Session
from otio_perf.optimizer.sounding import Sounding, sounding
from otio_perf.optimizer.standing_in import stand_ins
from otio_perf.optimizer.times import frame_range
from otio_perf.planning import cost, prerenders
from otio_perf.render.keys import files_of
from otio_perf.render.repaired import slated, without_files
from otio_perf.render.untouched import untouched
from otio_perf.timeline.composition import compose
from otio_perf.timeline.referred import targets_of

#: Of a movie that is written, between two words on how far it is.
_TOLD_FRAMES = 100
_OTHER_PLACE = "Make room there, and check the folder's permissions, or write to another disk with -o"
#: Raise it when the same pieces are joined otherwise.
_MOVIE_VERSION = 3


def export(session: Session, timeline: Path, output: Path, wanted: Asked) -> ExportReport:
    """Make the movie that is ``wanted``; what is there already is not rendered again.

    :raises TimelineError: it cannot be read. :raises SettingsError: a range that it does not have, an output that it uses.
    :raises MediaError, CacheError: the movie cannot be written. What cannot be rendered is in the report.
    """
    began = time.monotonic()
    with session.stage(Stage.READ):
        document = timelines.read(session, timeline)
        where = timelines.locator(session.settings, timeline)
        refuse_media([output], targets_of(document, where))
        composition = compose(document, where)
    for notice in document.notices:
        session.note(notice)
    timelines.tell_problems(session, composition.problems)
    if not len(composition.duration):
        raise SettingsError("is empty: there is nothing to render", path=timeline)
    within = frame_range(wanted.range, composition)
    found = session.look_up(shot.target for shot in composition.shots())
    kept, _ = records.earlier(session, document, where, found) if wanted.use_proxies else ({}, {})
    instead = stand_ins(session, kept, found, wanted.use_proxies)
    find = finder(document, where)
    shown = composed(composition, found, find, colour=session.settings.colour, stand_ins=instead)
    sound = None
    layout = SOUNDS[wanted.audio]
    if layout is not None:
        codec, allowed = wanted.container.sound, wanted.allow_missing
        sound = sounding(
            session,
            document,
            where,
            within,
            codec=codec,
            layout=layout,
            pitch=wanted.pitch,
            allow_silence=allowed,
            stand_ins=instead,
        )
    return _Job(session, timeline, output, shown, within, wanted, sound).report(began)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copied:
    """Frames ``[start, stop)`` of the timeline that are packets of ``medium``."""

    start: int
    stop: int
    medium: MediaInfo
    piece: Piece

    def __len__(self) -> int:
        return self.stop - self.start


_Part = Chunk | _Copied


class _Job:
    """One movie on its way."""

    def __init__(
        self,
        session: Session,
        path: Path,
        output: Path,
        timeline: Composed,
        within: FrameRange,
        wanted: Asked,
        sound: Sounding | None,
    ) -> None:
        self.session, self.path, self.output, self.wanted, self.sound = session, path, output, wanted, sound
        self.timeline, self.within, self.recipe = timeline, within, wanted.recipe
        found = session.devices.engine(session.settings.gpu, session.check_stop)
        engine = accelerated(session, found, self.recipe, timeline.colour.tags, encodes=not wanted.pass_through)
        self.why = engine.why
        self.chunks = Chunks(session, timeline, self.recipe, engine, takes_alike=False)
        self.size = self.recipe.size_for(*timeline.canvas)
        self.copies = wanted.pass_through
        self.rendered_nevertheless = Counter[tuple[str, str]]()  # frames, by path and reason
        label = timeline.composition.timecode
        self.inexact = Inexact(within, label, fidelity=wanted.fidelity, allow_missing=wanted.allow_missing)

    def report(self, began: float) -> ExportReport:
        session, wanted = self.session, self.wanted
        self._tell_rounded()
        with session.stage(Stage.PLAN):
            plans = self._plans()
            heard = () if self.sound is None else self.inexact.of_sound(self.sound.plan)
            found_wrong = (*self.inexact.of_pictures(plans), *heard, *self._leave_out_unreadable(plans))
            problems = sorted(found_wrong, key=lambda p: p.start)
            parts = () if _barred(problems) else tuple(self._parts(plans))
            # a movie that is what it was needs none of its pieces
            is_there = bool(parts) and self._is_there(parts)
            missing = {} if is_there else self.chunks.missing(_chunks(parts))
        found = ExportReport(
            source=str(self.path),
            path=str(self.output),
            is_written=False,
            is_new=False,
            recipe=self.recipe,
            width=self.size[0],
            height=self.size[1],
            frame_rate=self.within.rate,
            colour=self.timeline.colour,
            engine=self.why,
            start=self.within.start,
            stop=self.within.stop,
            start_timecode=self._timecode(self.within.start),
            stop_timecode=self._timecode(self.within.stop),
            counts=_counts(parts, missing),
            sound=None if self.sound is None else self.sound.report(),
            problems=tuple(problems),
            not_copied=self._not_copied(),
            predicted_seconds=None,
            predicted_bytes=prerenders.size_bytes(sum(map(len, missing.values())) + len(self.within), self.recipe, self.size),
            size_bytes=0,
            seconds=0.0,
        )
        if not _barred(problems):
            if wanted.dry_run:
                found = replace(found, predicted_seconds=self._predicted_seconds(missing))
            elif is_there:
                found = replace(found, is_written=True, size_bytes=self.output.stat().st_size)
            else:
                found = self._made(found, plans, parts, missing)
        return replace(found, seconds=time.monotonic() - began, notices=tuple(session.notices))

    # ---- planning

    def _tell_rounded(self) -> None:
        canvas = self.timeline.canvas
        exact = tuple(float(side * self.recipe.scale_for(*canvas)) for side in canvas)
        if exact != self.size:
            width, height = self.size
            asked = f"{exact[0]:.5g}x{exact[1]:.5g}"
            self.session.note(f"the movie is {width}x{height}: {asked} is rounded to even numbers, which codecs need")

    def _plans(self) -> list[FramePlan]:
        plans = []
        for number in range(self.within.start, self.within.stop):
            self.session.check_stop()
            plans.append(self.timeline.plan(number))
        return plans

    def _leave_out_unreadable(self, plans: list[FramePlan]) -> Iterator[ExportProblem]:
        """Effects that read a file (a LUT) which cannot be read are taken out of ``plans``."""
        unreadable = [self.chunks.unreadable(files_of(plan)) for plan in plans]
        for i, files in enumerate(unreadable):
            plans[i] = without_files(plans[i], files) if files else plans[i]
        return self.inexact.of_files(unreadable)

    def _parts(self, plans: Sequence[FramePlan]) -> Iterator[_Part]:
        """What the movie is joined of, in order.

        :raises MediaError: a medium to be copied cannot be read.
        """
        begin = at = self.within.start
        for copied in self._copied(plans):
            yield from self.chunks.cut(plans[at - begin : copied.start - begin], at)
            yield copied
            at = copied.stop
        yield from self.chunks.cut(plans[at - begin :], at)

    def _copied(self, plans: Sequence[FramePlan]) -> Iterator[_Copied]:
        self.rendered_nevertheless.clear()
        if not self.copies:
            return
        media, session = self.timeline.media, self.session
        let = PassThrough(self.recipe.codec, session.check_stop, keeps_alpha=self.recipe.keeps_alpha)
        rate, start = self.within.rate, self.within.start
        for run in untouched(plans, start=start, media=media, frame_rate=rate, recipe=self.recipe):
            info = media[run.medium]
            assert info.picture is not None
            if not let.is_akin(info):
                continue
            stop = run.first + len(run)
            found = Copyable(reason=run.reason) if run.reason else let.copyable(info, run.first, stop)
            if found.reason:
                self.rendered_nevertheless[info.path, found.reason] += len(run) - sum(map(len, found.ranges))
            for frames in found.ranges:
                first = run.start + frames.start - run.first
                yield _Copied(
                    start=first,
                    stop=first + len(frames),
                    medium=info,
                    piece=Piece(path=info.path, frames=info.picture.frame_count, start=frames.start, stop=frames.stop),
                )

    def _not_copied(self) -> tuple[NotCopied, ...]:
        counted = self.rendered_nevertheless.items()
        return tuple(NotCopied(path=path, frames=frames, reason=reason) for (path, reason), frames in counted)

    def _predicted_seconds(self, missing: Mapping[str, Chunk]) -> float:
        session = self.session
        surveyed, machine = timelines.survey(session, self.path), session.machine()
        costs = cost.predict(surveyed.survey, surveyed.spans, self.timeline.media, machine, effect_costs)
        frames = [FrameRange(c.start, c.stop, c.frame_rate) for c in missing.values()]
        return prerenders.work_seconds(costs, frames, self.recipe, self.size, machine)

    # ---- work

    def _made(
        self, found: ExportReport, plans: list[FramePlan], parts: tuple[_Part, ...], missing: Mapping[str, Chunk]
    ) -> ExportReport:
        session = self.session
        if missing:
            rendered = prerenders.size_bytes(sum(map(len, missing.values())), self.recipe, self.size)
            there, here = session.workspace.root, self.output.absolute().parent
            warn_of_full_disk(session, (rendered, there), (found.predicted_bytes - rendered, here))
        failed = self.chunks.make(missing, Stage.EXPORT)
        session.check_stop()
        slates: list[ExportProblem] = []
        if self.wanted.allow_missing and all(map(_is_of_source, failed.values())):
            slates = self._slates(plans, [c for c in _chunks(parts) if c.key in failed])
            if slates:
                parts = tuple(self._parts(plans))
                failed = self.chunks.make(self.chunks.missing(_chunks(parts)), Stage.EXPORT)
                session.check_stop()
        barring = [
            self.inexact.problem(ProblemKind.FAILED, c.start, c.stop, failed[c.key].message, in_the_way=True)
            for c in _chunks(parts)
            if c.key in failed
        ]
        problems = tuple(sorted([*found.problems, *slates, *barring], key=lambda p: p.start))
        found = replace(found, problems=problems)
        if barring:
            return found
        try:
            return self._written(found, parts)
        except ContractError as e:
            if not any(isinstance(part, _Copied) for part in parts):
                raise
            session.note(f"nothing is copied: {e.path}: {e.message}")
        self.copies = False
        parts = tuple(self._parts(plans))
        missing = self.chunks.missing(_chunks(parts))
        found = replace(found, counts=_counts(parts, missing), not_copied=self._not_copied())
        return self._made(found, plans, parts, missing)

    def _slates(self, plans: list[FramePlan], failed: Sequence[Chunk]) -> list[ExportProblem]:
        """Finds out which frames of ``failed`` cannot be had: each is tried alone. Slates come in their place in ``plans``."""
        alone = [self.chunks.cut([plan], at)[0] for chunk in failed for at, plan in enumerate(chunk.plans, chunk.start)]
        trials = self.chunks.missing(alone)
        wrong = self.chunks.make(trials, Stage.EXPORT)
        problems = []
        for one in alone:
            if one.key in wrong:
                reason = wrong[one.key].message
                plans[one.start - self.within.start] = slated(one.plans[0], "DAMAGED", reason)
                problems.append(self.inexact.problem(ProblemKind.FAILED, one.start, one.stop, reason, in_the_way=False))
        for trial in trials.values():
            self.chunks.renders.forget(self.chunks.key_of(trial))
        return problems

    def _written(self, found: ExportReport, parts: Sequence[_Part]) -> ExportReport:
        session = self.session
        key = self._key(parts)
        if self._is_there(parts):
            return replace(found, is_written=True, size_bytes=self.output.stat().st_size)
        with session.stage(Stage.MOVIE, 1), session.workspace.writing():
            session.workspace.clean_orphans(publish.is_part, beside=[self.output.absolute().parent])
            try:
                joined = self._joined(parts, key)
            except (MediaError, CacheError) as e:
                self.chunks.forget_damaged(e.path, _chunks(parts))
                if e.path == str(self.output) and isinstance(e, (DiskFullError, EncodeError)):
                    raise type(e)(e.message, path=e.path, hint=_OTHER_PLACE) from e  # it is not the workspace's disk
                raise
        sound = None if self.sound is None else self.sound.report()
        return replace(found, is_written=True, is_new=True, size_bytes=joined.size_bytes, sound=sound)

    def _joined(self, parts: Sequence[_Part], key: str) -> Joined:
        return concat.join(
            [self.chunks.piece(part) if isinstance(part, Chunk) else part.piece for part in parts],
            self.output,
            frame_rate=self.within.rate,
            start_timecode=self._timecode(self.within.start),
            key=key,
            stands_alone=self.recipe.codec.is_intra,
            sound=None if self.sound is None else self.sound.track(self.session),
            unchanged=Unchanged({p.medium.path: p.medium for p in parts if isinstance(p, _Copied)}.values(), {}, str).require,
            tick=self._told(),
        )

    def _told(self) -> Callable[[], None]:
        """Called for each picture that is read or written, tells how far the movie is: it is written, then read back."""
        done, total = 0, 2 * len(self.within)

        def tick() -> None:
            nonlocal done
            self.session.check_stop()
            done += 1  # also by the parts of the file of which a digest is made at the end
            if done <= total and done % _TOLD_FRAMES == 0:
                self.session.listener(TaskProgress(key=str(self.output), done=done, total=total))

        return tick

    def _key(self, parts: Sequence[_Part]) -> str:
        """What the movie is, with the pieces that are there, or to come."""
        words = [str(_MOVIE_VERSION), self.output.suffix.lower(), self._timecode(self.within.start)]
        words.append("" if self.sound is None else self.sound.key)
        for part in parts:
            if isinstance(part, Chunk):
                words.append(self.chunks.key_of(part))
            else:
                words.append(f"{part.medium.fingerprint} {part.piece.start} {part.piece.stop}")
        return MOVIE + hashlib.blake2b("\n".join(words).encode(), digest_size=16).hexdigest()

    def _is_there(self, parts: Sequence[_Part]) -> bool:
        return concat.is_whole(self.output, len(self.within), self._key(parts), self.session.check_stop)

    def _timecode(self, frame: int) -> str:
        return self.timeline.composition.timecode(frame)


def _barred(problems: Sequence[ExportProblem]) -> bool:
    return any(problem.is_in_the_way for problem in problems)


def _counts(parts: Sequence[_Part], missing: Mapping[str, Chunk]) -> ExportCounts:
    chunks = _chunks(parts)
    rendered, copied = new_frames(chunks, missing), sum(len(part) for part in parts if isinstance(part, _Copied))
    return ExportCounts(rendered=rendered, reused=sum(map(len, chunks)) - rendered, copied=copied, pieces=len(parts))


def _chunks(parts: Sequence[_Part]) -> list[Chunk]:
    return [part for part in parts if isinstance(part, Chunk)]


def _is_of_source(failed: Failed) -> bool:
    """What is shown is to blame, and not what was written."""
    return issubclass(by_name(failed.error), (CorruptMediaError, OfflineMediaError, UnsupportedMediaError, EffectError))
