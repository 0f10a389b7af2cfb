"""``otio-perf prerender`` as a user runs it: every frame proven by the number in it, and counted how many were rendered."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
import pytest
from exact_colours import cells, pictures, psnr

from sample_timelines.make_media import read_number

Command = Callable[..., "subprocess.CompletedProcess[str]"]
Time = otio.opentime.RationalTime
SIZE = ("--prerender-size", "384x216")
ALL = ("--prerender", "all", *SIZE)
TRACK = "otio_perf prerender"


def span(start: float, frames: float, rate: float = 24) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(Time(start, rate), Time(frames, rate))


def graded(name: str, start: float, frames: int, *, rate: float = 24, effect: str = "exposure", **values: Any) -> Any:
    clip = otio.schema.Clip(name, otio.schema.ExternalReference(f"media/{name}"), span(start, frames, rate))
    values = values or {"stops": 0.15}
    clip.effects.append(otio.schema.Effect(name=effect, effect_name=effect, metadata={"otio_perf": values}))
    return clip


def plain(name: str, start: float, frames: int) -> Any:
    return otio.schema.Clip(name, otio.schema.ExternalReference(f"media/{name}"), span(start, frames))


def edit(*clips: Any) -> otio.schema.Timeline:
    timeline = otio.schema.Timeline("cut", global_start_time=Time(86400, 24))
    track = otio.schema.Track("V1", kind="Video")
    track.extend([c.clone() for c in clips])
    timeline.tracks.append(track)
    return timeline


TEN = 10 * 3600 * 25  # what the first frame of the news clip is called
FIRST, SECOND = graded("A001_C001.mp4", 10, 50), plain("A001_C002.mp4", 5, 20)
NEWS = graded("NEWS_0001.mxf", TEN, 30, rate=25)


class Room:
    """A folder with the film's media in which timelines are prerendered."""

    def __init__(self, folder: Path, otio_perf: Command) -> None:
        self.folder, self.otio_perf = folder, otio_perf

    def write(self, timeline: otio.schema.Timeline, name: str = "cut.otio") -> Path:
        path = self.folder / name
        otio.adapters.write_to_file(timeline, str(path))
        return path

    def prerender(self, timeline: otio.schema.Timeline, *words: str, name: str = "cut.otio") -> dict[str, Any]:
        """The answer; the result is ``out.otio``."""
        self.write(timeline, name)
        (self.folder / "out.otio").unlink(missing_ok=True)
        done = self.otio_perf("prerender", name, "-o", "out.otio", *ALL, "--json", "-", *words, cwd=self.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def overlay(self, name: str = "out.otio") -> otio.schema.Track:
        track = otio.adapters.read_from_file(str(self.folder / name)).tracks[-1]
        assert track.name == TRACK
        return track

    def shown(self) -> dict[int, int]:
        """The number in each picture of the overlay, by frame of the timeline."""
        found = {}
        track = self.overlay()
        for clip in track.find_clips():
            reference = clip.media_reference
            at = track.range_of_child(clip).start_time.to_frames()
            assert clip.source_range == reference.available_range
            with av.open(str(self.folder / reference.target_url)) as container:
                frames = list(container.decode(video=0))
            assert len(frames) == clip.source_range.duration.to_frames()
            for number, frame in enumerate(frames):
                found[at + number] = read_number(frame.reformat(format="gray").to_ndarray())
        return found

    def files(self, *parts: str) -> dict[str, int]:
        return {p.name: p.stat().st_mtime_ns for p in self.folder.joinpath(".otio_perf", "renders", *parts).glob("*.mov")}


@pytest.fixture(scope="session")
def warm_folder(film_media: Path, tmp_path_factory: pytest.TempPathFactory, otio_perf: Command) -> Path:
    """A folder in which one cut was prerendered; copied, never changed."""
    folder = Path(shutil.copytree(film_media, tmp_path_factory.mktemp("warm") / "film"))
    assert Room(folder, otio_perf).prerender(edit(FIRST, SECOND, NEWS))["new_frames"] == 79
    return folder


@pytest.fixture
def warm(warm_folder: Path, tmp_path: Path, otio_perf: Command) -> Room:
    return Room(Path(shutil.copytree(warm_folder, tmp_path / "film")), otio_perf)


@pytest.fixture
def cold(film: Path, otio_perf: Command) -> Room:
    return Room(film, otio_perf)


# -- what is shown -----------------------------------------------------------------------------------------------------


def test_every_frame_shows_its_number(warm: Room) -> None:
    shown = warm.shown()
    first = {frame: 10 + frame for frame in range(50)}
    news = {70 + frame: frame * 25 // 24 for frame in range(29)}  # 30 frames at 25 fps are 28.8 of the timeline
    assert shown == {**first, **news}
    stamps = [clip.source_range.start_time.to_timecode() for clip in warm.overlay().find_clips()]
    assert stamps == ["01:00:00:00", "01:00:02:22"]
    urls = [clip.media_reference.target_url for clip in warm.overlay().find_clips()]
    assert urls == [".otio_perf/renders/cut_01-00-00-00_50.mov", ".otio_perf/renders/cut_01-00-02-22_29.mov"]


def test_the_pictures_are_those_that_frame_renders(warm: Room) -> None:
    """Every frame of the region, against the uncached compositor; found: 37.6 dB and more, of ProRes 422 at
    quality 80, which leaves out the grain that these media have.
    """
    words = (*range(50), "--size", "384x216", "--fidelity", "approximate")
    done = warm.otio_perf("frame", "cut.otio", *words, "-o", "all.png", cwd=warm.folder)
    assert done.returncode == 0, done.stderr
    found = pictures(warm.folder / ".otio_perf/renders/cut_01-00-00-00_50.mov")
    for number, (one, other) in enumerate(zip(found, cells(warm.folder / "all.png", 50, (384, 216)), strict=True)):
        assert psnr(one, other) > 37, number
        assert np.abs((one - other).mean((0, 1))).max() < 0.2, number  # nothing is brighter, or of another colour


def test_other_programs_open_it(warm: Room) -> None:
    path = warm.folder / ".otio_perf" / "renders" / "cut_01-00-02-22_29.mov"
    for program in ("ffprobe", "melt"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed here")
    entries = "stream=nb_frames,r_frame_rate,color_space,color_range,codec_tag_string:stream_tags=timecode"
    asked = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", entries, "-of", "json", str(path)]
    (stream,) = json.loads(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)["streams"]
    assert (stream["nb_frames"], stream["r_frame_rate"], stream["codec_tag_string"]) == ("29", "24/1", "apcn")
    assert stream["tags"]["timecode"] == "01:00:02:22"
    assert (stream["color_space"], stream["color_range"]) == ("bt709", "tv")
    asked = ["melt", "-profile", "square_pal", str(path), "-consumer", "xml"]
    text = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout
    said = {name: f'<property name="{name}">' for name in ("meta.media.0.stream.frame_rate", "meta.media.0.codec.name")}
    assert f"{said['meta.media.0.stream.frame_rate']}24</property>" in text
    assert f"{said['meta.media.0.codec.name']}prores</property>" in text
    assert '<property name="length">30</property>' in text  # 29 frames at 24 fps, in a profile of 25


def test_the_overlay_is_no_part_of_the_edit(warm: Room) -> None:
    answers = []
    for name in ("cut.otio", "out.otio"):
        done = warm.otio_perf("analyze", name, "--json", "-", cwd=warm.folder)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        answers.append((answer["spans"], answer["media"], {**answer["timeline"], "path": "", "digest": ""}))
        still = warm.otio_perf("frame", name, "75", "-o", f"{name}.png", cwd=warm.folder)
        assert still.returncode == 0, still.stderr
    assert answers[0] == answers[1]
    assert (warm.folder / "cut.otio.png").read_bytes() == (warm.folder / "out.otio.png").read_bytes()


# -- what is rendered again --------------------------------------------------------------------------------------------


def test_a_second_run_renders_nothing_and_writes_the_same(warm: Room) -> None:
    chunks, regions, written = warm.files("chunks"), warm.files(), (warm.folder / "out.otio").read_bytes()
    answer = warm.prerender(edit(FIRST, SECOND, NEWS))
    assert answer["new_frames"] == 0
    assert answer["predicted_bytes"] == 0
    assert (warm.files("chunks"), warm.files()) == (chunks, regions)
    assert (warm.folder / "out.otio").read_bytes() == written


def test_prerendering_what_is_prerendered_replaces_the_overlay(warm: Room) -> None:
    before = otio.adapters.read_from_file(str(warm.folder / "out.otio"))
    answer = warm.prerender(before)
    assert answer["new_frames"] == 0
    after = otio.adapters.read_from_file(str(warm.folder / "out.otio"))
    assert [track.name for track in after.tracks] == ["V1", TRACK]
    assert after.tracks[-1].is_equivalent_to(before.tracks[-1])


#: An edit, and the frames that are rendered for it: chunks are cut at every 24th frame of a source.
EDITS: dict[str, tuple[list[Any], int]] = {
    "trimmed by one at its head": ([graded("A001_C001.mp4", 11, 49), SECOND, NEWS], 13),  # 11 to 23
    "trimmed by one at its tail": ([graded("A001_C001.mp4", 10, 49), SECOND, NEWS], 11),  # 48 to 58
    "moved behind": ([SECOND, NEWS, FIRST], 0),
    "duplicated": ([FIRST, SECOND, FIRST, NEWS], 0),
    "slipped to the grid": ([graded("A001_C001.mp4", 24, 50), SECOND, NEWS], 26),  # 24 to 47 are there
    "graded otherwise": ([graded("A001_C001.mp4", 10, 50, stops=0.1), SECOND, NEWS], 50),
    "a clip without effects taken out": ([FIRST, NEWS], 0),
}


@pytest.mark.parametrize("name", EDITS)
def test_only_what_an_edit_changed_is_rendered(warm: Room, name: str) -> None:
    clips, frames = EDITS[name]
    before = warm.files()
    chunks = warm.files("chunks")
    answer = warm.prerender(edit(*clips))
    assert answer["new_frames"] == frames
    made = [p for p in warm.files("chunks") if p not in chunks]
    assert sum(frames_of(warm.folder / ".otio_perf" / "renders" / "chunks" / p) for p in made) == frames
    assert {p: warm.files()[p] for p in before} == before  # timelines written before play on
    wanted: dict[int, int] = {}
    at = 0
    for clip in clips:
        start, length = clip.source_range.start_time.to_frames() % TEN, clip.source_range.duration.to_seconds() * 24
        if clip.effects:
            rate = clip.source_range.start_time.rate
            wanted |= {at + i: start + int(i * rate / 24) for i in range(round(length + 0.2))}
        at += round(length)
    assert warm.shown() == wanted
    assert warm.prerender(edit(FIRST, SECOND, NEWS))["new_frames"] == 0  # undone
    assert warm.files().keys() >= before.keys()
    assert {p: warm.files()[p] for p in before} == before


def frames_of(path: Path) -> int:
    with av.open(str(path)) as container:
        return int(container.streams.video[0].frames)


def test_a_part_of_it(warm: Room) -> None:
    """The grid of chunks does not move with the range: what lies within is there."""
    answer = warm.prerender(edit(FIRST, SECOND, NEWS), "--range", "01:00:00:14-01:00:01:14")  # source frames 24 to 47
    assert [(r["start"], r["stop"], r["new_frames"]) for r in answer["regions"]] == [(14, 38, 0)]
    assert warm.shown() == {frame: 10 + frame for frame in range(14, 38)}
    answer = warm.prerender(edit(FIRST, SECOND, NEWS), "--range", "60-80")
    assert [(r["start"], r["stop"], r["new_frames"]) for r in answer["regions"]] == [(70, 80, 10)]


def test_what_was_interrupted_goes_on(cold: Room, home: dict[str, str]) -> None:
    cold.write(edit(FIRST, SECOND, NEWS))
    running = subprocess.Popen(
        [sys.executable, "-m", "otio_perf", "prerender", "cut.otio", "-o", "out.otio", *ALL],
        cwd=cold.folder,
        env={**home, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    chunks = cold.folder / ".otio_perf" / "renders" / "chunks"
    for _ in range(600):
        if list(chunks.glob("[!.]*.mov")) or running.poll() is not None:
            break
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    running.wait(timeout=30)
    assert running.returncode == 130
    assert not (cold.folder / "out.otio").exists()
    before = cold.files("chunks")
    assert before
    answer = cold.prerender(edit(FIRST, SECOND, NEWS))
    assert answer["new_frames"] == 79 - sum(frames_of(chunks / name) for name in before)
    assert {name: cold.files("chunks")[name] for name in before} == before
    assert len(cold.shown()) == 79
    assert not list(cold.folder.rglob("*.part.*"))


# -- back, and housekeeping --------------------------------------------------------------------------------------------


def test_restore_gives_back_exactly_what_was_there(warm: Room) -> None:
    assert warm.otio_perf("restore", "out.otio", "-o", "back.otio", cwd=warm.folder).returncode == 0
    assert (warm.folder / "back.otio").read_text(encoding="utf-8") == edit(FIRST, SECOND, NEWS).to_json_string()


def test_originals_are_the_live_edit(warm: Room) -> None:
    """Who asks for originals goes on to finishing: nothing that was baked may lie over them. With proxies it stays."""
    done = warm.otio_perf("convert", "-i", "out.otio", "-o", "live.otio", "--use-originals", cwd=warm.folder)
    assert done.returncode == 0, done.stderr
    assert "prerendered regions are left out" in done.stderr
    live = otio.adapters.read_from_file(str(warm.folder / "live.otio"))
    del live.metadata["otio_perf"]  # it is known as ours
    assert live.is_equivalent_to(edit(FIRST, SECOND, NEWS))
    assert warm.otio_perf("convert", "-i", "out.otio", "-o", "same.otio", cwd=warm.folder).returncode == 0
    same = otio.adapters.read_from_file(str(warm.folder / "same.otio"))
    assert [track.name for track in same.tracks] == ["V1", TRACK]


def test_with_proxies_below_restore_takes_off_both(optimized_film: Path, tmp_path: Path, otio_perf: Command) -> None:
    film = Path(shutil.copytree(optimized_film, tmp_path / "film"))
    words = ("prerender", "short_film.perf.otio", "-o", "pre.otio", *ALL, "--json", "-")
    done = otio_perf(*words, cwd=film)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    left = {name for one in answer["left_to_host"] for name in one["effects"]}
    assert {"Transform", "Gaussian Blur"} <= left  # not rendered as the host does
    assert "avfilter.lut3d" not in left  # its LUT lies beside the timeline
    written = otio.adapters.read_from_file(str(film / "pre.otio"))
    before = otio.adapters.read_from_file(str(film / "short_film.perf.otio"))
    keys = [[c.active_media_reference_key for c in t.tracks[i].find_clips()] for t in (before, written) for i in range(2)]
    assert keys[:2] == keys[2:]  # what was active stays so
    assert otio_perf("restore", "pre.otio", "-o", "back.otio", cwd=film).returncode == 0
    original = otio.adapters.read_from_file(str(film / "short_film.otio")).to_json_string()
    assert (film / "back.otio").read_text(encoding="utf-8") == original
    nearer = json.loads(otio_perf(*words, "--fidelity", "approximate", "--dry-run", cwd=film).stdout)
    assert nearer["left_to_host"] == []
    assert all(r["path"] is None for r in nearer["regions"])


def test_optimize_does_both(cold: Room) -> None:
    cold.write(edit(FIRST, SECOND))
    words = ("optimize", "cut.otio", "-o", "out.otio", "--proxy", "120p", "--all", *ALL, "--json", "-")
    planned = json.loads(cold.otio_perf(*words, "--dry-run", cwd=cold.folder).stdout)
    assert [r["new_frames"] for r in planned["prerenders"][0]["regions"]] == [50]
    assert not list(cold.folder.rglob("*.mov.*"))
    done = cold.otio_perf(*words, cwd=cold.folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["prerenders"][0]["new_frames"] == 50
    assert cold.shown() == {frame: 10 + frame for frame in range(50)}
    timeline = otio.adapters.read_from_file(str(cold.folder / "out.otio"))
    assert {c.active_media_reference_key for c in timeline.tracks[0].find_clips()} == {"otio_perf:120p"}
    assert cold.otio_perf("restore", "out.otio", "-o", "back.otio", cwd=cold.folder).returncode == 0
    assert (cold.folder / "back.otio").read_text(encoding="utf-8") == edit(FIRST, SECOND).to_json_string()


def test_a_bad_span_spoils_nothing_else(cold: Room) -> None:
    """What is missing is named, and the rest is rendered."""
    lost = graded("lost.mp4", 0, 24)
    answer = cold.prerender(edit(FIRST, lost, SECOND))
    assert [(r["start"], r["stop"]) for r in answer["regions"]] == [(0, 50)]
    (left,) = answer["left_to_host"]
    assert "lost.mp4" in left["reason"]
    assert (left["start"], left["stop"], left["failed"]) == (50, 74, False)


SAVING = """
import sys, os
from otio_perf import prerender
from otio_perf.model.events import Stage, StageStarted
def save(event):
    if isinstance(event, StageStarted) and event.stage is Stage.PRERENDER:
        os.replace("saved.otio", "cut.otio")
prerender("cut.otio", "out.otio", mode="all", listener=save)
"""


def test_who_saves_meanwhile_gets_no_overlay_of_the_cut_before(cold: Room, home: dict[str, str]) -> None:
    cold.write(edit(FIRST))
    cold.write(edit(graded("A001_C001.mp4", 12, 30)), "saved.otio")
    environment = {**home, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-c", SAVING], cwd=cold.folder, env=environment, capture_output=True, text=True, check=False
    )
    assert "TimelineError: " in done.stderr
    assert "was saved while it was rendered" in done.stderr
    assert not (cold.folder / "out.otio").exists()


def test_a_damaged_chunk_is_named_and_made_anew(warm: Room) -> None:
    chunks = warm.folder / ".otio_perf" / "renders" / "chunks"
    damaged = next(p for p in chunks.glob("*.mov") if frames_of(p) == 14)
    stat = damaged.stat()
    damaged.write_bytes(bytes(stat.st_size))
    os.utime(damaged, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # so that only reading it tells
    for region in damaged.parent.parent.glob("*_50.mov"):
        region.unlink()
    warm.write(edit(FIRST, SECOND, NEWS))
    done = warm.otio_perf("prerender", "cut.otio", "-o", "out.otio", *ALL, "--json", "-", cwd=warm.folder)
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    (left,) = json.loads(done.stdout)["left_to_host"]
    assert (left["start"], left["stop"], left["failed"]) == (0, 50, True)
    assert damaged.name in left["reason"]
    assert sorted(warm.shown()) == list(range(70, 99))  # the other region is there
    assert warm.prerender(edit(FIRST, SECOND, NEWS))["new_frames"] == 14
    assert len(warm.shown()) == 79


def test_the_cache_knows_renders(warm: Room) -> None:
    def cache(*words: str, code: int = 0) -> dict[str, Any]:
        done = warm.otio_perf("cache", *words, "--json", "-", cwd=warm.folder)
        assert done.returncode == code, done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    status = cache("status")["status"]
    assert (status["renders"], status["chunks"], status["missing"]) == (2, 5, 0)
    region = warm.folder / ".otio_perf" / "renders" / "cut_01-00-00-00_50.mov"
    region.write_bytes(region.read_bytes()[:-1] + b"x")
    (fault,) = cache("verify", code=4)["faults"]
    assert fault["path"] == str(region)
    assert cache("verify", "--repair")["faults"][0]["repair"] == "will be made anew"
    assert not region.exists()
    assert warm.prerender(edit(FIRST, SECOND, NEWS))["new_frames"] == 0  # joined again, not rendered
    assert len(warm.shown()) == 79
    freed = cache("clear", "renders", "--dry-run")
    assert (freed["renders"], freed["kept"], freed["chunks"]) == (0, 2, 5)
    assert freed["players"] == [str(warm.folder / "out.otio")]
    said = warm.otio_perf("cache", "clear", "renders", cwd=warm.folder).stdout
    assert "2 prerendered regions stay, for timelines play them" in said
    assert (len(warm.files()), warm.files("chunks")) == (2, {})
    assert len(warm.shown()) == 79
    assert cache("clear", "renders", "--force")["renders"] == 2
    assert warm.files() == {}
    assert cache("status")["status"]["renders"] == 0


def test_the_folder_can_move(warm: Room, tmp_path: Path) -> None:
    moved = Room(warm.folder.rename(tmp_path / "elsewhere"), warm.otio_perf)
    assert len(moved.shown()) == 79
    assert moved.prerender(edit(FIRST, SECOND, NEWS))["new_frames"] == 0


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--prerender-codec", "gif"], 2, "prores_422"),
        (["--prerender-size", "9p"], 2, "canvas"),
        (["--prerender-quality", "101"], 2, "100"),
        (["--gpu", "on"], 5, "GPU"),
        (["-o", "cut.otio"], 2, "overwritten"),
        (["-o", "cut.xml"], 2, ".otio"),
    ],
)
def test_mistakes_get_one_line(cold: Room, words: list[str], code: int, text: str) -> None:
    cold.write(edit(FIRST))
    done = cold.otio_perf("prerender", "cut.otio", *words, "--prerender", "all", cwd=cold.folder)
    assert done.returncode == code, done.stderr
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert not (cold.folder / "cut.perf.otio").exists()
