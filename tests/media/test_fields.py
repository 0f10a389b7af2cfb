"""Interlaced frames as progressive ones: those of FFmpeg's bwdif, to the sample, in whatever order they are asked for."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
import pytest
from av.filter import Graph
from numpy.typing import NDArray

from otio_perf.errors import CorruptMediaError
from otio_perf.media.access import FrameAccess
from otio_perf.media.fields import Deinterlacer
from otio_perf.media.planes import planes_of
from otio_perf.media.probe import probe
from otio_perf.model.media import MediaInfo

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
FRAMES, WIDTH, HEIGHT = 20, 96, 72

#: Codec, its options, and which field comes first.
FILMS = {
    "h264.mov": ("libx264 -flags +ilme+ildct -x264opts tff=1 -bf 2 -g 12 -pix_fmt yuv420p", "top"),
    "mpeg2.mov": ("mpeg2video -flags +ilme+ildct -g 1 -q:v 2 -pix_fmt yuv422p", "bottom"),
    "prores.mov": ("prores_ks -flags +ilme -pix_fmt yuv422p10le", "top"),
}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A moving test picture of 50 moments a second in 25 frames."""
    folder = tmp_path_factory.mktemp("films")

    def make(name: str) -> Path:
        codec, first = FILMS[name]
        path = folder / name
        woven = f"tinterlace=mode=interleave_{first}"
        order = f"setfield={'tff' if first == 'top' else 'bff'}"
        source = f"testsrc2=s={WIDTH}x{HEIGHT}:r=50:d={FRAMES / 25},{woven},{order}"
        command = [FFMPEG, "-v", "error", "-y", "-f", "lavfi", "-i", source, "-c:v", *codec.split()]
        subprocess.run([*command, str(path)], check=True, timeout=60)
        return path

    return make


def parity(info: MediaInfo) -> str:
    assert info.picture
    return "tff" if info.picture.field_order in ("tt", "tb") else "bff"


def by_command_line(path: Path, info: MediaInfo) -> list[NDArray[Any]]:
    """The luma of all frames by another build of FFmpeg."""
    assert info.picture
    pixels = info.picture.pixel_format
    graph = ["-vf", f"bwdif=mode=send_frame:parity={parity(info)}:deint=all"]
    command = [FFMPEG, "-v", "error", "-i", str(path), *graph, "-f", "rawvideo", "-pix_fmt", pixels, "-"]
    data = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    frames = np.frombuffer(data, np.uint16 if "10" in pixels else np.uint8).reshape(FRAMES, -1)
    return [frame[: WIDTH * HEIGHT].reshape(HEIGHT, WIDTH) for frame in frames]


def in_one_go(path: Path, info: MediaInfo) -> list[list[NDArray[Any]]]:
    """All planes of all frames by the build that we have, from the first to the last."""
    graph = Graph()
    found = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        filtered = graph.add("bwdif", f"mode=send_frame:parity={parity(info)}:deint=all")
        graph.link_nodes(graph.add_buffer(template=stream), filtered, graph.add("buffersink")).configure()
        for frame in [*container.decode(stream), None]:
            graph.push(frame)
            with suppress(BlockingIOError, EOFError):
                while True:
                    found.append(planes_of(graph.vpull())[1])
    return found


@pytest.mark.parametrize("name", sorted(FILMS))
def test_frames_are_those_of_bwdif_in_any_order(film: Callable[[str], Path], name: str) -> None:
    path = film(name)
    info = probe(str(path))
    assert info.picture
    assert info.picture.is_interlaced, info.picture.field_order
    wanted, others = in_one_go(path, info), by_command_line(path, info)
    assert len(wanted) == len(others) == FRAMES
    access = FrameAccess(info, Fraction(25), 1, lambda: None)
    for number in [*range(FRAMES), *range(FRAMES - 1, -1, -3), 7, 7, 8, 2, 19, 0, 1]:
        _, planes = access.planes(number)
        assert all(np.array_equal(ours, theirs) for ours, theirs in zip(planes, wanted[number], strict=True)), number
        inside = slice(6, -6)  # FFmpeg's versions differ in the lines beside the edges
        assert np.array_equal(planes[0][inside], others[number][inside]), number
    access.close()


def test_progressive_frames_are_left_alone(film: Callable[[str], Path]) -> None:
    info = probe(str(film("prores.mov")))
    assert info.picture
    said = replace(info, video=(replace(info.picture, field_order="progressive"),))
    access = FrameAccess(said, Fraction(25), 1, lambda: None)
    with av.open(info.path) as container:
        woven = [planes_of(frame)[1][0] for frame in container.decode(video=0)]
    for number in (0, 7, 19):
        assert np.array_equal(access.planes(number)[1][0], woven[number])
    access.close()


def test_a_damaged_frame_spoils_no_neighbour(film: Callable[[str], Path], tmp_path: Path) -> None:
    path = film("prores.mov")
    info = probe(str(path))
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    position, size = packets[10]
    data[position : position + size] = bytes(size)
    broken = tmp_path / "broken.mov"
    broken.write_bytes(data)
    whole = FrameAccess(info, Fraction(25), 1, lambda: None)
    access = FrameAccess(replace(info, path=str(broken)), Fraction(25), 1, lambda: None)
    for number in (8, 12, 9, 11):
        _, planes = access.planes(number)
        same = np.array_equal(planes[0], whole.planes(number)[1][0])
        assert same is (number in (8, 12)), number
    with pytest.raises(CorruptMediaError):
        access.planes(10)


def test_frames_of_two_sizes_name_their_file(film: Callable[[str], Path]) -> None:
    info = probe(str(film("prores.mov")))
    assert info.picture
    frames = [av.VideoFrame(width, HEIGHT, "yuv422p10le") for width in (WIDTH, WIDTH + 16)]
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number, Fraction(1, 25)
    with pytest.raises(CorruptMediaError, match="deinterlaced") as caught:
        Deinterlacer(info.picture, info.path).frame(None, *frames)
    assert caught.value.path == info.path
