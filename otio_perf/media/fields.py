"""Interlaced frames as progressive ones, as many as there were: by FFmpeg's ``bwdif`` (BBC's w3fdif where things move, yadif's
choice where they stand), from a frame and its two neighbours.

A timeline's pictures are progressive: they are scaled, moved and blurred, which would smear two moments into one another.
"""

from __future__ import annotations

import av.error
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

from otio_perf.errors import CorruptMediaError
from otio_perf.media.planes import planar_format
from otio_perf.model.media import VideoInfo

#: Frames with the earlier field on top, by FFmpeg's name of the order in which fields are shown.
_TOP_FIRST = ("tt", "tb")
#: ``bwdif`` looks that far.
_LEAST_WIDTH, _LEAST_HEIGHT = 3, 4


def is_woven(video: VideoInfo) -> bool:
    """Whether frames of ``video`` hold two moments that can be taken apart."""
    return video.is_interlaced and video.width >= _LEAST_WIDTH and video.height >= _LEAST_HEIGHT


class Deinterlacer:
    """Frames of one medium; going on by one frame costs one, any other order two or three."""

    def __init__(self, video: VideoInfo, path: str) -> None:
        self._path = path
        self._parity = "tff" if video.field_order in _TOP_FIRST else "bff"
        self._graph: Graph | None = None
        self._current: VideoFrame | None = None
        self._next: VideoFrame | None = None

    def frame(self, before: VideoFrame | None, current: VideoFrame, after: VideoFrame | None) -> VideoFrame:
        """``current`` with all lines of one moment, in a planar format. ``None``: there is no such neighbour.

        :raises CorruptMediaError: frames of different sizes or formats.
        """
        shape = _shape(current)
        if any(frame is not None and _shape(frame) != shape for frame in (before, after)):  # FFmpeg's filter would crash
            raise CorruptMediaError("cannot be deinterlaced: its frames differ in size or format", path=self._path)
        try:
            if self._graph is None or before is None or before is not self._current or current is not self._next:
                self._graph = self._opened(current)
                if before is not None:
                    self._push(before)
                self._push(current)
                if before is not None:
                    self._graph.vpull()  # that of ``before``
            if after is None:
                self._graph.push(None)
            else:
                self._push(after)
            found = self._graph.vpull()
        except av.error.FFmpegError as error:
            self._graph = None
            raise CorruptMediaError(f"cannot be deinterlaced: {error.strerror or error}", path=self._path) from error
        self._current, self._next = current, after
        if after is None:
            self._graph = None  # it has come to its end
        return found

    def _push(self, frame: VideoFrame) -> None:
        name = planar_format(frame.format)
        assert self._graph is not None
        self._graph.push(frame if name == frame.format.name else frame.reformat(format=name))

    def _opened(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        format_ = VideoFormat(planar_format(frame.format), frame.width, frame.height)
        source = graph.add_buffer(width=frame.width, height=frame.height, format=format_, time_base=frame.time_base)
        filtered = graph.add("bwdif", f"mode=send_frame:parity={self._parity}:deint=all")
        graph.link_nodes(source, filtered, graph.add("buffersink")).configure()
        return graph


def _shape(frame: VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
