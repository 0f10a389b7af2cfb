"""A reference that counts at another rate than its file: positions are times, and the proxy shows the same picture at each."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest

from sample_timelines.make_media import draw_number, read_number

Command = Callable[..., "subprocess.CompletedProcess[str]"]
FRAMES = 75


def numbered(path: Path, rate: Fraction) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(FRAMES):
            luma = np.full((360, 640), 90, np.uint8)
            draw_number(luma, number)
            chroma = np.full((180, 640), 128, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.vstack([luma, chroma]), format="yuv420p")))
        container.mux(stream.encode())


@pytest.mark.parametrize("words", [(), ("--scope", "used", "--handles", "3")])
@pytest.mark.parametrize("counted", [24.0, 24000 / 1001, 25.0, 50.0])
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(24000, 1001)])
def test_the_same_picture_at_every_time(
    tmp_path: Path, otio_perf: Command, rate: Fraction, counted: float, words: tuple[str, ...]
) -> None:
    numbered(tmp_path / "a.mov", rate)

    def span(first: float, length: float) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(otio.opentime.RationalTime(first, counted), otio.opentime.RationalTime(length, counted))

    first, frames = 1000, math.floor(FRAMES / rate * Fraction(counted))
    reference = otio.schema.ExternalReference("a.mov", span(first, frames))
    timeline = otio.schema.Timeline("mixed")
    clip = otio.schema.Clip("c", reference, span(first + 30, 20))
    timeline.tracks.append(otio.schema.Track("V1", kind="Video", children=[clip]))
    (tmp_path / "mixed.otio").write_text(timeline.to_json_string(), encoding="utf-8")
    done = otio_perf("optimize", "mixed.otio", "--proxy", "120p", "--all", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = otio.adapters.read_from_file(str(tmp_path / "mixed.perf.otio")).find_clips()
    assert found.source_range == clip.source_range
    assert found.active_media_reference_key == "otio_perf:120p"
    held = found.media_reference.available_range
    with av.open(str(tmp_path / found.media_reference.target_url)) as container:
        assert container.streams.video[0].average_rate == rate
        numbers = [read_number(f.reformat(format="gray").to_ndarray()) for f in container.decode(video=0)]
    assert held.duration.to_seconds() == pytest.approx(len(numbers) / rate)
    for i in range(20):
        time = (first + 30 + i + 0.4) / counted  # within each frame of the clip, not at its edge
        asked = math.floor((time - first / counted) * rate)
        assert numbers[math.floor((time - held.start_time.to_seconds()) * rate)] == asked
