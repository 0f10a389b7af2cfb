"""What a user has misspelled is found."""

from __future__ import annotations

import os

import pytest

from otio_perf import settings
from otio_perf.optimizer import doctor


def test_variables_that_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTIO_PERF_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OTIO_PERF_QUALITY", "60")
    monkeypatch.setenv("OTIO_PERF_PROXI", "720p")
    found = {check.name: check for check in doctor.examine(settings.load())}
    assert (found["environment"].works, found["environment"].found) == (False, "no setting is called OTIO_PERF_PROXI")
