"""Pictures are made while something may run, and whoever closes waits for none."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from otio_perf.errors import TaskCancelledError, WorkerLostError
from otio_perf.media import probe
from otio_perf.planning.posture import Posture
from otio_perf.service import thumbnails
from otio_perf.service.thumbnails import Thumbnails


def test_while_nothing_may_run_no_picture_is_made_and_it_is_tried_again(
    rushes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postures = [Posture(slots=0, suspended=True, niceness=10, reason="the user plays")]
    pictures = Thumbnails(tmp_path, lambda: postures[-1])
    media = probe.probe(next(iter(sorted(map(str, rushes.iterdir())))))
    monkeypatch.setattr(thumbnails, "_MAKE_SECONDS", 0.5)
    with pytest.raises(WorkerLostError, match="the user plays"):
        pictures.get(media, "one")
    monkeypatch.undo()
    postures.append(Posture(slots=1, niceness=10))
    try:
        assert pictures.get(media, "one").startswith(b"\xff\xd8\xff")
    finally:
        pictures.close()


def test_closing_does_not_wait_for_a_picture(rushes: Path, tmp_path: Path) -> None:
    pictures = Thumbnails(tmp_path, lambda: Posture(slots=0, suspended=True))
    media = probe.probe(next(iter(sorted(map(str, rushes.iterdir())))))
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            pictures.get(media, "one")
        except TaskCancelledError as e:
            errors.append(e)

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.3)
    began = time.monotonic()
    pictures.close()
    asking.join(5)
    assert len(errors) == 1 and time.monotonic() - began < 3
