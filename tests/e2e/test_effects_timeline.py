"""The timeline of all effects through the command line: exactly, from anywhere, with what lies beside it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio

SAMPLES = Path(__file__).parent.parent.parent / "sample_timelines"
Command = Callable[..., "subprocess.CompletedProcess[str]"]


def pixels(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24").astype(int)


def test_frames_of_every_kind_of_thing(film: Path, otio_perf: Command, tmp_path: Path) -> None:
    for name in ("effects.otio", "warm.cube"):
        shutil.copy(SAMPLES / name, film)
    timeline = otio.adapters.read_from_file(str(film / "effects.otio"))
    (track,) = (t for t in timeline.tracks if t.name == "V1")
    starts = {c.name: int(track.range_of_child(c).start_time.value) for c in track.find_clips()}
    rows = ["LUT", "gaussian blur, with key frames", "flip", "flip: MLT mirror", "transform: MLT, whole pixels", "after wipe"]
    rows += ["slate", "bars", "SMPTEBars"]
    sheet = tmp_path / "sheet.png"
    times = [starts[name] + (0 if name.startswith("after") else 6) for name in rows]
    done = otio_perf("frame", film / "effects.otio", *times, "-o", sheet, "--json", "-", "--gpu", "off", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    frames = json.loads(done.stdout)["frames"]
    assert [f["frame"] for f in frames] == times
    assert all(not f["approximate"] and not f["unknown"] and not f["missing"] for f in frames)
    shown = {}
    for name in ("invert", "invert: MLT", "flip", "flip: MLT mirror"):
        still = tmp_path / "still.png"
        done = otio_perf("frame", film / "effects.otio", starts[name], "-o", still, "--gpu", "off", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        shown[name] = pixels(still)
    assert shown["flip"].shape == (540, 960, 3)
    assert np.array_equal(shown["flip"], shown["flip: MLT mirror"])
    assert np.array_equal(shown["invert"], shown["invert: MLT"])
    assert np.abs(shown["flip"] - shown["flip"][:, ::-1]).mean() > 5


def test_a_lut_that_is_gone_is_named_where_it_should_be(film: Path, otio_perf: Command, tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "effects.otio", film)
    timeline = otio.adapters.read_from_file(str(film / "effects.otio"))
    (clip,) = (c for c in timeline.find_clips() if c.name == "LUT")
    start = int(clip.transformed_time(clip.source_range.start_time, timeline.tracks).value)
    (film / "warm.cube").unlink()
    done = otio_perf("frame", film / "effects.otio", start, "-o", tmp_path / "x.png", cwd=tmp_path)
    assert done.returncode == 5
    assert str(film / "warm.cube") in done.stderr
    assert "Traceback" not in done.stderr
