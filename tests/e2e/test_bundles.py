"""Bundles and links as a user meets them: what is found goes in, what was in comes back, what is there is not lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import opentimelineio as otio
import pytest

pytestmark = pytest.mark.slow

Command = Callable[..., "subprocess.CompletedProcess[str]"]
SMALL = ("--proxy", "120p", "--all")


def urls(path: Path, key: str = "DEFAULT_MEDIA") -> list[str]:
    references = (c.media_references().get(key) for c in otio.adapters.read_from_file(str(path)).find_clips())
    return [r.target_url for r in references if isinstance(r, otio.schema.ExternalReference)]


def entries(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.fixture
def one(film: Path) -> Path:
    """A folder with a timeline of one clip, and its medium."""
    folder = film / "one"
    folder.mkdir()
    shutil.copy(film / "media" / "A001_C001.mp4", folder)
    time_range = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(12, 24))
    clip = otio.schema.Clip("A001_C001", otio.schema.ExternalReference("A001_C001.mp4"), time_range)
    timeline = otio.schema.Timeline("one")
    timeline.tracks.append(otio.schema.Track(children=[clip]))
    otio.adapters.write_to_file(timeline, str(folder / "one.otio"))
    return folder


@pytest.mark.parametrize("suffix", [".otioz", ".otiod"])
def test_originals_found_elsewhere_are_packed_and_come_back(one: Path, otio_perf: Command, suffix: str) -> None:
    (one / "shelf" / "day").mkdir(parents=True)
    (one / "A001_C001.mp4").rename(one / "shelf" / "day" / "A001_C001.mp4")
    (one / "names.edl").write_text(
        "TITLE: n\n\n001  AX  V  C  00:00:00:00 00:00:00:12 00:00:00:00 00:00:00:12\n* FROM CLIP NAME: A001_C001\n"
    )
    for timeline, words in (("one.otio", ()), ("names.edl", ("--rate", 24))):
        bundle = one / f"{timeline[:3]}{suffix}"
        done = otio_perf("optimize", one / timeline, "-o", bundle, "--media-root", one / "shelf", *words, *SMALL)
        assert done.returncode == 0, done.stderr
        assert urls(bundle) == ["media/A001_C001.mp4"]
        assert urls(bundle, "otio_perf:120p") == ["media/A001_C001_120p.mov"]
    (one / "shelf").rename(one / "away")
    for bundle in sorted(one.glob(f"*{suffix}")):
        back = otio_perf("restore", bundle, "-o", one / "back.otio")
        assert back.returncode == 0, back.stdout
        assert [(one / url).read_bytes() for url in urls(one / "back.otio")] == [
            (one / "away" / "day" / "A001_C001.mp4").read_bytes()
        ]
        again = otio_perf("restore", one / "back.otio", "-o", one / "again.otio")
        assert again.returncode == 0, again.stdout


def test_a_bundle_without_a_medium_says_which(one: Path, otio_perf: Command) -> None:
    (one / "A001_C001.mp4").unlink()
    done = otio_perf("convert", "-i", one / "one.otio", "-o", one / "one.otioz", "--json", "-")
    assert done.returncode == 4
    assert "is not there" in json.dumps(json.loads(done.stdout))
    assert urls(one / "one.otioz") == [str(one / "A001_C001.mp4")]


def test_a_bundle_is_not_replaced_by_less(one: Path, otio_perf: Command) -> None:
    bundle = one / "one.otiod"
    assert otio_perf("convert", "-i", one / "one.otio", "-o", bundle).returncode == 0
    (one / "A001_C001.mp4").write_bytes(b"another")
    before = entries(one)
    done = otio_perf("convert", "-i", one / "one.otio", "-o", bundle)
    assert done.returncode == 3
    assert "media/A001_C001.mp4: lost for good" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    for words in (
        ("convert", "-i", bundle, "-o", bundle),
        ("convert", "-i", bundle / "content.otio", "-o", bundle),
        ("convert", "-i", bundle, "-o", bundle / "content.otio"),
        ("optimize", bundle / "content.otio", "-o", bundle),
        ("restore", bundle / "content.otio", "-o", bundle),
    ):
        done = otio_perf(*words)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), words
        assert "is the input" in done.stderr
    (one / "mine.otiod" / "precious").mkdir(parents=True)
    done = otio_perf("optimize", one / "one.otio", "-o", one / "mine.otiod")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "precious" in done.stderr
    assert entries(one) == sorted([*before, "mine.otiod", "mine.otiod/precious"])


def test_nothing_is_made_beside_a_timeline_that_cannot_be_read(one: Path, otio_perf: Command) -> None:
    (one / "bad.otio").write_bytes(b"\xff no timeline")
    (one / "bad.otioz").write_bytes(b"no zip")
    before = entries(one)
    for names in (("bad.otio",), ("one.otio", "bad.otio"), ("bad.otioz",), ("one.otio", "bad.otioz")):
        done = otio_perf("optimize", *(one / name for name in names), *SMALL, "--link", "none")
        assert (done.returncode, len(done.stderr.splitlines())) == (3, 1), done.stderr
        assert entries(one) == before
    done = otio_perf("optimize", one / "one.otio", *SMALL)
    assert done.returncode == 0, done.stderr
    assert (one / ".otio_perf" / "proxies" / "A001_C001_120p.mov").is_file()


@pytest.mark.skipif(os.name != "posix", reason="LINKS are for administrators on Windows")
def test_through_a_link_media_are_found_from_both_folders(one: Path, otio_perf: Command) -> None:
    for folder in ("deep/store", "real/deeper"):
        (one / folder).mkdir(parents=True)
    for name in ("o.otio", "c.otio"):
        (one / "deep" / "store" / name).write_text("{}")
        (one / name).symlink_to(Path("deep", "store", name))
    (one / "linked").symlink_to("real/deeper")
    for words, name in (
        (("optimize", one / "one.otio", *SMALL, "-o"), "o.otio"),
        (("convert", "-i", one / "one.otio", "-o"), "c.otio"),
        (("optimize", one / "one.otio", *SMALL, "-o"), "linked/o.otio"),
        (("convert", "-i", one / "one.otio", "-o"), "linked/c.otio"),
    ):
        done = otio_perf(*words, one / name)
        assert done.returncode == 0, done.stderr
        for path in (one / name, Path(os.path.realpath(one / name))):
            for key in ("DEFAULT_MEDIA", "otio_perf:120p") if "o.otio" in name else ("DEFAULT_MEDIA",):
                (url,) = urls(path, key)
                assert (path.parent / url).is_file(), (path, url)
            found = json.loads(otio_perf("analyze", path, "--json", "-").stdout)["media"]
            assert [m["state"] for m in found] == ["online"]
    for path in (
        one / "o.otio",
        one / "deep" / "store" / "o.otio",
        one / "linked" / "o.otio",
        one / "real" / "deeper" / "o.otio",
    ):
        back = one / f"{path.parent.name}-back.otio"
        done = otio_perf("restore", path, "-o", back)
        assert done.returncode == 0, done.stdout
        assert back.read_text() == (one / "one.otio").read_text()


def test_a_damaged_proxy_that_is_left_out_is_told_of(one: Path, otio_perf: Command) -> None:
    timeline = otio.adapters.read_from_file(str(one / "one.otio"))
    second = timeline.find_clips()[0].clone()
    other = min((one.parent / "media").glob("*.mov"))
    shutil.copy(other, one / other.name)
    second.name, second.media_reference.target_url = "second", other.name
    timeline.tracks[0].append(second)
    otio.adapters.write_to_file(timeline, str(one / "two.otio"))
    done = otio_perf("optimize", one / "two.otio", "-o", one / "two.perf.otio", *SMALL)
    assert done.returncode == 0, done.stderr
    proxy = one / ".otio_perf" / "proxies" / "A001_C001_120p.mov"
    proxy.write_bytes(proxy.read_bytes()[: proxy.stat().st_size // 2])
    done = otio_perf(
        *("convert", "-i", one / "two.perf.otio", "-o", one / "out.otio", "--use-proxies", "120p", "--check-contract"),
        *("--json", "-"),
    )
    assert done.returncode == 4, done.stdout
    (written,) = json.loads(done.stdout)["written"]
    assert [b["path"] for b in written["broken"]] == [str(proxy)]
    assert [left["clip"] for left in written["left_alone"]] == ["A001_C001"]
    assert "A001_C001_120p.mov" in written["left_alone"][0]["reason"]
    plain = otio_perf("convert", "-i", one / "two.perf.otio", "-o", one / "out.otio", "--use-proxies", "120p")
    assert plain.returncode == 4
    assert "A001_C001_120p.mov" in plain.stdout


@pytest.mark.parametrize(("suffix", "words"), [(".otioz", ()), (".otiod", ("--allow-lossy",))])
def test_where_proxies_were_cleared_a_bundle_plays_the_originals(
    one: Path, otio_perf: Command, suffix: str, words: tuple[str, ...]
) -> None:
    timeline = otio.adapters.read_from_file(str(one / "one.otio"))
    again = timeline.tracks[0][0].deepcopy()
    again.name = "A001_C001 again"
    timeline.tracks[0].append(again)
    otio.adapters.write_to_file(timeline, str(one / "one.otio"))
    assert otio_perf("optimize", "one.otio", *SMALL, "--proxy", "160x90", cwd=one).returncode == 0
    pack = ("convert", "-i", "one.perf.otio", "-o", f"packed{suffix}", *words)
    done = otio_perf(*pack, cwd=one)
    assert done.returncode == 0, done.stdout
    assert f"wrote packed{suffix}: packed with its media" in done.stdout
    assert urls(one / f"packed{suffix}", "otio_perf:160x90") == ["media/A001_C001_160x90.mov"] * 2
    (one / ".otio_perf" / "proxies" / "A001_C001_120p.mov").unlink()  # the one that is not shown
    done = otio_perf(*pack[:4], f"one_size{suffix}", *words, cwd=one)
    assert done.returncode == (0 if words else 4), done.stderr
    assert ("its proxy is gone: the bundle goes without" in done.stdout) == (not words)
    assert urls(one / f"one_size{suffix}", "otio_perf:160x90") == ["media/A001_C001_160x90.mov"] * 2
    assert otio_perf("cache", "clear", "proxies", "--force", cwd=one).returncode == 0
    done = otio_perf(*pack[:4], f"none{suffix}", *words, cwd=one)
    assert done.returncode == 4, done.stderr
    assert "left alone: 2 clips (A001_C001, A001_C001 again): its proxy is gone: it plays its original" in done.stdout
    assert done.stdout.count("left alone") == 1
    for clip in otio.adapters.read_from_file(str(one / f"none{suffix}")).find_clips():
        assert clip.active_media_reference_key == "DEFAULT_MEDIA"
        assert clip.media_reference.target_url == "media/A001_C001.mp4"
        assert [key for key in clip.media_references() if key.startswith("otio_perf")] == (["otio_perf:120p"] if words else [])
    back = otio_perf("restore", one / f"none{suffix}", "-o", one / "back.otio")
    assert back.returncode == 0, back.stdout
    assert [(one / url).read_bytes() for url in urls(one / "back.otio")] == [(one / "A001_C001.mp4").read_bytes()] * 2
