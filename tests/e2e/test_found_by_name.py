"""An EDL names no files: its clips are looked for by their names, and everybody is told how they were found."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import opentimelineio as otio
import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]

EDL = """TITLE: names
FCM: NON-DROP FRAME

001  AX       V     C        00:00:00:10 00:00:01:10 00:00:00:00 00:00:01:00
* FROM CLIP NAME: A001_C001
002  AX       V     C        00:00:00:00 00:00:01:00 00:00:01:00 00:00:02:00
* FROM CLIP NAME: b001_c001.MOV
003  AX       V     C        00:00:00:00 00:00:01:00 00:00:02:00 00:00:03:00
* FROM CLIP NAME: A001_C001
"""


@pytest.fixture
def names(film: Path) -> Path:
    path = film / "names.edl"
    path.write_text(EDL)
    return path


def test_clips_of_an_edl_are_found_below_the_media_root(names: Path, film: Path, otio_perf: Command) -> None:
    plain = json.loads(otio_perf("analyze", names, "--rate", 24, "--json", "-").stdout)
    assert {m["state"] for m in plain["media"]} == {"missing"}
    said = otio_perf("analyze", names, "--rate", 24).stdout
    assert "  3 clips refer to no media: A001_C001, b001_c001.MOV. Say where files of these names are with --media-root" in said
    words = ("--rate", 24, "--media-root", film / "media")
    done = otio_perf("analyze", names, *words, "--json", "-", "--html", film / "page.html")
    media = {m["path"]: m for m in json.loads(done.stdout)["media"]}
    medium = str(film / "media" / "A001_C001.mp4")
    assert media[medium]["state"] == "online"
    assert "found by the clip's name" in media[medium]["reason"]
    assert "found by the clip's name" in done.stderr
    assert "b001_c001.MOV" in done.stderr  # the file is called otherwise
    assert "found by the clip" in (film / "page.html").read_text(encoding="utf-8")
    done = otio_perf("optimize", names, *words, "--proxy", "120p", "--all", "-o", film / "out.otio")
    assert done.returncode == 4, done.stderr  # written, but one of them has no proxy
    assert "left alone: b001_c001.MOV: the clip has no media, and no file below the media roots" in done.stdout
    clips = list(otio.adapters.read_from_file(str(film / "out.otio")).find_clips())
    assert [c.active_media_reference_key for c in clips] == ["otio_perf:120p", "DEFAULT_MEDIA", "otio_perf:120p"]
    assert isinstance(clips[0].media_references()["DEFAULT_MEDIA"], otio.schema.MissingReference)
    # also where nobody says anew where the media are
    checked = otio_perf("convert", "-i", film / "out.otio", "-o", film / "same.otio", "--check-contract")
    assert checked.returncode == 0, checked.stdout
    again = otio_perf("optimize", film / "out.otio", "-o", film / "again.otio", "--proxy", "160x90", "--all")
    assert again.returncode == 4, again.stderr
    clips = list(otio.adapters.read_from_file(str(film / "again.otio")).find_clips())
    assert clips[0].active_media_reference_key == "otio_perf:120p"
    back = otio_perf("restore", film / "again.otio", "-o", film / "back.otio")
    assert back.returncode == 0, back.stderr
    assert "2 clips have their proxies taken off and refer to no media again, as in the timeline" in back.stderr
    assert "back.otio: no proxies are left in it" in back.stdout
    assert {type(c.media_reference) for c in otio.adapters.read_from_file(str(film / "back.otio")).find_clips()} == {
        otio.schema.MissingReference
    }


def test_convert_gives_them_references_and_names_what_may_be_several(names: Path, film: Path, otio_perf: Command) -> None:
    words = ("convert", "-i", names, "--rate", 24, "--media-root", film / "media")
    done = otio_perf(*words, "-o", film / "found.otio")
    assert done.returncode == 4
    assert "b001_c001.MOV" in done.stdout
    clips = list(otio.adapters.read_from_file(str(film / "found.otio")).find_clips())
    assert clips[0].media_reference.target_url == str(film / "media" / "A001_C001.mp4")
    assert isinstance(clips[1].media_reference, otio.schema.MissingReference)
    (film / "media" / "again").mkdir()
    shutil.copy(film / "media" / "A001_C001.mp4", film / "media" / "again")
    done = otio_perf(*words, "-o", film / "doubtful.otio")
    assert done.returncode == 4
    assert "2 files below the media roots" in done.stdout
    assert str(film / "media" / "again" / "A001_C001.mp4") in done.stdout


def test_media_that_are_not_found_are_told_as_those_that_are_offline(names: Path, film: Path, otio_perf: Command) -> None:
    said = "2 clips (A001_C001, b001_c001.MOV): the clip has no media: --media-root DIR looks for files called like the clips"
    done = otio_perf("optimize", names, "--rate", 24, "-o", film / "out.otio")
    assert done.returncode == 4, done.stderr
    assert done.stdout.count("left alone") == 1
    assert said in done.stdout
    left = json.loads(otio_perf("optimize", names, "--rate", 24, "-o", film / "out.otio", "--json", "-").stdout)
    assert [one["clip"] for one in left["written"][0]["left_alone"]] == ["A001_C001", "b001_c001.MOV"]
    quiet = otio_perf("optimize", names, "--rate", 24, "-o", film / "out.otio", "--quiet")
    assert (quiet.returncode, quiet.stdout) == (4, "")
    assert "otio-perf: A001_C001, b001_c001.MOV: the clip has no media" in quiet.stderr
    # as for a medium that is named and is not there
    cut = otio.adapters.read_from_file(str(film / "short_film.otio"))
    for clip in cut.find_clips():
        if isinstance(clip.media_reference, otio.schema.ExternalReference):
            clip.media_reference.target_url = "media/gone.mov"
    otio.adapters.write_to_file(cut, str(film / "gone.otio"))
    offline = otio_perf("optimize", film / "gone.otio", "-o", film / "out2.otio")
    assert offline.returncode == 4, offline.stderr
    assert "gone.mov" in offline.stdout


def test_a_reel_is_looked_for_where_a_clip_is_called_otherwise(film: Path, otio_perf: Command) -> None:
    path = film / "reels.edl"
    path.write_text(EDL.replace("AX  ", "a001_c001", 1).replace("A001_C001", "Interview", 1))
    words = ("--rate", 24, "--media-root", film / "media")
    done = otio_perf("optimize", path, *words, "--proxy", "120p", "--all", "-o", film / "out.otio")
    assert done.returncode == 4, done.stderr  # the second is called like no file
    assert "found by the name of its reel, a001_c001" in done.stderr
    keys = [c.active_media_reference_key for c in otio.adapters.read_from_file(str(film / "out.otio")).find_clips()]
    assert keys == ["otio_perf:120p", "DEFAULT_MEDIA", "otio_perf:120p"]
    again = otio_perf("optimize", path, *words, "--proxy", "120p", "--all", "--dry-run", "--json", "-")  # from the sidecar
    assert {d["action"] for d in json.loads(again.stdout)["proxies"]["decisions"]} == {"have", "offline"}


@pytest.mark.parametrize("suffix", [".xml", ".fcpxml"])
def test_what_was_found_can_be_written_in_formats_that_want_to_know_its_length(
    suffix: str, names: Path, film: Path, otio_perf: Command
) -> None:
    names.write_text(EDL.replace("b001_c001.MOV", "A001_C001"))
    done = otio_perf("convert", "-i", names, "--rate", 24, "--media-root", film / "media", "-o", film / f"found{suffix}")
    assert done.returncode == 0, done.stderr
    back = otio.adapters.read_from_file(str(film / f"found{suffix}"))
    timeline = back if isinstance(back, otio.schema.Timeline) else next(iter(back.find_children(otio.schema.Timeline)))
    clip = next(iter(timeline.find_clips()))
    assert Path(clip.media_reference.target_url.removeprefix("file://")).name == "A001_C001.mp4"
    assert clip.source_range.start_time == otio.opentime.RationalTime(10, 24)
    assert clip.available_range().duration == otio.opentime.RationalTime(120, 24)
