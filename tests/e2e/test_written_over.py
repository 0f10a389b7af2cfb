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
    assert start(Path(shutil.copy(kept, film / "edited.otio"))) == 20
    # the next edits are kept beside the first, and said also to who wants no notes
    kept.write_text("of Monday")
    edit(path)
    done = otio_perf(*again, "--quiet")
    assert f"{path} had been edited since: kept as {kept}2" in done.stderr
    assert kept.read_text() == "of Monday"
    assert start(Path(f"{kept}2").rename(film / "tuesday.otio")) == 20
    # the way that the notice names
    done = otio_perf("optimize", film / "edited.otio", "-o", film / "on.otio", *PROXIES)
    assert done.returncode == 0, done.stderr
    assert start(film / "on.otio") == 20
    clip = otio.adapters.read_from_file(str(film / "on.otio")).tracks[0][0]
    assert clip.active_media_reference_key == "otio_perf:120p"


def test_what_is_optimized_again_is_told_by_its_number(film: Path, otio_perf: Command) -> None:
    before = (film / "short_film.perf.otio").read_bytes()
    for name, written in (
        ("short_film.perf.otio", "short_film.perf2.otio"),
        ("short_film.perf2.otio", "short_film.perf3.otio"),
    ):
        for _ in range(2):  # the same again is written to the same place
            done = otio_perf("optimize", name, *PROXIES, cwd=film)
            assert done.returncode == 0, done.stderr
            assert f"wrote {written}" in done.stdout
    assert sorted(p.name for p in film.glob("*.perf*")) == [
        "short_film.perf.otio",
        "short_film.perf2.otio",
        "short_film.perf3.otio",
    ]
    assert (film / "short_film.perf.otio").read_bytes() == before
    edit(film / "short_film.perf3.otio")
    assert "rename that to short_film.edited.otio" in otio_perf("optimize", "short_film.perf2.otio", *PROXIES, cwd=film).stderr


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


def test_a_timeline_that_is_restored_elsewhere_finds_its_media(film: Path, otio_perf: Command) -> None:
    (film / "other").mkdir()
    done = otio_perf("restore", film / "short_film.perf.otio", "-o", film / "other" / "back.otio")
    assert done.returncode == 0, done.stderr
    urls = 0
    for clip in otio.adapters.read_from_file(str(film / "other" / "back.otio")).find_clips():
        assert list(clip.media_references()) == ["DEFAULT_MEDIA"]
        if isinstance(clip.media_reference, otio.schema.ExternalReference):
            assert clip.media_reference.target_url.startswith("../media/")
            assert (film / "other" / clip.media_reference.target_url).is_file()
            urls += 1
    assert urls
    # and from there where they were: those of the beginning
    assert otio_perf("optimize", film / "other" / "back.otio", "-o", film / "again.otio", *PROXIES).returncode == 0
    assert otio_perf("restore", film / "again.otio", "-o", film / "other" / "twice.otio").returncode == 0
    assert (film / "other" / "twice.otio").read_bytes() == (film / "other" / "back.otio").read_bytes()


def test_convert_says_before_any_work_what_would_be_lost(film: Path, otio_perf: Command) -> None:
    done = otio_perf("convert", "-i", film / "short_film.perf.otio", "-o", film / "x.xml")
    assert done.returncode == 2
    assert "originals would be lost" in done.stderr
    done = otio_perf("convert", "-i", film / "documentary.otio", "-o", film / "x.otio")
    assert "x.otio: converted" in done.stdout


def test_names_that_mean_something_in_a_url(film: Path, otio_perf: Command) -> None:
    name = "shot one (take #2) 100%.mp4"
    (film / "media" / "A001_C001.mp4").rename(film / name)
    clip = otio.schema.Clip(
        "shot",
        otio.schema.ExternalReference("shot%20one%20(take%20%232)%20100%25.mp4"),
        otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(10, 24)),
    )
    timeline = otio.schema.Timeline("cut")
    timeline.tracks.append(otio.schema.Track("V1"))
    timeline.tracks[0].append(clip)
    otio.adapters.write_to_file(timeline, str(film / "cut.otio"))
    (film / "out").mkdir()
    done = otio_perf("optimize", film / "cut.otio", "-o", film / "out" / "cut.otio", *PROXIES)
    assert done.returncode == 0, done.stderr
    references = otio.adapters.read_from_file(str(film / "out" / "cut.otio")).find_clips()[0].media_references()
    assert references["DEFAULT_MEDIA"].target_url == "../shot%20one%20(take%20%232)%20100%25.mp4"
    assert " " not in references["otio_perf:120p"].target_url
    for reference in references.values():
        assert (film / "out" / otio.url_utils.filepath_from_url(reference.target_url)).is_file()
    back = otio_perf("restore", film / "out" / "cut.otio", "-o", film / "back.otio")
    assert back.returncode == 0, back.stdout
    assert (film / "back.otio").read_bytes() == (film / "cut.otio").read_bytes()


def test_what_needs_no_proxies_is_known_as_ours_too(tmp_path: Path, otio_perf: Command) -> None:
    """It was kept as .bak at each run: nobody had edited it."""
    timeline = otio.schema.Timeline("light")
    track = otio.schema.Track("V1")
    timeline.tracks.append(track)
    span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 25), otio.opentime.RationalTime(50, 25))
    for count in range(1, 4):
        track.append(otio.schema.Clip(f"bars {count}", otio.schema.GeneratorReference("bars", "SMPTEBars", span), span))
        otio.adapters.write_to_file(timeline, str(tmp_path / "light.otio"))
        done = otio_perf("optimize", "light.otio", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in tmp_path.glob("light*")) == ["light.otio", "light.perf.otio"]
    restored = otio_perf("restore", "light.perf.otio", "-o", "back.otio", cwd=tmp_path)
    assert restored.returncode == 0, restored.stderr
    assert (tmp_path / "back.otio").read_bytes() == (tmp_path / "light.otio").read_bytes()
