"""Looks at a finished proxy as a stranger would, before it gets its final name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av.error
from av.video.stream import VideoStream

from otio_perf.errors import ContractError, CorruptMediaError, EncodeError
from otio_perf.media.contract import compare
from otio_perf.media.encode import Look
from otio_perf.media.probe import probe
from otio_perf.media.safe_open import UNLOOKED, safe_open
from otio_perf.model.media import MediaInfo
from otio_perf.model.plans import Product
from otio_perf.model.timing import FrameRate

#: Frames that are really decoded, spread evenly, the first and the last among them. Every packet is counted; decoding
#: them all would cost a third of the encode, and an all-intra file that lost something inside a packet does not get
#: past the digest that was taken of it.
DECODED_FRAMES = 4

_HINT = "It was not published; take another --codec, or leave this medium without a proxy"


def verify(product: Product, source: MediaInfo, part: Path, *, rate: FrameRate, look: Look, tick: Callable[[], None]) -> None:
    """Compare the file with its source.

    :raises ContractError: it differs in something that editors rely on.
    :raises EncodeError: it cannot be read back.
    """
    try:
        found = probe(str(part), tick=tick)
        counted = count_pictures(part, len(product.source_range), tick)
    except CorruptMediaError as error:
        raise EncodeError(f"was written, but cannot be read back: {error.message}", path=product.path) from error
    if counted != len(product.source_range):
        raise EncodeError(f"holds {counted} frames instead of {len(product.source_range)}", path=product.path)
    differences = compare(
        source,
        found,
        expected_range=product.source_range,
        expected_size=(product.width, product.height),
        constant_rate=rate,
    )
    broken = [difference.text for difference in differences if difference.field not in look.departures]
    if broken:
        raise ContractError(f"the proxy would differ: {'; '.join(broken)}", path=product.source_path, hint=_HINT)


def count_pictures(part: Path, expected: int, tick: Callable[[], None]) -> int:
    """Packets of the video stream; some of them decoded. :raises EncodeError: one of these cannot be"""
    wanted = {round(i * (expected - 1) / max(1, DECODED_FRAMES - 1)) for i in range(DECODED_FRAMES)}
    with safe_open(str(part), options=UNLOOKED) as container:
        stream = container.streams.video[0]
        assert isinstance(stream, VideoStream)
        count = 0
        try:
            for packet in container.demux(stream):
                if not packet.size:
                    continue
                if count in wanted and not packet.decode():
                    raise EncodeError(f"was written, but frame {count} cannot be decoded", path=part)
                count += 1
                tick()
        except av.error.FFmpegError as error:
            raise EncodeError(f"was written, but frame {count} cannot be decoded", path=part) from error
    return count


def decode_all(part: Path, tick: Callable[[], None]) -> int:
    """Pictures of the video stream: for what has no pictures that stand alone. :raises EncodeError: one cannot be decoded"""
    count = 0
    with safe_open(str(part)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        try:
            for frame in container.decode(stream):
                if frame.is_corrupt:
                    raise EncodeError(f"was written, but frame {count} is damaged", path=part)
                count += 1
                tick()
        except av.error.FFmpegError as error:
            raise EncodeError(f"was written, but frame {count} cannot be decoded", path=part) from error
    return count


def count_some(part: Path, tick: Callable[[], None]) -> int:
    """Packets of the video stream, of which a few pictures are decoded, each from the keyframe before it: for a file whose
    pieces were decoded when they were made. :raises EncodeError: one of these cannot be"""
    with safe_open(str(part)) as container:
        stream = container.streams.video[0]
        stamps: list[int] = []
        try:
            for packet in container.demux(stream):
                if packet.size and packet.pts is not None:
                    stamps.append(packet.pts)
                    tick()
            stamps.sort()
            last = len(stamps) - 1
            for number in {round(i * last / (DECODED_FRAMES - 1)) for i in range(DECODED_FRAMES)} if stamps else ():
                container.seek(stamps[number], stream=stream, backward=True)
                found = next((f for f in container.decode(stream) if f.pts is not None and f.pts >= stamps[number]), None)
                if found is None or found.pts != stamps[number] or found.is_corrupt:
                    raise EncodeError(f"was written, but frame {number} cannot be decoded", path=part)
                tick()
        except av.error.FFmpegError as error:
            raise EncodeError("was written, but cannot be decoded", path=part) from error
    return len(stamps)
