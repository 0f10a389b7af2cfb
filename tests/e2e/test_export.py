"""``otio-perf render`` as a user runs it: every frame proven by the number in it, every packet and sample counted."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
import pytest
from exact_colours import cells, pictures, psnr

from sample_timelines.make_media import CLIPS, make, read_number

Command = Callable[..., "subprocess.CompletedProcess[str]"]
Time = otio.opentime.RationalTime
ROOT = Path(__file__).parent.parent.parent
SIZE = (384, 216)
BT709 = {"color_primaries": 1, "color_trc": 1, "colorspace": 1, "color_range": 1}
PRORES, DNXHR = ("prores_ks", "yuv422p10le", {"profile": "2", "vendor": "apl0"}), ("dnxhd", "yuv422p", {"profile": "dnxhr_sq"})


def span(start: float, frames: float, rate: float = 24) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(Time(start, rate), Time(frames, rate))


def clip(name: str, start: int, frames: int, effect: str | None = None, **values: Any) -> otio.schema.Clip:
    made = otio.schema.Clip(name, otio.schema.ExternalReference(f"media/{name}"), span(start, frames))
    if effect is not None:
        made.effects.append(otio.schema.Effect(name=effect, effect_name=effect, metadata={"otio_perf": values}))
    return made


def graded(name: str, start: int, frames: int, stops: float = 0.15) -> otio.schema.Clip:
    return clip(name, start, frames, "exposure", stops=stops)


def edit(*clips: otio.schema.Clip, sound: tuple[otio.schema.Clip, ...] = ()) -> otio.schema.Timeline:
    timeline = otio.schema.Timeline("cut", global_start_time=Time(86400, 24))
    for kind, items in (("Video", clips), ("Audio", sound)):
        if items:
            track = otio.schema.Track(kind, kind=kind)
            track.extend([c.clone() for c in items])
            timeline.tracks.append(track)
    return timeline


A, B = "A001_C001.mp4", "A001_C002.mp4"
CUT = edit(graded(A, 10, 50), clip(B, 5, 20), sound=(clip(A, 10, 50), clip(B, 5, 20)))
SHOWN = [*range(10, 60), *range(5, 25)]


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with media of 120 numbered frames at 24: two of H.264 with sound, one of ProRes, one of DNxHR."""
    folder = tmp_path_factory.mktemp("stock")
    for name in (A, B):
        make(replace(CLIPS[name], width=SIZE[0], height=SIZE[1], bit_rate=2_000_000), folder / "media")
    for name, (codec, pixels, options) in (("P.mov", PRORES), ("D.mov", DNXHR)):
        with av.open(str(folder / "media" / A)) as source, av.open(str(folder / "media" / name), "w") as target:
            stream = target.add_stream(codec, rate=24, options=options)
            context = stream.codec_context
            context.width, context.height, context.pix_fmt = *SIZE, pixels
            for field, value in BT709.items():
                setattr(context, field, value)
            for number, frame in enumerate(source.decode(video=0)):
                copy = frame.reformat(format=pixels)
                copy.pts, copy.time_base = number, Fraction(1, 24)
                target.mux(stream.encode(copy))
            target.mux(stream.encode(None))
    return folder


