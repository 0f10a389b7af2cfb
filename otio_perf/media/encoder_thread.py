"""Encodes in a thread of its own, beside the one that makes the pictures and writes the file."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol

import av.error
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame

#: Pictures that may wait for the encoder: enough to even out frames that are dear, few enough to hold.
_AHEAD = 4


class Encoder(Protocol):
    """A video stream of PyAV, or what stands before it."""

    def encode(self, frame: VideoFrame | None = None) -> list[Packet[Any]]:
        """The packets that are ready; ``None``: there are no more pictures."""


class EncoderThread:
    """``write`` each frame → ``close``; ``abandon`` on any error. Errors of the encoder are raised by a later ``write`` or by
    ``close``."""

    def __init__(self, container: OutputContainer, stream: Encoder) -> None:
        self._container, self._stream = container, stream
        self._thread = ThreadPoolExecutor(1, f"encode {container.name}")
        self._encoding: deque[Future[list[Packet[Any]]]] = deque()

    def write(self, frame: VideoFrame) -> None:
        self._container.start_encoding()  # opens the encoder: not to be left to whichever thread is first
        self._encoding.append(self._thread.submit(self._stream.encode, frame))
        self._mux(_AHEAD)

    def _mux(self, left: int) -> None:
        """Write what is encoded, in order, until no more than ``left`` pictures wait."""
        while len(self._encoding) > left or (self._encoding and self._encoding[0].done()):
            self._container.mux(self._encoding.popleft().result())

    def close(self) -> None:
        """Flush the encoder and finish the file."""
        self._mux(0)
        self._thread.shutdown()
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def abandon(self) -> None:
        with suppress(av.error.FFmpegError):
            self._thread.shutdown(cancel_futures=True)
            self._container.close()
