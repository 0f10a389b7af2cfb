"""Proxies that show more than their source: asked for, they are made; not asked for, they stand in for nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
import pytest

from otio_perf.reports.document import schemas

pytestmark = pytest.mark.slow

Command = Callable[..., subprocess.CompletedProcess[str]]
SAMPLES = Path(__file__).resolve().parent.parent.parent / "sample_timelines"
LOOK = ("--lut", "warm.cube", "--burn-in", "name", "--burn-in", "timecode")


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    """``cut.otio`` with one clip of the grey ``grey.mov``, and ``warm.cube``."""
    with av.open(str(tmp_path / "grey.mov"), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "ultrafast", "g": "1"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        stream.metadata["timecode"] = "10:00:00:00"
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((360, 640, 3), 128, np.uint8), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    shutil.copy(SAMPLES / "warm.cube", tmp_path)
    span = otio.opentime.TimeRange(otio.opentime.RationalTime(900_000, 25), otio.opentime.RationalTime(20, 25))
    clip = otio.schema.Clip("shot", otio.schema.ExternalReference("grey.mov", span), span)
    timeline = otio.schema.Timeline("cut")
    timeline.tracks.append(otio.schema.Track("V1", kind="Video", children=[clip]))
    (tmp_path / "cut.otio").write_text(timeline.to_json_string(), encoding="utf-8")
    return tmp_path


def optimized(otio_perf: Command, folder: Path, *words: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The decision on the clip, and its only product."""
    done = otio_perf("optimize", "cut.otio", "-o", "out.otio", "--proxy", "180p", *words, "--json", "-", cwd=folder)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    (decision,) = answer["proxies"]["decisions"]
    (product,) = decision["products"]
    return decision, product


def middle(path: str | Path) -> np.ndarray:
    """R'G'B' in the middle of the first picture of what a proxy shows."""
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")[80:100, 100:200].mean(axis=(0, 1))


def played(folder: Path, name: str = "out.otio") -> Path:
    (clip,) = otio.adapters.read_from_file(str(folder / name)).find_clips()
    assert clip.active_media_reference_key == "otio_perf:180p"
    return folder / clip.media_reference.target_url


def test_a_look_is_made_when_asked_for_and_stands_in_for_nothing_else(cut: Path, otio_perf: Command) -> None:
    planned, _ = optimized(otio_perf, cut, *LOOK, "--dry-run")
    assert planned["action"] == "make"  # also of what plays as it is
    assert planned["reason"].endswith("with LUT warm.cube, timecode and name burnt in")
    _, look = optimized(otio_perf, cut, *LOOK)
    assert (look["lut"], look["burn_in"]) == (str(cut / "warm.cube"), ["timecode", "name"])
    assert Path(look["path"]).name == "grey_180p_look.mov"
    assert played(cut) == Path(look["path"])
    seen = middle(look["path"])
    assert seen[0] - seen[2] > 5  # warm
    again, same = optimized(otio_perf, cut, *LOOK)
    assert (again["action"], same["key"]) == ("have", look["key"])

    plain_decision, plain = optimized(otio_perf, cut, "--all")
    assert plain_decision["action"] == "make"
    assert plain["key"] != look["key"]
    assert (plain["lut"], plain["burn_in"]) == (None, [])
    assert played(cut) == Path(plain["path"])
    assert np.ptp(middle(plain["path"])) < 3  # grey
    known, _ = optimized(otio_perf, cut, "--lut", "warm.cube", "--dry-run")
    assert known["action"] == "make"  # without words it is another one

    restored = otio_perf("restore", "out.otio", "-o", "back.otio", cwd=cut)
    assert restored.returncode == 0
    assert (cut / "back.otio").read_bytes() == (cut / "cut.otio").read_bytes()