class Room:
    """A folder with the stock's media in which timelines are rendered."""

    def __init__(self, folder: Path, otio_perf: Command) -> None:
        self.folder, self.otio_perf = folder, otio_perf

    def run(self, timeline: otio.schema.Timeline, output: str, *words: str) -> subprocess.CompletedProcess[str]:
        otio.adapters.write_to_file(timeline, str(self.folder / "cut.otio"))
        done = self.otio_perf("render", "cut.otio", "-o", output, *words, cwd=self.folder)
        assert "Traceback" not in done.stderr
        return done

    def render(self, timeline: otio.schema.Timeline, output: str, *words: str, code: int = 0) -> dict[str, Any]:
        done = self.run(timeline, output, "--json", "-", *words)
        assert done.returncode == code, done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def numbers(self, name: str) -> list[int]:
        with av.open(str(self.folder / name)) as container:
            return [read_number(frame.reformat(format="gray").to_ndarray()) for frame in container.decode(video=0)]

    def packets(self, name: str) -> list[bytes]:
        with av.open(str(self.folder / name)) as container:
            return [bytes(packet) for packet in container.demux(container.streams.video[0]) if packet.size]

    def tag(self, name: str) -> str:
        """What QuickTime calls its pictures."""
        with av.open(str(self.folder / name)) as container:
            return container.streams.video[0].codec_context.codec_tag

    def sound(self, name: str) -> Any:
        with av.open(str(self.folder / name)) as container:
            frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
            kind = container.streams.audio[0].codec_context.format
            channels = container.streams.audio[0].codec_context.layout.nb_channels
        if kind.is_planar:
            return np.concatenate(frames, axis=1).T
        whole = np.concatenate(frames, axis=1).reshape(-1, channels)
        return whole / np.iinfo(whole.dtype).max if whole.dtype.kind == "i" else whole

    @property
    def chunks(self) -> Path:
        return self.folder / ".otio_perf" / "renders" / "chunks"

    def rendered(self) -> int:
        """Frames in the pieces that are there."""
        return sum(len(self.packets(str(path))) for path in self.chunks.glob("[!.]*.mov"))


@pytest.fixture
def room(stock: Path, tmp_path: Path, otio_perf: Command) -> Room:
    return Room(Path(shutil.copytree(stock, tmp_path / "film")), otio_perf)


def probed(ffprobe: Path, path: Path) -> dict[str, Any]:
    asked = [ffprobe, "-v", "error", "-count_frames", "-show_streams", "-of", "json", path]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    streams = json.loads(done.stdout)["streams"]
    return {stream["codec_type"]: stream for stream in reversed(streams)}


# ---- what is in the movie


@pytest.mark.parametrize(
    ("output", "words", "codec", "sound"),
    [
        ("out.mov", (), "prores", "pcm_s24le"),
        ("out.mp4", (), "h264", "aac"),
        ("out.mkv", (), "h264", "pcm_s24le"),
        ("hevc.mov", ("--codec", "hevc"), "hevc", "pcm_s24le"),
        ("dnx.mov", ("--codec", "dnxhr_hq"), "dnxhd", "pcm_s24le"),
        ("intra.mp4", ("--codec", "h264-intra"), "h264", "aac"),
        ("proxy.mkv", ("--codec", "prores_proxy"), "prores", "pcm_s24le"),
    ],
)
def test_every_frame_and_every_sample(
    output: str, words: tuple[str, ...], codec: str, sound: str, room: Room, ffprobe: Path
) -> None:
    answer = room.render(CUT, output, *words)
    assert (answer["written"], answer["new"], answer["frames"], answer["rendered_frames"]) == (True, True, 70, 70)
    assert room.numbers(output) == SHOWN
    streams = probed(ffprobe, room.folder / output)
    video, audio = streams["video"], streams["audio"]
    assert (video["codec_name"], video["nb_read_frames"], video["r_frame_rate"]) == (codec, "70", "24/1")
    tags = {name.lower(): value for name, value in video["tags"].items()}
    assert (tags["timecode"], video["color_space"], video["color_range"]) == ("01:00:00:00", "bt709", "tv")
    assert (audio["codec_name"], audio["sample_rate"], audio["channels"]) == (sound, "48000", 2)
    assert float(video["start_time"]) == float(audio["start_time"]) == 0
    if not output.endswith(".mkv"):  # which has no lengths of tracks
        assert (int(audio["duration_ts"]), audio["time_base"]) == (70 * 2000, "1/48000")
    found = room.sound(output)
    assert answer["sound"]["samples"] == 140_000
    assert len(found) - 140_000 in ((0,) if sound != "aac" else range(1024))  # FFmpeg decodes what fills the last AAC frame
    with av.open(str(room.folder / "media" / A)) as source:
        samples = np.concatenate([frame.to_ndarray() for frame in source.decode(audio=0)], axis=1).T
    first = round(10 / 24 * 48000)
    error = np.abs(found[1000:90_000] - samples[first + 1000 : first + 90_000]).max()
    assert error < (1e-6 if sound != "aac" else 0.05), error


