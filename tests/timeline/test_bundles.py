"""Bundles: what goes into one, and what is never lost when one is replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import opentimelineio as otio
import pytest

from otio_perf.errors import DiskFullError, LossyTimelineError, UnwritableTimelineError
from otio_perf.model.uses import Problem
from otio_perf.timeline import bundles, files
from otio_perf.timeline.describe import described
from otio_perf.timeline.files import Document
from otio_perf.timeline.guard import Limits
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.media_roots import Suffixes
from otio_perf.timeline.survey import survey

Edit = Callable[..., otio.schema.Timeline]
Save = Callable[..., Path]
posix = pytest.mark.skipif(os.name != "posix", reason="LINKS and odd names are for POSIX")


def shown(document: Document) -> list[bytes]:
    """The bytes of each medium, in the order of the clips."""
    return [Path(u.target.path or "").read_bytes() for u in survey(document, Locator(document.path)).uses]


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*"))}


@pytest.fixture
def media(tmp_path: Path) -> Path:
    for name in "abc":
        (tmp_path / f"{name}.mov").write_bytes(f"the medium {name}".encode())
    return tmp_path


@pytest.fixture
def bundle(media: Path, save: Save, edit: Edit) -> Path:
    """``cut.otiod`` of a and b; from now on it holds the only b."""
    files.write(files.read(save(edit([("a.mov", 0, 10), ("b.mov", 0, 10)]))), media / "cut.otiod")
    (media / "b.mov").unlink()
    return media / "cut.otiod"


# ---- what is never lost


def test_a_bundle_is_updated_from_an_edit_that_refers_into_it(bundle: Path, media: Path, save: Save, edit: Edit) -> None:
    timeline = edit([("c.mov", 0, 10), ("cut.otiod/media/b.mov", 0, 10), ("cut.otiod/media/a.mov", 0, 10)])
    path = save(timeline, "new.otio")
    for _ in range(2):
        files.write(files.read(path), bundle)
        assert shown(files.read(bundle)) == [b"the medium c", b"the medium b", b"the medium a"]
        assert shown(files.read(path)) == [b"the medium c", b"the medium b", b"the medium a"]
    assert not [p for p in media.iterdir() if ".part" in p.name or ".old" in p.name]


def test_what_lies_in_a_bundle_keeps_its_name(bundle: Path, media: Path, save: Save, edit: Edit) -> None:
    """Another medium of that name comes first: the edit that refers into the bundle still means the same."""
    (media / "b.mov").write_bytes(b"another b")
    path = save(edit([("b.mov", 0, 10), ("cut.otiod/media/b.mov", 0, 10), ("a.mov", 0, 10)]), "new.otio")
    files.write(files.read(path), bundle)
    assert shown(files.read(bundle)) == [b"another b", b"the medium b", b"the medium a"]
    assert shown(files.read(path)) == [b"another b", b"the medium b", b"the medium a"]


def test_equal_copies_are_no_loss(media: Path, save: Save, edit: Edit) -> None:
    path = save(edit([("a.mov", 0, 10), ("b.mov", 0, 10)]))
    other = save(edit([("b.mov", 0, 10), ("c.mov", 0, 10), ("a.mov", 0, 10)]), "other.otio")
    for one in (path, path, other):
        files.write(files.read(one), media / "cut.otiod")
    assert shown(files.read(media / "cut.otiod")) == [b"the medium b", b"the medium c", b"the medium a"]


def test_a_medium_that_is_nowhere_else_is_not_given_up(bundle: Path, media: Path, save: Save, edit: Edit) -> None:
    before = content(media)
    shorter = files.read(save(edit([("a.mov", 0, 10)]), "edit.otio"))
    with pytest.raises(LossyTimelineError, match=r"no media/b\.mov: lost for good") as caught:
        files.write(shorter, bundle)
    assert caught.value.exit_code == 3
    (media / "b.mov").write_bytes(b"the medium B")  # of one name and size is not one
    with pytest.raises(LossyTimelineError, match=r"media/b\.mov"):
        files.write(files.read(save(edit([("a.mov", 0, 10), ("b.mov", 0, 10)]), "edit.otio")), bundle)
    (media / "b.mov").unlink()
    (media / "edit.otio").write_bytes(before["edit.otio"])
    assert content(media) == before


def test_allowing_losses_gives_up_no_originals(bundle: Path, save: Save, edit: Edit) -> None:
    timeline = edit([("cut.otiod/media/a.mov", 0, 10), ("cut.otiod/media/b.mov", 0, 10)])
    for clip in timeline.find_clips():
        proxy = otio.schema.ExternalReference(target_url="a.mov", available_range=clip.media_reference.available_range)
        clip.set_media_references({"DEFAULT_MEDIA": clip.media_reference, "small": proxy}, "small")
    with pytest.raises(LossyTimelineError, match=r"media/b\.mov"):
        files.write(files.read(save(timeline, "new.otio")), bundle, allow_lossy=True)
    assert (bundle / "media" / "b.mov").read_bytes() == b"the medium b"


@pytest.mark.parametrize("name", ["precious", ".otio_perf", "notes.txt", "media/notes.txt", "media/sub/x.mov"])
def test_what_is_no_part_of_a_bundle_is_not_given_up(bundle: Path, save: Save, edit: Edit, name: str) -> None:
    path = bundle / name
    path.parent.mkdir(exist_ok=True)
    if path.suffix in (".txt", ".mov"):
        path.write_text("mine")
    else:
        path.mkdir()
    before = content(bundle)
    document = files.read(save(edit([("a.mov", 0, 10), ("cut.otiod/media/b.mov", 0, 10)]), "new.otio"))
    with pytest.raises(LossyTimelineError, match=name.rpartition("/")[2]):
        files.write(document, bundle)
    if "/" not in name:
        with pytest.raises(LossyTimelineError, match=name):
            files.refuse_unwritable(bundle)
    assert content(bundle) == before


def test_a_folder_that_is_no_bundle_stays(media: Path, save: Save, edit: Edit) -> None:
    document = files.read(save(edit([("a.mov", 0, 10)])))
    (media / "proj.otiod" / "precious").mkdir(parents=True)
    with pytest.raises(LossyTimelineError, match="precious"):
        files.write(document, media / "proj.otiod")
    assert (media / "proj.otiod" / "precious").is_dir()
    (media / "empty.otiod").mkdir()
    (media / "empty.otiod" / ".DS_Store").touch()
    files.write(document, media / "empty.otiod")
    assert shown(files.read(media / "empty.otiod")) == [b"the medium a"]


@posix
def test_links_in_and_to_bundles(bundle: Path, media: Path, save: Save, edit: Edit) -> None:
    document = files.read(save(edit([("a.mov", 0, 10), ("cut.otiod/media/b.mov", 0, 10)]), "new.otio"))
    (media / "link.otiod").symlink_to("cut.otiod")
    (bundle / "notes.txt").touch()
    with pytest.raises(LossyTimelineError, match=r"notes\.txt"):
        files.write(document, media / "link.otiod")
    (bundle / "notes.txt").unlink()
    (bundle / "media" / "gone.mov").symlink_to("nowhere.mov")
    with pytest.raises(LossyTimelineError, match=r"gone\.mov"):
        files.write(document, media / "link.otiod")
    (bundle / "media" / "gone.mov").unlink()
    files.write(document, media / "link.otiod")
    assert (media / "link.otiod").is_symlink()
    assert shown(files.read(bundle)) == [b"the medium a", b"the medium b"]
    (bundle / "media").rename(media / "elsewhere")
    (bundle / "media").symlink_to(media / "elsewhere")
    with pytest.raises(LossyTimelineError, match="media"):
        files.write(document, bundle)


def test_what_comes_into_a_bundle_meanwhile_is_not_lost(
    bundle: Path, save: Save, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = files.read(save(edit([("a.mov", 0, 10), ("cut.otiod/media/b.mov", 0, 10)]), "new.otio"))
    write = bundles.write
    files.write(document, bundle)  # it is ours as it is now

    def slowly(target: Path, packed: object) -> None:
        write(target, packed)  # type: ignore[arg-type]
        (bundle / "media" / "late.mov").write_bytes(b"came late")

    monkeypatch.setattr(bundles, "write", slowly)
    monkeypatch.setattr("otio_perf.timeline.stamp.keep_edited", lambda *_: None)
    with pytest.raises(UnwritableTimelineError, match="changed while"):
        files.write(document, bundle)
    assert (bundle / "media" / "late.mov").read_bytes() == b"came late"
    assert sorted(p.name for p in bundle.parent.iterdir() if p.name.startswith(".")) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from otio_perf.timeline import files, stamp
stamp.keep_edited = lambda *_: None
steps, wanted = 0, int(sys.argv[3])
def step(event, args):
    global steps
    if event in ("os.rename", "os.remove", "os.rmdir", "shutil.rmtree", "os.mkdir"):
        steps += 1
        if steps == wanted:
            os.kill(os.getpid(), signal.SIGKILL)
document = files.read(sys.argv[1])
sys.addaudithook(step)
files.write(document, sys.argv[2])
"""


