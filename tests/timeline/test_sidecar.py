"""An unchanged timeline is opened again from its sidecar: the same values, without OpenTimelineIO, whatever happened to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from otio_perf.errors import UnreadableTimelineError
from otio_perf.timeline import files
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.sidecar import survey_cached

Edit = Callable[..., otio.schema.Timeline]
Save = Callable[..., Path]


@pytest.mark.testdata
def test_the_same_survey_comes_back(readable: dict[Path, Document], tmp_path: Path) -> None:
    for path in readable:
        if path.suffix not in (".otio", ".otioz", ".edl"):
            continue  # no other way through the sidecar, and a process each
        first = survey_cached(path, Locator(path), tmp_path)
        again = survey_cached(path, Locator(path), tmp_path)
        assert (first.was_cached, again.was_cached) == (False, True)
        assert again.survey == first.survey, path
        assert list(again.spans) == list(first.spans), path
        assert again.notices == first.notices


def test_a_changed_file_is_read_anew(save: Save, edit: Edit, tmp_path: Path) -> None:
    path = save(edit([("a.mov", 0, 10)]))
    survey_cached(path, Locator(path), tmp_path / "cache")
    save(edit([("b.mov", 0, 10)]))
    opened = survey_cached(path, Locator(path), tmp_path / "cache")
    assert not opened.was_cached
    assert opened.survey.targets[0].url == "b.mov"


def test_where_media_are_is_looked_up_each_time(save: Save, edit: Edit, tmp_path: Path) -> None:
    path = save(edit([("/gone/a.mov", 0, 10)]))
    survey_cached(path, Locator(path), tmp_path / "cache")
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / "a.mov").write_bytes(b"x")
    opened = survey_cached(path, Locator(path, media_roots=(tmp_path / "found",)), tmp_path / "cache")
    assert opened.was_cached
    assert opened.survey.targets[0].path == str(tmp_path / "found" / "a.mov")
    copied = tmp_path / "other" / "edit.otio"
    copied.parent.mkdir()
    copied.write_bytes(path.read_bytes())
    again = survey_cached(copied, Locator(copied), tmp_path / "cache")
    assert again.was_cached
    assert again.survey.path == str(copied)


def test_each_rate_of_an_edl_has_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.edl"
    path.write_text(
        "TITLE: x\n\n001  A V C 01:00:04:05 01:00:05:05 00:00:00:00 00:00:01:00\n* FROM CLIP NAME: a.mov\n", encoding="utf-8"
    )
    plain = survey_cached(path, Locator(path), tmp_path)
    at_25 = survey_cached(path, Locator(path), tmp_path, rate=Fraction(25))
    assert (plain.survey.frame_rate, at_25.survey.frame_rate) == (24, 25)
    assert not at_25.was_cached
    assert survey_cached(path, Locator(path), tmp_path).notices == plain.notices != ()


@pytest.mark.parametrize("damage", ["empty", "half", "flipped", "text", "folder"])
def test_a_damaged_sidecar_is_made_anew(save: Save, edit: Edit, tmp_path: Path, damage: str) -> None:
    path = save(edit([("a.mov", 0, 10), ("b.mov", 5, 10)]))
    cache = tmp_path / "cache"
    first = survey_cached(path, Locator(path), cache)
    (sidecar,) = cache.iterdir()
    data = bytearray(sidecar.read_bytes())
    if damage == "folder":
        sidecar.unlink()
        sidecar.mkdir()
    elif damage == "flipped":
        for position in range(0, len(data), max(1, len(data) // 50)):
            broken = bytearray(data)
            broken[position] ^= 0x10
            sidecar.write_bytes(broken)
            opened = survey_cached(path, Locator(path), cache)
            assert not opened.was_cached
            assert opened.survey == first.survey
        return
    else:
        sidecar.write_bytes({"empty": b"", "half": data[: len(data) // 2], "text": b"otio_perf survey\nhello"}[damage])
    opened = survey_cached(path, Locator(path), cache)
    assert not opened.was_cached
    assert opened.survey == first.survey


def test_a_cache_that_cannot_be_written_is_no_error(save: Save, edit: Edit, tmp_path: Path) -> None:
    path = save(edit([("a.mov", 0, 10)]))
    (tmp_path / "file").write_text("in the way")
    assert not survey_cached(path, Locator(path), tmp_path / "file" / "cache").was_cached


def test_opening_again_loads_no_opentimelineio(save: Save, edit: Edit, tmp_path: Path) -> None:
    root = json.loads(edit([("a.mov", 0, 10)]).to_json_string())
    path = tmp_path / "edit.otio"
    path.write_text(json.dumps(root))
    survey_cached(path, Locator(path), tmp_path / "cache")
    script = (
        "import sys\nfrom pathlib import Path\nfrom otio_perf.timeline import sidecar, locate\n"
        f"opened = sidecar.survey_cached({str(path)!r}, locate.Locator({str(path)!r}), Path({str(tmp_path / 'cache')!r}))\n"
        "print(opened.was_cached, len(opened.spans), 'opentimelineio' in sys.modules)"
    )
    here = Path(files.__file__).parent.parent.parent
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=here)
    assert answer.stdout.split() == ["True", "1", "False"]


def test_equal_bytes_in_two_formats_are_two_timelines(tmp_path: Path) -> None:
    for name in ("e.edl", "e.otio"):
        (tmp_path / name).write_bytes(b"")
    edl = survey_cached(tmp_path / "e.edl", Locator(tmp_path / "e.edl"), tmp_path / "cache")
    assert not edl.was_cached
    with pytest.raises(UnreadableTimelineError):
        survey_cached(tmp_path / "e.otio", Locator(tmp_path / "e.otio"), tmp_path / "cache")
    assert survey_cached(tmp_path / "e.edl", Locator(tmp_path / "e.edl"), tmp_path / "cache").was_cached
