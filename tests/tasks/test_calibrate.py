"""The machine is really measured, and the fit finds the lines that are in the data."""

from __future__ import annotations

import itertools

import pytest

from otio_perf.errors import TaskCancelledError
from otio_perf.media import bench
from otio_perf.model import wire
from otio_perf.model.machine import MachineProfile
from otio_perf.model.tasks import CalibrateTask
from otio_perf.tasks import calibrate
from otio_perf.tasks.calibrate import Point, fit


@pytest.mark.parametrize(("frame", "pixel", "bit"), [(0.5, 2.0, 6.0), (0.0, 3.0, 1.0), (0.1, 0.0, 9.0)])
def test_the_fit_finds_the_line(frame: float, pixel: float, bit: float) -> None:
    points = [Point(m, b, frame + pixel * m + bit * b) for m, b in itertools.product((0.2, 0.9, 3.7), (0.1, 1.0))]
    found = fit(points, parallel=2.0)
    assert (found.per_frame, found.per_megapixel, found.per_megabit) == pytest.approx((frame / 2, pixel / 2, bit / 2), abs=1e-6)


def test_noise_gives_no_negative_cost() -> None:
    points = [Point(0.23, 0.3, 4.0), Point(0.23, 0.05, 1.5), Point(3.7, 0.4, 9.0)]
    found = fit(points, parallel=1.0)
    assert min(found.per_frame, found.per_megapixel, found.per_megabit) >= 0
    assert found.per_megabit > 0


def test_two_readings_are_enough() -> None:
    found = fit([Point(0.06, 0.5, 10.0), Point(0.06, 0.2, 5.0)], parallel=1.0)
    assert found.per_megabit == pytest.approx(16.7, abs=0.1)


@pytest.mark.parametrize("codec", bench.CODECS, ids=lambda c: c.key)
def test_every_codec_can_be_made_and_played(codec: bench.BenchCodec) -> None:
    count = 2 if codec.gop == 1 else 5
    clips = [bench.encode_clip(codec, 320, 192, quality=q, frames=count) for q in (0, 1)]
    assert [len(c.packets) for c in clips] == [count, count]
    assert clips[0].megabits >= clips[1].megabits
    reading = bench.decode(clips[0], seconds=0)
    assert reading.frames == 2 * count  # two rounds, and none lost
    assert reading.cpu_ms > 0


@pytest.mark.slow
def test_a_profile_has_everything(request: pytest.FixtureRequest) -> None:
    heard: list[str] = []
    machine = calibrate.calibrate(identity="this one", progress=heard.append)
    assert machine.machine == "this one"
    assert "h264" in machine.decode
    assert all(c.per_megapixel + c.per_megabit > 0 for c in machine.decode.values())
    assert set(machine.encode_ms_per_megapixel) >= {"h264", "prores_proxy", "dnxhr_lb"}
    assert min(machine.scale_ms_per_megapixel, machine.composite_ms_per_megapixel, machine.effect_ms_per_megapixel) > 0
    assert machine.disk_read_bytes_per_second > 1e6
    assert "decoding h264" in heard
    if not any("other programs" in note for note in machine.notes):
        assert machine.seconds_taken <= 20
    assert wire.loads(MachineProfile, wire.dumps(machine)) == machine


def test_it_stops_before_the_first_step() -> None:
    heard: list[int] = []
    with pytest.raises(TaskCancelledError):
        calibrate.run(CalibrateTask(machine="this one"), progress=heard.append, cancelled=lambda: True)
    assert heard == []
