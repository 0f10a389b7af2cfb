from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from otio_perf.errors import TaskCancelledError
from otio_perf.media import hardware

ROOT = Path(__file__).parents[2]


def test_every_row_has_a_verdict_and_a_reason() -> None:
    found = hardware.findings()
    assert {finding.codec for finding in found} == set(hardware.CODECS)
    assert {finding.kind for finding in found} == {"encoder", "decoder"}
    assert all(finding.reason for finding in found)
    assert len({finding.name for finding in found}) == len(found)
    assert {finding.codec for finding in hardware.findings({"h264", "prores"})} == {"h264"}


def test_without_a_device_it_is_quick_and_silent() -> None:
    if any(finding.works for finding in hardware.findings()):
        pytest.skip("DEVICE: there is one here")
    script = (
        "import time\nfrom otio_perf.media import hardware\n"
        "begin = time.perf_counter()\nhardware.findings()\nprint(time.perf_counter() - begin)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60)
    assert float(done.stdout) < 0.5
    assert done.stderr == ""


def test_the_first_of_the_table_that_works_is_taken() -> None:
    assert hardware.best_encoder("h264", ["h264_amf", "hevc_nvenc", "h264_qsv", "h264 on cuda"]) == "h264_qsv"
    assert hardware.best_encoder("hevc", ["h264_nvenc"]) is None
    assert hardware.best_encoder("prores", ["h264_nvenc"]) is None
    assert hardware.hwaccel_for("h264", ["h264_nvenc", "hevc on cuda"]) is None


@pytest.mark.skipif(sys.platform != "linux", reason="LINUX: device files")
def test_a_device_without_a_driver_fails_the_self_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The row is made to believe in a device; the child really tries, and FFmpeg really says no."""
    family = next(f for f in hardware._FAMILIES if f.encoder == "nvenc")
    if any(Path(file).exists() for file in family.files):
        pytest.skip("DEVICE: there is one here")
    patched = [hardware._Family(title="NVIDIA", encoder="nvenc", device="cuda", platforms=("linux",), files=("/dev/null",))]
    monkeypatch.setattr(hardware, "_FAMILIES", patched)
    begin = time.monotonic()
    found = hardware.findings()
    assert time.monotonic() - begin < 20
    assert [finding.works for finding in found] == [False] * 4
    assert all(finding.reason.startswith("does not open") for finding in found)
    assert all(finding.was_tried for finding in found)


@pytest.mark.skipif(sys.platform != "linux", reason="LINUX: device files")
def test_a_driver_that_crashes_is_blamed_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncase "$4" in h264_nvenc) kill -SEGV $$;; esac\nexec "{sys.executable}" "$@"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    patched = [hardware._Family(title="NVIDIA", encoder="nvenc", device="cuda", platforms=("linux",), files=("/dev/null",))]
    monkeypatch.setattr(hardware, "_FAMILIES", patched)
    monkeypatch.setattr(sys, "executable", str(python))
    found = {finding.name: finding for finding in hardware.findings()}
    assert "crashed" in found["h264_nvenc"].reason
    assert len(found) == 4
    assert "crashed" not in found["hevc_nvenc"].reason


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A driver that never answers; the file that is returned holds the process ids of who waits for it."""
    ids = tmp_path / "ids"
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho $$ >> {ids}\nexec sleep 100\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    patched = [hardware._Family(title="NVIDIA", encoder="nvenc", device="cuda", platforms=("linux",), files=("/dev/null",))]
    monkeypatch.setattr(hardware, "_FAMILIES", patched)
    monkeypatch.setattr(sys, "executable", str(python))
    return ids


@pytest.mark.skipif(sys.platform != "linux", reason="LINUX: device files")
def test_a_driver_that_hangs_costs_the_limit_once(monkeypatch: pytest.MonkeyPatch, hanging: Path) -> None:
    monkeypatch.setattr(hardware, "_LIMIT_SECONDS", 1.0)
    begin = time.monotonic()
    found = hardware.findings()
    assert time.monotonic() - begin < 5
    assert "did not answer" in found[0].reason
    assert all("not tried" in finding.reason for finding in found[1:])
    assert not any(finding.works for finding in found)
    assert [Path(f"/proc/{number}").exists() for number in hanging.read_text().split()] == [False]


@pytest.mark.skipif(sys.platform != "linux", reason="LINUX: device files")
def test_it_can_be_stopped_while_a_driver_hangs(hanging: Path) -> None:
    begin = time.monotonic()

    def tick() -> None:
        if hanging.exists() and hanging.read_text():
            raise TaskCancelledError("stopped")

    with pytest.raises(TaskCancelledError):
        hardware.findings(tick=tick)
    assert time.monotonic() - begin < 10
    assert not Path(f"/proc/{hanging.read_text().strip()}").exists()


@pytest.mark.gpu
def test_a_real_device_passes() -> None:
    if not os.path.exists("/dev/nvidiactl"):
        pytest.skip("NO GPU: NVDEC and NVENC could not be tried")
    decoders = [finding for finding in hardware.findings() if finding.name == "h264 on cuda"]
    assert decoders[0].works, decoders[0].reason
    assert hardware.hwaccel_for("h264", ["h264 on cuda"]) is not None
