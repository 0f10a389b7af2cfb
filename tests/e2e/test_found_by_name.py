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
    assert done.returncode == 0, done.stderr
    clips = list(otio.adapters.read_from_file(str(film / "out.otio")).find_clips())
    assert [c.active_media_reference_key for c in clips] == ["otio_perf:120p", "DEFAULT_MEDIA", "otio_perf:120p"]
    assert isinstance(clips[0].media_references()["DEFAULT_MEDIA"], otio.schema.MissingReference)
    # also where nobody says anew where the media are
    checked = otio_perf("convert", "-i", film / "out.otio", "-o", film / "same.otio", "--check-contract")
    assert checked.returncode == 0, checked.stdout
    again = otio_perf("optimize", film / "out.otio", "-o", film / "again.otio", "--proxy", "160x90", "--all")
    assert again.returncode == 0, again.stderr
    clips = list(otio.adapters.read_from_file(str(film / "again.otio")).find_clips())
    assert clips[0].active_media_reference_key == "otio_perf:120p"
    assert otio_perf("restore", film / "again.otio", "-o", film / "back.otio").returncode == 0
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