def test_melt_opens_it(room: Room, melted_by: Callable[..., None]) -> None:
    if shutil.which("melt") is None:
        pytest.skip("MELT: not installed here")
    room.render(CUT, "out.mp4")
    target = "avformat:melted.mkv"
    melted_by(["melt", "out.mp4", "-consumer", target, "vcodec=ffv1", "pix_fmt=yuv420p", "an=1"], cwd=room.folder)
    assert room.numbers("melted.mkv")[:70] == SHOWN


def test_the_pictures_are_those_that_frame_renders(room: Room) -> None:
    """Every frame, against the uncached compositor; found: 44.5 dB and more, of ProRes 422 at quality 100 (37.6 at 80: it
    leaves out the grain that these media have)."""
    room.render(CUT, "out.mov", "--quality", "100", "--audio", "none")
    done = room.otio_perf("frame", "cut.otio", *range(70), "-o", "all.png", cwd=room.folder)
    assert done.returncode == 0, done.stderr
    wanted = cells(room.folder / "all.png", 70, SIZE)
    for number, (one, other) in enumerate(zip(pictures(room.folder / "out.mov"), wanted, strict=True)):
        assert psnr(one, other) > 43.5, number
        assert np.abs((one - other).mean((0, 1))).max() < 0.2, number  # nothing is brighter, or of another colour


@pytest.mark.parametrize(
    ("size", "expected", "said"),
    [("half", (192, 108), ""), ("108p", (192, 108), ""), ("161x91", (160, 90), "161x90.562"), ("quarter", (96, 54), "")],
)
def test_a_movie_of_another_size(size: str, expected: tuple[int, int], said: str, room: Room) -> None:
    """The whole picture, smaller; what does not come out even is rounded, and that is said."""
    answer = room.render(CUT, "out.mov", "--range", "4-10", "--size", size, "--audio", "none")
    assert ((answer["width"], answer["height"]), answer["rendered_frames"]) == (expected, 6)
    with av.open(str(room.folder / "out.mov")) as movie:
        frames = [frame.reformat(format="gray").to_ndarray() for frame in movie.decode(video=0)]
    assert {frame.shape for frame in frames} == {expected[::-1]}
    with av.open(str(room.folder / "media" / A)) as source:
        whole = [f.reformat(*expected, format="gray").to_ndarray().astype(float) for f in source.decode(video=0)][14:20]
    for one, other in zip(frames, whole, strict=True):
        brightness = one.mean() / other.mean()
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.9
        assert 1.0 < brightness < 1.2  # it is graded by 0.15 stops
    notes = [note for note in answer["notices"] if "even numbers" in note]
    assert bool(notes) is bool(said)
    assert all(f"the movie is {expected[0]}x{expected[1]}: {said} is rounded" in note for note in notes)


def test_a_part_of_it(room: Room) -> None:
    answer = room.render(CUT, "out.mov", "--range", "01:00:01:00-60", "--audio", "none", "--codec", "prores_proxy")
    assert (answer["start"], answer["stop"], answer["start_timecode"], answer["sound"]) == (24, 60, "01:00:01:00", None)
    assert room.numbers("out.mov") == SHOWN[24:60]
    with av.open(str(room.folder / "out.mov")) as movie:
        assert not movie.streams.audio
    heard = room.render(CUT, "part.mov", "--range", "1s-60", "--codec", "prores_proxy")
    assert (heard["rendered_frames"], heard["sound"]["samples"]) == (0, 72_000)
    whole = room.render(CUT, "whole.mov", "--codec", "prores_proxy")
    assert whole["reused_frames"] == 12  # source frames 48 to 59; the chunks before and after were cut
    error = np.abs(room.sound("whole.mov")[48_000:120_000] - room.sound("part.mov")).max()
    assert error < 0.02, error  # AAC's noise (PNS) is drawn anew where decoding begins elsewhere


