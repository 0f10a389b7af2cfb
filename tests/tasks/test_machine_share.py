"""What a run finds out about the machine once, and tells each of its tasks: its share of the cores, hardware that works."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import av
import pytest

import otio_perf
from otio_perf import settings
from otio_perf.media import hardware
from otio_perf.metrics import system
from otio_perf.model import wire
from otio_perf.model.events import Event, Notice, Ready
from otio_perf.model.machine import DecodeCost, MachineProfile
from otio_perf.model.tasks import ProxyTask, Task
from otio_perf.optimizer import this_machine
from otio_perf.render_queue.backend import ProcessBackend

CORES = 8


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Eight cores, that need not be measured."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(system, "cores", lambda: CORES)
    profile = MachineProfile(
        machine=this_machine.identity(),
        measured_at="2025-01-01T00:00:00Z",
        seconds_taken=1.0,
        cores=CORES,
        memory_bytes=8 << 30,
        decode={"h264": DecodeCost(per_frame=0.1, per_megapixel=2.0, per_megabit=3.0)},
        encode_ms_per_megapixel={"h264": 5.0},
        scale_ms_per_megapixel=1.0,
        composite_ms_per_megapixel=1.0,
        effect_ms_per_megapixel=1.0,
        disk_read_bytes_per_second=1e9,
    )
    file = settings.user_cache_folder() / "machine.json"
    file.parent.mkdir(parents=True)
    file.write_text(wire.dumps(profile), encoding="utf-8")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[ProxyTask]:
    """Every proxy that is given to a worker."""
    tasks: list[ProxyTask] = []
    start = ProcessBackend.start

    def note_and_start(self: ProcessBackend, task: Task, attempt: int) -> None:
        if isinstance(task, ProxyTask):
            tasks.append(task)
        start(self, task, attempt)

    monkeypatch.setattr(ProcessBackend, "start", note_and_start)
    return tasks


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Path]:
    """Make this process believe in an NVIDIA device whose self-test says that ``working`` work; the others do not.

    What is returned lists the self-tests that were begun, one a line. Workers know nothing of it.
    """

    def make(*working: str) -> Path:
        if sys.platform != "linux" or "h264_nvenc" not in av.codecs_available:
            pytest.skip("LINUX, NVENC: device files and a build of FFmpeg with these encoders")
        if any(finding.works for finding in hardware.findings()):
            pytest.skip("DEVICE: there is one here")
        begun = tmp_path / "begun"
        begun.touch()
        answer = tmp_path / "answer.py"
        answer.write_text(
            "import json, sys\n"
            "for name in sys.argv[3:]:\n"
            f"    works = name in {working!r}\n"
            "    kind = 'encoder' if '_' in name else 'decoder'\n"
            "    print(json.dumps({'name': name, 'kind': kind, 'codec': name[:4], 'works': works, 'was_tried': True,\n"
            "                      'reason': 'self-test passed' if works else 'gives back wrong pictures'}))\n"
        )
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\necho "$@" >> {begun}\nexec {sys.executable} {answer} "$@"\n')
        python.chmod(python.stat().st_mode | stat.S_IXUSR)
        family = hardware._Family(title="NVIDIA", encoder="nvenc", device="cuda", platforms=("linux",), files=("/dev/null",))
        monkeypatch.setattr(hardware, "_FAMILIES", [family])
        monkeypatch.setattr(sys, "executable", str(python))
        return begun

    return make


@pytest.mark.parametrize(("clips", "jobs", "share"), [(3, 2, 4), (1, 2, 8), (2, 16, 4)])
def test_jobs_that_run_at_once_share_the_cores(
    clips: int, jobs: int, share: int, started: list[ProxyTask], make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    media = [make_clip(f"share_{seed}.mp4", seed=seed, frames=3) for seed in range(clips)]
    report = otio_perf.generate_proxies(media, workspace=tmp_path / "w", proxy=["half"], jobs=jobs, all=True)
    assert not report.failed
    assert [task.cores for task in started] == [share] * clips


def test_one_self_test_serves_all_tasks_of_a_run(
    device: Callable[..., Path], started: list[ProxyTask], make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    """The workers believe what they are told, fail, and make the proxies in software; a second run finds them."""
    media = [make_clip(f"told_{seed}.mp4", seed=seed, frames=3) for seed in range(3)]
    begun = device("h264_nvenc")
    heard: list[Event] = []

    def run() -> list[Ready]:
        report = otio_perf.generate_proxies(
            media, workspace=tmp_path / "w", proxy=["half"], jobs=2, all=True, listener=heard.append
        )
        assert not report.failed
        return [outcome for outcome in report.outcomes if isinstance(outcome, Ready)]

    made = run()
    assert len(made) == 3
    assert all(any(note.startswith("made in software") for note in outcome.notes) for outcome in made)
    assert [task.hardware for task in started] == [("h264_nvenc",)] * 3
    assert begun.read_text().splitlines() == ["-P -m otio_perf.media.hardware h264_nvenc h264 on cuda"]
    assert any("decoder h264 on cuda gives back wrong pictures" in e.text for e in heard if isinstance(e, Notice))
    assert run() == []
    assert len(begun.read_text().splitlines()) == 1  # nothing to make: nothing to try


def test_no_device_is_tried_for_codecs_that_none_knows(
    device: Callable[..., Path], make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    begun = device()
    first = otio_perf.generate_proxies(
        [make_clip("prores.mp4", frames=3)], workspace=tmp_path / "w", proxy=["half"], codec="prores_proxy", all=True
    )
    assert begun.read_text().splitlines() == ["-P -m otio_perf.media.hardware h264_nvenc h264 on cuda"]
    (proxy,) = [Path(p.path) for o in first.outcomes if isinstance(o, Ready) for p in o.products]
    copy = tmp_path / "rushes.mov"
    copy.write_bytes(proxy.read_bytes())
    report = otio_perf.generate_proxies([copy], workspace=tmp_path / "w2", proxy=["half"], codec="prores_proxy", all=True)
    assert not report.failed
    assert report.outcomes
    assert len(begun.read_text().splitlines()) == 1
