"""Frames by number of media that are damaged: what is shown is what was asked for, or it is named."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from otio_perf.errors import CorruptMediaError
from otio_perf.media.access import FrameAccess
from otio_perf.media.probe import probe
from sample_timelines.make_media import draw_number, read_number

SIZE, RATE, FRAMES = (320, 180), Fraction(25), 48


def footage(path: Path, encoder: str, options: dict[str, str]) -> Path:
    """Numbered pictures, a keyframe every 12."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=RATE, options={"g": "12", **options})
        assert isinstance(stream, VideoStream)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = *SIZE, "yuv420p"
        for number in range(FRAMES):
            luma = np.full((SIZE[1], SIZE[0]), 60, np.uint8)
            draw_number(luma, number, black=16, white=235)
            planes = np.vstack([luma, np.full((SIZE[1] // 2, SIZE[0]), 128, np.uint8)])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode(None))
    return path


def damage(path: Path, number: int) -> None:
    """All of the packet of one picture but its head."""
    with av.open(str(path)) as container:
        packets = sorted((p for p in container.demux(video=0) if p.size), key=lambda p: p.pts or 0)
    packet = packets[number]
    assert packet.pos is not None
    data = bytearray(path.read_bytes())
    data[packet.pos + 8 : packet.pos + packet.size] = bytes(packet.size - 8)
    path.write_bytes(data)


def look(path: Path) -> None:
    """Picture 18 is damaged: it and what leans on it, up to the next keyframe, is said to be, and all others are there."""
    access = FrameAccess(probe(str(path)), RATE, 2, lambda: None)
    shown = {}
    for number in range(FRAMES):
        try:
            shown[number] = read_number(access.planes(number)[1][0])
        except CorruptMediaError as error:
            assert error.message == f"frame {number} is damaged"
    access.close()
    assert shown == {number: number for number in range(FRAMES) if not 18 <= number < 24}


@pytest.mark.parametrize(
    ("encoder", "options"),
    [
        ("mpeg2video", {}),
        ("libx265", {"x265-params": "log-level=error:keyint=12:min-keyint=12:scenecut=0:open-gop=0:bframes=0"}),
    ],
)
def test_a_picture_that_the_decoder_swallows_is_named_and_no_other_shown_for_it(
    encoder: str, options: dict[str, str], tmp_path: Path
) -> None:
    path = footage(tmp_path / "damaged.mov", encoder, options)
    damage(path, 18)
    look(path)


def test_what_leans_on_a_concealed_picture_is_damaged_too(tmp_path: Path) -> None:
    """MPEG-4 fills in what it cannot read, and says so of that picture alone."""
    path = footage(tmp_path / "damaged.mov", "mpeg4", {})
    damage(path, 18)
    look(path)