def raw(ffmpeg: Path, path: Path, pixels: str) -> Any:
    """Pictures as another program decodes them, in planes of 4:4:4: frames, planes, rows, columns."""
    asked = [str(ffmpeg), "-v", "error", "-i", str(path), "-map", "0:v", "-f", "rawvideo", "-pix_fmt", pixels, "-"]
    done = subprocess.run(asked, capture_output=True, check=True)
    assert done.stderr == b""
    return np.frombuffer(done.stdout, np.uint16).reshape(-1, len(pixels.partition("4")[0]), SIZE[1], SIZE[0])


@pytest.mark.parametrize("output", ["out.mov", pytest.param("out.mkv", marks=pytest.mark.slow)])
def test_alpha_is_kept_where_it_is_asked_for(output: str, room: Room, ffmpeg: Path, ffprobe: Path) -> None:
    """A crop of 96 columns, then half of it seen, then a gap, then the whole frame: the values of the alpha plane are known."""
    faded = clip(A, 6, 6, "opacity", opacity=0.5)
    cut = edit(clip(A, 0, 6, "crop", left=96.0), faded, otio.schema.Gap(source_range=span(0, 3)), clip(A, 12, 3))
    answer = room.render(cut, output, "--alpha", "keep", "--audio", "none")
    assert (answer["codec"], answer["alpha"], answer["written"]) == ("prores_4444", True, True)
    video = probed(ffprobe, room.folder / output)["video"]
    assert (video["pix_fmt"][:8], video["profile"]) == ("yuva444p", "4444")
    found = raw(ffmpeg, room.folder / output, "yuva444p16le")
    alpha = found[:, 3] / 65535
    assert len(alpha) == 18
    assert not alpha[:6, :, :95].any()
    assert (alpha[:6, :, 97:] == 1).all()
    assert np.abs(alpha[6:12] - 0.5).max() < 0.002
    assert not alpha[12:15].any()
    assert (alpha[15:] == 1).all()
    seen = [read_number((found[i, 0] >> 8).astype(np.uint8)) for i in (*range(6, 12), *range(15, 18))]
    assert seen == list(range(6, 15))  # straight: what is half transparent is as bright as what is not
    black = room.render(cut, output, "--codec", "prores_4444", "--audio", "none")
    assert (black["codec"], black["alpha"], black["rendered_frames"]) == ("prores_4444", False, 18)
    assert probed(ffprobe, room.folder / output)["video"]["pix_fmt"].startswith("yuv444p")
    opaque = raw(ffmpeg, room.folder / output, "yuv444p16le")[:, 0] / 257
    assert np.abs(opaque[12:15] - 16).max() < 1


# ---- what is rendered again


def test_a_second_run_does_nothing_and_an_edit_costs_what_it_changed(room: Room) -> None:
    room.render(CUT, "out.mov")
    before = (room.folder / "out.mov").stat().st_mtime_ns
    again = room.render(CUT, "out.mov")
    assert (again["rendered_frames"], again["new"], again["written"]) == (0, False, True)
    assert (room.folder / "out.mov").stat().st_mtime_ns == before
    trimmed = edit(graded(A, 11, 49), clip(B, 5, 20), sound=(clip(A, 11, 49), clip(B, 5, 20)))
    answer = room.render(trimmed, "out.mov")
    assert (answer["rendered_frames"], answer["reused_frames"], answer["new"]) == (13, 56, True)  # 11 to 23
    assert room.numbers("out.mov") == SHOWN[1:]
    quieter = trimmed.clone()
    metadata = {"otio_perf": {"decibels": -6.0}}
    quieter.tracks[1][0].effects.append(otio.schema.Effect(name="volume", effect_name="volume", metadata=metadata))
    answer = room.render(quieter, "out.mov")
    assert (answer["rendered_frames"], answer["new"]) == (0, True)  # the sound is another


def test_a_movie_needs_its_pieces_no_more(room: Room) -> None:
    room.render(CUT, "out.mov")
    cleared = room.otio_perf("cache", "clear", "renders", cwd=room.folder)
    assert (cleared.returncode, room.rendered()) == (0, 0), cleared.stderr
    answer = room.render(CUT, "out.mov")
    assert (answer["rendered_frames"], answer["new"], answer["written"]) == (0, False, True)
    assert room.rendered() == 0


