"""A watched folder with real copiers: what is told, and when."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otio_perf.watch import folder as folder_module
from otio_perf.watch.events import Changed, Gone, Noted, Settled
from otio_perf.watch.folder import FolderWatch
from otio_perf.watch.scan import Rules

Watching = Callable[..., FolderWatch]


def test_fast_copies_and_moves_are_told_once_each(watching: Watching, heard: Any, rushes: Path, tmp_path: Path) -> None:
    watching()
    source = tmp_path / "source.mov"
    source.write_bytes(b"x" * 100_000)
    shutil.copy(source, rushes / "copied.mov")
    (rushes / "deep" / "er").mkdir(parents=True)
    shutil.move(source, rushes / "deep" / "er" / "moved.mov")
    heard.until_settled(rushes / "copied.mov", rushes / "deep" / "er" / "moved.mov")
    time.sleep(0.8)
    assert len(heard.settled()) == 2


def test_a_slow_copy_is_told_when_it_has_ended(watching: Watching, heard: Any, rushes: Path) -> None:
    watching(settle_seconds=3.0)
    ended = []

    def copy() -> None:
        with (rushes / "slow.mov").open("wb") as file:
            for _ in range(8):
                file.write(b"x" * 65_536)
                file.flush()
                time.sleep(0.2)
        ended.append(time.monotonic())

    thread = threading.Thread(target=copy)
    thread.start()
    heard.until_settled(rushes / "slow.mov")
    told = time.monotonic()
    thread.join()
    assert ended
    assert told >= ended[0]
    assert next(event for event in heard.events if isinstance(event, Settled)).seen.size_bytes == 8 * 65_536


def test_what_is_written_again_or_deleted_is_told(watching: Watching, heard: Any, rushes: Path) -> None:
    clip = rushes / "clip.mov"
    clip.write_bytes(b"1")
    watching()
    heard.until_settled(clip)
    with clip.open("ab") as file:
        file.write(b"2")
    heard.until(lambda: Changed(path=str(clip)) in heard.events, "the change")
    heard.until(lambda: len(heard.settled()) == 2, "settled again")
    clip.unlink()
    heard.until(lambda: Gone(path=str(clip)) in heard.events, "the end")


def test_what_was_refused_waits_until_it_changes(watching: Watching, heard: Any, rushes: Path) -> None:
    watch = watching()
    clip = rushes / "clip.mov"
    clip.write_bytes(bytes(1000))  # allocated, and not filled
    heard.until_settled(clip)
    watch.refuse(heard.events[-1].seen)
    assert watch.state().settling == 1
    assert watch.settling() == (str(clip),)
    time.sleep(1.0)
    assert len(heard.settled()) == 1
    with clip.open("r+b") as file:
        file.write(b"x" * 1000)
    heard.until(lambda: len(heard.settled()) == 2, "settled when it was filled")


def test_a_sequence_is_one_medium_that_settles_when_its_last_picture_has(watching: Watching, heard: Any, rushes: Path) -> None:
    watch = watching(settle_seconds=2.0)
    for number in range(1, 8):
        (rushes / f"shot.{number:04d}.png").write_bytes(b"x")
        time.sleep(0.05)
    heard.until_settled(rushes / "shot.0001.png")
    (event,) = (event for event in heard.events if isinstance(event, Settled))
    assert event.seen.files == 7
    assert watch.state().files == 1
    (rushes / "shot.0008.png").write_bytes(b"x")
    heard.until(lambda: len(heard.settled()) == 2, "the longer one")


def test_a_folder_that_is_moved_costs_its_files_their_old_names_only(watching: Watching, heard: Any, rushes: Path) -> None:
    (rushes / "a" / "b").mkdir(parents=True)
    (rushes / "a" / "b" / "clip.mov").write_bytes(b"1")
    watching()
    heard.until_settled(rushes / "a" / "b" / "clip.mov")
    (rushes / "a").rename(rushes / "z")
    heard.until_settled(rushes / "z" / "b" / "clip.mov")
    assert heard.gone() == [str(rushes / "a" / "b" / "clip.mov")]


def test_a_deleted_folder_suspends_and_is_taken_up_again(watching: Watching, heard: Any, rushes: Path) -> None:
    (rushes / "clip.mov").write_bytes(b"1")
    watch = watching()
    heard.until_settled(rushes / "clip.mov")
    rushes.rename(rushes.with_name("away"))
    heard.until(lambda: heard.turns()[-1] == "suspended", "suspension")
    assert watch.state().reason
    rushes.with_name("away").rename(rushes)
    heard.until(lambda: heard.turns()[-1] == "watching", "resumption")
    heard.until(lambda: len(heard.settled()) == 2, "all of it again")
    (rushes / "new.mov").write_bytes(b"1")
    heard.until_settled(rushes / "new.mov")
    assert heard.gone() == []


def test_an_empty_folder_in_its_place_counts_as_an_unmounted_disk(watching: Watching, heard: Any, rushes: Path) -> None:
    (rushes / "clip.mov").write_bytes(b"1")
    watch = watching()
    heard.until_settled(rushes / "clip.mov")
    rushes.rename(rushes.with_name("away"))
    rushes.mkdir()
    heard.until(lambda: "empty" in watch.state().reason, "suspension")
    (rushes / "other.mov").write_bytes(b"1")
    heard.until_settled(rushes / "other.mov")
    assert watch.state().mode == "watching"
    assert heard.gone() == []


def test_a_folder_that_is_a_link_is_watched_where_it_leads(heard: Any, rushes: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(rushes)
    (rushes / "deep").mkdir()
    with FolderWatch(link, heard, settle_seconds=0.3, rescan_seconds=3600) as watch:
        heard.until(lambda: watch.state().scanned_at is not None, "the first look")
        time.sleep(0.3)
        (rushes / "deep" / "clip.mov").write_bytes(b"1")
        heard.until_settled(link / "deep" / "clip.mov")


def test_a_folder_that_is_not_there_yet_is_waited_for(watching: Watching, heard: Any, rushes: Path) -> None:
    rushes.rmdir()
    watch = watching()
    heard.until(lambda: watch.state().reason == "it is not there", "the reason")
    rushes.mkdir()
    (rushes / "clip.mov").write_bytes(b"1")
    heard.until_settled(rushes / "clip.mov")


def test_on_network_shares_it_polls_and_says_so(watching: Watching, heard: Any, rushes: Path) -> None:
    """There is no share here: the type of the file system is injected."""
    watch = watching(remote_type=lambda path: "nfs4", poll_seconds=0.3)
    assert (watch.state().mode, "nfs4" in watch.state().reason) == ("polling", True)
    (rushes / "clip.mov").write_bytes(b"1")
    heard.until_settled(rushes / "clip.mov")


def test_a_subfolder_that_cannot_be_read_is_not_taken_for_empty(
    watching: Watching, heard: Any, rushes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (rushes / "a").mkdir()
    (rushes / "a" / "clip.mov").write_bytes(b"1")
    watch = watching(rescan_seconds=0.3)
    heard.until_settled(rushes / "a" / "clip.mov")
    scandir = os.scandir

    def failing(path: str) -> object:
        if path == str(rushes / "a"):
            raise OSError(5, "Input/output error", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    heard.until(lambda: any(isinstance(event, Noted) for event in heard.events), "a word of it")
    time.sleep(0.5)
    assert heard.gone() == []
    assert watch.state().files == 1
    monkeypatch.setattr(os, "scandir", scandir)
    time.sleep(0.5)
    assert heard.gone() == []


def test_clocks_that_jump_and_times_in_the_future_change_nothing(
    watching: Watching, heard: Any, rushes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    for name, mtime in (("old.mov", 0), ("future.mov", 4_000_000_000)):
        (rushes / name).write_bytes(b"1")
        os.utime(rushes / name, (mtime, mtime))
    watching(rescan_seconds=0.3)
    heard.until_settled(rushes / "old.mov", rushes / "future.mov")
    for jump in (86_400, -86_400):
        monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
        time.sleep(0.5)
    assert len(heard.settled()) == 2
    (rushes / "new.mov").write_bytes(b"1")
    heard.until_settled(rushes / "new.mov")
    assert heard.gone() == []


def test_one_look_that_fails_suspends_nothing(
    watching: Watching, heard: Any, rushes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = watching(rescan_seconds=0.3)
    (rushes / "clip.mov").write_bytes(b"1")
    heard.until_settled(rushes / "clip.mov")
    scandir, failures = os.scandir, []

    def failing_once(path: str) -> object:
        if path == str(rushes) and not failures:
            failures.append(path)
            raise OSError(5, "Input/output error", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing_once)
    (rushes / "new.mov").write_bytes(b"1")
    heard.until_settled(rushes / "new.mov")
    assert failures
    assert heard.turns() == ["watching"]
    assert watch.state().files == 2


def test_a_file_that_stays_empty_keeps_nobody_awake(
    watching: Watching, heard: Any, rushes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = watching()
    monkeypatch.setattr(folder_module, "_ROOT_SECONDS", 1.0)
    (rushes / "empty.mov").touch()
    (rushes / "clip.mov").write_bytes(b"1")
    heard.until_settled(rushes / "clip.mov")
    time.sleep(0.5)
    scandir, looks = os.scandir, []
    monkeypatch.setattr(os, "scandir", lambda path: looks.append(path) or scandir(path))
    time.sleep(2.0)
    assert watch.state().settling == 1
    assert 1 <= len(looks) <= 4


def test_what_nobody_foresaw_suspends_and_is_tried_again(
    watching: Watching, heard: Any, rushes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = watching(rescan_seconds=0.3)
    (rushes / "clip.mov").write_bytes(b"1")
    heard.until_settled(rushes / "clip.mov")
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: 1 / 0)
    heard.until(lambda: "ZeroDivisionError" in watch.state().reason, "the reason")
    monkeypatch.setattr(os, "scandir", scandir)
    heard.until(lambda: len(heard.settled()) == 2, "all of it again")
    assert heard.gone() == []


def test_rules_hold_for_what_comes_later(watching: Watching, heard: Any, rushes: Path) -> None:
    watching(rules=Rules(include=("*.mov",), exclude=("Trash",)))
    (rushes / "Trash").mkdir()
    (rushes / "Proxy").mkdir()
    for name in ("Trash/a.mov", "Proxy/a.mov", "a.mp4", "a.mov"):
        (rushes / name).write_bytes(b"1")
    heard.until_settled(rushes / "a.mov")
    time.sleep(0.5)
    assert heard.settled() == [str(rushes / "a.mov")]
