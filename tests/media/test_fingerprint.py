from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from otio_perf.errors import CorruptMediaError, OfflineMediaError, RefusedMediaError, TaskCancelledError
from otio_perf.media.fingerprint import digest, fingerprint, identity
from otio_perf.media.sequences import find
from otio_perf.model.media import Sequence

MIB = 1 << 20


def flip(path: Path, position: int) -> None:
    with path.open("r+b") as stream:
        stream.seek(position)
        byte = stream.read(1)[0]
        stream.seek(position)
        stream.write(bytes([byte ^ 0xFF]))


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.mov"
    path.write_bytes(os.urandom(8 * MIB))
    return path


def test_it_follows_the_content_and_not_the_name(large: Path, tmp_path: Path) -> None:
    first = fingerprint(str(large))
    assert first.startswith("xxh3:")
    assert len(first) == 5 + 32
    copy = tmp_path / "elsewhere" / "other name.mxf"
    copy.parent.mkdir()
    shutil.copyfile(large, copy)
    os.utime(copy, (0, 0))
    assert fingerprint(str(copy)) == first


@pytest.mark.parametrize("position", [0, 40_000, 2 * MIB, 4 * MIB + 100, 6 * MIB, 8 * MIB - 1])
def test_a_byte_in_a_sampled_piece_changes_it(large: Path, position: int) -> None:
    before = fingerprint(str(large))
    flip(large, position)
    assert fingerprint(str(large)) != before


def test_length_counts_and_small_files_count_whole(large: Path, tmp_path: Path) -> None:
    before = fingerprint(str(large))
    with large.open("ab") as stream:
        stream.write(b"\0")
    assert fingerprint(str(large)) != before
    small = tmp_path / "small.mov"
    small.write_bytes(os.urandom(MIB))
    seen = {fingerprint(str(small))}
    for position in range(0, MIB, MIB // 7):
        flip(small, position)
        seen.add(fingerprint(str(small)))
    assert len(seen) == 9


def test_it_is_fast(large: Path) -> None:
    fingerprint(str(large))
    took = []
    for _ in range(30):
        begin = time.perf_counter()
        fingerprint(str(large))
        took.append(time.perf_counter() - begin)
    assert min(took) < 1e-3


def test_identity_notices_every_kind_of_change(large: Path, tmp_path: Path) -> None:
    before = identity(str(large))
    assert identity(str(large)) == before
    stamp = large.stat().st_mtime_ns
    twin = tmp_path / "twin"
    shutil.copyfile(large, twin)
    os.utime(twin, ns=(stamp, stamp))
    twin.replace(large)  # same bytes, same time, another file
    assert identity(str(large)) != before
    before = identity(str(large))
    os.utime(large, ns=(stamp, stamp + 1))
    assert identity(str(large)) != before
    large.unlink()
    with pytest.raises(OfflineMediaError):
        identity(str(large))


def test_digest_sees_every_byte(large: Path) -> None:
    before = digest(str(large))
    flip(large, MIB + 12345)  # between the samples of the fingerprint
    assert digest(str(large)) != before


def test_digest_gives_signs_of_life_and_can_be_stopped(large: Path) -> None:
    heard: list[int] = []
    assert digest(str(large), lambda: heard.append(1)) == digest(str(large))
    assert len(heard) >= 8  # once a mebibyte

    def stop() -> None:
        raise TaskCancelledError("stopped")

    with pytest.raises(TaskCancelledError):
        digest(str(large), stop)


@pytest.fixture
def pictures(tmp_path: Path, write_picture: Callable[..., Path]) -> Sequence:
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in range(10, 50):
        write_picture(folder / f"f.{number:04d}.png", value=number)
    found = find(str(folder / "f.0010.png"))
    assert found is not None
    return found


def test_a_sequence_is_its_pictures(pictures: Sequence, tmp_path: Path, write_picture: Callable[..., Path]) -> None:
    before, state = fingerprint(pictures), identity(pictures)
    moved = tmp_path / "moved"
    shutil.copytree(pictures.directory, moved)
    for file in moved.iterdir():
        file.rename(moved / file.name.replace("f.", "renamed_"))
    assert fingerprint(replace(pictures, directory=str(moved), prefix="renamed_")) == before
    assert identity(pictures) == state
    write_picture(Path(pictures.path_of(49)), value=200)
    assert fingerprint(pictures) != before
    assert identity(pictures) != state
    assert fingerprint(replace(pictures, last=48)) != fingerprint(pictures)


def test_what_is_not_there_has_none(tmp_path: Path, pictures: Sequence) -> None:
    with pytest.raises(OfflineMediaError):
        fingerprint(str(tmp_path / "gone.mov"))
    with pytest.raises(RefusedMediaError):
        digest(str(tmp_path))
    Path(pictures.path_of(20)).unlink()
    with pytest.raises(CorruptMediaError, match="frame 20"):
        fingerprint(pictures)
