"""Every frame of every proxy is the right one, and what an editor relies on is kept."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from otio_perf.errors import ContractError, EncodeError
from otio_perf.media.probe import probe
from otio_perf.media.sequences import find
from otio_perf.media.transcode import transcode
from otio_perf.model.recipes import Codec

NTSC = Fraction(30000, 1001)
HDR = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}
HDR10 = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"

X265 = {"preset": "ultrafast", "x265-params": "log-level=error"}

#: What the sources of the matrix are like, as fields of ``Source``.
KINDS: dict[str, dict[str, Any]] = {
    "long GOP": {},
    "10 bit": {
        "codec": "libx265",
        "pixels": "yuv420p10le",
        "options": {"preset": "ultrafast", "x265-params": "log-level=error"},
    },
    "4:4:4": {"pixels": "yuv444p"},
    "odd size": {"codec": "libvpx-vp9", "suffix": ".webm", "size": (321, 181), "options": {"cpu-used": "8"}},
    "full range": {"context": {"color_range": 2}},
    "turned": {"turn": (90, False)},
    "turned and mirrored": {"turn": (270, True)},
    "drop-frame timecode, reel": {"rate": NTSC, "timecode": "01:00:59;20", "reel": "A001_C002"},
    "timecode": {"rate": Fraction(24), "timecode": "09:59:59:20"},
    "anamorphic": {"context": {"sample_aspect_ratio": Fraction(64, 45)}},
    "late start": {"suffix": ".mkv", "start": Fraction(8)},
    "1 fps": {"rate": Fraction(1), "frames": 12},
}
SMALLEST = {Codec.DNXHR_LB: (640, 360)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("codec", list(Codec))
def test_each_frame_is_the_right_one(
    codec: Codec, kind: str, long_gop: Any, variant: Any, source: Any, proxies: Any, numbers: Any
) -> None:
    changes = dict(KINDS[kind])
    if codec in SMALLEST:
        changes["size"] = SMALLEST[codec]
    spec = variant(long_gop, **{"frames": 30, **changes})
    path = source(spec)
    made = proxies(path, codec=codec, rungs=("half", "480x480"))
    assert len(made.paths) == 2
    info = probe(str(path))
    for product in made.result.products:
        assert numbers(Path(product.path)) == list(range(spec.frames))
        found = probe(product.path)
        assert (found.picture.width, found.picture.height) == (product.width, product.height)
        assert found.picture.frame_rate == spec.rate
        assert found.start_timecode == info.start_timecode == spec.timecode
        assert found.reel == spec.reel
        assert found.picture.gop.all_intra
        assert product.size_bytes == Path(product.path).stat().st_size
        wide, high = info.picture.display_size
        wide_now, high_now = found.picture.display_size
        assert wide_now / high_now == pytest.approx(wide / high, rel=0.02)
        assert (found.picture.rotation, found.picture.is_mirrored) == (info.picture.rotation, info.picture.is_mirrored)


@pytest.mark.parametrize("codec", [Codec.H264, Codec.HEVC])
def test_hdr10_keeps_its_tags_in_ten_bits(codec: Codec, new_source: Any, source: Any, proxies: Any, numbers: Any) -> None:
    options = {"preset": "ultrafast", "x265-params": f"log-level=error:{HDR10}"}
    path = source(new_source(codec="libx265", pixels="yuv420p10le", options=options, context=HDR, frames=12))
    info = probe(str(path)).picture
    assert info.mastering_display
    assert info.content_light == "1000,400"
    made = proxies(path, codec=codec)
    found = probe(str(made.paths[0])).picture
    assert found.bit_depth == 10
    assert found.colour == info.colour
    assert found.mastering_display == info.mastering_display
    assert found.content_light == info.content_light
    assert numbers(made.paths[0]) == list(range(12))
    assert any("High 10" in note for note in made.result.notes) == (codec is Codec.H264)


@pytest.mark.parametrize("codec", [Codec.PRORES_PROXY, Codec.DNXHR_LB])
def test_hlg_colour_is_kept_by_intra_codecs(codec: Codec, new_source: Any, source: Any, proxies: Any) -> None:
    context = {"color_primaries": 9, "color_trc": 18, "colorspace": 9, "color_range": 1}
    spec = new_source(codec="libx265", pixels="yuv420p10le", size=(640, 360), options=X265, context=context, frames=6)
    path = source(spec)
    made = proxies(path, codec=codec)
    ours, theirs = probe(str(path)).picture.colour, probe(str(made.paths[0])).picture.colour
    assert (theirs.primaries, theirs.transfer, theirs.matrix) == ("bt2020", "arib-std-b67", "bt2020nc")
    assert theirs.range == ours.range == "tv"
    assert any("bands" in note for note in made.result.notes) == (codec is Codec.DNXHR_LB)


def test_full_range_stays_full_or_becomes_limited_with_a_word(new_source: Any, source: Any, proxies: Any) -> None:
    path = source(new_source(pixels="yuvj420p", frames=8, context={"color_range": 2}, size=(640, 360)))
    for codec, levels in ((Codec.H264, "pc"), (Codec.HEVC, "pc"), (Codec.DNXHR_LB, "pc"), (Codec.PRORES_LT, "tv")):
        made = proxies(path, codec=codec)
        assert probe(str(made.paths[0])).picture.colour.range == levels
        assert any("limited" in note for note in made.result.notes) == (levels == "tv")


def _mean_luma(path: Path) -> float:
    import av
    import numpy as np

    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        gray = frame.reformat(format="gray", dst_color_range=2)
        return float(np.frombuffer(memoryview(gray.planes[0]), np.uint8).mean())


@pytest.mark.parametrize("codec", [Codec.H264, Codec.PRORES_PROXY, Codec.DNXHR_LB])
def test_levels_look_the_same_whatever_the_range(codec: Codec, new_source: Any, source: Any, proxies: Any) -> None:
    """Converted to full range for display, a proxy is as bright as its source: tags and samples agree."""
    for pixels, levels in (("yuvj420p", 2), ("yuv420p", 1)):
        path = source(new_source(pixels=pixels, frames=2, context={"color_range": levels}, size=(640, 360)))
        assert _mean_luma(proxies(path, codec=codec).paths[0]) == pytest.approx(_mean_luma(path), abs=1.5)


# -- fields ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", [Codec.H264, Codec.PRORES_PROXY, Codec.PRORES_LT])
@pytest.mark.parametrize(("first", "order"), [("tff", "tt"), ("bff", "bb")])
def test_interlaced_sources_stay_interlaced(
    codec: Codec, first: str, order: str, new_source: Any, source: Any, proxies: Any, numbers: Any, ffprobe: Path
) -> None:
    """Fields are scaled apart: bright even and dark odd lines stay bright and dark instead of becoming grey."""
    import av
    import numpy as np

    options = {"preset": "ultrafast", "x264-params": f"{first}=1"}
    path = source(new_source(options=options, fields=True, frames=10, size=(320, 240)))
    assert probe(str(path)).picture.field_order == order
    made = proxies(path, codec=codec)
    assert numbers(made.paths[0]) == list(range(10))
    command = [str(ffprobe), "-v", "error", "-select_streams", "v", "-show_entries", "stream=field_order", "-of", "json"]
    said = json.loads(subprocess.run([*command, str(made.paths[0])], capture_output=True, check=True).stdout)
    assert said["streams"][0]["field_order"] == order
    with av.open(str(made.paths[0])) as container:
        frame = next(container.decode(video=0))
        assert frame.interlaced_frame
        plane = frame.planes[0]
        kind = np.uint16 if "10" in frame.format.name else np.uint8
        rows = np.frombuffer(memoryview(plane), kind).reshape(frame.height, -1)[:, : frame.width].mean(axis=1)
        lower = rows[frame.height * 5 // 8 :] / (4 if kind is np.uint16 else 1)
        start = (frame.height * 5 // 8) % 2
        even, odd = lower[start::2], lower[1 - start :: 2]
        assert even.min() > 190
        assert odd.max() < 60


@pytest.mark.parametrize("codec", [Codec.HEVC, Codec.DNXHR_LB])
def test_codecs_without_fields_refuse_interlaced_sources(codec: Codec, new_source: Any, source: Any, proxies: Any) -> None:
    options = {"preset": "ultrafast", "x264-params": "tff=1"}
    path = source(new_source(options=options, fields=True, frames=4, size=(640, 480)))
    with pytest.raises(EncodeError, match=r"interlaced.*--codec h264"):
        proxies(path, codec=codec)


# -- variable rates ----------------------------------------------------------------------------------------------------


def _shown_at(times: tuple[Fraction, ...], rate: Fraction, count: int) -> list[int]:
    """Independent statement of the rule: the frame on screen in the middle of each output frame."""
    return [max(i for i, t in enumerate(times) if t <= (k + Fraction(1, 2)) / rate or i == 0) for k in range(count)]


@pytest.mark.parametrize("rate", [Fraction(25), NTSC, Fraction(60)])
def test_variable_rate_becomes_constant_by_presentation_time(
    rate: Fraction, new_source: Any, new_track: Any, source: Any, proxies: Any, numbers: Any, beeps: Any
) -> None:
    steps = [Fraction(1, 30), Fraction(1, 15), Fraction(1, 24), Fraction(1, 60), Fraction(1, 10)]
    times = [Fraction(0)]
    for number in range(49):
        times.append(times[-1] + steps[number * 7 % 5])
    spec = new_source(
        frames=50, times=tuple(times), suffix=".mp4", rate=Fraction(30), tracks=(new_track(codec="aac", seconds=2.4),)
    )
    path = source(spec)
    info = probe(str(path)).picture
    assert info.is_vfr
    made = proxies(path, rate=rate)
    count = round(info.duration * rate)
    found = numbers(made.paths[0])
    assert len(found) == count
    expected = _shown_at(spec.times, rate, count)
    assert found == expected
    proxy = probe(str(made.paths[0])).picture
    assert not proxy.is_vfr
    assert proxy.frame_rate == rate
    assert beeps(made.paths[0]) == pytest.approx(beeps(path), abs=float(1 / rate / 2))


def test_jitter_of_a_millisecond_neither_repeats_nor_drops(new_source: Any, source: Any, proxies: Any, numbers: Any) -> None:
    jitter = [Fraction(n * 13 % 7 - 3, 3000) for n in range(60)]
    times = tuple(max(Fraction(0), Fraction(n, 25) + j) for n, j in enumerate(jitter))
    path = source(new_source(frames=60, times=times, suffix=".mkv"))
    made = proxies(path, rate=Fraction(25))
    assert numbers(made.paths[0]) == list(range(60))


# -- used ranges -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".ts"])
def test_used_ranges_of_open_gops_are_exact(
    suffix: str, long_gop: Any, new_track: Any, variant: Any, source: Any, proxies: Any, numbers: Any, beeps: Any
) -> None:
    """Ranges that begin before, on and after keyframes and on leading B-frames; near and far apart; two rungs each."""
    codec = "pcm_s16le" if suffix == ".mov" else "aac"
    spec = variant(long_gop, frames=200, suffix=suffix, tracks=(new_track(codec=codec),), timecode=None, beep_every=10)
    path = source(spec)
    ranges = ((0, 5), (11, 14), (60, 73), (119, 121), (157, 200))
    made = proxies(path, ranges=ranges, rungs=("half", "180p"))
    assert made.task.total == sum(stop - start for start, stop in ranges)
    assert len(made.paths) == 10
    for product in made.result.products:
        wanted = product.source_range
        assert numbers(Path(product.path)) == list(range(wanted.start, wanted.stop))
        info = probe(product.path)
        assert float(info.audio[0].duration) == pytest.approx(len(wanted) / 25, abs=0.002)
        expected = [(beep - wanted.start) / 25 for beep in range(0, 200, 10) if wanted.start <= beep < wanted.stop]
        assert beeps(Path(product.path)) == pytest.approx(expected, abs=0.02)


def test_timecode_of_a_used_range_is_shifted(new_source: Any, source: Any, proxies: Any) -> None:
    path = source(new_source(rate=NTSC, timecode="01:00:59;20", frames=40))
    made = proxies(path, ranges=((0, 8), (8, 20), (20, 40)))
    labels = [probe(product.path).start_timecode for product in made.result.products]
    assert labels == ["01:00:59;20", "01:00:59;28", "01:01:00;12"]


def test_ranges_of_variable_rate_sources(new_source: Any, source: Any, proxies: Any, numbers: Any) -> None:
    steps = [Fraction(1, 30), Fraction(1, 15), Fraction(1, 24)]
    times = [Fraction(0)]
    for number in range(219):
        times.append(times[-1] + steps[number % 3])
    spec = new_source(frames=220, times=tuple(times), suffix=".mp4", rate=Fraction(30), options={"g": "15", "bf": "2"})
    path = source(spec)
    info = probe(str(path)).picture
    count = round(info.duration * 25)
    expected = _shown_at(spec.times, Fraction(25), count)
    ranges = ((0, 7), (100, 110), (count - 9, count))
    made = proxies(path, ranges=ranges, rate=Fraction(25))
    for product in made.result.products:
        wanted = product.source_range
        assert numbers(Path(product.path)) == expected[wanted.start : wanted.stop]


# -- alpha -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("codec", "pixels"), [("qtrle", "argb"), ("png", "rgba"), ("prores_ks", "yuva444p10le")])
def test_alpha_is_kept_or_refused(codec: str, pixels: str, new_source: Any, source: Any, proxies: Any, numbers: Any) -> None:
    import av
    import numpy as np

    path = source(new_source(codec=codec, pixels=pixels, options={}, frames=5, is_transparent=True))
    for other in (Codec.H264, Codec.PRORES_PROXY):
        with pytest.raises(ContractError, match=r"transparent.*--codec prores_4444"):
            proxies(path, codec=other)
    made = proxies(path, codec=Codec.PRORES_4444)
    assert numbers(made.paths[0]) == list(range(5))
    with av.open(str(made.paths[0])) as container:
        alpha = next(container.decode(video=0)).reformat(format="yuva420p").planes[3]
        samples = np.frombuffer(memoryview(alpha), np.uint8).reshape(alpha.height, alpha.line_size)[:, : alpha.width]
        assert samples[: alpha.height // 2 - 2].min() == 255
        assert samples[alpha.height // 2 + 2 :].mean() == pytest.approx(100, abs=1.5)


def test_an_opaque_alpha_channel_is_left_out(new_source: Any, source: Any, proxies: Any, numbers: Any) -> None:
    made = proxies(source(new_source(codec="qtrle", pixels="argb", options={}, frames=5)), codec=Codec.H264)
    assert numbers(made.paths[0]) == list(range(5))
    assert any("opaque" in note for note in made.result.notes)


# -- pictures ----------------------------------------------------------------------------------------------------------


def test_sequences_and_stills(tmp_path: Path, source: Any, new_source: Any, proxies: Any, numbers: Any) -> None:
    import av

    with av.open(str(source(new_source(frames=20)))) as movie:
        for number, frame in enumerate(movie.decode(video=0)):
            frame.save(str(tmp_path / f"shot.{number + 997:04d}.png"))
    sequence = find(str(tmp_path / "shot.1003.png"))
    assert sequence
    whole, part = proxies(sequence), proxies(sequence, ranges=((3, 9), (15, 20)))
    assert numbers(whole.paths[0]) == list(range(20))
    assert [numbers(path) for path in part.paths] == [list(range(3, 9)), list(range(15, 20))]
    still = tmp_path / "a%d still.png"
    still.write_bytes((tmp_path / "shot.1000.png").read_bytes())
    assert numbers(proxies(still).paths[0]) == [3]


# -- sound -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
@pytest.mark.parametrize("codec", ["pcm_s16le", "aac", "flac", "libopus"])
def test_every_track_is_kept_in_sync(
    codec: str, suffix: str, new_source: Any, new_track: Any, source: Any, proxies: Any, beeps: Any
) -> None:
    """Four tracks: mono, stereo, 5.1, one that starts late and ends early, one that is longer than the picture."""
    if (codec, suffix) in (("flac", ".mov"), ("libopus", ".mov")):
        pytest.skip("QuickTime does not hold it")
    tracks = (
        new_track(codec=codec, layout="mono", language="deu"),
        new_track(codec=codec, layout="stereo", start=0.52, seconds=0.9),
        new_track(codec=codec, layout="5.1"),
        new_track(codec=codec, layout="stereo", seconds=3.5, language="fra"),
    )
    path = source(new_source(frames=60, suffix=suffix, tracks=tracks, beep_every=10))
    ours = probe(str(path))
    made = proxies(path)
    theirs = probe(str(made.paths[0]))
    assert [a.layout for a in theirs.audio] == [a.layout for a in ours.audio]
    assert [a.language for a in theirs.audio] == [a.language for a in ours.audio]
    for number in range(4):
        heard = beeps(path, number)
        assert heard
        assert beeps(made.paths[0], number) == pytest.approx(heard, abs=0.5 / 25)


def test_sound_follows_a_picture_that_starts_late(
    new_source: Any, new_track: Any, source: Any, proxies: Any, beeps: Any
) -> None:
    for codec in ("aac", "libopus"):
        path = source(new_source(suffix=".mkv", start=Fraction(10), tracks=(new_track(codec=codec),), frames=60))
        assert beeps(proxies(path).paths[0]) == pytest.approx([0, 1, 2], abs=0.02)


# -- what others say ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", list(Codec))
def test_ffmpeg_reads_the_same(codec: Codec, new_source: Any, new_track: Any, source: Any, proxies: Any, ffprobe: Path) -> None:
    spec = new_source(
        size=(640, 360),
        rate=NTSC,
        frames=20,
        timecode="00:59:59;28",
        reel="A001",
        turn=(90, False),
        context={"color_primaries": 1, "color_trc": 1, "colorspace": 1, "color_range": 1},
        tracks=(new_track(), new_track(layout="5.1")),
    )
    made = proxies(source(spec), codec=codec)
    command = [str(ffprobe), "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(made.paths[0])]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stderr == ""
    streams = json.loads(done.stdout)["streams"]
    video, stereo, surround, timecode = streams
    assert video["nb_read_frames"] == "20"
    assert video["r_frame_rate"] == video["avg_frame_rate"] == "30000/1001"
    assert float(video["start_time"]) == 0
    assert (video["color_primaries"], video["color_transfer"], video["color_space"]) == ("bt709",) * 3
    assert video["side_data_list"][0]["rotation"] == 90
    assert timecode["tags"]["timecode"] == "00:59:59;28"
    assert timecode["tags"]["reel_name"] == "A001"
    assert (stereo["channel_layout"], surround["channel_layout"]) == ("stereo", "5.1")


def test_quality_is_monotone(source: Any, long_gop: Any, proxies: Any) -> None:
    path = source(long_gop)
    for codec in (Codec.H264, Codec.HEVC, Codec.PRORES_PROXY, Codec.PRORES_LT, Codec.PRORES_4444):
        sizes = [
            proxies(path, codec=codec, quality=q, ranges=((0, 6),)).result.products[0].size_bytes for q in (0, 30, 60, 80, 100)
        ]
        assert sizes == sorted(set(sizes)), codec


def test_progress_counts_every_frame_and_cores_do_not_matter(
    source: Any, long_gop: Any, new_plan: Callable[..., Any], tmp_path: Path, numbers: Any
) -> None:
    for cores in (1, 2, 9):
        folder = tmp_path / str(cores)
        folder.mkdir()
        task = replace(new_plan(source(long_gop), folder), cores=cores)
        seen: list[int] = []
        made = transcode(task, progress=seen.append, cancelled=lambda: False)
        assert seen == sorted(seen)
        assert seen[-1] == task.total == 60
        assert numbers(Path(made.products[0].path)) == list(range(60))


@pytest.mark.parametrize("codec", [Codec.PRORES_PROXY, Codec.DNXHR_LB])
def test_hdr10_tags_of_codecs_without_a_place_for_them(
    codec: Codec, new_source: Any, new_track: Any, source: Any, proxies: Any
) -> None:
    options = {"preset": "ultrafast", "x265-params": f"log-level=error:{HDR10}"}
    spec = new_source(
        codec="libx265", pixels="yuv420p10le", size=(640, 360), options=options, context=HDR, frames=6, tracks=(new_track(),)
    )
    path = source(spec)
    ours, theirs = probe(str(path)).picture, probe(str(proxies(path, codec=codec).paths[0])).picture
    assert theirs.mastering_display == ours.mastering_display
    assert theirs.content_light == ours.content_light


# -- hardware ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_device() -> None:
    """The rows for NVIDIA are in this build of FFmpeg, and cannot open: there is no such device."""
    from otio_perf.media import hardware

    if any(finding.works for finding in hardware.findings()):
        pytest.skip("DEVICE: there is one here")
    if "h264_nvenc" not in av.codecs_available:
        pytest.skip("NO NVENC in this build of FFmpeg")


@pytest.mark.parametrize("name", ["h264_nvenc", "h264 on cuda"])
def test_software_takes_over_where_hardware_fails(
    name: str, no_device: None, source: Any, new_source: Any, new_plan: Any, numbers: Any, tmp_path: Path
) -> None:
    """What passed its self-test can still refuse a job (sessions are limited): the proxy is made all the same."""
    task = replace(new_plan(source(new_source(frames=12)), tmp_path), hardware=(name,))
    made = transcode(task, progress=lambda done: None, cancelled=lambda: False)
    assert numbers(Path(made.products[0].path)) == list(range(12))
    assert any(note.startswith("made in software") for note in made.notes)
    assert not list(tmp_path.glob("*part*"))


def test_a_task_that_names_no_hardware_asks_for_none(source: Any, new_source: Any, new_plan: Any, tmp_path: Path) -> None:
    made = transcode(new_plan(source(new_source(frames=12)), tmp_path), progress=lambda done: None, cancelled=lambda: False)
    assert made.notes == ()


@pytest.mark.parametrize("hardware", [("h264_qsv", "h264_nvenc", "hevc on cuda"), ("hevc on cuda", "h264_nvenc", "h264_qsv")])
def test_the_same_findings_give_the_same_engine(
    hardware: tuple[str, ...], source: Any, new_source: Any, new_plan: Any, tmp_path: Path
) -> None:
    from otio_perf.media import engine

    task = replace(new_plan(source(new_source(frames=12)), tmp_path), hardware=hardware)
    chosen = engine.best(task)
    assert chosen.encodings[Codec.H264].encoder == "h264_nvenc"  # the table's order, not the findings'
    assert chosen.hwaccel is None  # the source is H.264, and only HEVC passed


@pytest.mark.parametrize(
    ("codec", "changes"),
    [
        (Codec.H264, {"fields": True, "options": {"preset": "ultrafast", "flags": "+ildct+ilme", "x264-params": "tff=1"}}),
        (Codec.PRORES_PROXY, {}),
    ],
)
def test_what_hardware_cannot_keep_stays_in_software(
    codec: Codec, changes: dict[str, Any], source: Any, new_source: Any, new_plan: Any, tmp_path: Path
) -> None:
    from otio_perf.media import engine

    task = new_plan(source(new_source(frames=12, **changes)), tmp_path, codec=codec)
    chosen = engine.best(replace(task, hardware=("h264_nvenc", "hevc_nvenc", "hevc on cuda")))
    assert chosen.encodings == engine.software(task).encodings
    assert not chosen.has_hardware