@posix
def test_a_kill_at_any_step_leaves_a_whole_bundle(bundle: Path, media: Path, save: Save, edit: Edit) -> None:
    path = save(edit([("cut.otiod/media/b.mov", 0, 10), ("a.mov", 0, 10), ("c.mov", 0, 10)]), "new.otio")
    old, new = [b"the medium a", b"the medium b"], [b"the medium b", b"the medium a", b"the medium c"]
    root = Path(files.__file__).parent.parent.parent
    were: list[list[bytes]] = []
    for step in range(1, 40):
        command = [sys.executable, "-c", KILLED, str(path), str(bundle), str(step)]
        done = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
        files.clear_up(bundle)
        were.append(shown(files.read(bundle)))
        assert were[-1] in (old, new)
        assert not bundle.with_name(".cut.old.otiod").exists()
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        for part in media.glob(".*.part.otiod"):
            age(part)
        files.clear_up(bundle)
        assert sorted(p.name for p in media.iterdir() if p.name.startswith(".")) == []
        if were[-1] == new:  # again from the old one
            files.write(files.read(path), media / "kept.otiod")
            (bundle / "media" / "c.mov").unlink()
            files.write(files.read(save(edit([("a.mov", 0, 10), ("cut.otiod/media/b.mov", 0, 10)]), "old.otio")), bundle)
    else:
        pytest.fail("was killed at every step")
    assert old in were
    assert new in were


