"""Sound of one stream by sample number, the same wherever reading begins: to the sample, but for Vorbis in WebM, whose packets
are not of one length and stamped by milliseconds, some of them three off. (Decoders of AC-3, and of AAC with noise
substitution, fill in noise of their own, which is another one each time.)

Sample 0 is where the medium's reference begins to count: at its first picture, or, without pictures, at its first sound. What
the stream does not have, before, after, or where it is damaged, is silence. Memory holds a few packets, however long it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import av.error
import av.filter
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.filter.graph import Graph

from otio_perf.errors import MediaError
from otio_perf.media.sound_stream import SKIP_SECONDS, Samples, Stream, floats
from otio_perf.model.media import MediaInfo

#: The resampler's filter reaches over so many samples of the slower side, to both sides; twice what libswresample needs.
_REACH = 64
#: Ratios of rates are kept to so small terms: off by less than a sample in ten hours.
_MOST_TERM = 1 << 16

#: The range of one ``atempo`` in which it blends all samples and drops none.
_SLOWEST_TEMPO, _FASTEST_TEMPO = 0.5, 2.0


class SoundReader:
    """One stream at ``sample_rate``, played ``speed`` times as fast, its pitch following.

    Sample ``n`` is that of the medium at ``n · speed / sample_rate`` seconds, for any start of reading.

    :param speed: more than 0.
    :param tick: called for each packet: a place to stop by raising.
    """

    def __init__(
        self,
        media: MediaInfo,
        stream_index: int,
        sample_rate: int,
        *,
        speed: Fraction = Fraction(1),
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._stream = Stream(media, stream_index, tick)
        self.path, self.channels = media.path, self._stream.info.channels
        ratio = self._stream.info.sample_rate * speed / sample_rate
        if max(ratio.numerator, ratio.denominator) > _MOST_TERM:
            ratio = ratio.limit_denominator(_MOST_TERM // max(1, math.ceil(ratio)))
        self._ratio = ratio  # samples of the stream for each of ours
        self._chunk = max(1, min(1 << 16, round(sample_rate * ratio)))
        self._resampler: AudioResampler | None = None
        self._ready = np.zeros((0, self.channels), np.float32)
        self._next = 0  # number of the first of these
        self._fed = 0  # of the stream

    @property
    def damage(self) -> tuple[str, ...]:
        """What could not be decoded, so far: a clause each."""
        return tuple(self._stream.damage)

    def read(self, first: int, count: int) -> Samples:
        """Samples ``[first, first + count)``. Reading on is cheap, jumping costs a seek."""
        if self._ratio == 1:
            return self._stream.read(first, count)
        skipped = first - self._next
        if self._resampler is None or not 0 <= skipped <= SKIP_SECONDS * self._chunk:
            self._restart(first)
        while (short := first + count - self._next - len(self._ready)) > 0:
            self._feed(min(self._chunk, math.ceil(short * self._ratio) + _REACH))
        kept = self._ready[first - self._next :]
        self._ready, self._next = kept[count:], first + count
        return kept[:count]

    def close(self) -> None:
        self._stream.close()

    def _restart(self, first: int) -> None:
        """At a sample that falls on one of the stream's, so that the filter meets the same phases from every start."""
        across, ours = self._ratio.numerator, self._ratio.denominator
        reach = math.ceil(_REACH * max(Fraction(1), 1 / self._ratio))
        periods = (first - reach) // ours
        self._next, self._fed = periods * ours, periods * across
        layout = _layout_name(self.channels)
        self._resampler = AudioResampler(format="flt", layout=layout, rate=ours)
        self._ready = self._ready[:0]

    def _feed(self, count: int) -> None:
        """So many samples of the stream, and no more: what lies beyond may be damaged, and is not asked for."""
        assert self._resampler is not None
        samples = self._stream.read(self._fed, count)
        self._fed += count
        made = self._resampler.resample(_frame(samples, self._ratio.numerator))
        parts = [floats(part, self.channels) for part in made]
        self._ready = np.concatenate([self._ready, *parts])


class Stretched:
    """Sound at another speed with its own pitch, by FFmpeg's ``atempo``: from its first sample on, for what it does depends on
    all that was before.

    :param first: number of the sample of ``reader`` that comes first.
    :param tempo: how many times as fast, 0.01 to 100.
    :param backwards: ``reader`` is played towards its beginning.
    """

    def __init__(self, reader: SoundReader, sample_rate: int, first: int, tempo: float, *, backwards: bool = False) -> None:
        self._reader, self._rate, self._at, self._backwards = reader, sample_rate, first, backwards
        self._fed = 0
        self._ready = np.zeros((0, reader.channels), np.float32)
        self._graph = _tempo_graph(tempo, sample_rate, reader.channels, reader.path)

    @property
    def damage(self) -> tuple[str, ...]:
        return self._reader.damage

    def read(self, count: int) -> Samples:
        """The next samples."""
        while len(self._ready) < count:
            self._feed()
        found, self._ready = self._ready[:count], self._ready[count:]
        return found

    def _feed(self) -> None:
        count = self._rate // 2
        if self._backwards:
            samples = self._reader.read(self._at - count + 1, count)[::-1]
            self._at -= count
        else:
            samples = self._reader.read(self._at, count)
            self._at += count
        frame = _frame(samples, self._rate)
        frame.pts, frame.time_base = self._fed, Fraction(1, self._rate)
        self._fed += count
        self._graph.push(frame)
        parts = [self._ready]
        while True:
            try:
                made = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                break
            assert isinstance(made, AudioFrame)
            parts.append(floats(made, self._reader.channels))
        self._ready = np.concatenate(parts)


def _layout_name(channels: int) -> str:
    """No layout at all: the channels stay as they are."""
    return f"{channels} channels"


def _frame(samples: Samples, rate: int) -> AudioFrame:
    channels = samples.shape[1]
    flat = np.ascontiguousarray(samples).reshape(1, -1)
    frame = AudioFrame.from_ndarray(flat, format="flt", layout=_layout_name(channels))
    frame.sample_rate = rate
    return frame


def _tempo_graph(tempo: float, rate: int, channels: int, path: str) -> Graph:
    """:raises MediaError: a tempo that is none"""
    if not 0.01 <= tempo <= 100:
        raise MediaError(f"cannot be played {tempo:g} times as fast with its own pitch", path=path)
    graph = Graph()
    last = graph.add_abuffer(sample_rate=rate, format="flt", layout=_layout_name(channels), time_base=Fraction(1, rate))
    for factor in _tempo_steps(tempo):
        step = graph.add("atempo", f"{factor:.15f}")
        last.link_to(step)
        last = step
    last.link_to(graph.add("abuffersink"))
    graph.configure()
    return graph


def _tempo_steps(tempo: float) -> Iterator[float]:
    while tempo > _FASTEST_TEMPO or tempo < _SLOWEST_TEMPO:
        step = _FASTEST_TEMPO if tempo > 1 else _SLOWEST_TEMPO
        yield step
        tempo /= step
    yield tempo
