"""The sample media: readable numbers, the promised oddities, the same pictures on every run, whole files or none."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_timelines import make_media
from sample_timelines.make_media import CLIPS, Clip, Scene, draw_number, make, pictures, read_number


def small(clip: Clip) -> Clip:
    """The same kind of clip, quick to make."""
    width, height = (320, 180) if clip.container != "mxf" else (640, 360)
    return replace(clip, width=width, height=height, frames=min(clip.frames, 40), bit_rate=min(clip.bit_rate, 1_000_000))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("media")
    return {name: make(small(clip), folder) for name, clip in CLIPS.items()}


def decoded(path: Path) -> list[av.VideoFrame]:
    frames = []
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        with av.open(str(file)) as container:
            frames += list(container.decode(video=0))
    return frames


def luma_of(frame: av.VideoFrame, width: int | None = None, height: int | None = None) -> np.ndarray[Any, Any]:
    return frame.reformat(width=width or frame.width, height=height or frame.height, format="gray").to_ndarray()


@given(
    number=st.integers(0, (1 << 20) - 1),
    size=st.tuples(st.integers(64, 400), st.integers(48, 400)),
    rotation=st.sampled_from((0, 90, 180, 270)),
)
def test_any_number_is_read_back_at_any_size_and_turn(number: int, size: tuple[int, int], rotation: int) -> None:
    luma = np.full(size[::-1], 120, np.uint8)
    draw_number(luma, number)
    assert read_number(np.rot90(luma, rotation // 90), rotation) == number


def test_a_picture_without_a_number_is_refused() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (180, 320), np.uint8)
    for picture in (np.zeros((180, 320), np.uint8), np.full((180, 320), 255, np.uint8), noise):
        with pytest.raises(ValueError, match="no frame number"):
            read_number(picture)


@pytest.mark.parametrize("cell", range(2, 30))
def test_one_wrong_cell_is_noticed(cell: int) -> None:
    luma = np.full((180, 320), 120, np.uint8)
    draw_number(luma, 74_565)
    row, column = divmod(cell, 16)
    part = luma[row * 7 + row : row * 7 + 7 + row, column * 20 : column * 20 + 20]
    part[:] = 251 - part
    with pytest.raises(ValueError, match="checksum"):
        read_number(luma)


@pytest.mark.parametrize(("number", "shape"), [(-1, (180, 320)), (1 << 20, (180, 320)), (0, (40, 320)), (0, (180, 60))])
def test_what_cannot_be_drawn_is_refused(number: int, shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"does not fit|too small"):
        draw_number(np.zeros(shape, np.uint8), number)


@pytest.mark.slow
def test_numbers_survive_4k_to_360p_and_a_hard_encode(tmp_path: Path) -> None:
    """4K H.264, then scaled by six and encoded again at a bit rate that makes mush of the rest."""
    source = make(replace(CLIPS["A001_C001.mp4"], frames=8), tmp_path)
    mush = tmp_path / "mush.mp4"
    with av.open(str(mush), "w") as out:
        stream = out.add_stream("libx264", rate=24, options={"preset": "ultrafast", "crf": "45"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for frame in decoded(source):
            out.mux(stream.encode(frame.reformat(width=640, height=360, format="yuv420p")))
        out.mux(stream.encode(None))
    assert [read_number(luma_of(f)) for f in decoded(mush)] == list(range(8))


@pytest.mark.parametrize("name", CLIPS)
def test_every_frame_carries_its_number(name: str, made: dict[str, Path]) -> None:
    clip = small(CLIPS[name])
    frames = decoded(made[name])
    assert [read_number(luma_of(f), clip.rotation) for f in frames] == list(range(clip.frames))


@pytest.mark.parametrize("name", CLIPS)
def test_a_second_run_makes_the_same_pictures(name: str, made: dict[str, Path], tmp_path: Path) -> None:
    def digest(path: Path) -> str:
        return hashlib.sha256(b"".join(bytes(p) for f in decoded(path) for p in f.planes)).hexdigest()

    assert digest(make(small(CLIPS[name]), tmp_path)) == digest(made[name])


def test_the_scene_moves_and_grain_differs() -> None:
    lumas = [planes[0].astype(int) for planes in pictures(small(CLIPS["A001_C001.mp4"]))]
    for before, after in pairwise(lumas):
        assert 2 < abs(after[40:] - before[40:]).mean() < 40


# -- what each clip promises, as ffprobe sees it -----------------------------------------------------------------------


def probe(ffprobe: Path, path: Path, *more: str) -> dict[str, Any]:
    command = [str(ffprobe), "-v", "error", "-of", "json", "-show_streams", "-show_format", *more, str(path)]
    answer: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return answer


def streams(answer: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [s for s in answer["streams"] if s["codec_type"] == kind]


@pytest.mark.parametrize("name", ["A001_C001.mp4", "A001_C002.mp4"])
def test_camera_files_are_long_gop_with_b_frames(name: str, made: dict[str, Path], ffprobe: Path) -> None:
    answer = probe(ffprobe, made[name], "-show_frames", "-select_streams", "v")
    kinds = [f["pict_type"] for f in answer["frames"]]
    assert kinds.count("I") == 1
    assert "B" in kinds
    assert CLIPS[name].gop >= 48
    assert streams(probe(ffprobe, made[name]), "audio")[0]["codec_name"] == "aac"


def test_the_hevc_file_has_ten_bits_and_hlg(made: dict[str, Path], ffprobe: Path) -> None:
    (video,) = streams(probe(ffprobe, made["B001_C001.mp4"]), "video")
    assert (video["codec_name"], video["pix_fmt"], video["profile"]) == ("hevc", "yuv420p10le", "Main 10")
    assert (video["color_transfer"], video["color_primaries"]) == ("arib-std-b67", "bt2020")


def test_prores_has_timecode_and_four_audio_tracks(made: dict[str, Path], ffprobe: Path) -> None:
    answer = probe(ffprobe, made["C001_C001.mov"])
    (video,) = streams(answer, "video")
    assert (video["codec_name"], video["profile"], video["tags"]["timecode"]) == ("prores", "HQ", "01:00:00:00")
    assert [(a["codec_name"], a["channels"]) for a in streams(answer, "audio")] == [("pcm_s24le", 1)] * 4


def test_the_phone_clip_is_turned_full_range_and_vfr(made: dict[str, Path], ffprobe: Path) -> None:
    answer = probe(ffprobe, made["PHONE_0001.mp4"], "-show_packets")
    (video,) = streams(answer, "video")
    assert [s["rotation"] for s in video["side_data_list"] if "rotation" in s] == [-90]
    assert video["color_range"] == "pc"
    times = [int(p["pts"]) for p in answer["packets"] if p["codec_type"] == "video"]
    assert len({b - a for a, b in pairwise(times)}) > 10
    assert Fraction(video["avg_frame_rate"]) == 30  # the average is the nominal rate, exactly
    assert Fraction(video["duration_ts"] * Fraction(video["time_base"])) == Fraction(int(video["nb_frames"]), 30)


def test_the_news_clip_is_interlaced_top_field_first(made: dict[str, Path], ffprobe: Path) -> None:
    answer = probe(ffprobe, made["NEWS_0001.mxf"], "-show_frames", "-select_streams", "v")
    assert {(f["interlaced_frame"], f["top_field_first"]) for f in answer["frames"]} == {(1, 1)}
    assert streams(answer, "video")[0]["field_order"] == "tt"
    assert answer["format"]["tags"]["timecode"] == "10:00:00:00"


def test_the_fields_are_from_different_moments(tmp_path: Path) -> None:
    clip = replace(CLIPS["NEWS_0001.mxf"], frames=3)
    luma = luma_of(decoded(make(clip, tmp_path))[2]).astype(int)
    scene = Scene(clip.seed, clip.width, clip.height, shift=(1, 0))
    early, late = (scene.planes(t)[0].astype(int) for t in (2, 2.5))
    for lines, same, other in ((slice(180, None, 2), early, late), (slice(181, None, 2), late, early)):
        grey = (same[lines] - 16) * 255 / 219
        assert abs(luma[lines] - grey).mean() < abs(luma[lines] - (other[lines] - 16) * 255 / 219).mean() / 2


def test_the_plate_starts_at_1001_and_is_linear(made: dict[str, Path]) -> None:
    names = sorted(p.name for p in made["plate"].iterdir())
    assert names == [f"plate.{n}.exr" for n in range(1001, 1025)]
    first = decoded(made["plate"])[0]
    assert first.format.name.startswith("gbrpf")  # floating point
    green = np.frombuffer(memoryview(first.reformat(format="gbrpf32le").planes[0]), np.float32)
    assert (green.min(), green.max()) == (0, 1)
    assert 0.1 < np.median(green) < 0.3  # mid grey, 0.45 for display, is linear 0.18


def test_a_beep_sounds_at_every_whole_second(made: dict[str, Path]) -> None:
    with av.open(str(made["C001_C001.mov"])) as container:
        samples = np.concatenate([f.to_ndarray().ravel() for f in container.decode(audio=0)]).astype(float)
    loud = abs(samples) > abs(samples).max() / 4
    for second in range(len(samples) // 48_000):
        assert loud[second * 48_000 : second * 48_000 + 480].any()
        assert not loud[second * 48_000 + 4_800 : (second + 1) * 48_000].any()


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_failed_clip_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(av.FFmpegError):
        make(replace(small(CLIPS["A001_C001.mp4"]), options={"preset": "no such preset"}), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = tmp_path / "PHONE_0001.mp4"
    there.write_bytes(b"mine")
    assert make_media.main(["--only", "PHONE_0001.mp4", "--out", str(tmp_path)]) == 0
    assert there.read_bytes() == b"mine"
    assert "is there" in capsys.readouterr().out
