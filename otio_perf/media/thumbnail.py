"""One small picture of a medium: near its beginning, upright, in square pixels."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction

import av.error
import numpy as np
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from otio_perf.errors import CorruptMediaError, UnsupportedMediaError
from otio_perf.media.safe_open import media_error, safe_open
from otio_perf.model.media import MediaInfo, VideoInfo

#: The longer side at most, in pixels.
SIZE = 320
#: Where the picture is taken, as a share of the duration: first frames are slates, or black.
_WHERE = Fraction(1, 10)
#: Packets that may be read until a picture comes.
_MOST_PACKETS = 2000


def jpeg(media: MediaInfo, *, tick: Callable[[], None] = lambda: None) -> bytes:
    """:raises MediaError: it has no pictures, is not there, or is damaged. :param tick: called for each packet"""
    picture = media.picture
    if picture is None:
        raise UnsupportedMediaError("has no pictures", path=media.path)
    frame = _frame(media, picture, tick)
    turns = picture.rotation // 90
    width, height = _size(picture)
    stored = (height, width) if turns % 2 else (width, height)
    pixels = frame.reformat(*stored, format="rgb24").to_ndarray()
    return _encoded(np.ascontiguousarray(np.rot90(pixels, -turns)), media.path)


def _size(picture: VideoInfo) -> tuple[int, int]:
    """Upright; even, as JPEG's chroma needs it."""
    width, height = picture.display_size
    scale = Fraction(SIZE, max(width, height, SIZE))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _frame(media: MediaInfo, picture: VideoInfo, tick: Callable[[], None]) -> VideoFrame:
    wanted = media.duration * _WHERE
    try:
        with safe_open(media.path, sequence=media.sequence) as container:
            stream = container.streams[picture.stream_index]
            if picture.frame_count > 1 and media.sequence is None:
                with suppress(av.error.FFmpegError):  # a format that cannot: its first picture does
                    container.seek(int(wanted * 1_000_000), backward=True, any_frame=False)
            for number, packet in enumerate(container.demux(stream)):
                tick()
                if number > _MOST_PACKETS:
                    break
                for frame in packet.decode():
                    if isinstance(frame, VideoFrame):
                        return frame
    except (av.error.FFmpegError, MemoryError) as error:
        raise media_error(media.path, error) from error
    raise CorruptMediaError("no picture could be decoded", path=media.path)


def _encoded(pixels: NDArray[np.uint8], path: str) -> bytes:
    frame = VideoFrame.from_ndarray(pixels, "rgb24").reformat(format="yuvj420p")
    context = CodecContext.create("mjpeg", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = frame.width, frame.height, "yuvj420p"
    context.framerate = Fraction(1)
    context.options = {"qmin": "4", "qmax": "6"}
    try:
        return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])
    except av.error.FFmpegError as error:
        raise CorruptMediaError(f"its picture cannot be encoded: {error.strerror or error}", path=path) from error
