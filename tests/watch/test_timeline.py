"""Saves of timelines, as programs do them: each told once, when the file is whole, and soon."""

from __future__ import annotations

import json
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from otio_perf.watch import timeline as timeline_module
from otio_perf.watch.timeline import Missing, Saved, TimelineWatch

#: The promise is 0.3 s (``benchmarks/service_latency.py``); here it is far less than the patience with what looks cut off.
SOON_SECONDS, PATIENT_SECONDS = 5.0, 12.0
XML = '<?xml version="1.0"?>\n<mlt root=""><producer id="a"><property/></producer><tractor>{}</tractor></mlt>\n'


@pytest.fixture
def follow(heard: Any) -> Iterator[Callable[[Path], None]]:
    running: list[TimelineWatch] = []

    def begin(path: Path) -> None:
        watch = TimelineWatch([path], heard)
        watch.start()
        running.append(watch)

    yield begin
    for watch in running:
        watch.close()


def edit(number: int) -> str:
    """A timeline of a megabyte."""
    return json.dumps({"OTIO_SCHEMA": "Timeline.1", "edit": number, "clips": [{"at": n} for n in range(30_000)]}, indent=1)


def truncate_and_write(path: Path, text: str) -> None:
    path.write_text(text)


def write_and_rename(path: Path, text: str) -> None:
    other = path.with_name(f".{path.name}.tmp")
    other.write_text(text)
    other.replace(path)


def slowly(path: Path, text: str) -> None:
    with path.open("w") as file:
        for start in range(0, len(text), len(text) // 7):
            file.write(text[start : start + len(text) // 7])
            file.flush()
            time.sleep(0.15)


def away_and_anew(path: Path, text: str) -> None:
    """With a backup of the old one in another folder."""
    backups = path.parent / "backups"
    backups.mkdir(exist_ok=True)
    path.replace(backups / path.name)
    path.write_text(text)


def deleted_and_anew(path: Path, text: str) -> None:
    path.unlink()
    time.sleep(0.3)
    path.write_text(text)


def with_a_lock_beside_it(path: Path, text: str) -> None:
    lock = path.with_name(f".~lock.{path.name}#")
    lock.write_text("me")
    path.write_text(text)
    path.touch()
    lock.unlink()


@pytest.mark.parametrize(
    "save", [truncate_and_write, write_and_rename, slowly, away_and_anew, deleted_and_anew, with_a_lock_beside_it]
)
def test_a_save_is_told_once_and_soon_after_it_is_whole(
    save: Callable[[Path, str], None],
    follow: Callable[[Path], None],
    heard: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timeline_module, "_PATIENCE_SECONDS", PATIENT_SECONDS)
    path = tmp_path / "edit.otio"
    path.write_text(edit(0))
    follow(path)
    heard.until(lambda: len(heard.events) == 1, "what is there")
    save(path, edit(1))
    whole = time.monotonic()
    heard.until(lambda: len(heard.events) == 2, "the save")
    assert time.monotonic() - whole < SOON_SECONDS
    time.sleep(0.5)
    assert [type(event) for event in heard.events] == [Saved, Saved]
    assert heard.events[1].path == str(path)


def test_the_same_bytes_again_are_no_save(follow: Callable[[Path], None], heard: Any, tmp_path: Path) -> None:
    path = tmp_path / "edit.otio"
    path.write_text(edit(0))
    follow(path)
    heard.until(lambda: len(heard.events) == 1, "what is there")
    for save in (truncate_and_write, write_and_rename):
        save(path, edit(0))
        time.sleep(0.4)
    assert len(heard.events) == 1


def test_a_pause_in_the_middle_is_not_taken_for_the_end(
    follow: Callable[[Path], None], heard: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline_module, "_PATIENCE_SECONDS", PATIENT_SECONDS)
    path = tmp_path / "project.kdenlive"
    path.write_text(XML.format(""))
    follow(path)
    heard.until(lambda: len(heard.events) == 1, "what is there")
    text = XML.format("<track/>" * 1000)
    with path.open("w") as file:
        file.write(text[: len(text) // 2])
        file.flush()
        time.sleep(1.0)
        assert len(heard.events) == 1
        file.write(text[len(text) // 2 :])
    heard.until(lambda: len(heard.events) == 2, "the save")


def test_what_stays_cut_off_is_told_all_the_same(follow: Callable[[Path], None], heard: Any, tmp_path: Path) -> None:
    path = tmp_path / "edit.otio"
    path.write_text(edit(0)[:-100])
    follow(path)
    time.sleep(0.6)
    assert heard.events == []
    heard.until(lambda: len(heard.events) == 1, "the broken one")


def test_bundles_and_what_has_no_end_to_know_it_by(follow: Callable[[Path], None], heard: Any, tmp_path: Path) -> None:
    zipped, folder, edl = tmp_path / "edit.otioz", tmp_path / "edit.otiod", tmp_path / "edit.edl"
    for path in (zipped, folder, edl):
        follow(path)
    with zipfile.ZipFile(zipped, "w") as bundle:
        bundle.writestr("content.otio", edit(0))
    folder.mkdir()
    (folder / "content.otio").write_text(edit(0))
    edl.write_text("TITLE: EDIT\n")
    heard.until(lambda: {event.path for event in heard.events} == {str(zipped), str(folder), str(edl)}, "all three")
    assert {type(event) for event in heard.events} == {Saved}


def test_one_that_goes_is_missing_and_one_that_comes_back_is_saved(
    follow: Callable[[Path], None], heard: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline_module, "_PATIENCE_SECONDS", 0.5)
    path = tmp_path / "edit.otio"
    path.write_text(edit(0))
    follow(path)
    heard.until(lambda: len(heard.events) == 1, "what is there")
    path.unlink()
    heard.until(lambda: heard.events[-1] == Missing(path=str(path)), "its end")
    path.write_text(edit(0))
    heard.until(lambda: isinstance(heard.events[-1], Saved), "its return")


def test_who_is_not_followed_any_more_is_not_told(heard: Any, tmp_path: Path) -> None:
    path = tmp_path / "edit.otio"
    path.write_text(edit(0))
    with TimelineWatch([path], heard) as watch:
        heard.until(lambda: len(heard.events) == 1, "what is there")
        watch.remove(path)
        path.write_text(edit(1))
        time.sleep(0.5)
        watch.add(path)
        heard.until(lambda: len(heard.events) == 2, "followed again")
    path.write_text(edit(2))
    time.sleep(0.4)
    assert len(heard.events) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_of_that_name_is_not_opened(follow: Callable[[Path], None], heard: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "edit.otio")
    (tmp_path / "other.otio").write_text(edit(0))
    follow(tmp_path / "edit.otio")
    follow(tmp_path / "other.otio")
    heard.until(lambda: str(tmp_path / "other.otio") in [event.path for event in heard.events], "the other one")
