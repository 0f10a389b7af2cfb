"""Where timelines are written, and what was there before: edits are kept, folders are not made, media are found."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import opentimelineio as otio
import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]
PROXIES = ("--proxy", "120p", "--all")


@pytest.fixture
def film(optimized_film: Path, tmp_path: Path) -> Path:
    """The film's folder with ``short_film.perf.otio``, which a test may change."""
    return Path(shutil.copytree(optimized_film, tmp_path / "film"))


def edit(path: Path) -> None:
    """What a user does in a host: trim a clip, and save."""
    timeline = otio.adapters.read_from_file(str(path))
    timeline.tracks[0][0].source_range = otio.opentime.TimeRange(
        otio.opentime.RationalTime(20, 24), otio.opentime.RationalTime(30, 24)
    )
    otio.adapters.write_to_file(timeline, str(path))


def start(path: Path) -> float:
    found = otio.adapters.read_from_file(str(path)).tracks[0][0].source_range.start_time.value
    assert isinstance(found, float)
    return found


def test_edits_of_an_optimized_timeline_are_kept_and_told_of(film: Path, otio_perf: Command) -> None:
    path, kept = film / "short_film.perf.otio", film / "short_film.perf.otio.bak"
    again = ("optimize", film / "short_film.otio", *PROXIES)
    assert otio_perf(*again).returncode == 0
    assert not kept.exists()  # nobody has touched it
    edit(path)
    done = otio_perf(*again)
    assert done.returncode == 0, done.stderr
    assert f"{path} had been edited since: kept as {kept}" in done.stderr
    assert start(path) != 20
    assert start(kept.rename(film / "edited.otio")) == 20
    # the way that the notice names
    done = otio_perf("optimize", film / "edited.otio", "-o", film / "on.otio", *PROXIES)
    assert done.returncode == 0, done.stderr
    assert start(film / "on.otio") == 20
    clip = otio.adapters.read_from_file(str(film / "on.otio")).tracks[0][0]
    assert clip.active_media_reference_key == "otio_perf:120p"


def test_restore_and_convert_keep_what_was_there(film: Path, otio_perf: Command) -> None:
    path, back = film / "short_film.perf.otio", film / "short_film.otio"
    assert otio_perf("restore", path, "-o", back).returncode == 0
    assert not (film / "short_film.otio.bak").exists()  # what was there is what is written
    edit(back)
    done = otio_perf("restore", path, "-o", back)
    assert f"kept as {back}.bak" in done.stderr
    assert start(back) != 20
    assert start((film / "short_film.otio.bak").rename(film / "edited.otio")) == 20
    done = otio_perf("convert", "-i", film / "documentary.otio", "-o", path)
    assert not path.with_name(f"{path.name}.bak").exists()
    edit(back)
    done = otio_perf("convert", "-i", path, "-o", back)
    assert f"kept as {back}.bak" in done.stderr


def test_no_folder_is_made_for_a_single_file(film: Path, otio_perf: Command) -> None:
    path = film / "short_film.perf.otio"
    target = film / "no" / "such" / "x.otio"
    for words in (("optimize", film / "short_film.otio", "-o"), ("restore", path, "-o"), ("convert", "-i", path, "-o")):
        done = otio_perf(*words, target)
        assert done.returncode == 5, words
        assert "its folder is not there" in done.stderr
        assert not (film / "no").exists()
    done = otio_perf("optimize", film / "short_film.otio", film / "documentary.otio", "-o", film / "two.otio")
    assert done.returncode == 2
    assert "names a file, and there are several timelines" in done.stderr
