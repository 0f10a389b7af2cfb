"""A file appears whole under its final name, or not at all."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from otio_perf.errors import EncodeError
from otio_perf.media.publish import is_part, part_file, publish, remove_orphans


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
    with part_file(tmp_path / "living.mov") as living:
        old = tmp_path / ".dead.0123abcd.part.mov"
        others = [tmp_path / "a.mov", tmp_path / "b.part.mov", tmp_path / ".hidden.mov"]
        for path in [old, *others]:
            path.write_bytes(b"x")
            os.utime(path, (time.time() - 7200,) * 2)
        assert remove_orphans(tmp_path) == (str(old),)
        assert sorted(os.listdir(tmp_path)) == sorted(path.name for path in [living, *others])
    assert remove_orphans(tmp_path / "not there") == ()