def age(path: Path, seconds: float = 3600.0) -> None:
    for one in (*path.rglob("*"), path):
        os.utime(one, (time.time() - seconds,) * 2)


def test_stale_parts_are_removed_and_others_are_not(media: Path, save: Save, edit: Edit) -> None:
    ours = [".x.0123abcd.part.otiod/media/a.mov", ".cut.0123abcd.part.otio", ".y.0123abcd.part.otioz"]
    fresh = [".z.0123abcd.part.otiod/media/a.mov", ".z.0123abcd.part.otio"]
    others = [
        ".a.0123abcd.part.mov",
        ".cut.part.otio",
        "x.0123abcd.part.otio",
        ".x.12345.part.otiod/a.mov",
        "sub/.q.0123abcd.part.otio",
    ]
    for name in (*ours, *fresh, *others):
        (media / name).parent.mkdir(parents=True, exist_ok=True)
        (media / name).touch()
        if name not in fresh:
            age(media / name.split("/")[0])
    document = files.read(save(edit([("a.mov", 0, 10)])))
    for suffix in (".otio", ".otiod", ".otioz"):
        files.write(document, media / f"cut{suffix}")
    assert not [name for name in ours if (media / name).exists()]
    assert [name for name in (*fresh, *others) if not (media / name).exists()] == []


