from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from otio_perf.media import hardware

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    hardware.findings.cache_clear()
    yield
    hardware.findings.cache_clear()


def test_every_row_has_a_verdict_and_a_reason() -> None:
    found = hardware.findings()
    assert {finding.codec for finding in found} == set(hardware.CODECS)
    assert {finding.kind for finding in found} == {"encoder", "decoder"}
    assert all(finding.reason for finding in found)
    assert len({finding.name for finding in found}) == len(found)
    assert hardware.findings() is found


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


@pytest.mark.parametrize("codec", hardware.CODECS)
def test_the_best_encoder_exists_and_says_why(codec: str) -> None:
    name, reason = hardware.best_encoder(codec)
    assert name in av.codecs_available
    assert reason
    if not any(finding.works for finding in hardware.findings()):
        assert name in ("libx264", "libx265")
        assert "nvenc" in reason
        assert hardware.hwaccel_for(codec) is None


def test_an_unknown_codec_is_an_error() -> None:
    with pytest.raises(ValueError, match="known: h264, hevc"):
        hardware.best_encoder("prores")


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


@pytest.mark.skipif(sys.platform != "linux", reason="LINUX: device files")
def test_a_driver_that_crashes_is_blamed_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncase "$3" in h264_nvenc) kill -SEGV $$;; esac\nexec "{sys.executable}" "$@"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    patched = [hardware._Family(title="NVIDIA", encoder="nvenc", device="cuda", platforms=("linux",), files=("/dev/null",))]
    monkeypatch.setattr(hardware, "_FAMILIES", patched)
    monkeypatch.setattr(sys, "executable", str(python))
    found = {finding.name: finding for finding in hardware.findings()}
    assert "crashed" in found["h264_nvenc"].reason
    assert len(found) == 4
    assert "crashed" not in found["hevc_nvenc"].reason


@pytest.mark.gpu
def test_a_real_device_passes() -> None:
    if not os.path.exists("/dev/nvidiactl"):
        pytest.skip("NO GPU: NVDEC and NVENC could not be tried")
    decoders = [finding for finding in hardware.findings() if finding.name == "h264 on cuda"]
    assert decoders[0].works, decoders[0].reason
    assert hardware.hwaccel_for("h264") is not None
