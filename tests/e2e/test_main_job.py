"""The main job from end to end, as a user runs it: optimize, play, edit, restore."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import opentimelineio as otio
import pytest

from sample_timelines.make_media import CLIPS, read_number

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def numbers_in(path: Path) -> list[int]:
    """The frame number in every picture of a file."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rotation = 0
        found = []
        for frame in container.decode(stream):
            rotation = -frame.rotation % 360
            luma = frame.reformat(format="gray").to_ndarray()
            found.append(read_number(luma, rotation))
        return found


def shown(timeline: otio.schema.Timeline, folder: Path) -> Iterator[tuple[str, list[int], list[int]]]:
    """Of each picture clip: its medium, the frames it used of the original, and the numbers its active reference shows."""
    cache: dict[Path, list[int]] = {}
    for clip in timeline.find_clips():
        if clip.parent().kind != "Video" or not clip.active_media_reference_key.startswith("otio_perf:"):
            continue
        references = clip.media_references()
        original, proxy = references["DEFAULT_MEDIA"], references[clip.active_media_reference_key]
        path = folder / proxy.target_url
        numbers = cache.setdefault(path, numbers_in(path))
        name = (original.target_url_base.rstrip("/") if hasattr(original, "target_url_base") else original.target_url).rsplit(
            "/"
        )[-1]
        used, rate = clip.source_range, CLIPS[name].rate
        first = round(used.start_time.value_rescaled_to(float(rate)) - original.available_range.start_time.value)
        in_proxy = used.start_time.to_seconds() - proxy.available_range.start_time.to_seconds()
        start = round(in_proxy * proxy.available_range.start_time.rate)
        speed = next((abs(e.time_scalar) for e in clip.effects if isinstance(e, otio.schema.LinearTimeWarp)), 1)
        count = round(used.duration.value_rescaled_to(float(rate)) * speed)
        count = min(count, CLIPS[name].frames - first)
        yield name, list(range(first, first + count)), numbers[start : start + count]


@pytest.fixture
def optimized(optimized_film: Path, tmp_path: Path) -> Path:
    """``short_film.perf.otio`` in a folder of its own that a test may change."""
    return Path(shutil.copytree(optimized_film, tmp_path / "film")) / "short_film.perf.otio"


def test_every_clip_plays_the_frames_it_had_from_a_smaller_file(optimized: Path) -> None:
    film = optimized.parent
    timeline = otio.adapters.read_from_file(str(optimized))
    seen = set()
    for name, expected, numbers in shown(timeline, film):
        if not CLIPS[name].variable_rate:  # mapped by time, not by number: proven in the transcoder's tests
            assert numbers == expected, name
        seen.add(name)
    assert seen == set(CLIPS)
    proxies = sorted(p.name for p in (film / ".otio_perf" / "proxies").iterdir())
    assert "A001_C001_120p.mov" in proxies
    assert "plate_120p.mov" in proxies
    assert not [p for p in proxies if ".part." in p]


def test_restore_gives_back_exactly_what_was_there(optimized: Path, otio_perf: Command) -> None:
    film = optimized.parent
    assert otio_perf("restore", optimized, "-o", film / "back.otio").returncode == 0
    original = otio.adapters.read_from_file(str(film / "short_film.otio")).to_json_string()
    assert (film / "back.otio").read_text(encoding="utf-8") == original


def test_restore_keeps_edits(optimized: Path, otio_perf: Command) -> None:
    film = optimized.parent
    timeline = otio.adapters.read_from_file(str(optimized))
    track = timeline.tracks[0]
    trimmed = track[0]
    trimmed.source_range = otio.opentime.TimeRange(otio.opentime.RationalTime(20, 24), otio.opentime.RationalTime(30, 24))
    moved = track[4].clone()
    del track[4]
    track.append(moved)
    otio.adapters.write_to_file(timeline, str(film / "edited.otio"))
    assert otio_perf("restore", film / "edited.otio", "-o", film / "back.otio").returncode == 0
    back = otio.adapters.read_from_file(str(film / "back.otio"))
    assert back.tracks[0][0].source_range.start_time.value == 20
    assert back.tracks[0][-1].name == moved.name
    for clip in back.find_clips():
        assert list(clip.media_references()) == ["DEFAULT_MEDIA"]
        assert "otio_perf" not in clip.metadata


