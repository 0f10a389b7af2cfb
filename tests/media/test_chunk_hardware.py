"""Chunks by an encoder of hardware. None is here: x264 and x265 stand for one, as they come, with the number that hardware
gives its parameter sets. What is proven is the file around the pictures, and that they stand beside ours."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from otio_perf.media import engine
from otio_perf.media.chunks import ChunkFile, hardware_codec, write_chunk
from otio_perf.media.concat import join
from otio_perf.media.pieces import whole
from otio_perf.media.verify import decode_all
from otio_perf.model.colour import ColourSpace
from otio_perf.model.recipes import ChunkCodec

RATE = Fraction(25)
FRAMES = 12


@pytest.fixture(autouse=True)
def _encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engine._OPTIONS, "libx264", lambda _, qp, g: {"preset": "ultrafast", "qp": qp, "g": g, "bf": "0"})
    monkeypatch.setitem(engine._OPTIONS, "libx265", lambda _, qp, g: {"preset": "ultrafast", "crf": qp, "g": g, "bf": "0"})


def wanted(folder: Path, codec: ChunkCodec, encoder: str) -> ChunkFile:
    name = f"{codec}_{encoder or 'software'}"
    return ChunkFile(
        path=str(folder / f"{name}.mov"),
        key=name,
        codec=codec,
        quality=80,
        has_alpha=False,
        width=160,
        height=90,
        frame_rate=RATE,
        frames=FRAMES,
        encoder=encoder,
    )


def pictures() -> list[list[Any]]:
    y, x = np.mgrid[0:90, 0:160]
    half = np.full((45, 80), 120, np.uint8)
    return [[(60 + (x + y + 4 * number) % 120).astype(np.uint8), half, half] for number in range(FRAMES)]


@pytest.mark.parametrize(
    ("codec", "encoder"),
    [(ChunkCodec.H264, "libx264"), (ChunkCodec.H264_LONG_GOP, "libx264"), (ChunkCodec.HEVC_LONG_GOP, "libx265")],
)
def test_its_pictures_stand_beside_ours(tmp_path: Path, codec: ChunkCodec, encoder: str) -> None:
    """Where it gives up in the midst of a movie, ours make up for it: both are in one track."""
    files = [wanted(tmp_path, codec, name) for name in (encoder, "", encoder)]
    files[2] = replace(files[2], path=files[2].path + "_again.mov", key="again")
    for file in files:
        write_chunk(file, pictures(), cores=1, tick=lambda: None)
    assert Path(files[0].path).read_bytes() != Path(files[1].path).read_bytes()
    joined = join(
        [whole(file.path, FRAMES) for file in files],
        tmp_path / "joined.mov",
        frame_rate=RATE,
        stands_alone=codec.is_intra,
    )
    assert joined.frames == 3 * FRAMES
    assert decode_all(Path(joined.path), lambda: None) == 3 * FRAMES
    meant = pictures()
    with av.open(joined.path) as container:
        for number, frame in enumerate(container.decode(video=0)):
            luma = frame.to_ndarray(format="gray")  # full range
            levels = (meant[number % FRAMES][0].astype(float) - 16) * 255 / 219
            assert np.abs(luma - levels).mean() < 6, number


def test_what_hardware_is_asked_for() -> None:
    sdr, hdr = ColourSpace.BT709.tags, ColourSpace.BT2020_PQ.tags
    assert hardware_codec(ChunkCodec.H264, sdr) == hardware_codec(ChunkCodec.H264_LONG_GOP, sdr) == "h264"
    assert hardware_codec(ChunkCodec.HEVC_LONG_GOP, sdr) == "hevc"
    assert hardware_codec(ChunkCodec.HEVC_LONG_GOP, hdr) is None
    assert hardware_codec(ChunkCodec.PRORES_422, sdr) is None
