"""Numbered pictures carry no rate: what the timeline says is what the proxy has, picture for picture."""

from __future__ import annotations

import json
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
FIRST, PICTURES = 1001, 48


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """A folder with ``plate/plate.1001.png`` … ``plate.1048.png``, each with its number in the picture."""
    folder = tmp_path / "plate"
    folder.mkdir()
    encoder = av.CodecContext.create("png", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 640, 360, "rgb24", Fraction(1, 25)
    for number in range(FIRST, FIRST + PICTURES):
        luma = np.full((360, 640), 90, np.uint8)
        draw_number(luma, number)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.repeat(luma[..., None], 3, axis=2)), format="rgb24")
        frame.pts = number
        (folder / f"plate.{number}.png").write_bytes(b"".join(bytes(p) for p in encoder.encode(frame)))
    return tmp_path


def clip(rate: float, start: int, frames: int, *, step: int = 1) -> otio.schema.Clip:
    """``frames`` pictures from number ``start`` on; with a ``step``, each of those that there are is shown so long."""

    def span(first: float, length: float) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(otio.opentime.RationalTime(first, rate), otio.opentime.RationalTime(length, rate))

    reference = otio.schema.ImageSequenceReference(
        "plate/", "plate.", ".png", FIRST, step, rate, 4, available_range=span(FIRST, PICTURES)
    )
    return otio.schema.Clip(f"plate at {rate}", reference, span(start, frames))


def write(folder: Path, *clips: otio.schema.Clip) -> Path:
    timeline = otio.schema.Timeline("shots")
    timeline.tracks.append(otio.schema.Track("V1", kind="Video", children=list(clips)))
    path = folder / "shots.otio"
    path.write_text(timeline.to_json_string(), encoding="utf-8")
    return path


def shown(folder: Path, clip: otio.schema.Clip) -> tuple[Fraction, list[int]]:
    """Rate of the proxy that a clip plays, and the numbers in the pictures that it shows of it."""
    assert clip.active_media_reference_key == "otio_perf:120p"
    reference = clip.media_reference
    with av.open(str(folder / reference.target_url)) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate
        assert rate is not None
        numbers = [read_number(f.reformat(format="gray").to_ndarray()) for f in container.decode(stream)]
    assert reference.available_range.duration.to_seconds() == pytest.approx(len(numbers) / rate)
    start = (clip.source_range.start_time - reference.available_range.start_time).to_seconds() * rate
    return rate, numbers[round(start) : round(start) + round(clip.source_range.duration.to_seconds() * rate)]


def optimized(folder: Path, otio_perf: Command, *words: str) -> list[otio.schema.Clip]:
    done = otio_perf("optimize", "shots.otio", "--proxy", "120p", "--all", *words, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return list(otio.adapters.read_from_file(str(folder / "shots.perf.otio")).find_clips())


@pytest.mark.parametrize("words", [(), ("--scope", "used", "--handles", "2")])
@pytest.mark.parametrize("rate", [24.0, 30.0, 24000 / 1001])
def test_the_proxy_has_the_rate_of_the_reference(shots: Path, otio_perf: Command, rate: float, words: tuple[str, ...]) -> None:
    write(shots, clip(rate, 1010, 20))
    (found,) = optimized(shots, otio_perf, *words)
    exact, numbers = shown(shots, found)
    assert float(exact) == pytest.approx(rate, abs=1e-9)
    assert numbers == list(range(1010, 1030))
    back = otio_perf("restore", "shots.perf.otio", "-o", "back.otio", cwd=shots)
    assert back.returncode == 0
    assert (shots / "back.otio").read_bytes() == (shots / "shots.otio").read_bytes()


@pytest.mark.parametrize("words", [(), ("--scope", "used", "--handles", "2")])
def test_one_folder_at_two_rates_is_two_media(shots: Path, otio_perf: Command, words: tuple[str, ...]) -> None:
    write(shots, clip(24, 1010, 20), clip(30, 1010, 20), clip(24, 1030, 10))
    found = optimized(shots, otio_perf, *words)
    assert [shown(shots, c) for c in found] == [
        (Fraction(24), list(range(1010, 1030))),
        (Fraction(30), list(range(1010, 1030))),
        (Fraction(24), list(range(1030, 1040))),
    ]


@pytest.mark.parametrize("words", [(), ("--scope", "used", "--handles", "2")])
def test_of_a_stepped_sequence_only_its_own_pictures_are_read(shots: Path, otio_perf: Command, words: tuple[str, ...]) -> None:
    for number in range(FIRST + 1, FIRST + PICTURES, 2):
        (shots / "plate" / f"plate.{number}.png").unlink()
    write(shots, clip(24, 1011, 20, step=2))
    (found,) = optimized(shots, otio_perf, *words)
    assert shown(shots, found) == (Fraction(12), list(range(1011, 1031, 2)))
    back = otio_perf("restore", "shots.perf.otio", "-o", "back.otio", cwd=shots)
    assert back.returncode == 0
    assert (shots / "back.otio").read_bytes() == (shots / "shots.otio").read_bytes()
    still = otio_perf("frame", "shots.otio", "7", "-o", "x.png", "--gpu", "off", cwd=shots)
    assert still.returncode == 0, still.stderr
    with av.open(str(shots / "x.png")) as container:
        assert read_number(next(container.decode(video=0)).reformat(format="gray").to_ndarray()) == 1017


def test_a_rate_that_was_looked_at_before_does_not_stick(shots: Path, otio_perf: Command) -> None:
    """What is known of the pictures is kept beside the timeline; the rate of the next timeline is another one."""
    for rate in (24, 30):
        write(shots, clip(rate, FIRST, PICTURES))
        (found,) = optimized(shots, otio_perf)
        assert shown(shots, found) == (Fraction(rate), list(range(FIRST, FIRST + PICTURES)))


def test_proxies_of_a_folder_take_the_rate_that_is_named(shots: Path, otio_perf: Command) -> None:
    done = otio_perf(
        "proxy", "plate", "--proxy", "120p", "--all", "--rate", "24", "--workspace", "ws", "--json", "-", cwd=shots
    )
    assert done.returncode == 0, done.stderr
    (decision,) = json.loads(done.stdout)["decisions"]
    (made,) = (shots / "ws" / "proxies").iterdir()
    with av.open(str(made)) as container:
        assert container.streams.video[0].average_rate == 24, decision
        assert len(list(container.decode(video=0))) == PICTURES
