"""What counts as media in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from otio_perf.media import camera
from otio_perf.media.discover import SOUND_SUFFIXES, discover
from otio_perf.media.sequences import PICTURE_SUFFIXES
from otio_perf.model.uses import TargetKind


def test_every_suffix_that_is_known_anywhere_is_media(tmp_path: Path) -> None:
    """A card of camera RAW is said to be one, and not passed over without a word."""
    names = {f"clip{suffix}" for suffix in camera.RAW_SUFFIXES | PICTURE_SUFFIXES | SOUND_SUFFIXES | {".mp4", ".MXF", ".gif"}}
    for name in names | {"notes.txt", "clip.lrv", ".hidden.mov", "sidecar.xmp"}:
        (tmp_path / name).write_bytes(b"x")
    assert {Path(target.url).name for target in discover([tmp_path])} == names


@pytest.mark.parametrize("suffix", sorted(PICTURE_SUFFIXES))
def test_numbered_pictures_of_any_kind_are_one_medium(tmp_path: Path, suffix: str) -> None:
    for number in range(1, 6):
        (tmp_path / f"shot.{number:04d}{suffix}").write_bytes(b"x")
    (target,) = discover([tmp_path])
    assert target.kind is TargetKind.SEQUENCE
    assert target.sequence
    assert len(target.sequence.numbers) == 5


def test_proxies_are_nobodys_rushes_and_loops_end(tmp_path: Path) -> None:
    (tmp_path / "a.mov").write_bytes(b"x")
    for folder in ("Proxy", ".otio_perf", "deep/proxies"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "b.mov").write_bytes(b"x")
    (tmp_path / "deep" / "loop").symlink_to(tmp_path)
    assert [Path(target.url).name for target in discover([tmp_path, tmp_path / "a.mov"])] == ["a.mov"]
