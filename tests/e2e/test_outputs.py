"""Where answers go: never over an original, and a place that takes nothing is one line, after the work was done."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest

from otio_perf.media.stills import write_still
from sample_timelines.make_media import CLIPS, make

Command = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).parent.parent.parent
FULL = Path("/dev/full")


@pytest.fixture(scope="session")
def cut_media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``cut.otio`` over a clip, a numbered sequence and, in a disabled clip, a still, all tiny; copied for each test."""
    folder = tmp_path_factory.mktemp("cut")
    make(replace(CLIPS["A001_C001.mp4"], width=320, height=180, frames=24, bit_rate=500_000), folder / "media")
    (folder / "media" / "plate").mkdir()
    for number in range(1001, 1007):
        write_still(folder / "media" / "plate" / f"plate.{number}.png", np.full((180, 320, 3), number % 256, np.uint8))
    write_still(folder / "media" / "title.png", np.full((180, 320, 3), 99, np.uint8))

    def length(frames: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(frames, 24))

    timeline = otio.schema.Timeline("cut", tracks=[otio.schema.Track("V1", kind="Video")])
    for reference, frames in (
        (otio.schema.ExternalReference("media/A001_C001.mp4", length(24)), 24),
        (otio.schema.ImageSequenceReference("media/plate", "plate.", ".png", 1001, 1, 24, 4, available_range=length(6)), 6),
        (otio.schema.ExternalReference("media/title.png", length(24)), 24),
    ):
        timeline.tracks[0].append(otio.schema.Clip("x" * 5000, reference, length(frames)))
    timeline.tracks[0][-1].enabled = False
    otio.adapters.write_to_file(timeline, str(folder / "cut.otio"))
    return folder


@pytest.fixture
def cut(cut_media: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(cut_media, tmp_path / "cut"))


def state(folder: Path) -> dict[str, bytes]:
    """Every file that a user owns there, by name."""
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and ".otio_perf" not in p.parts
    }


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in done.stderr
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("otio-perf: ")]
    return said


@pytest.mark.parametrize("option", ["--json", "--html", "--trace"])
@pytest.mark.parametrize(
    "target", ["media/A001_C001.mp4", "link.json", "cut.perf.otio", "cut.otio", "note.txt", "out/cut.perf.otio"]
)
def test_a_document_is_never_written_over_anything_else(option: str, target: str, cut: Path, otio_perf: Command) -> None:
    (cut / "link.json").symlink_to("media/A001_C001.mp4")
    (cut / "note.txt").write_text("mine")
    before = state(cut)
    for words in (["analyze", "cut.otio"], ["optimize", "cut.otio", "--proxy", "120p", "--all"], ["probe", "media"]):
        if words[0] == "probe" and option == "--html":
            continue
        done = otio_perf(*words, option, target, cwd=cut)
        assert done.returncode == 2, done.stderr
        assert target in one_line(done)
        assert state(cut) == before


def test_a_medium_called_like_a_document_is_safe(cut: Path, otio_perf: Command) -> None:
    """Its name says nothing: what the timeline refers to is found when it is surveyed."""
    strange = cut / "media" / "take.json"
    (cut / "media" / "A001_C001.mp4").rename(strange)
    text = (cut / "cut.otio").read_text().replace("A001_C001.mp4", "take.json")
    (cut / "cut.otio").write_text(text)
    before = state(cut)
    done = otio_perf("analyze", "cut.otio", "--json", "media/take.json", cwd=cut)
    assert done.returncode == 2, done.stderr
    assert "take.json" in one_line(done)
    assert state(cut) == before


def test_documents_of_their_kind_are_replaced(cut: Path, otio_perf: Command) -> None:
    words = ["analyze", "cut.otio", "--json", "a.json", "--html", "a.html", "--trace", "t.trace"]
    for _ in range(2):
        assert otio_perf(*words, cwd=cut).returncode == 0
    assert json.loads((cut / "a.json").read_text())["schema_version"]
    (cut / "empty").touch()  # as mktemp makes it
    assert otio_perf("analyze", "cut.otio", "--json", "empty", cwd=cut).returncode == 0
    assert json.loads((cut / "empty").read_text())["schema_version"]
    assert otio_perf("analyze", "cut.otio", "--json", "/dev/stdout", "--quiet", cwd=cut).stdout.startswith("{")


def test_somebody_elses_documents_stay(cut: Path, otio_perf: Command) -> None:
    (cut / "package.json").write_text('{"name": "mine"}')
    (cut / "mine.trace").write_text('{"traceEvents": []}')
    (cut / "mine.html").write_text("<p>mine</p>")
    before = state(cut)
    for option, name in (
        ("--json", "package.json"),
        ("--trace", "package.json"),
        ("--trace", "mine.trace"),
        ("--html", "mine.html"),
    ):
        done = otio_perf("analyze", "cut.otio", option, name, cwd=cut)
        assert done.returncode == 2, done.stderr
        assert "made by otio-perf: it would be overwritten" in one_line(done)
        assert state(cut) == before


def test_a_still_is_never_written_over_a_picture_of_the_timeline(cut: Path, otio_perf: Command) -> None:
    plate = sorted((cut / "media" / "plate").iterdir())
    (cut / "link.png").symlink_to(plate[3])
    before = state(cut)
    targets = [plate[0], plate[5], cut / "media" / "title.png", cut / "link.png", plate[0].with_name("plate.1007.png")]
    for target in targets:
        done = otio_perf("frame", "cut.otio", "3", "-o", target, cwd=cut)
        assert done.returncode == 2, (target, done.stderr)
        assert "medium" in one_line(done)
        assert state(cut) == before
    done = otio_perf("frame", "cut.otio", "3", "-o", cut / "media" / "plate" / "still.png", cwd=cut)
    assert done.returncode == 0, done.stderr


