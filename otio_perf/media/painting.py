"""Pictures changed on their way to the encoder, by a callable from above: a viewing LUT, words burnt in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame

from otio_perf.media.planes import Plane, layout_of

Paint = Callable[[list[Plane], int], None]
"""``paint(planes, number)`` changes the planes of one picture in place; ``number`` of its frame in the source. Several threads
call it at once."""


#: Between two signs of life while a picture is painted.
_ALIVE_SECONDS = 0.2


class Painter:
    """Paints several frames at once and gives them back in order.

    ``put`` each frame, ``rest`` at the end; ``close`` in any case. ``tick`` is called while frames are waited for: the first
    may take a minute on a busy machine, for what paints it is compiled then. It stops by raising.
    """

    def __init__(self, paint: Paint, threads: int, tick: Callable[[], None]) -> None:
        self._paint, self._most, self._tick = paint, threads + 1, tick
        self._pool = ThreadPoolExecutor(threads, "paint")
        self._waiting: deque[Future[VideoFrame]] = deque()

    def put(self, frame: VideoFrame, number: int) -> Iterator[VideoFrame]:
        """Take ``frame``, which is nobody else's; what is ready by now comes back."""
        self._waiting.append(self._pool.submit(self._painted, frame, number))
        while len(self._waiting) > self._most or (self._waiting and self._waiting[0].done()):
            yield self._next()

    def rest(self) -> Iterator[VideoFrame]:
        while self._waiting:
            yield self._next()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _next(self) -> VideoFrame:
        future = self._waiting.popleft()
        while not wait([future], _ALIVE_SECONDS).done:
            self._tick()
        return future.result()

    def _painted(self, frame: VideoFrame, number: int) -> VideoFrame:
        layout = layout_of(frame.format.name)
        assert layout is not None
        kind = np.dtype(np.uint8 if layout.bits == 8 else np.uint16)
        planes = []
        for plane in frame.planes:
            rows = np.frombuffer(memoryview(plane), kind).reshape(plane.height, plane.line_size // kind.itemsize)
            planes.append(rows[:, : plane.width])
        self._paint(planes, number)
        return frame


def copied(frame: VideoFrame) -> VideoFrame:
    """A frame of its own memory, with all that rides on ``frame``: fields, captions."""
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
    graph.link_nodes(source, graph.add("copy"), graph.add("buffersink")).configure()
    graph.push(frame)
    copy = graph.pull()
    assert isinstance(copy, VideoFrame)
    return copy