def test_a_part_of_the_same_process_number_is_in_nobodys_way(media: Path, save: Save, edit: Edit) -> None:
    """In a container every run has the same number."""
    document = files.read(save(edit([("a.mov", 0, 10)])))
    for suffix in (".otio", ".otiod", ".otioz"):
        (media / f".cut.{os.getpid()}.part{suffix}").mkdir()
        files.write(document, media / f"cut{suffix}")
    assert shown(files.read(media / "cut.otiod")) == [b"the medium a"]


# ---- what goes in


def test_media_are_packed_from_where_they_are_found(media: Path, save: Save, edit: Edit) -> None:
    (media / "rushes").mkdir()
    for name in ("A001.mov", "byname.mov", "elsewhere.mov"):
        (media / "rushes" / name).write_bytes(name.encode())
    timeline = edit([("/gone/A001.mov", 0, 10), ("/old/elsewhere.mov", 0, 10)])
    time_range = timeline.find_clips()[0].source_range
    timeline.tracks[0].append(otio.schema.Clip("byname", otio.schema.MissingReference(), time_range))
    document = files.read(save(timeline))
    locator = Locator(
        document.path,
        media_roots=(media / "rushes",),
        maps=(("/old", str(media / "rushes")),),
        suffixes=Suffixes(moving=frozenset({".mov"})),
    )
    for suffix in (".otioz", ".otiod"):
        target = media / f"cut{suffix}"
        assert files.write(document, target, locator=locator).left == ()
        read = files.read(target, unpack_into=media / "unpacked")
        paths = [u.target.path or "" for u in survey(read, Locator(target, base=read.base)).uses]
        assert [Path(p).read_bytes() for p in paths] == [b"A001.mov", b"elsewhere.mov", b"byname.mov"]
        assert all(p.startswith(read.base) for p in paths)


def test_one_file_under_two_names_is_packed_once(media: Path, save: Save, edit: Edit) -> None:
    os.link(media / "a.mov", media / "hard.mov")
    files.write(files.read(save(edit([("a.mov", 0, 10), ("hard.mov", 0, 10), ("./a.mov", 0, 10)]))), media / "cut.otioz")
    with zipfile.ZipFile(media / "cut.otioz") as zipped:
        assert [n for n in zipped.namelist() if n.startswith("media/")] == ["media/a.mov"]


@pytest.mark.parametrize("stem", ["x" * 251, "é" * 125, "長" * 83])
def test_two_media_of_one_long_name(media: Path, save: Save, edit: Edit, stem: str) -> None:
    urls = []
    for folder in ("one", "two", "three"):
        (media / folder).mkdir()
        (media / folder / f"{stem}.mov").write_bytes(folder.encode())
        urls.append((f"{folder}/{stem}.mov", 0, 10))
    files.write(files.read(save(edit(urls))), media / "cut.otiod")
    assert shown(files.read(media / "cut.otiod")) == [b"one", b"two", b"three"]


@posix
def test_names_that_are_one_elsewhere_are_two_in_a_bundle(media: Path, save: Save, edit: Edit) -> None:
    names = ["é.mov", unicodedata.normalize("NFD", "é.mov"), "É.mov"]
    for name in names:
        (media / name).write_bytes(name.encode())
    files.write(files.read(save(edit([(n, 0, 10) for n in names]))), media / "cut.otioz")
    with zipfile.ZipFile(media / "cut.otioz") as zipped:
        packed = [unicodedata.normalize("NFC", n).casefold() for n in zipped.namelist() if n.startswith("media/")]
    assert len(set(packed)) == 3


def sequence(folder: str, prefix: str, frames: float, suffix: str = ".png") -> otio.schema.Clip:
    reference = otio.schema.ImageSequenceReference(folder, prefix, suffix, 1, 1, 24.0, 4)
    reference.available_range = otio.opentime.TimeRange(
        otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(frames, 24)
    )
    time_range = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(2, 24))
    return otio.schema.Clip("pictures", reference, time_range)


