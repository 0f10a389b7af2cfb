from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from otio_perf.errors import CorruptMediaError, OfflineMediaError
from otio_perf.media.sequences import find, missing, require_complete
from otio_perf.model.media import Sequence


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()


def test_siblings_are_found_from_any_of_them(tmp_path: Path) -> None:
    touch(tmp_path, *(f"shot.{n:04d}.exr" for n in range(1001, 1025)), "shot.exr", "shot.1001.jpg", "other.1002.exr")
    for start in ("shot.1001.exr", "shot.1013.exr", "shot.1024.exr"):
        found = find(str(tmp_path / start))
        assert found is not None
        assert (found.first, found.last, found.padding, found.prefix, found.suffix) == (1001, 1024, 4, "shot.", ".exr")
        assert found.label == "shot.####.exr"
        assert len(found.numbers) == 24


def test_padding_is_part_of_the_name(tmp_path: Path) -> None:
    touch(tmp_path, *(f"a{n}.png" for n in range(8, 13)), *(f"a{n:03d}.png" for n in range(8, 12)))
    plain, padded = find(str(tmp_path / "a8.png")), find(str(tmp_path / "a008.png"))
    assert plain is not None
    assert (plain.first, plain.last, plain.padding) == (8, 12, 1)
    assert padded is not None
    assert (padded.first, padded.last, padded.padding) == (8, 11, 3)
    for sequence in (plain, padded):
        assert missing(sequence).total == 0


def test_a_count_that_grows_a_digit_stays_one_sequence(tmp_path: Path) -> None:
    touch(tmp_path, *(f"f_{n:02d}.dpx" for n in range(97, 104)))
    for start in ("f_97.dpx", "f_103.dpx"):
        found = find(str(tmp_path / start))
        assert found is not None
        assert (found.first, found.last) == (97, 103)
        assert missing(found).total == 0


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        (["IMG_0001.jpg"], "IMG_0001.jpg"),
        (["IMG_0001.jpg", "IMG_0002.jpg"], "IMG_0001.jpg"),
        (["IMG_0001.jpg", "IMG_0005.jpg", "IMG_0009.jpg"], "IMG_0005.jpg"),
        (["clip1.mov", "clip2.mov", "clip3.mov"], "clip1.mov"),
        (["title.png"], "title.png"),
    ],
)
def test_stills_and_movies_are_no_sequences(tmp_path: Path, there: list[str], asked: str) -> None:
    touch(tmp_path, *there)
    assert find(str(tmp_path / asked)) is None


def test_a_gap_ends_a_found_sequence_and_is_named_in_a_stated_one(tmp_path: Path) -> None:
    touch(tmp_path, *(f"s.{n:04d}.exr" for n in range(1, 20) if n not in (7, 12)))
    found = find(str(tmp_path / "s.0009.exr"))
    assert found is not None
    assert (found.first, found.last) == (8, 11)
    stated = Sequence(directory=str(tmp_path), prefix="s.", suffix=".exr", padding=4, first=1, last=19)
    assert missing(stated) == (2, (7, 12))
    with pytest.raises(CorruptMediaError, match=r"frames 7, 12 of s\.####\.exr are missing"):
        require_complete(stated)


def test_a_reference_with_steps(tmp_path: Path) -> None:
    touch(tmp_path, *(f"s.{n}.exr" for n in range(10, 20, 2)))
    stated = Sequence(directory=str(tmp_path), prefix="s.", suffix=".exr", padding=0, first=10, last=18, step=2)
    assert list(stated.numbers) == [10, 12, 14, 16, 18]
    require_complete(stated)


def test_a_folder_in_the_place_of_a_picture_is_missing(tmp_path: Path) -> None:
    touch(tmp_path, "s.1.exr", "s.3.exr")
    (tmp_path / "s.2.exr").mkdir()
    stated = Sequence(directory=str(tmp_path), prefix="s.", suffix=".exr", padding=0, first=1, last=3)
    assert missing(stated) == (1, (2,))
    with pytest.raises(OfflineMediaError, match="folder"):
        missing(replace(stated, directory=str(tmp_path / "no")))


def test_millions_of_missing_pictures_are_counted_not_listed(tmp_path: Path) -> None:
    touch(tmp_path, "s.1.exr", "s.3.exr")
    stated = Sequence(directory=str(tmp_path), prefix="s.", suffix=".exr", padding=0, first=1, last=2**31)
    assert missing(stated) == (2**31 - 2, (2, 4, 5, 6, 7))
    with pytest.raises(CorruptMediaError, match=r"frames 2, 4, 5, 6, 7 and 2147483641 more"):
        require_complete(stated)
