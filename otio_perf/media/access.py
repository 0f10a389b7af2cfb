"""Frames of one medium by number, in any order: playing on is cheap, jumping costs a seek."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from fractions import Fraction

from av.video.frame import VideoFrame

from otio_perf.errors import CorruptMediaError
from otio_perf.media.decode import Reader, constant_rate, total_frames
from otio_perf.media.engine import decoder_for
from otio_perf.media.fields import Deinterlacer, is_woven
from otio_perf.media.planes import Plane, planes_of
from otio_perf.model.media import MediaInfo, MediaKind, VideoInfo
from otio_perf.model.pixels import Layout
from otio_perf.model.timing import FrameRange, FrameRate

#: Frames that are rather decoded and thrown away than jumped over, where the GOP is not longer.
_SKIP_FRAMES = 24
#: Time stamps may be rounded, but not by so many frames.
_SLIP_FRAMES = Fraction(3, 4)


class FrameAccess:
    """One medium, open at the frame that was asked for last. Frames are counted as on a timeline at ``frame_rate``: it is
    the constant rate of media that have none (``decode.constant_rate``). Interlaced frames come as progressive ones.

    ``hardware``: decoders that passed their self-test, for what is watched and not kept: damage is concealed without a word.
    """

    def __init__(
        self,
        media: MediaInfo,
        frame_rate: FrameRate,
        cores: int,
        tick: Callable[[], None],
        hardware: Collection[str] = (),
    ) -> None:
        assert media.picture is not None
        self.video: VideoInfo = media.picture
        self._media, self._cores, self._tick = media, cores, tick
        self._rate = constant_rate(media, frame_rate)
        self._hwaccel = decoder_for(media, hardware)
        self._reader: Reader | None = None
        self._frames: Iterator[tuple[int, VideoFrame]] = iter(())
        self._last: tuple[int, VideoFrame] | None = None
        self._has_good_stamps = not self.video.is_vfr and media.sequence is None
        self._deinterlacer = Deinterlacer(self.video, media.path) if is_woven(self.video) else None
        self._around: dict[int, VideoFrame] = {}  # the last frame that was asked for, and its neighbours
        self._progressive: tuple[int, VideoFrame] | None = None

    def planes(self, number: int) -> tuple[Layout, list[Plane]]:
        """The samples of frame ``number``; of a still, the one there is.

        :raises OfflineMediaError, CorruptMediaError: it cannot be had; others may.
        """
        if self._media.kind is MediaKind.STILL:
            number = 0
        return planes_of(self._frame(number) if self._deinterlacer is None else self._deinterlaced(number))

    def _deinterlaced(self, number: int) -> VideoFrame:
        if self._progressive is None or self._progressive[0] != number:
            assert self._deinterlacer is not None
            before, frame, after = self._neighbour(number - 1), self._near(number), self._neighbour(number + 1)
            kept = {number - 1: before, number: frame, number + 1: after}
            self._around = {n: f for n, f in kept.items() if f is not None}
            self._progressive = number, self._deinterlacer.frame(before, frame, after)
        return self._progressive[1]

    def _near(self, number: int) -> VideoFrame:
        return self._around[number] if number in self._around else self._frame(number)

    def _neighbour(self, number: int) -> VideoFrame | None:
        """``None``: there is none, or it is damaged, which is no fault of the frame beside it."""
        if not 0 <= number < total_frames(self._media, self._rate):
            return None
        try:
            return self._near(number)
        except CorruptMediaError:
            return None

    def _frame(self, number: int) -> VideoFrame:
        if self._last is not None and self._last[0] == number:
            return self._last[1]
        ahead = number - self._last[0] if self._last else -1
        if not 0 < ahead <= max(_SKIP_FRAMES, self.video.gop.longest):
            self._jump(number)
        frame = self._advance(number)
        if self._last is not None and (self._has_lost() or self._has_slipped(number, frame)):
            counted = frame.pts
            self._jump(number)  # what was lost on the way is no matter where it can be found without
            frame = self._advance(number)
            self._has_good_stamps = self._has_good_stamps and frame.pts != counted  # else they are irregular, no more
        self._require_whole(number, frame)
        self._last = number, frame
        return frame

    def _has_lost(self) -> bool:
        return self._reader is not None and (self._reader.lost > 0 or self._reader.misleading > 0)

    def _has_slipped(self, number: int, frame: VideoFrame) -> bool:
        """Whether the stamps speak against the counting: decoders swallow what they cannot read, and do not always say so."""
        if not self._has_good_stamps or self._last is None:
            return False
        before, last = self._last
        if frame.pts is None or last.pts is None or not frame.time_base or not last.time_base:
            return False
        frames = (frame.pts * frame.time_base - last.pts * last.time_base) * self._rate
        return frames - (number - before) > _SLIP_FRAMES

    def _advance(self, number: int) -> VideoFrame:
        for found, frame in self._frames:
            if found >= number:
                return frame
        raise CorruptMediaError(f"frame {number} cannot be decoded", path=self._media.path)

    def _jump(self, number: int) -> None:
        self.close()
        self._reader = Reader(self._media, self._rate, self._cores, hwaccel=self._hwaccel, tick=self._tick, seeks_always=True)
        stop = max(total_frames(self._media, self._rate), number + 1)
        self._frames = self._reader.frames([FrameRange(number, stop, self._rate)])

    def _require_whole(self, number: int, frame: VideoFrame) -> None:
        """:raises CorruptMediaError: concealed, or leaning on one that is; or frames before it were lost, so that its number is
        not sure"""
        if frame.is_corrupt or self._has_lost():
            self.close()
            raise CorruptMediaError(f"frame {number} is damaged", path=self._media.path, hint="Copy it again from the card")

    def close(self) -> None:
        close = getattr(self._frames, "close", None)
        if close is not None:
            close()
        self._frames, self._last, self._reader = iter(()), None, None
