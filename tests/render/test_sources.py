"""Source frames as pictures: the right one, whatever the order in which they are asked for."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest

from otio_perf.effects.pixels import coding_of, from_picture
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.errors import CorruptMediaError, UnsupportedMediaError
from otio_perf.media.planes import frame_of, layout_of
from otio_perf.media.probe import probe
from otio_perf.model.frames import SourceFrame
from otio_perf.model.media import ColourTags
from otio_perf.model.pixels import Layout
from otio_perf.render.sources import Shown, Sources, image_of
from sample_timelines.make_media import draw_number, read_number


@pytest.fixture(scope="session")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A clip with its frame numbers in the picture."""
    folder = tmp_path_factory.mktemp("numbered")

    def make(name: str, codec: str = "libx264", *, frames: int = 60, pixel_format: str = "yuv420p", **options: str) -> Path:
        path = folder / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=25, options=options)
            stream.width, stream.height, stream.pix_fmt = 320, 180, pixel_format
            for number in range(frames):
                luma = np.full((180, 320), 90 + number % 40, np.uint8)
                draw_number(luma, number)
                grey = np.vstack([luma, np.full((90, 320), 128, np.uint8)])
                container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "yuv420p").reformat(format=pixel_format)))
            container.mux(stream.encode())
        return path

    return make


def number_in(sources: Sources, path: Path, number: int, fingerprint: str) -> int:
    shown = sources.read(SourceFrame(medium=str(path), fingerprint=fingerprint, number=number))
    return read_number(luma_of(shown))


def luma_of(shown: Shown) -> np.ndarray:
    engine = ReferenceEngine()
    picture = engine.download(image_of(shown, engine))
    assert picture.dtype == np.float32
    return picture[..., 1] * 219 + 16


ORDERS = {
    "forwards": range(60),
    "backwards": range(59, -1, -7),
    "jumping": [50, 3, 3, 4, 59, 0, 30, 31, 33, 29, 58],
    "every fifth": range(0, 60, 5),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [("long_gop.mp4", "libx264", {"g": "30", "bf": "3"}), ("intra.mov", "prores_ks", {"pixel_format": "yuv422p10le"})],
)
def test_the_frame_that_was_asked_for(
    numbered: Callable[..., Path], name: str, codec: str, options: dict[str, str], order: str
) -> None:
    path = numbered(name, codec, **options)
    media = probe(str(path))
    with Sources({str(path): media}, Fraction(25)) as sources:
        for number in ORDERS[order]:
            assert number_in(sources, path, number, media.fingerprint) == number


def test_more_media_than_are_kept_open(numbered: Callable[..., Path]) -> None:
    paths = [numbered(f"clip{i}.mp4", frames=8, preset="ultrafast") for i in range(10)]
    media = {str(path): probe(str(path)) for path in paths}
    with Sources(media, Fraction(25)) as sources:
        for number in (2, 5):
            for path in paths:
                assert number_in(sources, path, number, "") == number


def test_one_damaged_frame_spoils_no_other(numbered: Callable[..., Path], tmp_path: Path) -> None:
    path = numbered("damaged.mov", "mjpeg", frames=20, pixel_format="yuvj420p")
    whole = probe(str(path))
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(path.read_bytes())
    position, size = packets[10]
    data[position : position + size] = bytes(size)
    broken = tmp_path / "broken.mov"
    broken.write_bytes(data)
    with Sources({str(broken): replace(whole, path=str(broken))}, Fraction(25)) as sources:
        assert number_in(sources, broken, 4, "") == 4
        with pytest.raises(CorruptMediaError):
            number_in(sources, broken, 10, "")
        assert number_in(sources, broken, 15, "") == 15


def test_a_frame_that_is_swallowed_moves_no_other(numbered: Callable[..., Path], tmp_path: Path) -> None:
    """MPEG-2's decoder says nothing of a packet that holds none."""
    path = numbered("swallowed.mov", "mpeg2video", frames=20, g="1", q="2")
    whole = probe(str(path))
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(path.read_bytes())
    position, size = packets[10]
    data[position : position + size] = bytes(size)
    broken = tmp_path / "broken.mov"
    broken.write_bytes(data)
    with Sources({str(broken): replace(whole, path=str(broken))}, Fraction(25)) as sources:
        for number in [8, 9, 11, 12, 13, 19, 5, 7, 12]:
            assert number_in(sources, broken, number, "") == number


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_turned_pictures_stand_upright(tmp_path: Path, turn: int) -> None:
    path = tmp_path / "phone.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        upright = np.full((180, 320), 120, np.uint8)
        draw_number(upright, 77)
        stored = np.ascontiguousarray(np.rot90(upright, turn // 90))
        stream.height, stream.width = stored.shape
        stream.pix_fmt = "yuv420p"
        stream.set_display_rotation(-turn)
        for _ in range(3):
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(stored, "gray").reformat(format="yuv420p", src_color_range=1))
            )
        container.mux(stream.encode())
    media = probe(str(path))
    assert media.picture
    assert media.picture.rotation == turn
    with Sources({str(path): media}, Fraction(25)) as sources:
        shown = sources.read(SourceFrame(medium=str(path), fingerprint="", number=1))
    luma = luma_of(shown)
    assert luma.shape == (180, 320)
    assert read_number(luma) == 77


