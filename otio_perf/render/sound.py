"""The sound of a timeline, mixed: blocks of samples of any stretch, always the same ones wherever mixing begins.

Everything stays 32-bit floating point: what lies beyond full scale is not cut, but counted and reported.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from otio_perf.errors import MediaError
from otio_perf.media.sound import SoundReader, Stretched
from otio_perf.media.sound_stream import Samples
from otio_perf.model.frames import Fidelity
from otio_perf.model.media import MediaInfo
from otio_perf.model.sound import Carried, Curve, Fade, Hear, Heard, Level, Pitch, SoundPlan, SoundReport, Voice
from otio_perf.model.uses import Problem

#: Readers that are kept open after their voice has ended, for the next cut of the same medium.
_IDLE_READERS = 8


class Mixer:
    """Mixes a plan. Open files are closed when the block ends.

    :param media: what is online, by ``Target.medium``.
    :param hear: the host's effects as levels, as for the plan.
    :param tick: called for each packet: a place to stop by raising.
    """

    def __init__(
        self, plan: SoundPlan, media: Mapping[str, MediaInfo], hear: Hear, *, tick: Callable[[], None] = lambda: None
    ) -> None:
        self._plan, self._hear = plan, hear
        self._readers = _Readers(media, plan.sample_rate, tick)
        self._peak, self._over = 0.0, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._readers.close()

    def blocks(self, start: int, stop: int) -> Iterator[Samples]:
        """Samples ``[start, stop)`` of the timeline, at most a second a block; silence where the timeline is over.

        :return: float32 (samples, channels), full scale 1.
        """
        waiting = [voice for voice in self._plan.voices if voice.stop > start and voice.start < stop][::-1]
        playing: list[_Playing] = []
        try:
            for first in range(start, stop, self._plan.sample_rate):
                last = min(first + self._plan.sample_rate, stop)
                while waiting and waiting[-1].start < last:
                    playing.append(_Playing(waiting.pop(), self._readers, self._plan))
                block = np.zeros((last - first, self._plan.channels), np.float32)
                for one in playing:
                    self._add(one, block, first)
                for one in playing:
                    if one.voice.stop <= last:
                        one.end()
                playing = [one for one in playing if one.voice.stop > last]
                self._measure(block)
                yield block
        finally:
            for one in playing:
                one.end()

    def report(self) -> SoundReport:
        """What was found in all blocks so far."""
        return SoundReport(peak=self._peak, over_samples=self._over, damaged=tuple(self._readers.damaged))

    def _add(self, one: _Playing, block: Samples, first: int) -> None:
        voice = one.voice
        start, stop = max(first, voice.start), min(first + len(block), voice.stop)
        if start >= stop:
            return
        sound = one.samples(start, stop)
        if not sound.any():
            return
        for carried in voice.effects:
            sound = _with_effect(sound, carried, start, self._hear)
        for fade in voice.fades:
            sound = _faded(sound, fade, start)
        block[start - first : stop - first] += sound

    def _measure(self, block: Samples) -> None:
        size = np.abs(block)
        self._peak = max(self._peak, float(size.max(initial=0)))
        self._over += int((size > 1).any(axis=1).sum())


# ------------------------------------------------------------------------------------------------------------------- voices


class _Playing:
    """A voice that is heard now; its samples are asked for in order."""

    def __init__(self, voice: Voice, readers: _Readers, plan: SoundPlan) -> None:
        self.voice = voice
        self._readers, self._rate = readers, plan.sample_rate
        self._keeps_pitch = voice.pitch is Pitch.KEEP and abs(voice.speed) != 1
        self._speed = Fraction(1) if self._keeps_pitch else abs(voice.speed)
        self._reader = readers.take(voice, self._speed)
        self._first = _nearest(voice.position / self._speed * plan.sample_rate)
        self._matrix = np.array(voice.matrix, np.float32).T
        self._is_mapped = self._matrix.shape[0] != self._matrix.shape[1] or (self._matrix != np.eye(len(self._matrix))).any()
        self._stretched: Stretched | None = None
        self._at = voice.start

    def samples(self, start: int, stop: int) -> Samples:
        """Samples of the timeline, in the output's channels."""
        if self._reader is None:
            return np.zeros((stop - start, self._matrix.shape[1]), np.float32)
        try:
            sound = self._stretch(start, stop) if self._keeps_pitch else self._read(start, stop)
        except MediaError as error:
            self._readers.note(self.voice, error.message)
            self._readers.drop(self._reader)
            self._reader = None
            return np.zeros((stop - start, self._matrix.shape[1]), np.float32)
        return np.asarray(sound @ self._matrix, np.float32) if self._is_mapped else sound

    def end(self) -> None:
        if self._reader is not None:
            for what in self._reader.damage:
                self._readers.note(self.voice, what)
            self._readers.give(self.voice, self._speed, self._reader)
            self._reader = None

    def _read(self, start: int, stop: int) -> Samples:
        assert self._reader is not None
        ahead, count = start - self.voice.start, stop - start
        if self.voice.speed > 0:
            return self._reader.read(self._first + ahead, count)
        return self._reader.read(self._first - ahead - count + 1, count)[::-1]

    def _stretch(self, start: int, stop: int) -> Samples:
        if self._stretched is None:
            assert self._reader is not None
            speed = self.voice.speed
            self._stretched = Stretched(self._reader, self._rate, self._first, float(abs(speed)), backwards=speed < 0)
        while self._at < start:  # mixing began in the middle of the voice
            count = min(start - self._at, self._rate)
            self._stretched.read(count)
            self._at += count
        self._at = stop
        return self._stretched.read(stop - start)


