"""``probe --proxy-of``: in what a file cannot stand for another, for who was refused a proxy without a reason."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def movie(path: Path, *, width: int = 64, frames: int = 12, rate: int = 25, timecode: str = "01:00:00:00") -> None:
    with av.open(str(path), "w") as container:
        container.metadata["timecode"] = timecode
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt, stream.time_base = width, width // 2, "yuv420p", Fraction(1, rate)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((width // 2, width, 3), 9 * number, np.uint8))
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.fixture
def media(tmp_path: Path) -> Path:
    movie(tmp_path / "source.mov", width=128)
    movie(tmp_path / "good.mov")
    movie(tmp_path / "late.mov", timecode="02:00:00:00", frames=11)
    return tmp_path


def differences(done: Any) -> set[tuple[str, str, str, str]]:
    found = json.loads(done.stdout)["differences"]
    return {(Path(one["path"]).name, one["field"], one["source"], one["proxy"]) for one in found}


def test_what_differs_is_told_by_file_and_field(media: Path, otio_perf: Command) -> None:
    done = otio_perf("probe", "good.mov", "late.mov", "--proxy-of", "source.mov", "--json", "-", cwd=media)
    assert done.returncode == 4
    assert differences(done) == {
        ("late.mov", "start_timecode", "01:00:00:00", "02:00:00:00"),
        ("late.mov", "frame_count", "12", "11"),
    }
    assert [line for line in done.stderr.splitlines() if line.count("should be") == 2]
    said = otio_perf("probe", "good.mov", "late.mov", "--proxy-of", "source.mov", cwd=media)
    assert said.stdout.count("can stand for it") == 1
    assert "the start timecode should be 01:00:00:00, and is 02:00:00:00" in said.stdout


def test_a_proxy_that_fits_and_one_that_was_made_here(media: Path, otio_perf: Command) -> None:
    done = otio_perf("probe", "good.mov", "--proxy-of", "source.mov", "--json", "-", cwd=media)
    assert (done.returncode, differences(done)) == (0, set())
    assert json.loads(otio_perf("probe", "good.mov", "--json", "-", cwd=media).stdout)["differences"] is None
    made = otio_perf("proxy", "source.mov", "--all", "--proxy", "32x16", "--workspace", "kept", "--json", "-", cwd=media)
    (decision,) = json.loads(made.stdout)["decisions"]
    done = otio_perf("probe", decision["products"][0]["path"], "--proxy-of", "source.mov", "--workspace", "kept", cwd=media)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("good.mov", "--proxy-of", "gone.mov"), 2, "nothing can be compared with it: is offline"),
        (("good.mov", "--proxy-of", "."), 2, "is several media"),
        (("gone.mov", "--proxy-of", "source.mov"), 5, "there is no such file"),
    ],
)
def test_what_cannot_be_compared_is_said(
    words: tuple[str, ...], code: int, reason: str, media: Path, otio_perf: Command
) -> None:
    done = otio_perf("probe", *words, cwd=media)
    assert done.returncode == code, done.stderr
    assert reason in done.stdout + done.stderr
    assert "internal error" not in done.stderr
