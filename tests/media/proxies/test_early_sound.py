"""Sound that was recorded before the first picture (transport streams, phones): it is cut off, and the rest stays in sync."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(("suffix", "codec"), [("mov", "pcm_s16le"), ("mp4", "aac"), ("ts", "aac"), ("mkv", "libopus")])
def test_sound_before_the_pictures_is_cut_and_the_rest_in_sync(
    suffix: str, codec: str, ffmpeg: Path, tmp_path: Path, proxies: Callable[..., Any], beeps: Callable[..., list[float]]
) -> None:
    source = tmp_path / f"early.{suffix}"
    command = [ffmpeg, "-v", "error", "-itsoffset", "0.5", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=2"]
    # a beep at each whole second of the file; the first is over before there is a picture
    tone = "aevalsrc='sin(2*PI*1000*t)*lt(mod(t,1),0.03)':s=48000:d=2.5"
    command += ["-f", "lavfi", "-i", tone, "-map", "0", "-map", "1", "-c:v", "libx264", "-preset", "ultrafast"]
    subprocess.run([*map(str, command), "-c:a", codec, "-y", str(source)], check=True, stdin=subprocess.DEVNULL)
    expected = [moment for moment in beeps(source) if moment >= 0]  # QuickTime holds the first picture from 0 on instead
    assert len(expected) >= 2
    assert beeps(proxies(source).paths[0]) == pytest.approx(expected, abs=0.02)


def test_sound_that_ends_before_the_pictures_leaves_silence(
    ffmpeg: Path, tmp_path: Path, proxies: Callable[..., Any], beeps: Callable[..., list[float]]
) -> None:
    source = tmp_path / "gone.ts"
    command = [ffmpeg, "-v", "error", "-itsoffset", "3", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=1"]
    command += ["-f", "lavfi", "-i", "sine=1000:d=1", "-map", "0", "-map", "1", "-c:v", "libx264", "-preset", "ultrafast"]
    subprocess.run([*map(str, command), "-c:a", "aac", "-y", str(source)], check=True, stdin=subprocess.DEVNULL)
    made = proxies(source)
    assert beeps(made.paths[0]) == []
