"""Makes proxies: one decode feeds every rung and every used range of a source."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import av.error
from av.video.frame import VideoFrame

from otio_perf.errors import (
    ContractError,
    CorruptMediaError,
    EncodeError,
    MediaError,
    OfflineMediaError,
    OtioPerfError,
    TaskCancelledError,
    UnsupportedMediaError,
)
from otio_perf.media import engine
from otio_perf.media.audio import Sound, sound_only
from otio_perf.media.decode import Reader, constant_rate, total_frames
from otio_perf.media.encode import Look, ProxyWriter, look_of
from otio_perf.media.encodings import PCM_S16_BYTES
from otio_perf.media.fingerprint import Identity, digest, fingerprint, identity
from otio_perf.media.painting import Paint
from otio_perf.media.publish import alive, part_file, publish, require_room, write_error
from otio_perf.media.safe_open import safe_open
from otio_perf.media.verify import verify
from otio_perf.model.media import MediaInfo, Sequence
from otio_perf.model.plans import Product
from otio_perf.model.tasks import ProxyTask
from otio_perf.model.timing import FrameRange, FrameRate, union

Progress = Callable[[int], None]
Cancelled = Callable[[], bool]
PaintFor = Callable[[MediaInfo, Product, Look], Paint | None]
"""``paint_for(media, product, look)``: what the pictures of ``product`` go through; ``None``: nothing."""


def unpainted(_media: MediaInfo, product: Product, _look: Look) -> None:
    """For recipes whose pictures are those of the source. :raises ValueError: it is another"""
    if not product.recipe.is_plain:
        raise ValueError(f"who puts {product.recipe.lut or product.recipe.burn_in} into the pictures?")


#: Between two looks at what is left of the disk while it is written to.
_DISK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcoded:
    """``products`` with their size and digest filled in; ``notes``: what a user should know of how they were made."""

    products: tuple[Product, ...]
    notes: tuple[str, ...]


def transcode(task: ProxyTask, *, progress: Progress, cancelled: Cancelled, paint_for: PaintFor = unpainted) -> Transcoded:
    """Make, verify and publish all products of ``task``. None appears before all are verified.

    Each gets its name in one step, one after the other: a kill between two of them leaves the first, whole. The next run
    knows it by the key in its metadata (see ``finished``).

    :param progress: called with the number of frames done (up to ``task.total``), at least once a packet.
    :param cancelled: asked once a packet; ``True`` stops within a frame's time and leaves nothing behind.
    :param paint_for: what recipes with a LUT or something burnt in need.
    :raises TaskCancelledError: ``cancelled`` said so.
    :raises CorruptMediaError: frames are missing or damaged, or the source changed meanwhile.
    :raises OfflineMediaError: the source has gone. :raises ContractError: a proxy would differ from its source.
    :raises EncodeError: it cannot be written. :raises DiskFullError: there is no room.
    """
    choice = engine.best(task)
    if choice.has_hardware:
        try:
            return _transcode(task, choice, progress, cancelled, paint_for)
        except (EncodeError, ContractError, CorruptMediaError, UnsupportedMediaError) as error:
            note = f"made in software, for with hardware it {error.message}"
            return _transcode(task, engine.software(task), progress, cancelled, paint_for, note)
    return _transcode(task, choice, progress, cancelled, paint_for)


def _transcode(
    task: ProxyTask,
    choice: engine.Engine,
    progress: Progress,
    cancelled: Cancelled,
    paint_for: PaintFor,
    note: str | None = None,
) -> Transcoded:
    medium = task.media.sequence or task.media.path
    before = identity(medium)
    if fingerprint(medium) != task.media.fingerprint:
        raise CorruptMediaError("has changed since it was probed", path=task.media.path, hint="Run it again")
    run = _Run(task, choice, progress, cancelled)
    with ExitStack() as stack:
        segments = _segments(run, paint_for, stack)
        try:
            run.encode(segments)
        except MediaError as error:
            _require_unchanged(medium, before, task.media, cause=error)
            raise
        writers = [writer for segment in segments for writer in segment.writers]
        for writer in writers:
            run.tick()
            verify(writer.product, task.media, writer.part, rate=run.rate, look=writer.look, tick=run.tick)
        _require_unchanged(medium, before, task.media)
        made = {writer.product.key: _finished(writer.product, writer.part, run.tick) for writer in writers}
        for writer in writers:
            publish(writer.part, writer.product.path, tick=run.tick)
    notes = [*([note] if note else []), *choice.notes, *(note for segment in segments for note in segment.notes)]
    return Transcoded(products=tuple(made[product.key] for product in task.products), notes=tuple(dict.fromkeys(notes)))


@dataclass(slots=True)
class _Segment:
    """The products of one range; they share its sound."""

    wanted: FrameRange
    writers: list[ProxyWriter]
    media: MediaInfo
    is_whole: bool
    notes: list[str] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)
    _sound: Sound | None = None

    def open(self) -> None:
        for writer in self.writers:
            with _writing(writer.product):
                writer.open()
            self.notes += writer.look.notes
        if self.media.audio:
            source = self._stack.enter_context(safe_open(self.media.path, options=sound_only()))
            self._sound = Sound(self.media, source, self.wanted, self.is_whole)
            with _writing(self.writers[0].product):
                self._sound.attach([writer.container for writer in self.writers])

    def write(self, frame: VideoFrame, number: int) -> None:
        for writer in self.writers:
            with _writing(writer.product):
                writer.write(frame, number)
        if self._sound is not None:
            with _writing(self.writers[0].product):
                self._sound.advance(self.writers[0].written)

    def close(self) -> None:
        if self._sound is not None:
            with _writing(self.writers[0].product):
                self.notes += self._sound.finish()
        for writer in self.writers:
            with _writing(writer.product):
                writer.close()
        self._stack.close()

    def abandon(self) -> None:
        self._stack.close()
        for writer in self.writers:
            writer.abandon()


@dataclass(slots=True)
class _Run:
    """One pass over the source."""

    task: ProxyTask
    choice: engine.Engine
    progress: Progress
    cancelled: Cancelled
    done: int = 0
    _disk_due: float = 0.0

    @property
    def rate(self) -> FrameRate:
        return constant_rate(self.task.media, self.task.constant_rate)

    def tick(self) -> None:
        if self.cancelled():
            raise TaskCancelledError("stopped", path=self.task.media.path)
        self.progress(self.done)

    def _watch_disk(self) -> None:
        """:raises DiskFullError: what was free at the beginning has been taken, by us or by others."""
        now = time.monotonic()
        if now >= self._disk_due:
            self._disk_due = now + _DISK_SECONDS
            for path in {Path(product.path).parent: product.path for product in self.task.products}.values():
                require_room(path)

    def encode(self, segments: list[_Segment]) -> None:
        task = self.task
        reader = Reader(task.media, self.rate, cores=task.cores, hwaccel=self.choice.hwaccel, tick=self.tick)
        waiting, active = list(segments), list[_Segment]()
        try:
            for number, frame in reader.frames(union(segment.wanted for segment in segments)):
                while waiting and waiting[0].wanted.start <= number:
                    active.append(waiting.pop(0))
                    active[-1].open()
                for segment in active:
                    if not reader.is_damaged:  # it will be refused: from here on, frames are only counted
                        segment.write(frame, number)
                for segment in [s for s in active if number + 1 >= s.wanted.stop]:
                    if reader.is_damaged:
                        segment.abandon()
                    else:
                        segment.close()
                    active.remove(segment)
                self.done += 1
                self._watch_disk()
            self.progress(self.done)
        finally:
            for segment in active:
                segment.abandon()


def _segments(run: _Run, paint_for: PaintFor, stack: ExitStack) -> list[_Segment]:
    """Products by range, in order, each with its part file: all that can be refused is refused before any work."""
    task, rate = run.task, run.rate
    video = task.media.picture
    if video is None:
        raise EncodeError("has no picture", path=task.media.path, hint="Sound needs no proxy")
    total = total_frames(task.media, rate)
    for product in task.products:
        if product.source_range.rate != rate or not 0 <= product.source_range.start < product.source_range.stop <= total:
            raise ContractError(
                f"has no frames {product.source_range.start}–{product.source_range.stop} (it has {total} at {rate})",
                path=task.media.path,
            )
    _require_room(task)
    segments = []
    for wanted, products in groupby(sorted(task.products, key=lambda p: p.source_range), key=lambda p: p.source_range):
        writers = []
        for product in products:
            look = look_of(product, video, run.choice.encodings[product.recipe.codec])
            with alive(run.tick):  # it may be compiled first
                paint = paint_for(task.media, product, look)
            part = stack.enter_context(part_file(product.path))
            writers.append(ProxyWriter(product, task.media, rate, part, look, task.cores, paint, run.tick))
        segments.append(_Segment(wanted, writers, task.media, len(wanted) == total))
    return segments


def _require_room(task: ProxyTask) -> None:
    """A rough estimate, so that a job that cannot fit is refused before hours of work; the disk has the last word."""
    need: dict[Path, int] = {}
    sound = sum(track.sample_rate * track.channels * PCM_S16_BYTES for track in task.media.audio)
    for product in task.products:
        frames = product.source_range
        size = round(len(frames) * product.recipe.bits_per_frame(product.width, product.height) / 8)
        folder = Path(product.path).parent
        need[folder] = need.get(folder, 0) + size + int(sound * frames.seconds)
    for product in task.products:
        require_room(product.path, need[Path(product.path).parent])


def _finished(product: Product, part: Path, tick: Callable[[], None]) -> Product:
    return replace(product, size_bytes=part.stat().st_size, digest=digest(str(part), tick))


def _require_unchanged(medium: str | Sequence, before: Identity, media: MediaInfo, *, cause: Exception | None = None) -> None:
    """A proxy of a file that changed under way would be a mixture.

    :raises CorruptMediaError: changed. :raises OfflineMediaError: gone.
    """
    try:
        is_same = identity(medium) == before and fingerprint(medium) == media.fingerprint
    except OfflineMediaError as error:
        raise OfflineMediaError("went offline while its proxy was made", path=media.path, hint=error.hint) from cause
    if not is_same:
        raise CorruptMediaError(
            "was changed while its proxy was made", path=media.path, hint="Run it again when the file has settled"
        ) from cause


@contextmanager
def _writing(product: Product) -> Iterator[None]:
    """Errors in this block are of the proxy, not of the source."""
    try:
        yield
    except OtioPerfError:
        raise  # some are an OSError, too
    except (av.error.FFmpegError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise write_error(error, product.path) from error
        reason = f"{product.recipe.codec} encoder: {error.strerror or error}"
        raise EncodeError(
            f"cannot be encoded at {product.width}x{product.height}: {reason}", path=product.source_path
        ) from error
