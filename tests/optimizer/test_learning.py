"""A command learns from what it rendered, unless other programs had the processors."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from otio_perf import settings
from otio_perf.metrics import system
from otio_perf.metrics.trace import Trace
from otio_perf.model import wire
from otio_perf.model.events import Prerendered
from otio_perf.model.machine import MachineProfile
from otio_perf.model.timings import Timing, TimingKind
from otio_perf.optimizer import session as sessions
from otio_perf.optimizer import this_machine
from otio_perf.optimizer.session import Session


@pytest.mark.parametrize(("load", "names"), [(0.4, ["lut"]), (1.7, [])])
def test_it_learns_on_a_quiet_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: float, names: list[str]) -> None:
    timing = Timing(kind=TimingKind.EFFECT, name="lut", thread=1, count=24, milliseconds=60.0, unit_ms=4.0)
    outcome = Prerendered(
        key="k", chunk="k", path="/a.mov", frames=24, size_bytes=1, digest="d", seconds=1.5, engine="cpu", timings=(timing,)
    )

    class Pool:
        """Stands where worker processes would."""

        def __init__(self, **_: Any) -> None: ...

        def __enter__(self) -> Pool:
            return self

        def __exit__(self, *_: object) -> None: ...

    profile = MachineProfile(
        machine=this_machine.identity(),
        measured_at="2026-01-01T00:00:00+00:00",
        seconds_taken=1.0,
        cores=2,
        memory_bytes=1,
        decode={},
        encode_ms_per_megapixel={},
        scale_ms_per_megapixel=1.0,
        composite_ms_per_megapixel=1.0,
        effect_ms_per_megapixel=2.0,
        disk_read_bytes_per_second=1.0,
    )
    monkeypatch.setattr(sessions.settings_module, "user_cache_folder", lambda: tmp_path)
    monkeypatch.setattr(system, "load", lambda: load)
    monkeypatch.setattr("otio_perf.render_queue.backend.ProcessBackend", Pool)
    monkeypatch.setattr("otio_perf.render_queue.runner.run", lambda *_, **__: {"k": outcome})
    (tmp_path / "machine.json").write_text(wire.dumps(profile), encoding="utf-8")
    with Session(
        settings.load({"workspace": tmp_path / "ws"}, environment={}),
        anchor=None,
        create=False,
        listener=lambda _: None,
        trace=Trace(),
        stop=threading.Event(),
    ) as session:
        session.run([object()], workers=1)  # type: ignore[list-item]
    kept = json.loads((tmp_path / "machine.json").read_text(encoding="utf-8"))["value"]
    assert list(kept["effects"]) == names
