"""Media with their frame numbers in the picture, timelines over them, and media that exist on paper only."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest

from otio_perf.media.probe import probe
from otio_perf.model.composition import Composition
from otio_perf.model.media import ColourTags, Gop, MediaInfo, MediaKind, VideoInfo
from otio_perf.timeline.composition import compose
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import Locator
from sample_timelines.make_media import draw_number


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MediaInfo]:
    """Clips by name; each counts from a hundred of its own, so that a number says which clip it is of."""
    folder = tmp_path_factory.mktemp("footage")

    def film(name: str, first: int, rate: Fraction, frames: int, level: int, timecode: str = "") -> None:
        with av.open(str(folder / name), "w") as container:
            if timecode:
                container.metadata["timecode"] = timecode
            stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "g": "12", "qp": "10"})
            stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
            for number in range(first, first + frames):
                luma = np.full((180, 320), level, np.uint8)
                draw_number(luma, number)
                planes = np.vstack([luma, np.full((90, 320), 128, np.uint8)])
                container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
            container.mux(stream.encode())

    film("a.mov", 1000, Fraction(25), 60, 60)
    film("b.mov", 2000, Fraction(25), 60, 180)
    film("fast.mov", 3000, Fraction(50), 100, 90)
    film("ntsc.mov", 4000, Fraction(24000, 1001), 60, 90)
    film("label.mov", 5000, Fraction(25), 60, 90, "01:00:00:00")
    film("long.mov", 0, Fraction(24), 120, 90)
    for number in range(101, 113):
        luma = np.full((180, 320), 90, np.uint8)
        draw_number(luma, 6000 + number)
        with av.open(str(folder / f"plate.{number:04d}.png"), "w", format="image2", options={"update": "1"}) as picture:
            stream = picture.add_stream("png", rate=25)
            stream.width, stream.height, stream.pix_fmt = 320, 180, "gray"
            picture.mux(stream.encode(av.VideoFrame.from_ndarray(luma, format="gray")))
            picture.mux(stream.encode())
    return {path.name: probe(str(path)) for path in sorted(folder.iterdir()) if path.suffix == ".mov"} | {
        "still": probe(str(folder / "plate.0105.png"))
    }


@pytest.fixture(scope="session")
def composed() -> Callable[[otio.core.SerializableObject], Composition]:
    """The composition of an OTIO object."""

    def make(item: otio.core.SerializableObject) -> Composition:
        root = json.loads(item.to_json_string())
        return compose(Document(path="/t/x.otio", format="otio_json", base="/t", digest="", root=root), Locator("/t/x.otio"))

    return make


@pytest.fixture(scope="session")
def paper() -> Callable[..., MediaInfo]:
    """A medium that nobody will open."""

    def make(path: str, *, frames: int = 500, rate: Fraction = Fraction(24), kind: MediaKind = MediaKind.VIDEO) -> MediaInfo:
        video = VideoInfo(
            stream_index=0,
            codec="h264",
            profile=None,
            width=1280,
            height=720,
            pixel_format="yuv420p",
            bit_depth=8,
            has_alpha=False,
            frame_rate=rate,
            is_vfr=False,
            frame_count=frames,
            duration=frames / rate,
            start_time=Fraction(0),
            sample_aspect=Fraction(1),
            rotation=0,
            is_mirrored=False,
            field_order="progressive",
            colour=ColourTags(),
            gop=Gop(longest=12, mean=12, has_b_frames=False),
            bits_per_second=8_000_000,
        )
        return MediaInfo(
            path=path,
            kind=kind,
            container="mov",
            size_bytes=1,
            fingerprint=f"fp-{Path(path).name}",
            duration=frames / rate,
            video=(video,),
            audio=(),
            other_streams=0,
            start_timecode=None,
            reel=None,
        )

    return make