def test_convert_takes_no_look_for_a_proxy(cut: Path, otio_perf: Command) -> None:
    optimized(otio_perf, cut, *LOOK)
    words = ("convert", "-i", "cut.otio", "-o", "linked.otio", "--use-proxies", "180p")
    alone = otio_perf(*words, cwd=cut)
    assert "no clip has a 180p proxy" in alone.stderr
    _, plain = optimized(otio_perf, cut, "--all")
    assert otio_perf(*words, cwd=cut).returncode == 0
    assert played(cut, "linked.otio") == Path(plain["path"])


def test_the_content_of_a_lut_counts_and_not_its_name(cut: Path, otio_perf: Command) -> None:
    _, first = optimized(otio_perf, cut, "--lut", "warm.cube")
    shutil.move(cut / "warm.cube", cut / "other.cube")
    same, _ = optimized(otio_perf, cut, "--lut", "other.cube")
    assert same["action"] == "have"
    text = (cut / "other.cube").read_text(encoding="utf-8")
    (cut / "other.cube").write_text(text.replace("1.00", "0.50"), encoding="utf-8")
    changed, second = optimized(otio_perf, cut, "--lut", "other.cube")
    assert changed["action"] == "make"
    assert second["key"] != first["key"]
    assert Path(second["path"]) != Path(first["path"])


@pytest.mark.parametrize(
    ("lut", "said"),
    [("gone.cube", "No such file"), ("cut.otio", "is no LUT format"), ("short.cube", "the LUT ends after 0 of 8 rows")],
)
@pytest.mark.parametrize("command", ["optimize", "proxy"])
def test_a_lut_that_cannot_be_read_is_named_before_anything_is_made(
    command: str, lut: str, said: str, cut: Path, otio_perf: Command
) -> None:
    (cut / "short.cube").write_text("LUT_3D_SIZE 2\n", encoding="utf-8")
    before = sorted(p.name for p in cut.iterdir())
    source = "cut.otio" if command == "optimize" else "grey.mov"
    done = otio_perf(command, source, "--lut", lut, "--dry-run", cwd=cut)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert str(cut / lut) in line
    assert said in line
    assert sorted(p.name for p in cut.iterdir()) == before


def test_words_are_those_of_the_file_and_no_others(cut: Path, otio_perf: Command) -> None:
    shutil.copy(cut / "grey.mov", cut / "copy.mov")  # the same content
    done = otio_perf(
        "proxy", "grey.mov", "copy.mov", "--proxy", "180p", "--workspace", "ws", "--burn-in", "name", "--json", "-", cwd=cut
    )
    assert done.returncode == 0, done.stderr
    decisions = json.loads(done.stdout)["decisions"]
    assert len({p["key"] for d in decisions for p in d["products"]}) == 2
    plain = otio_perf("proxy", "grey.mov", "copy.mov", "--proxy", "180p", "--all", "--workspace", "ws", "--json", "-", cwd=cut)
    assert len({p["key"] for d in json.loads(plain.stdout)["decisions"] for p in d["products"]}) == 1


def test_what_is_said_is_what_the_schema_has(cut: Path, otio_perf: Command) -> None:
    done = otio_perf("proxy", "grey.mov", "--proxy", "180p", "--workspace", "ws", "--burn-in", "frame", cwd=cut)
    assert "with frame burnt in" in done.stdout
    product = schemas()["proxies.schema.json"]["$defs"]["product"]
    assert {"lut", "burn_in"} <= set(product["required"])
    wrong = otio_perf("proxy", "grey.mov", "--burn-in", "clip", cwd=cut)
    assert wrong.returncode == 2
    assert "--burn-in" in wrong.stderr
    assert "timecode, name, frame" in wrong.stderr


def test_a_lut_on_hdr_gets_a_remark(film: Path, otio_perf: Command) -> None:
    media = [f"media/{name}" for name in ("B001_C001.mp4", "A001_C001.mp4")]
    words = ("--proxy", "120p", "--all", "--dry-run", "--lut", "warm.cube")
    told = otio_perf("proxy", *media, *words, cwd=film).stderr
    assert "note: B001_C001.mp4: the LUT is applied to HDR (HLG) as it is" in told