def test_no_piece_and_no_proxy_is_written_over(room: Room) -> None:
    room.render(CUT, "out.mov", "--range", "0-24")
    piece = next(iter(room.chunks.glob("[!.]*.mov")))
    before = piece.read_bytes()
    done = room.run(CUT, str(piece))
    assert (done.returncode, piece.read_bytes()) == (2, before)
    assert "no movie that was made by otio-perf" in done.stderr


def test_a_movie_that_was_cut_off_is_written_again(room: Room) -> None:
    room.render(CUT, "out.mp4", "--range", "0-24")
    path = room.folder / "out.mp4"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])  # its index comes first, and speaks of pictures that are not there
    answer = room.render(CUT, "out.mp4", "--range", "0-24")
    assert (answer["rendered_frames"], answer["new"], answer["size_bytes"]) == (0, True, len(whole))
    assert room.numbers("out.mp4") == SHOWN[:24]


def test_prerendered_chunks_are_taken(room: Room) -> None:
    otio.adapters.write_to_file(CUT, str(room.folder / "cut.otio"))
    done = room.otio_perf("prerender", "cut.otio", "-o", "pre.otio", "--prerender", "all", cwd=room.folder)
    assert done.returncode == 0, done.stderr
    answer = room.render(CUT, "out.mov")
    assert (answer["reused_frames"], answer["rendered_frames"]) == (50, 20)
    (region,) = room.chunks.parent.glob("cut*.mov")
    assert room.packets("out.mov")[:50] == room.packets(str(region))
    assert room.otio_perf("cache", "clear", "renders", "--force", cwd=room.folder).returncode == 0
    assert room.render(CUT, "cold.mov")["rendered_frames"] == 70
    assert (room.folder / "cold.mov").read_bytes() == (room.folder / "out.mov").read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_movie_beside_melts_own(tmp_path: Path) -> None:
    """Every frame of a timeline of several effects: ``benchmarks/export_errors.py`` says how near it has to be, and why."""
    if shutil.which("melt") is None:
        pytest.skip("MELT: not installed here")
    asked = [sys.executable, "benchmarks/export_errors.py", "--json", str(tmp_path / "found.json")]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    beside = json.loads((tmp_path / "found.json").read_text())["beside"]
    assert {who: sum(row["stop"] - row["start"] for row in rows) for who, rows in beside.items()} == {
        "melt": 130,
        "definitions": 130,
    }


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), getattr(signal, "SIGKILL", signal.SIGTERM)]
)
def test_what_was_interrupted_goes_on(number: int, room: Room, home: dict[str, str]) -> None:
    otio.adapters.write_to_file(CUT, str(room.folder / "cut.otio"))
    running = subprocess.Popen(
        [sys.executable, "-m", "otio_perf", "render", "cut.otio", "-o", "out.mov", "--codec", "prores_4444"],
        cwd=room.folder,
        env={**home, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(1200):
        if list(room.chunks.glob("[!.]*.mov")) or running.poll() is not None:
            break
        time.sleep(0.02)
    running.send_signal(number)
    running.wait(timeout=30)
    assert running.returncode == (130 if number == signal.SIGINT else -number)
    assert not (room.folder / "out.mov").exists()
    time.sleep(1)  # orphaned workers notice that they are alone
    before = room.rendered()
    assert 0 < before < 70
    answer = room.render(CUT, "out.mov", "--codec", "prores_4444")
    assert answer["rendered_frames"] <= 70
    assert room.rendered() == 70
    assert room.numbers("out.mov") == SHOWN
    assert not list(room.folder.glob(".*.part.*"))


# ---- what is copied


@pytest.mark.parametrize(
    ("name", "output", "words"),
    [("P.mov", "out.mov", ()), pytest.param("D.mov", "out.mov", ("--codec", "dnxhr_sq"), marks=pytest.mark.slow)],
)
def test_untouched_clips_of_intra_codecs_are_copied(name: str, output: str, words: tuple[str, ...], room: Room) -> None:
    cut = edit(clip(name, 7, 40), graded(name, 30, 20), clip(name, 101, 19))
    answer = room.render(cut, output, *words)
    assert (answer["copied_frames"], answer["rendered_frames"], answer["pieces"]) == (59, 20, answer["pieces"])
    assert room.numbers(output) == [*range(7, 47), *range(30, 50), *range(101, 120)]
    source, movie = room.packets(f"media/{name}"), room.packets(output)
    assert room.tag(output) == room.tag(f"media/{name}")
    assert movie[:40] == source[7:47]
    assert movie[60:] == source[101:120]
    none = room.render(cut, "none.mov", *words, "--no-pass-through")
    assert none["copied_frames"] == 0
    assert not set(room.packets("none.mov")) & set(source)


def test_h264_is_copied_by_closed_gops_and_every_reader_sees_each_frame(
    room: Room, ffmpeg: Path, melted_by: Callable[..., None]
) -> None:
    with av.open(str(room.folder / "media" / A)) as source:
        keys = [n for n, p in enumerate(p for p in source.demux(source.streams.video[0]) if p.size) if p.is_keyframe]
    assert keys == [0, 60]
    cut = edit(clip(A, 7, 113), graded(A, 30, 20), clip(A, 0, 90))
    wanted = [*range(7, 120), *range(30, 50), *range(90)]
    answer = room.render(cut, "out.mp4")
    assert (answer["copied_frames"], answer["rendered_frames"]) == (60 + 60, 53 + 20 + 30)
    movie, packets = room.packets("out.mp4"), set(room.packets(f"media/{A}"))
    assert sum(packet in packets for packet in movie) == 120
    assert room.numbers("out.mp4") == wanted
    size = ["-f", "rawvideo", "-pix_fmt", "gray", "-vsync", "passthrough", "-"]
    asked = [ffmpeg, "-v", "error", "-i", room.folder / "out.mp4", "-map", "0:v", *size]
    raw = subprocess.run(asked, capture_output=True, check=True)
    assert raw.stderr in (b"", b"-vsync is deprecated. Use -fps_mode\n")
    pictures = np.frombuffer(raw.stdout, np.uint8).reshape(-1, SIZE[1], SIZE[0])
    assert [read_number(picture) for picture in pictures] == wanted
    for at in (0, 53, 100, 113, 140, 200):  # also where a player jumps to
        with av.open(str(room.folder / "out.mp4")) as container:
            stream = container.streams.video[0]
            assert stream.time_base is not None
            container.seek(int(at / 24 / stream.time_base), stream=stream)
            frames = ((round(f.pts * stream.time_base * 24), f) for f in container.decode(stream) if f.pts is not None)
            frame = next(frame for number, frame in frames if number == at)
            assert read_number(frame.reformat(format="gray").to_ndarray()) == wanted[at]
    if shutil.which("melt") is None:
        pytest.skip("MELT: not installed here")
    melted_by(
        ["melt", "out.mp4", "-consumer", "avformat:melted.mkv", "vcodec=ffv1", "pix_fmt=yuv420p", "an=1"], cwd=room.folder
    )
    assert room.numbers("melted.mkv")[: len(wanted)] == wanted


X265 = "log-level=error:keyint=24:min-keyint=24:scenecut=0:open-gop=0"
TAGGED = "-color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv"


def again(ffmpeg: Path, source: Path, path: Path, options: str) -> None:
    """The pictures of ``source`` by another encoder."""
    asked = [str(ffmpeg), "-v", "error", "-i", str(source), "-an", *options.split(), *TAGGED.split(), str(path)]
    subprocess.run(asked, check=True)


def test_hevc_is_copied_by_closed_gops_and_what_is_not_is_told(room: Room, ffmpeg: Path, ffprobe: Path) -> None:
    path = room.folder / "media" / "H.mp4"
    again(ffmpeg, room.folder / "media" / A, path, "-c:v libx265 -tag:v hev1 -x265-params " + X265)
    cut = edit(clip("H.mp4", 10, 80), graded("H.mp4", 30, 20), clip("H.mp4", 96, 24), clip(A, 0, 5))
    wanted = [*range(10, 90), *range(30, 50), *range(96, 120), *range(5)]
    answer = room.render(cut, "out.mov", "--codec", "hevc")
    assert (answer["copied_frames"], answer["rendered_frames"]) == (48 + 24, 32 + 20 + 5)
    assert answer["not_copied"] == [{"path": str(path), "frames": 32, "reason": "the cut is inside a GOP"}]
    assert room.numbers("out.mov") == wanted
    assert sum(packet in set(room.packets("media/H.mp4")) for packet in room.packets("out.mov")) == 72
    video = probed(ffprobe, room.folder / "out.mov")["video"]
    assert (video["codec_name"], video["codec_tag_string"], video["nb_read_frames"]) == ("hevc", "hvc1", str(len(wanted)))
    planes = raw(ffmpeg, room.folder / "out.mov", "yuv444p16le")
    assert [read_number((picture[0] >> 8).astype(np.uint8)) for picture in planes] == wanted
    none = room.render(cut, "small.mov", "--codec", "hevc", "--size", "half", "--dry-run")
    assert {one["reason"] for one in none["not_copied"]} == {"the timeline is 384x216, the movie 192x108"}


@pytest.mark.slow
def test_h264_where_every_picture_stands_alone_is_copied_at_any_frame(room: Room, ffmpeg: Path, ffprobe: Path) -> None:
    again(ffmpeg, room.folder / "media" / A, room.folder / "media" / "I.mov", "-c:v libx264 -preset veryfast -g 1")
    cut = edit(clip("I.mov", 7, 40), graded("I.mov", 30, 20), clip("I.mov", 101, 19), clip(A, 0, 70))
    wanted = [*range(7, 47), *range(30, 50), *range(101, 120), *range(70)]
    for output, words, reason in (
        ("intra.mp4", ["--codec", "h264_intra"], "not every picture of it stands alone"),
        ("long.mp4", [], "its parameter sets have the numbers of another medium's"),
    ):
        answer = room.render(cut, output, *words)
        assert answer["copied_frames"] == 59
        assert room.numbers(output) == wanted
        assert probed(ffprobe, room.folder / output)["video"]["nb_read_frames"] == str(len(wanted))
        assert [(Path(one["path"]).name, one["reason"]) for one in answer["not_copied"]] == [(A, reason)]


# ---- what cannot be rendered


def test_what_is_not_exact_is_refused_by_name(room: Room) -> None:
    cut = edit(clip(A, 0, 12), clip(A, 12, 12, "Magic Bullet"), clip("gone.mov", 0, 6))
    answer = room.render(cut, "out.mov", code=5)
    assert not answer["written"]
    assert not (room.folder / "out.mov").exists()
    assert not list(room.chunks.glob("*.mov"))
    found = [(p["kind"], p["start"], p["stop"], p["names"], p["in_the_way"]) for p in answer["problems"]]
    assert found == [("unknown", 12, 24, ["Magic Bullet"], True), ("missing", 24, 30, ["gone.mov"], True)]
    answer = room.render(cut, "out.mov", "--fidelity", "any", code=5)
    assert [p["in_the_way"] for p in answer["problems"]] == [False, True]
    answer = room.render(cut, "out.mov", "--fidelity", "any", "--allow-missing", code=4)
    assert (answer["written"], answer["frames"]) == (True, 30)
    assert room.packets("out.mov")[24] == room.packets("out.mov")[29]  # the slate


def test_sound_that_cannot_be_had_is_named_where_it_lies(room: Room) -> None:
    wrong = clip(A, 0, 4)
    wrong.name = "wrong"
    wrong.effects.append(otio.schema.LinearTimeWarp(time_scalar=float("nan")))
    gone = [clip("gone.wav", start, 3) for start in (0, 3)]  # one take, cut once
    cut = edit(clip(A, 0, 24), sound=(clip(A, 0, 10), wrong, *gone, clip(A, 0, 4)))
    answer = room.render(cut, "out.mov", "--codec", "prores_proxy", code=5)
    found = [(p["kind"], p["start"], p["stop"], p["reason"]) for p in answer["problems"]]
    assert found == [
        ("unusable", 10, 14, "cannot be heard: wrong (speed nan is not a usable number)"),
        ("missing", 14, 20, "sound is missing: gone.wav (is offline)"),
    ]
    answer = room.render(cut, "out.mov", "--codec", "prores_proxy", "--allow-missing", code=4)
    notes = ["silent: wrong: speed nan is not a usable number", "silent: gone.wav: is offline"]
    assert (answer["written"], answer["sound"]["notes"]) == (True, notes)
    heard = np.abs(room.sound("out.mov")).max(axis=1)
    assert not heard[10 * 2000 : 20 * 2000].any()
    assert heard[: 10 * 2000].any()


def test_a_damaged_frame_stops_it_or_becomes_a_slate(room: Room) -> None:
    path = room.folder / "media" / "P.mov"
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(container.streams.video[0]) if p.size][40]
        assert packet.pos is not None
        data[packet.pos + 8 : packet.pos + packet.size] = bytes(packet.size - 8)
    path.write_bytes(data)
    cut = edit(graded("P.mov", 30, 20))
    answer = room.render(cut, "out.mov", code=5)
    assert "P.mov: frame 40 is damaged" in {p["reason"] for p in answer["problems"]}
    assert not (room.folder / "out.mov").exists()
    answer = room.render(cut, "out.mov", "--allow-missing", code=4)
    assert [(p["start"], p["stop"], p["kind"], p["in_the_way"]) for p in answer["problems"]] == [(10, 11, "failed", False)]
    with av.open(str(room.folder / "out.mov")) as container:
        frames = [frame.reformat(format="gray").to_ndarray() for frame in container.decode(video=0)]
    assert [read_number(frame) for i, frame in enumerate(frames) if i != 10] == [*range(30, 40), *range(41, 50)]


def test_a_missing_lut_is_named_or_left_out(room: Room) -> None:
    cut = edit(clip(A, 0, 6, "lut", path="gone.cube"), clip(A, 6, 6))
    answer = room.render(cut, "out.mov", code=5)
    assert [(p["start"], p["stop"], p["names"]) for p in answer["problems"]] == [(0, 6, ["gone.cube"])]
    answer = room.render(cut, "out.mov", "--allow-missing", code=4)
    assert room.numbers("out.mov") == list(range(12))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["-o", "out.avi"], ".mov, .mp4, .mkv"),
        (["-o", "out.mp4", "--codec", "prores_422"], "cannot hold prores_422"),
        (["-o", "out.mkv", "--codec", "dnxhr_hq"], "cannot hold dnxhr_hq"),
        (["-o", "out.mov", "--alpha", "keep", "--codec", "h264"], "h264 has no alpha"),
        (["-o", "out.mp4", "--alpha", "keep"], "cannot hold prores_4444"),
        (["-o", "out.mov", "--size", "9p"], "unknown size"),
        (["-o", "out.mov", "--quality", "101"], "100"),
        (["-o", "out.mov", "--range", "60-10"], "ends before it begins"),
        (["-o", "out.mov", "--range", "0-71"], "outside"),
        (["-o", "out.mov", "--range", "soon"], "no range"),
        (["-o", f"media/{A}"], "overwritten"),
        (["-o", "mine.mov"], "no movie that was made by otio-perf"),
        (["-o", "nowhere/out.mov"], "folder"),
    ],
)
def test_mistakes_get_one_line(words: list[str], text: str, room: Room) -> None:
    shutil.copy(room.folder / "media" / "P.mov", room.folder / "mine.mov")
    otio.adapters.write_to_file(CUT, str(room.folder / "cut.otio"))
    done = room.otio_perf("render", "cut.otio", *words, cwd=room.folder)
    assert done.returncode == 2, done.stderr
    assert text in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(room.folder.glob("out.*"))


def test_a_dry_run_says_what_would_be(room: Room) -> None:
    answer = room.render(edit(clip("P.mov", 0, 30), graded("P.mov", 30, 20)), "out.mov", "--dry-run")
    assert (answer["rendered_frames"], answer["copied_frames"], answer["written"]) == (20, 30, False)
    assert answer["predicted_seconds"] > 0
    assert answer["predicted_bytes"] > 10_000
    assert not (room.folder / "out.mov").exists()
    assert not list(room.folder.glob(".otio_perf/renders/chunks/*"))
