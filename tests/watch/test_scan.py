"""What lies in a folder: media only, each once, and nothing that copiers, cameras or we ourselves keep beside them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from otio_perf.watch.scan import Rules, walk

CARD = """\
PRIVATE/M4ROOT/CLIP/C0001.MP4
PRIVATE/M4ROOT/CLIP/C0001M01.XML
PRIVATE/M4ROOT/SUB/C0001S03.MP4
PRIVATE/M4ROOT/THMBNL/C0001T01.JPG
CONTENTS/VIDEO/0001AB.MXF
CONTENTS/AUDIO/0001AB00.MXF
CONTENTS/ICON/0001AB.BMP
CONTENTS/PROXY/0001AB.MP4
DCIM/100GOPRO/GX010042.MP4
DCIM/100GOPRO/GL010042.LRV
DCIM/100GOPRO/GX010042.THM
A001/Proxy/A001.mov
A001/A001.mov
A001/A001.mov.part
A001/A001.tmp.mov
A001/.A001.mov.x7.part
A001/._A001.mov
.otio_perf/proxies/A001_720p.mov
.Trash/old.mov
notes.txt
"""


def media(root: Path, rules: Rules | None = None) -> set[str]:
    found = set()
    for _, listing in walk(str(root), str(root), rules or Rules()):
        assert not isinstance(listing, OSError), listing
        found |= {os.path.relpath(seen.path, root) for seen in listing.media.values()}
    return found


@pytest.fixture
def card(tmp_path: Path) -> Path:
    for line in CARD.splitlines():
        file = tmp_path / "card" / line
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return tmp_path / "card"


def test_of_cards_the_rushes_and_no_sidecars_proxies_and_thumbnails(card: Path) -> None:
    assert media(card) == {
        "PRIVATE/M4ROOT/CLIP/C0001.MP4",
        "CONTENTS/VIDEO/0001AB.MXF",
        "CONTENTS/AUDIO/0001AB00.MXF",
        "DCIM/100GOPRO/GX010042.MP4",
        "A001/A001.mov",
    }


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (Rules(include=("*.mov",)), {"A001/A001.mov"}),
        (Rules(include=("private/*",)), {"PRIVATE/M4ROOT/CLIP/C0001.MP4"}),
        (Rules(exclude=("contents", "A001/*", "*.mp4")), set()),
        (Rules(is_recursive=False), set()),
        (Rules(include=("*.MOV", "gx*"), exclude=("GX010042*",)), {"A001/A001.mov"}),
    ],
)
def test_patterns_choose(card: Path, rules: Rules, expected: set[str]) -> None:
    assert media(card, rules) == expected


def test_own_folders_are_not_entered(card: Path) -> None:
    assert "A001/A001.mov" not in media(card, Rules(own=(str(card / "A001"),)))


def test_numbered_pictures_are_one_medium_and_grow_together(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"shot.{1000 + number}.exr").write_bytes(b"x" * number)
    (tmp_path / "single.exr").write_bytes(b"1")
    ((_, listing),) = walk(str(tmp_path), str(tmp_path), Rules())
    assert not isinstance(listing, OSError)
    sequence, single = sorted(listing.media.values(), key=lambda seen: -seen.files)
    assert (Path(sequence.path).name, sequence.files, sequence.size_bytes) == ("shot.1000.exr", 12, 66)
    assert (Path(single.path).name, single.files) == ("single.exr", 1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_links_pipes_and_devices_are_left_alone_and_no_loop_is_entered(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "in").mkdir(parents=True)
    (root / "in" / "clip.mov").write_bytes(b"1")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.mov").write_bytes(b"1")
    (root / "loop").symlink_to(".")
    (root / "in" / "up").symlink_to("..")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "secret.mov").symlink_to(tmp_path / "outside" / "secret.mov")
    (root / "zero.mov").symlink_to("/dev/zero")
    (root / "dead.mov").symlink_to("nowhere")
    os.mkfifo(root / "pipe.mov")
    assert media(root) == {"in/clip.mov"}


def test_a_folder_that_cannot_be_read_is_told_and_the_others_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "clip.mov").write_bytes(b"1")
    scandir = os.scandir

    def refusing(path: str) -> object:
        if path.endswith(os.sep + "a"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = dict(walk(str(tmp_path), str(tmp_path), Rules()))
    assert isinstance(found[str(tmp_path / "a")], PermissionError)
    assert not isinstance(found[str(tmp_path / "b")], OSError)