class _Readers:
    """Open streams. Cuts of one medium one after another share a reader, which then need not seek."""

    def __init__(self, media: Mapping[str, MediaInfo], sample_rate: int, tick: Callable[[], None]) -> None:
        self._media, self._rate, self._tick = media, sample_rate, tick
        self._idle: list[tuple[tuple[str, int, Fraction], SoundReader]] = []  # the oldest first
        self._taken: list[SoundReader] = []
        self.damaged: dict[Problem, None] = {}

    def take(self, voice: Voice, speed: Fraction) -> SoundReader | None:
        key = (voice.medium, voice.stream_index, speed)
        reader = next((reader for known, reader in reversed(self._idle) if known == key), None)
        if reader is not None:
            self._idle = [entry for entry in self._idle if entry[1] is not reader]
        else:
            reader = SoundReader(self._media[voice.medium], voice.stream_index, self._rate, speed=speed, tick=self._tick)
        self._taken.append(reader)
        return reader

    def give(self, voice: Voice, speed: Fraction, reader: SoundReader) -> None:
        self._taken.remove(reader)
        self._idle.append(((voice.medium, voice.stream_index, speed), reader))
        while len(self._idle) > _IDLE_READERS:
            self._idle.pop(0)[1].close()

    def drop(self, reader: SoundReader) -> None:
        self._taken.remove(reader)
        reader.close()

    def note(self, voice: Voice, what: str) -> None:
        self.damaged[Problem(clip=voice.name, reason=what)] = None

    def close(self) -> None:
        for reader in [*self._taken, *(reader for _, reader in self._idle)]:
            reader.close()
        self._taken, self._idle = [], []


# ------------------------------------------------------------------------------------------------------------------- levels


def _with_effect(sound: Samples, carried: Carried, start: int, hear: Hear) -> Samples:
    """``sound``, which begins at sample ``start`` of the timeline, with an effect."""
    count, step = len(sound), carried.frames_per_sample
    begin = (start - carried.start) * step
    ends = begin, begin + (count - 1) * step
    frames = range(math.floor(min(ends)), math.floor(max(ends)) + 1)
    heard = [
        one if one.fidelity in (Fidelity.EXACT, Fidelity.APPROXIMATE) else Heard()
        for one in hear(carried.effect, frames, carried.moment)
    ]
    levels = np.array([(_numbers(one.first), _numbers(one.last)) for one in heard])  # frames, ends, numbers
    if (levels[:, :, 1:] == _numbers(Level())[1:]).all():
        levels = levels[:, :, :1]  # gain alone
    if (levels == levels[0, 0]).all():
        numbers = levels[:1, 0]
    else:
        numbers = np.empty((count, levels.shape[2]))
        for frame, (first, last) in zip(frames, levels, strict=True):
            edges = sorted(((frame - begin) / step, (frame + 1 - begin) / step))
            low, high = (min(max(_first_from(edge, is_after=step < 0), 0), count) for edge in edges)
            progress = float(begin + low * step - frame) + np.arange(high - low) * float(step)
            numbers[low:high] = first + (last - first) * progress[:, None]
    return _levelled(sound, numbers.astype(np.float32))


def _first_from(edge: Fraction, *, is_after: bool) -> int:
    """The first whole number at ``edge``, or after it."""
    return math.floor(edge) + 1 if is_after else math.ceil(edge)


def _levelled(sound: Samples, numbers: npt.NDArray[np.float32]) -> Samples:
    """``numbers``: one row, or one for each sample, of a gain, or of all in ``_numbers``."""
    result: Samples = sound * numbers[:, :1]
    if result.shape[1] > 1 and numbers.shape[1] > 1:
        left, right = result[:, 0].copy(), result[:, 1].copy()
        result[:, 0] = left * numbers[:, 1] + right * numbers[:, 2]
        result[:, 1] = left * numbers[:, 3] + right * numbers[:, 4]
    return result


def _numbers(level: Level) -> tuple[float, ...]:
    return level.gain, *level.stereo


def _faded(sound: Samples, fade: Fade, start: int) -> Samples:
    if start + len(sound) <= fade.start or start >= fade.stop:
        outside = (start >= fade.stop) == fade.rises
        return sound if outside else np.zeros_like(sound)
    progress = np.clip((np.arange(start, start + len(sound)) - fade.start) / (fade.stop - fade.start), 0, 1)
    if not fade.rises:
        progress = 1 - progress
    if fade.curve is Curve.EQUAL_POWER:
        progress = np.sin(progress * (np.pi / 2))
    return np.asarray(sound * progress[:, None].astype(np.float32), np.float32)


def _nearest(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))
