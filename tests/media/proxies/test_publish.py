"""A file appears whole under its final name, or not at all."""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path

import pytest

from otio_perf.cache.workspace import Workspace
from otio_perf.errors import DiskFullError, EncodeError, TaskCancelledError
from otio_perf.media.publish import RESERVE_BYTES, free_bytes, is_part, part_file, publish, require_room


@pytest.mark.parametrize("name", ["A001_C002_1080p.mov", "x" * 251 + ".mov", "ünï 'q\" \n %04d.mov", ".mov", "no suffix"])
def test_a_part_becomes_the_file_in_one_step(tmp_path: Path, name: str) -> None:
    final = tmp_path / name
    final.write_bytes(b"old")
    with part_file(final) as part:
        assert is_part(part.name)
        assert part.parent == tmp_path
        part.write_bytes(b"new")
        assert final.read_bytes() == b"old"
        publish(part, final)
    assert final.read_bytes() == b"new"
    assert os.listdir(tmp_path) == [name]
    assert not is_part(name)


def test_names_that_are_no_utf_8(tmp_path: Path) -> None:
    final = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mov"))
    with part_file(final) as part:
        publish(part, final)
    assert os.listdir(os.fsencode(tmp_path)) == [b"caf\xe9.mov"]


def test_nothing_is_left_of_what_was_not_published(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="on purpose"), part_file(tmp_path / "a.mov") as part:
        part.write_bytes(b"half")
        raise RuntimeError("on purpose")
    assert os.listdir(tmp_path) == []


def test_folders_that_cannot_be_written_to(tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match=r"cannot be written.*--workspace"), part_file(tmp_path / "none" / "a.mov"):
        pass
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        if os.access(locked, os.W_OK):
            pytest.skip(
                "READ-ONLY FOLDERS: this user (root) may write to them all the same; see test_faults for a read-only disk"
            )
        with pytest.raises(EncodeError, match="cannot be written"), part_file(locked / "a.mov"):
            pass
    finally:
        locked.chmod(stat.S_IRWXU)


def test_orphans_are_removed_by_age_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "Proxy"
    folder.mkdir()
    with part_file(folder / "living.mov") as living:
        old = folder / ".dead.0123abcd.part.mov"
        others = [folder / "a.mov", folder / "b.part.mov", folder / ".hidden.mov"]
        for path in [old, *others]:
            path.write_bytes(b"x")
            os.utime(path, (time.time() - 7200,) * 2)
        assert Workspace.open(tmp_path / "ws").clean_orphans(is_part, beside=[folder]) == 1
        assert sorted(os.listdir(folder)) == sorted(path.name for path in [living, *others])


def test_a_file_system_that_cannot_flush_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As SMB and some FUSE file systems: the file has its name all the same, and that is no error."""
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with part_file(tmp_path / "a.mov") as part:
        part.write_bytes(b"new")
        publish(part, tmp_path / "a.mov")
    assert (tmp_path / "a.mov").read_bytes() == b"new"


def test_flushing_gives_signs_of_life_and_a_stop_comes_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: time.sleep(1))
    heard: list[int] = []
    with part_file(tmp_path / "a.mov") as part:
        publish(part, tmp_path / "a.mov", tick=lambda: heard.append(1))
    assert len(heard) > 4

    def stop() -> None:
        raise TaskCancelledError("stopped")

    with pytest.raises(TaskCancelledError), part_file(tmp_path / "b.mov") as part:
        publish(part, tmp_path / "b.mov", tick=stop)
    assert os.listdir(tmp_path) == ["a.mov"]


def test_room_is_asked_for_with_a_reserve(tmp_path: Path) -> None:
    require_room(tmp_path / "a.mov")
    free = free_bytes(tmp_path)
    assert free
    with pytest.raises(DiskFullError, match=r"disk full: need .* MB, have"):
        require_room(tmp_path / "a.mov", free - RESERVE_BYTES // 2)