def test_restore_after_a_host_dropped_references_and_metadata(optimized: Path, otio_perf: Command) -> None:
    """What a host that knows one reference a clip writes back; the whole folder has moved in the meantime."""
    film = optimized.parent
    timeline = otio.adapters.read_from_file(str(optimized))
    del timeline.metadata["otio_perf"]
    for clip in timeline.find_clips():
        active = clip.media_reference.clone()
        active.metadata.clear()
        clip.metadata.clear()
        clip.set_media_references({"DEFAULT_MEDIA": active}, "DEFAULT_MEDIA")
    otio.adapters.write_to_file(timeline, str(film / "from_host.otio"))
    done = otio_perf("restore", film / "from_host.otio", "-o", film / "back.otio")
    assert done.returncode == 0, done.stdout + done.stderr
    before = otio.adapters.read_from_file(str(film / "short_film.otio"))
    after = otio.adapters.read_from_file(str(film / "back.otio"))
    for was, now in zip(before.find_clips(), after.find_clips(), strict=True):
        assert type(was.media_reference) is type(now.media_reference), was.name
        if isinstance(was.media_reference, otio.schema.ExternalReference):
            assert (film / now.media_reference.target_url).resolve() == (film / was.media_reference.target_url).resolve()


def test_a_second_run_makes_nothing(optimized: Path, otio_perf: Command) -> None:
    film = optimized.parent
    assert otio_perf("optimize", "short_film.otio", "-o", optimized, "--proxy", "120p", "--all", cwd=film).returncode == 0
    before = {p: p.stat().st_mtime_ns for p in (film / ".otio_perf" / "proxies").iterdir()}
    done = otio_perf(
        "optimize", "short_film.otio", "-o", "again.otio", "--proxy", "120p", "--all", "--json", "report.json", cwd=film
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((film / "report.json").read_text())
    assert report["proxies"]["outcomes"] == []
    assert {d["action"] for d in report["proxies"]["decisions"]} == {"have"}
    assert {p: p.stat().st_mtime_ns for p in (film / ".otio_perf" / "proxies").iterdir()} == before
    assert (film / "again.otio").read_bytes() == optimized.read_bytes()


def test_the_folder_can_move(optimized: Path, otio_perf: Command, tmp_path: Path) -> None:
    """URLs stay relative, proxies keep their records: nothing is made again, and restore still works."""
    film = optimized.parent
    moved = film.rename(tmp_path / "moved")
    done = otio_perf("optimize", moved / "short_film.otio", "--proxy", "120p", "--all", "--json", moved / "r.json")
    assert done.returncode == 0, done.stderr
    assert json.loads((moved / "r.json").read_text())["proxies"]["outcomes"] == []
    timeline = otio.adapters.read_from_file(str(moved / "short_film.perf.otio"))
    for clip in timeline.find_clips():
        reference = clip.media_reference
        if isinstance(reference, otio.schema.ExternalReference):
            assert (moved / reference.target_url).is_file()


def test_used_ranges_become_short_proxies_that_show_the_right_frames(film: Path, otio_perf: Command) -> None:
    done = otio_perf(*("optimize", "short_film.otio", "--proxy", "120p", "--all", "--scope", "used", "--handles", 3), cwd=film)
    assert done.returncode == 0, done.stderr
    timeline = otio.adapters.read_from_file(str(film / "short_film.perf.otio"))
    checked = 0
    for name, expected, numbers in shown(timeline, film):
        if not CLIPS[name].variable_rate:
            assert numbers == expected, name
            checked += 1
    assert checked > 8
    back = otio_perf("restore", film / "short_film.perf.otio", "-o", film / "back.otio")
    assert back.returncode == 0
    original = otio.adapters.read_from_file(str(film / "short_film.otio")).to_json_string()
    assert (film / "back.otio").read_text(encoding="utf-8") == original


def test_two_timelines_are_planned_together(film: Path, otio_perf: Command) -> None:
    done = otio_perf(
        *("optimize", "short_film.otio", "documentary.otio", "-o", film / "out", "--proxy", "120p", "--all"),
        *("--scope", "used", "--json", "-"),
        cwd=film,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    sources = [d["path"] for d in report["proxies"]["decisions"]]
    assert len(sources) == len(set(sources))
    assert sorted(p.name for p in (film / "out").iterdir()) == ["documentary.perf.otio", "short_film.perf.otio"]
    for name in ("documentary", "short_film"):
        timeline = otio.adapters.read_from_file(str(film / "out" / f"{name}.perf.otio"))
        for medium, expected, numbers in shown(timeline, film / "out"):
            if not CLIPS[medium].variable_rate:
                assert numbers == expected, (name, medium)


def test_dry_run_says_what_would_be_done_and_does_nothing(film: Path, otio_perf: Command) -> None:
    before = sorted(film.rglob("*"))
    done = otio_perf("optimize", film / "short_film.otio", "--proxy", "120p", "--all", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "Nothing was made" in done.stdout
    assert sorted(film.rglob("*")) == before


def test_beside_puts_proxies_where_resolve_looks(film: Path, otio_perf: Command) -> None:
    done = otio_perf("proxy", film / "media", "--proxy", "120p", "--all", "--beside", "--workspace", film / "ws")
    assert done.returncode == 0, done.stderr
    made = sorted(p.name for p in (film / "media" / "Proxy").iterdir())
    assert {"A001_C001.mov", "C001_C001.mov", "PHONE_0001.mov"} <= set(made)
    again = otio_perf(
        "proxy", film / "media", "--proxy", "120p", "--all", "--beside", "--workspace", film / "ws", "--json", "-"
    )
    assert json.loads(again.stdout)["outcomes"] == []


def test_several_sizes_come_from_one_run(film: Path, otio_perf: Command) -> None:
    done = otio_perf("optimize", "short_film.otio", "--proxy", "120p", "--proxy", "160x90", "--all", cwd=film)
    assert done.returncode == 0, done.stderr
    timeline = otio.adapters.read_from_file(str(film / "short_film.perf.otio"))
    for clip in timeline.find_clips():
        if clip.parent().kind == "Video":
            assert set(clip.media_references()) == {"DEFAULT_MEDIA", "otio_perf:120p", "otio_perf:160x90"}


def test_the_table_is_whole_in_a_pipe(film: Path, otio_perf: Command) -> None:
    name = "a name that is longer than any terminal is wide " * 3 + ".mp4"  # quick machines have nothing else to tell of
    text = (film / "short_film.otio").read_text(encoding="utf-8").replace("media/A001_C001.mp4", f"media/{name}")
    (film / "long.otio").write_text(text, encoding="utf-8")
    done = otio_perf("analyze", film / "long.otio", "--proxy", "120p")
    assert done.returncode == 0, done.stderr
    assert any(name in line for line in done.stdout.splitlines()), done.stdout


def test_trace_and_page_are_written(film: Path, otio_perf: Command) -> None:
    done = otio_perf("analyze", film / "short_film.otio", "--trace", film / "t.json", "--html", film / "a.html", "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert {e["name"] for e in json.loads((film / "t.json").read_text())["traceEvents"]} >= {"survey", "probe", "analyze"}
    assert "A001_C001" in (film / "a.html").read_text(encoding="utf-8")
