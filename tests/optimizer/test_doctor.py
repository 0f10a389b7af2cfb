"""What a user has misspelled is found."""

from __future__ import annotations

import os

import pytest

from otio_perf import settings
from otio_perf.cli import tables
from otio_perf.media import hardware
from otio_perf.optimizer import doctor
from otio_perf.render import engines


def test_variables_that_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTIO_PERF_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OTIO_PERF_QUALITY", "60")
    monkeypatch.setenv("OTIO_PERF_PROXI", "720p")
    found = {check.name: check for check in doctor.examine(settings.load())}
    assert (found["environment"].works, found["environment"].found) == (False, "no setting is called OTIO_PERF_PROXI")


def test_what_was_never_tried_is_no_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Each encoder and decoder of the table is one of three: it works, it was tried and does not, it was never tried here."""
    tried = hardware.HardwareFinding(
        name="h264_nvenc", kind="encoder", codec="h264", works=False, reason="pictures come back wrong", was_tried=True
    )
    absent = hardware.HardwareFinding(
        name="h264 on cuda", kind="decoder", codec="h264", works=False, reason="no NVIDIA device is here"
    )
    monkeypatch.setattr(hardware, "findings", lambda: (tried, absent))
    monkeypatch.setattr(engines, "_may_have_gpu", lambda: False)
    checks = doctor.examine(settings.load())
    found = {check.name: (check.works, check.was_tried) for check in checks}
    assert found["encoder h264_nvenc"] == (False, True)
    assert found["decoder h264 on cuda"] == found["GPU"] == (False, False)
    assert found["Python"] == (True, True)
    tables.show_checks(checks)
    table, end = capsys.readouterr().out.split("Never run here:\n")
    assert "no  encoder h264_nvenc" in table
    assert "cuda" not in table
    assert end.splitlines() == ["  GPU: no GPU was found", "  decoder h264 on cuda: no NVIDIA device is here"]


def test_every_encoder_and_decoder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of other systems, too: what was never run here is told."""
    monkeypatch.setattr(hardware, "_why_not", lambda name, kind, codec, family: f"{family.title} does not exist on this system")
    named = {check.name for check in doctor.examine(settings.load()) if not check.was_tried}
    assert {"encoder h264_videotoolbox", "decoder hevc on d3d11va", "encoder hevc_nvenc", "decoder h264 on vaapi"} <= named