def test_a_timeline_is_never_written_into_its_bundle(cut: Path, otio_perf: Command) -> None:
    assert otio_perf("convert", "-i", "cut.otio", "-o", "s.otiod", cwd=cut).returncode == 0
    before = state(cut)
    for words in (
        ["convert", "-i", "s.otiod", "-o", "s.otiod/content.otio"],
        ["convert", "-i", "s.otiod/content.otio", "-o", "s.otiod"],
        ["restore", "s.otiod", "-o", "s.otiod/new.otio"],
        ["optimize", "s.otiod", "-o", "s.otiod/content.otio"],
        ["analyze", "s.otiod", "--json", "s.otiod/content.otio"],
        ["analyze", "s.otiod", "--json", "s.otiod/version.txt"],
    ):
        done = otio_perf(*words, cwd=cut)
        assert done.returncode == 2, (words, done.stderr)
        one_line(done)
        assert state(cut) == before


def shell(home: dict[str, str], line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**home, "PYTHONPATH": str(ROOT), "O": f"{sys.executable} -m otio_perf"}
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, env=environment, cwd=cwd, timeout=100, check=False
    )


@pytest.mark.skipif(not FULL.exists(), reason="NO /dev/full: output to a full disk was not tried")
@pytest.mark.parametrize(
    ("where", "code", "said"),
    [
        ("> /dev/full", 4, "No space left"),
        ("--json - > /dev/full", 4, "No space left"),
        ("--json - >&-", 4, "is closed"),
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        ("2> /dev/full", 0, ""),
        ("<&- >&- 2>&-", 0, ""),
        ("--json nowhere/x.json", 4, "nowhere"),
    ],
)
def test_a_proxy_that_was_made_counts_wherever_the_answer_goes(
    where: str, code: int, said: str, cut: Path, home: dict[str, str]
) -> None:
    done = shell(home, f"$O proxy media/A001_C001.mp4 --all --proxy 120p --workspace ws {where}", cut)
    assert done.returncode == code, done.stderr
    assert "internal" not in done.stderr
    assert said in (one_line(done) if said else done.stderr)
    (made,) = (cut / "ws" / "proxies").iterdir()
    assert made.name == "A001_C001_120p.mov"
    assert "otio-perf" not in made.read_bytes()[:100].decode("latin-1")  # nothing of ours went to a number that was free


@pytest.mark.skipif(not FULL.exists(), reason="NO /dev/full: output to a full disk was not tried")
@pytest.mark.parametrize("words", ["probe media", "analyze cut.otio", "doctor", "--help"])
def test_an_answer_that_finds_no_place_is_one_line(words: str, cut: Path, home: dict[str, str]) -> None:
    done = shell(home, f"$O {words} > /dev/full", cut)
    assert done.returncode == 5
    assert "standard output cannot be written: No space left" in one_line(done)
    assert done.stderr.count("Exception") == 0


def test_a_reader_that_goes_away_is_no_error(cut: Path, home: dict[str, str]) -> None:
    done = shell(home, "{ $O proxy media/A001_C001.mp4 --all --proxy 120p --workspace ws 2>&1; echo $? > code; } | true", cut)
    assert done.returncode == 0
    assert (cut / "code").read_text() == "0\n"
    assert (cut / "ws" / "proxies" / "A001_C001_120p.mov").exists()


def test_one_impossible_size_leaves_the_others(cut: Path, tmp_path: Path, otio_perf: Command) -> None:
    large = make(replace(CLIPS["A001_C001.mp4"], width=1280, height=720, frames=12, bit_rate=2_000_000), cut)
    words = ["proxy", large, "--codec", "dnxhr_lb", "--proxy", "64x36", "--proxy", "360p", "--all", "--workspace", cut / "ws"]
    done = otio_perf(*words)
    assert done.returncode == 4, done.stderr
    assert "dnxhr_lb begins at 256x120" in done.stderr
    assert [p.name for p in (cut / "ws" / "proxies").iterdir()] == ["A001_C001_360p.mov"]
    done = otio_perf(*words, "--json", "-")
    assert done.returncode == 4, done.stderr
    (failed,) = [o for o in json.loads(done.stdout)["outcomes"] if o["state"] == "failed"]
    assert "64x36" in failed["message"]


def test_a_name_of_a_whole_page_does_not_fill_the_terminal(cut: Path, otio_perf: Command) -> None:
    """In JSON it is whole."""
    (cut / "media" / "A001_C001.mp4").unlink()
    done = otio_perf("optimize", "cut.otio", "-o", "out.otio", "--proxy", "120p", "--all", "--json", "report.json", cwd=cut)
    assert done.returncode == 4, done.stderr
    assert "xxx" in done.stdout + done.stderr
    assert max(map(len, (done.stdout + done.stderr).splitlines())) < 1000
    assert "x" * 5000 in (cut / "report.json").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="ULIMIT: there is none")
def test_a_file_that_may_not_grow_is_no_full_disk(cut: Path, home: dict[str, str]) -> None:
    large = make(replace(CLIPS["A001_C001.mp4"], width=1280, height=720, frames=48, bit_rate=8_000_000), cut)
    done = shell(
        home,
        f"$O probe {large} --workspace ws >&- && ulimit -f 300 && "
        f"$O proxy {large} --all --proxy 540p --workspace ws --codec prores_lt",
        cut,
    )
    assert done.returncode == 5, done.stderr
    assert "ulimit" in done.stderr
    assert "disk full" not in done.stderr
    assert "Traceback" not in done.stderr
    assert [p for p in (cut / "ws" / "proxies").iterdir() if p.suffix == ".mov"] == []
    assert os.listdir(cut / "ws" / "proxies") == []