HALF_RED = (0.8, 0.2, 0.1)  # under an alpha of one half


@pytest.mark.parametrize(
    ("name", "pixels", "within"),
    [
        ("a.png", "rgba", 0.004),
        ("a.tif", "rgba64le", 0.001),
        ("a.mov", "yuva444p10le", 0.006),  # ProRes 4444
        ("a.exr", "gbrapf32le", 0.0005),
    ],
)
def test_transparent_pictures_are_multiplied_once(tmp_path: Path, name: str, pixels: str, within: float) -> None:
    """Files hold straight colours, and EXR multiplied ones in linear light; pictures are multiplied and gamma-encoded."""
    path = tmp_path / name
    codec = {".mov": "prores_ks", ".exr": "exr", ".tif": "tiff", ".png": "png"}[path.suffix]
    colour = np.array(HALF_RED)
    stored = colour**2.4 * 0.5 if codec == "exr" else colour
    container = av.open(str(path), "w", format="mov" if codec == "prores_ks" else "image2", options={"update": "1"})
    with container:
        stream = container.add_stream(codec, rate=25, options={"profile": "4444"} if codec == "prores_ks" else {})
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        frame = flat(stored, 0.5, pixels)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    media = probe(str(path))
    with Sources({"m": media}, Fraction(25)) as sources:
        shown = sources.read(SourceFrame(medium="m", fingerprint="", number=0))
    engine = ReferenceEngine()
    image = image_of(shown, engine)
    assert not image.is_opaque
    picture = engine.download(image)
    assert np.allclose(picture[20, 30], [*(colour * 0.5), 0.5], atol=within)


@pytest.mark.parametrize(
    ("number", "pixels", "refused"),
    [
        (8, "yuv444p", "ycgco"),
        (14, "yuv420p", "ictcp"),
        (12, "yuv420p", "chroma-derived-nc"),
        (2, "yuv420p", None),  # said to be unknown
        (8, "gray", None),
    ],
)
def test_colours_in_a_code_that_is_not_known_are_refused_by_name(
    tmp_path: Path, number: int, pixels: str, refused: str | None
) -> None:
    """Guessed as BT.709, they would be other colours, and nobody would be told."""
    path = tmp_path / "coded.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        stream.codec_context.colorspace = number
        frame = av.VideoFrame(64, 48, pixels)
        frame.colorspace = number
        container.mux([*stream.encode(frame), *stream.encode()])
    media = probe(str(path))
    with Sources({"m": media}, Fraction(25)) as sources:
        first = SourceFrame(medium="m", fingerprint="", number=0)
        if refused is None:
            assert sources.read(first).coding.matrix == "smpte170m"
            return
        assert media.picture
        assert media.picture.colour.matrix == refused
        with pytest.raises(UnsupportedMediaError, match=f"coded as {refused}") as caught:
            sources.read(first)
    assert caught.value.path == str(path)


def flat(colour: np.ndarray, alpha: float, pixels: str) -> av.VideoFrame:
    layout = layout_of(pixels) or Layout(is_rgb=True, is_grey=False, bits=16 if "64" in pixels else 8, has_alpha=True)
    picture = np.ones((48, 64, 4), np.float32)
    picture[..., :3] = colour * alpha  # ``from_picture`` divides by it
    picture[..., 3] = alpha
    frame = frame_of(layout, from_picture(picture, coding_of(layout, ColourTags(matrix="bt709"), 1080)))
    frame.colorspace = 1
    return frame if frame.format.name == pixels else frame.reformat(format=pixels)


@pytest.mark.parametrize("codec", ["libvpx-vp9", "libvpx"])
def test_the_alpha_of_webm_is_seen(tmp_path: Path, codec: str) -> None:
    """It comes beside the packets, and FFmpeg's own decoders leave it out."""
    path = tmp_path / "title.webm"
    fade = "geq=lum=120:cb=110:cr=180:a='40+5*N'"
    source = ["-f", "lavfi", "-i", f"color=red:s=64x48:r=25:d=1.2,format=yuva420p,{fade}"]
    words = ["-c:v", codec, "-g", "10", "-b:v", "1M", "-auto-alt-ref", "0", "-pix_fmt", "yuva420p"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, *words, str(path)]
    subprocess.run(command, check=True, timeout=60)
    media = probe(str(path))
    assert media.picture
    assert media.picture.has_alpha
    engine = ReferenceEngine()
    with Sources({"m": media}, Fraction(25)) as sources:
        for number in [0, 1, 2, 17, 5, 29, 28, 11]:
            image = image_of(sources.read(SourceFrame(medium="m", fingerprint="", number=number)), engine)
            assert not image.is_opaque
            assert engine.download(image)[20, 30, 3] == pytest.approx((40 + 5 * number) / 255, abs=0.012), number
