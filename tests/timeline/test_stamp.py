"""What is written over: our own untouched work is, somebody's is kept."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from otio_perf.timeline import files
from otio_perf.timeline.files import Document
from otio_perf.timeline.tree import with_metadata

Save = Callable[..., Path]
Edit = Callable[..., Any]
Noted = Callable[[str], Document]


@pytest.fixture
def noted(save: Save, edit: Edit) -> Noted:
    """A timeline with notes of ours, as ``optimize`` makes them, called so."""

    def make(name: str) -> Document:
        document = files.read(save(edit([("a.mov", 0, 10)]), "input.otio"), canonical=True)
        return replace(document, root=with_metadata({**document.root, "name": name}, "otio_perf", {"version": 1}))

    return make


@pytest.mark.parametrize("suffix", [".otio", ".otioz", ".otiod"])
def test_our_own_work_is_replaced_and_edited_work_is_kept(noted: Noted, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    kept = tmp_path / f"out{suffix}.bak"
    assert files.write(noted("first"), path).kept is None
    assert files.write(noted("second"), path).kept is None
    if suffix == ".otio":  # read and saved by a host that changes nothing
        otio.adapters.write_to_file(otio.adapters.read_from_file(str(path)), str(path))
        assert files.write(noted("third"), path).kept is None
    edited = files.read(path, canonical=True)
    written = edited.to_json_string().replace('"name": "', '"name": "edited ', 1)
    assert written != edited.to_json_string()
    for number in (1, 2):
        if suffix == ".otioz":
            with zipfile.ZipFile(path, "w") as bundle:
                bundle.writestr("content.otio", f"{written}{' ' * number}")
        else:
            (path / "content.otio" if suffix == ".otiod" else path).write_text(f"{written}{' ' * number}")
        beside = kept if number == 1 else tmp_path / f"out{suffix}.bak2"  # the first is not replaced
        assert files.write(noted("fourth"), path).kept == beside
        assert files.read(path).root["name"] == "fourth"
    for number, beside in ((1, kept), (2, tmp_path / f"out{suffix}.bak2")):
        assert str(files.read(beside.rename(tmp_path / f"kept{number}{suffix}")).root["name"]).startswith("edited")


def test_what_is_kept_already_is_not_kept_twice(noted: Noted, tmp_path: Path) -> None:
    path = tmp_path / "out.otio"
    for text, name in (("one", "bak"), ("two", "bak2"), ("one", "bak"), ("three", "bak3"), ("two", "bak2")):
        path.write_text(text)
        kept = files.write(noted("ours"), path).kept
        assert kept == tmp_path / f"out.otio.{name}"
        assert kept.read_text() == text
    assert sorted(p.name for p in tmp_path.glob("*.bak*")) == ["out.otio.bak", "out.otio.bak2", "out.otio.bak3"]


def test_what_is_the_same_is_not_kept_twice(save: Save, edit: Edit, tmp_path: Path) -> None:
    for suffix in (".otio", ".otioz", ".otiod", ".edl"):
        path = tmp_path / f"out{suffix}"
        for seconds in (10, 10, 5):
            document = files.read(save(edit([("a.mov", 0, seconds)]), "input.otio"), canonical=True)
            kept = files.write(document, path).kept
        assert kept == tmp_path / f"out{suffix}.bak"  # a timeline without notes of ours could be anybody's


def test_a_folder_that_is_none_of_ours_is_not_taken_away(save: Save, edit: Edit, tmp_path: Path) -> None:
    path = tmp_path / "out.otio"
    path.write_text("mine")
    (tmp_path / "out.otio.bak").mkdir()
    (tmp_path / "out.otio.bak" / "photo.jpg").write_bytes(b"photo")
    kept = files.write(files.read(save(edit([("a.mov", 0, 10)]), "input.otio")), path).kept
    assert kept == tmp_path / "out.otio.bak2"
    assert kept.read_text() == "mine"
    assert (tmp_path / "out.otio.bak" / "photo.jpg").exists()