@posix
@pytest.mark.parametrize("suffix", [".otioz", ".otiod"])
def test_pictures_with_names_that_are_no_utf_8(media: Path, save: Save, edit: Edit, suffix: str) -> None:
    folder = media / "pics"
    folder.mkdir()
    for number in (1, 2):
        Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.%04d.png" % number)).write_bytes(b"%d" % number)
    timeline = edit([("a.mov", 0, 10)])
    timeline.tracks[0].append(sequence("pics/", "caf%E9.", 2))
    target = media / f"cut{suffix}"
    assert files.write(files.read(save(timeline)), target).left == ()
    read = files.read(target, unpack_into=media / "unpacked")
    pictures = survey(read, Locator(target, base=read.base)).targets[1].sequence
    assert pictures
    assert [Path(pictures.path_of(n)).read_bytes() for n in pictures.numbers] == [b"1", b"2"]
    assert pictures.directory.startswith(read.base)
    clip = timeline.tracks[0][1]
    clip.set_media_references({"DEFAULT_MEDIA": clip.media_reference, "small": otio.schema.MissingReference()}, "small")
    files.write(files.read(save(timeline)), media / f"other{suffix}", allow_lossy=True)  # where they are left outside
    root = files.read(media / f"other{suffix}").root
    outside = root["tracks"]["children"][0]["children"][1]["media_references"]["DEFAULT_MEDIA"]
    pictures = Locator(target).target(described(outside)).sequence
    assert pictures
    assert [Path(pictures.path_of(n)).read_bytes() for n in pictures.numbers] == [b"1", b"2"]


def test_what_is_not_packed_is_told_and_leads_to_where_it_was(media: Path, save: Save, edit: Edit) -> None:
    (media / "pics").mkdir()
    (media / "pics" / "f_0002.png").touch()
    timeline = edit([("gone.mov", 0, 10), ("http://server/x.mov", 0, 10)])
    timeline.tracks[0].append(sequence("pics/", "f_", 2_000_000_000))
    timeline.tracks[0].append(sequence("pics/", "f_", 3))
    document = files.read(save(timeline))
    left = files.write(document, media / "cut.otiod").left
    assert [p.clip for p in left] == ["shot0", "shot1", "pictures", "pictures"]
    for problem, words in zip(
        left, ("gone.mov is not there", "only local files", "2,000,000,000 pictures", "1 of the 3"), strict=True
    ):
        assert isinstance(problem, Problem)
        assert words in problem.reason
    clips = list(files.read(media / "cut.otiod").to_otio().find_clips())
    assert clips[0].media_reference.target_url == str(media / "gone.mov")
    assert clips[2].media_reference.target_url_base == f"{media}/pics/"
    assert clips[3].media_reference.target_url_base == "media/f/"


def test_sizes_are_told_in_words_that_mean_something(
    media: Path, save: Save, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 3})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with (media / "a.mov").open("r+b") as file:
        file.truncate(2_340_000)
    with pytest.raises(DiskFullError, match=r"the bundle needs 2\.3 MB"):
        files.write(files.read(save(edit([("a.mov", 0, 10)]))), media / "cut.otioz")
    assert bundles.size_text(12_300_000_000) == "12.3 GB"
    monkeypatch.undo()
    files.write(files.read(media / "edit.otio"), media / "cut.otioz")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(DiskFullError, match=r"unpacking needs 2\.3 MB"):
        files.read(media / "cut.otioz", unpack_into=media / "unpacked")


def test_stale_parts_of_unpacking_are_removed(media: Path, save: Save, edit: Edit) -> None:
    files.write(files.read(save(edit([("a.mov", 0, 10)]))), media / "cut.otioz")
    base = Path(files.read(media / "cut.otioz", unpack_into=media / "unpacked").base)
    part = base / "media" / ".a.0123abcd.part"
    part.touch()
    bundles.unpack(media / "cut.otioz", media / "unpacked", Limits())
    assert part.exists()
    age(part)
    bundles.unpack(media / "cut.otioz", media / "unpacked", Limits())
    assert not part.exists()
