"""The committed sample timelines are what their script builds, and ask only for what the media have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import opentimelineio as otio
import pytest

from sample_timelines.make_media import CLIPS

SAMPLES = Path(__file__).resolve().parent.parent.parent / "sample_timelines"
NAMES = ["short_film.otio", "documentary.otio", "effects.otio"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("timelines")
    script = SAMPLES / "make_timelines.py"
    subprocess.run([sys.executable, str(script), "--out", str(folder)], check=True, capture_output=True, timeout=60)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_file_is_what_the_script_builds(name: str, built: Path) -> None:
    assert (built / name).read_text(encoding="utf-8") == (SAMPLES / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_clips_stay_within_their_media(name: str) -> None:
    timeline = otio.adapters.read_from_file(str(SAMPLES / name))
    for clip in timeline.find_clips():
        asked, there = clip.trimmed_range(), clip.available_range()
        speed = next((e.time_scalar for e in clip.effects if isinstance(e, otio.schema.LinearTimeWarp)), 1.0)
        assert there.start_time <= asked.start_time
        assert asked.start_time.value + asked.duration.value * speed <= there.end_time_exclusive().value


def test_short_film_uses_every_clip() -> None:
    timeline = otio.adapters.read_from_file(str(SAMPLES / "short_film.otio"))
    used = set()
    for clip in timeline.find_clips():
        reference = clip.media_reference
        url = getattr(reference, "target_url", None) or reference.target_url_base.rstrip("/")
        used.add(url.removeprefix("media/"))
    assert used == set(CLIPS)


def test_documentary_has_more_than_fifty_shots_of_4k_media() -> None:
    timeline = otio.adapters.read_from_file(str(SAMPLES / "documentary.otio"))
    names = [c.media_reference.target_url.removeprefix("media/") for c in timeline.video_tracks()[0].find_clips()]
    assert len(names) > 50
    assert sum(CLIPS[n].width >= 3840 for n in names) > 50
