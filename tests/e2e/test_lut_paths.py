"""Kdenlive names a LUT by a path relative to its project: it is found where media would be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
import pytest

SAMPLES = Path(__file__).resolve().parent.parent.parent / "sample_timelines"
Command = Callable[..., subprocess.CompletedProcess[str]]


def pixels(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        (frame,) = container.decode(video=0)
        return frame.to_ndarray(format="rgb24").astype(int)


def moment_of(clip: Any, timeline: Any) -> str:
    """A frame in the middle of ``clip``."""
    start = clip.transformed_time(clip.source_range.start_time, timeline.tracks)
    return str(int(start.rescaled_to(24).value + clip.duration().rescaled_to(24).value // 2))


@pytest.fixture
def interview(film: Path) -> str:
    """The moment in the film that has the LUT alone."""
    timeline = otio.adapters.read_from_file(str(film / "short_film.otio"))
    (clip,) = (c for c in timeline.find_clips() if c.name == "interview" and c.effects)
    assert [e.metadata["mlt"]["av.file"] for e in clip.effects] == ["warm.cube"]
    return moment_of(clip, timeline)


@pytest.fixture
def small(film: Path) -> Callable[[str], str]:
    """``small(name)`` writes ``film/small.otio``, of which one clip has Kdenlive's LUT ``name``: its moment."""

    def write(name: str) -> str:
        timeline = otio.adapters.read_from_file(str(SAMPLES / "effects.otio"))
        (clip,) = (c for c in timeline.find_clips() if c.name == "LUT")
        parameters = {"mlt_service": "avfilter.lut3d", "av.file": name}
        clip.effects[:] = [otio.schema.Effect(name="Apply LUT", effect_name="avfilter.lut3d", metadata={"mlt": parameters})]
        otio.adapters.write_to_file(timeline, str(film / "small.otio"))
        return moment_of(clip, timeline)

    return write


def still(otio_perf: Command, timeline: Path, moment: str, output: Path, *options: Any) -> np.ndarray:
    done = otio_perf("frame", timeline, moment, "-o", output, "--gpu", "off", *options, cwd=output.parent)
    assert done.returncode == 0, done.stderr
    return pixels(output)


@pytest.mark.slow
def test_the_sample_film_is_seen_through_its_lut(
    film: Path, interview: str, otio_perf: Command, ffmpeg: Path, tmp_path: Path
) -> None:
    found = still(otio_perf, film / "short_film.otio", interview, tmp_path / "look.png")
    plain = otio.adapters.read_from_file(str(film / "short_film.otio"))
    (clip,) = (c for c in plain.find_clips() if c.name == "interview" and c.effects)
    del clip.effects[:]
    otio.adapters.write_to_file(plain, str(film / "plain.otio"))
    without = still(otio_perf, film / "plain.otio", interview, tmp_path / "plain.png")
    graph = f"format=gbrp,lut3d=file={film / 'warm.cube'}:interp=tetrahedral,format=rgb24"
    subprocess.run(
        [str(ffmpeg), "-v", "error", "-i", str(tmp_path / "plain.png"), "-vf", graph, str(tmp_path / "theirs.png")], check=True
    )
    assert np.abs(found - pixels(tmp_path / "theirs.png")).max() <= 2  # theirs was rounded twice
    assert np.abs(found - without).mean() > 1


def test_a_timeline_in_another_folder_still_finds_it(
    film: Path, small: Callable[[str], str], otio_perf: Command, tmp_path: Path
) -> None:
    moment = small("warm.cube")
    before = still(otio_perf, film / "small.otio", moment, tmp_path / "before.png")
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / "moved.otio"
    done = otio_perf(
        "optimize", film / "small.otio", "-o", moved, "--link", "original", "--proxy", "120p", "--all", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert np.array_equal(still(otio_perf, moved, moment, tmp_path / "after.png"), before)


@pytest.mark.parametrize("option", ["--media-root", pytest.param("--map", marks=pytest.mark.slow)])
def test_it_is_looked_for_where_media_are(
    option: str, film: Path, small: Callable[[str], str], otio_perf: Command, tmp_path: Path
) -> None:
    before = still(otio_perf, film / "small.otio", small("warm.cube"), tmp_path / "before.png")
    (tmp_path / "luts").mkdir()
    shutil.move(film / "warm.cube", tmp_path / "luts")
    where = tmp_path / "luts" if option == "--media-root" else f"C:/Users/anna/luts={tmp_path / 'luts'}"
    moment = small("C:/Users/anna/luts/warm.cube")
    after = still(otio_perf, film / "small.otio", moment, tmp_path / "after.png", option, where)
    assert np.array_equal(after, before)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX FIFO: there are none")
@pytest.mark.parametrize(
    "name", ["pipe.cube", *(pytest.param(n, marks=pytest.mark.slow) for n in ("gone.cube", "http://luts.example/warm.cube"))]
)
def test_what_is_no_file_is_named_and_never_read(
    name: str, film: Path, small: Callable[[str], str], otio_perf: Command, tmp_path: Path
) -> None:
    os.mkfifo(film / "pipe.cube")
    moment = small(name)
    done = otio_perf("frame", film / "small.otio", moment, "-o", tmp_path / "x.png", "--gpu", "off", cwd=tmp_path)
    assert done.returncode == 5
    assert name.rpartition("/")[2] in done.stderr
    assert "LUT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_lut_that_is_gone_is_told_before_anything_is_rendered(
    film: Path, small: Callable[[str], str], otio_perf: Command, tmp_path: Path
) -> None:
    moment = small("lost.cube")
    for command in (["analyze", "small.otio"], ["optimize", "small.otio", "--dry-run", "--proxy", "120p"]):
        done = otio_perf(*command, cwd=film)
        assert done.returncode == 0, done.stderr
        said = " ".join((done.stdout + done.stderr).split())
        assert "'LUT': lost.cube, which an effect reads, is not there; --media-root says" in said
    done = otio_perf("frame", "small.otio", moment, "-o", tmp_path / "x.png", cwd=film)
    assert done.returncode == 5
    assert "--media-root" in done.stderr
    done = otio_perf("render", "small.otio", "-o", tmp_path / "x.mov", "--range", f"{moment}-{int(moment) + 1}", cwd=film)
    assert done.returncode == 5
    assert "effects whose file is missing are left out" in " ".join(done.stdout.split())
    (tmp_path / "luts").mkdir()
    shutil.copy(film / "warm.cube", tmp_path / "luts" / "lost.cube")
    done = otio_perf("analyze", "small.otio", "--media-root", tmp_path / "luts", cwd=film)
    assert done.returncode == 0, done.stderr
    assert "lost.cube" not in done.stdout + done.stderr
