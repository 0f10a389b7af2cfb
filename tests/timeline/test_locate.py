"""URLs of every kind: what is looked for where, and what is refused."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_perf.model.uses import Target, TargetKind
from otio_perf.timeline.describe import described
from otio_perf.timeline.locate import Locator, Reference, moved_url, output_folder, relative_to
from otio_perf.timeline.media_roots import Suffixes

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX SPELLING of paths")


SUFFIXES = Suffixes(moving=frozenset({".mov", ".mxf", ".mp4"}), stills=frozenset({".jpg", ".png"}), sounds=frozenset({".wav"}))


def external(url: str) -> Reference:
    return Reference("external", url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A timeline's folder with some media in and around it."""
    for name in ("cut/a.mov", "cut/b c.mov", "cut/100%25.mov", "rushes/day1/x.mov", "rushes/day2/y.mov", "rushes/day1/y.mov"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def found(target: Target, folder: Path) -> str | None:
    return None if target.path is None else os.path.relpath(target.path, folder).replace(os.sep, "/")


@posix
@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("a.mov", "cut/a.mov"),
        ("./a.mov", "cut/a.mov"),
        ("../rushes/day1/x.mov", "rushes/day1/x.mov"),
        ("b c.mov", "cut/b c.mov"),
        ("b%20c.mov", "cut/b c.mov"),
        ("100%25.mov", "cut/100%25.mov"),  # as it is written, where that is what is there
        ("100%2525.mov", "cut/100%25.mov"),
        ("missing%20one.mov", "cut/missing one.mov"),
        ("shot%04d.png", "cut/shot%04d.png"),
        ("2,05:a.mov", "cut/a.mov"),  # Kdenlive's speed, with a decimal comma
        ("15.000000:sub/x.mp4", "cut/sub/x.mp4"),
        ("x:y.mp4", "cut/x:y.mp4"),
        ("name\nline.mov", "cut/name\nline.mov"),
        ("a'b\"c.mov", "cut/a'b\"c.mov"),
        ("-n.mp4", "cut/-n.mp4"),
        ("caf\udce9.mov", "cut/caf\udce9.mov"),
        ("n" * 255, "cut/" + "n" * 255),
    ],
)
def test_relative_urls(folder: Path, url: str, path: str) -> None:
    target = Locator(folder / "cut" / "edit.otio").target(external(url))
    assert target.kind is TargetKind.FILE
    assert target.url == url
    assert found(target, folder) == path


@posix
@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/m/a.mov", "/m/a.mov"),
        ("/m/../n/a.mov", "/n/a.mov"),
        ("file:///m/a.mov", "/m/a.mov"),
        ("file://localhost/m/a%20b.mov", "/m/a b.mov"),
        ("FILE:///m/a.mov", "/m/a.mov"),
        ("file:/m/a.mov", "/m/a.mov"),
        ("file:///m/caf%C3%A9.mov", "/m/café.mov"),
        ("file:///m/caf%E9.mov", "/m/caf\udce9.mov"),
        ("file:///m/a%23b.mov", "/m/a#b.mov"),
        ("file:///m/a#b?c.mov", "/m/a#b?c.mov"),
        ("file:///m/f%04d.exr", "/m/f%04d.exr"),
    ],
)
def test_absolute_urls(url: str, path: str) -> None:
    target = Locator("/t/edit.otio").target(external(url))
    assert (target.kind, target.path) == (TargetKind.FILE, path)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.mp4",
        "HTTPS://example.com/a.mov",
        "ftp://h/a.mov",
        "rtsp://h/a",
        "smb://h/share/a.mov",
        "s3://bucket/a.mov",
        "unknown://x/a.mov",
        "data:video/mp4;base64,AAAA",
        "concat:a.ts|b.ts",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "pipe:0",
        "crypto:a.mov",
        "async:a.mov",
        "cache:a.mov",
        "tee:a.mov",
    ],
)
def test_what_is_no_local_file_is_refused(url: str) -> None:
    target = Locator("/t/edit.otio", media_roots=("/tmp",)).target(external(url))
    assert target.kind is TargetKind.REFUSED
    assert target.path is None
    assert target.reason
    assert "only local files" in target.reason


@posix
@pytest.mark.parametrize(
    "url",
    [
        "D:\\media\\a.mov",
        "D:/media/a.mov",
        "d:/MEDIA/a.mov",
        "file:///D:/media/a.mov",
        "file://localhost/D%3a/media/a.mov",
        "file:///D|/media/a.mov",
        "file://D:/media/a.mov",
    ],
)
def test_windows_paths_are_mapped_or_refused(folder: Path, url: str) -> None:
    refused = Locator(folder / "cut" / "edit.otio").target(external(url))
    assert refused.kind is TargetKind.REFUSED
    assert refused.reason
    assert "--map" in refused.reason
    for source in ("D:\\media", "D:/media/", "d:/media"):
        mapped = Locator(folder / "edit.otio", maps=((source, str(folder / "cut")),)).target(external(url))
        assert found(mapped, folder) == "cut/a.mov"
    assert Locator(folder / "edit.otio", maps=(("D:\\med", "/x"),)).target(external(url)).path is None


@posix
@pytest.mark.parametrize("url", ["\\\\server\\share\\a.mov", "//server/share/a.mov", "file://server/share/a.mov"])
def test_network_shares_are_never_opened_but_mapped(folder: Path, url: str) -> None:
    assert Locator(folder / "cut" / "edit.otio").target(external(url)).path is None
    mapped = Locator(folder / "edit.otio", maps=(("\\\\server\\share", str(folder / "cut")),)).target(external(url))
    assert found(mapped, folder) == "cut/a.mov"


@posix
def test_posix_maps(folder: Path) -> None:
    maps = (("/old", str(folder)), ("/old/cut", "/never"))
    assert found(Locator("/t/e.otio", maps=maps).target(external("/old/cut/a.mov")), folder) == "cut/a.mov"
    assert found(Locator("/t/e.otio", maps=maps).target(external("file:///old/cut/b%20c.mov")), folder) == "cut/b c.mov"
    assert Locator("/t/e.otio", maps=maps).target(external("/older/a.mov")).path == "/older/a.mov"


@posix
def test_search_below_media_roots(folder: Path) -> None:
    locator = Locator(folder / "cut" / "edit.otio", media_roots=(folder / "rushes",))
    assert found(locator.target(external("a.mov")), folder) == "cut/a.mov"  # where the timeline says, if it is there
    assert found(locator.target(external("/gone/x.mov")), folder) == "rushes/day1/x.mov"  # by its name
    assert found(locator.target(external("/gone/day2/y.mov")), folder) == "rushes/day2/y.mov"  # by the end of its path
    assert found(locator.target(external("D:\\gone\\day1\\y.mov")), folder) == "rushes/day1/y.mov"
    doubtful = locator.target(external("/gone/y.mov"))
    assert doubtful.path == "/gone/y.mov"
    assert doubtful.reason
    assert "2 files" in doubtful.reason
    assert locator.target(external("/gone/z.mov")).path == "/gone/z.mov"
    assert locator.target(external("D:\\gone\\z.mov")).path is None


def test_sequences(folder: Path) -> None:
    locator = Locator(folder / "cut" / "edit.otio")
    reference = Reference("sequence", url="seq", prefix="sub/f_", suffix=".exr", padding=4, first=8, last=12, step=2)
    target = locator.target(reference)
    assert target.kind is TargetKind.SEQUENCE
    assert target.sequence
    assert [
        found(Target(kind=target.kind, url="", path=target.sequence.path_of(n)), folder) for n in target.sequence.numbers
    ] == [
        "cut/seq/sub/f_0008.exr",
        "cut/seq/sub/f_0010.exr",
        "cut/seq/sub/f_0012.exr",
    ]
    assert locator.target(reference) is target
    web = locator.target(Reference("sequence", url="http://h/x", prefix="f", suffix=".png", padding=0, first=1, last=2))
    assert web.kind is TargetKind.REFUSED


@given(st.text())
def test_no_url_is_too_strange(url: str) -> None:
    target = Locator("/t/edit.otio", maps=(("D:\\", "/d"), ("/a", "/b"))).target(external(url))
    assert target.path is None or os.path.isabs(target.path)
    assert target.path is not None or target.reason


@pytest.fixture
def rushes(tmp_path: Path) -> Path:
    for name in (
        *("day1/A001.MOV", "day1/A001.srt", "day1/A001.LRV", "day1/Proxy/A001.mov", "day1/.A001.mov", "day1/B.v2.mxf"),
        *("day1/twice.mov", "day2/twice.mp4", "day2/music.wav", "day2/thrice.mov", "day3/thrice.mov"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("A001", "day1/A001.MOV"),  # not what is beside it, and not its proxy
        ("A001.mov", "day1/A001.MOV"),
        ("A001.MOV", "day1/A001.MOV"),
        ("B.v2", "day1/B.v2.mxf"),
        ("B.v2.MXF", "day1/B.v2.mxf"),
        ("twice.mp4", "day2/twice.mp4"),
        ("music.wav", "day2/music.wav"),
        ("a001", "day1/A001.MOV"),  # in other letters, where nothing is called so
        ("b.V2", "day1/B.v2.mxf"),
        ("Music.WAV", "day2/music.wav"),
    ],
)
def test_a_clip_without_media_is_found_by_its_name(rushes: Path, name: str, path: str) -> None:
    locator = Locator(rushes / "cut.edl", media_roots=(rushes,), suffixes=SUFFIXES)
    for reference in (Reference("missing", reason="the clip has no media", clip=name), Reference("external", "", clip=name)):
        target = locator.target(reference)
        assert (target.kind, found(target, rushes), target.url) == (TargetKind.FILE, path, "")
        assert target.found_by
        assert "by the clip's name" in target.found_by


@pytest.mark.parametrize(
    ("name", "why"), [("twice", "2 files"), ("thrice.mov", "day2/thrice.mov, "), ("Twice", "2 files"), ("music", "no file")]
)
def test_a_clip_that_may_be_several_files_or_none_says_so(rushes: Path, name: str, why: str) -> None:
    locator = Locator(rushes / "cut.edl", media_roots=(rushes,), suffixes=SUFFIXES)
    target = locator.target(Reference("missing", reason="the clip has no media", clip=name))
    assert (target.kind, target.path, target.url) == (TargetKind.MISSING, None, name)
    assert target.reason
    assert why in target.reason.replace(os.sep, "/").replace(str(rushes).replace(os.sep, "/") + "/", "")


@posix
def test_letters_of_the_same_case_come_first(rushes: Path) -> None:
    (rushes / "day3" / "a001.mov").write_bytes(b"another")
    assert [found(named(rushes, clip=name), rushes) for name in ("A001", "a001")] == ["day1/A001.MOV", "day3/a001.mov"]
    doubtful = named(rushes, clip="a001.MOV")
    assert found(doubtful, rushes) == "day3/a001.mov"  # a suffix has letters of any case
    assert "2 files" in (named(rushes, clip="TWICE").reason or "")


def test_a_clip_is_found_by_its_reel_where_nothing_is_called_like_it(rushes: Path) -> None:
    locator = Locator(rushes / "cut.edl", media_roots=(rushes,), suffixes=SUFFIXES)

    def target(clip: str, reel: str) -> Target:
        metadata = {"cmx_3600": {"reel": reel}}
        missing = {"OTIO_SCHEMA": "MissingReference.1"}
        return locator.target(described(missing, {"OTIO_SCHEMA": "Clip.2", "name": clip, "metadata": metadata}))

    by_reel = target("Interview 3", "a001")
    assert found(by_reel, rushes) == "day1/A001.MOV"
    assert "the name of its reel, a001" in (by_reel.found_by or "")
    assert found(target("", "B.v2"), rushes) == "day1/B.v2.mxf"
    assert found(target("A001", "B.v2"), rushes) == "day1/A001.MOV"  # its own name says more
    several = target("Interview 3", "twice")
    assert (several.kind, several.url) == (TargetKind.MISSING, "Interview 3")
    assert "2 files below the media roots are called by the name of its reel, twice" in (several.reason or "")
    assert target("twice", "A001").path is None  # what is called like it may be meant
    assert "like it or its reel, gone" in (target("Interview 3", "gone").reason or "")
    (rushes / "day1" / "AX.mov").write_bytes(b"x")
    assert target("Interview 3", "AX").path is None  # an EDL's word for no reel


def test_without_media_roots_nothing_is_looked_for_by_name(rushes: Path) -> None:
    plain = Locator(rushes / "day1" / "cut.edl").target(Reference("missing", reason="the clip has no media"))
    assert (
        Locator(rushes / "day1" / "cut.edl").target(Reference("missing", reason="the clip has no media", clip="A001")) == plain
    )


def named(root: Path, *roots: Path, clip: str = "film", audio: bool = False) -> Target:
    locator = Locator(root / "cut.edl", media_roots=roots or (root,), suffixes=SUFFIXES)
    return locator.target(Reference("missing", reason="the clip has no media", clip=clip, audio=audio))


@posix
def test_one_file_reached_in_several_ways_is_one(tmp_path: Path) -> None:
    (tmp_path / "a" / "inner").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    film = tmp_path / "a" / "inner" / "film.mov"
    film.write_bytes(b"x")
    os.link(film, tmp_path / "b" / "film.mov")
    (tmp_path / "b" / "film.mp4").symlink_to(film)
    (tmp_path / "again").symlink_to("a")
    roots = (tmp_path, tmp_path / "a", tmp_path / "again", tmp_path / "b")
    locator = Locator(tmp_path / "cut.otio", media_roots=roots)
    assert locator.target(external("/gone/film.mov")).path in (str(film), str(tmp_path / "b" / "film.mov"))
    target = named(tmp_path, *roots)
    assert (target.kind, target.path) == (TargetKind.FILE, str(film))
    (tmp_path / "b" / "film.mxf").write_bytes(b"another")
    assert "2 files" in (named(tmp_path, *roots).reason or "")


@pytest.mark.parametrize(
    ("files", "picture", "sound"),
    [
        (["film.mov", "film.jpg", "film.wav"], "film.mov", "film.wav"),
        (["film.mov", "film.jpg"], "film.mov", "film.mov"),
        (["film.jpg", "film.wav"], "film.jpg", "film.wav"),
        (["film.wav"], None, "film.wav"),
        (["film.jpg"], "film.jpg", None),
        (["film.mov", "film.mxf", "film.wav"], None, "film.wav"),
    ],
)
def test_video_tracks_mean_pictures_and_audio_tracks_sounds(
    tmp_path: Path, files: list[str], picture: str | None, sound: str | None
) -> None:
    for name in files:
        (tmp_path / name).write_bytes(b"x")
    assert found(named(tmp_path), tmp_path) == picture
    assert found(named(tmp_path, audio=True), tmp_path) == sound


@posix
@pytest.mark.parametrize(("spelled", "there"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_match_however_they_are_spelled(
    tmp_path: Path, spelled: Literal["NFC", "NFD"], there: Literal["NFC", "NFD"]
) -> None:
    wanted, name = unicodedata.normalize(spelled, "Café"), unicodedata.normalize(there, "Café")
    if (tmp_path / wanted).exists() or wanted == name:
        pytest.skip("THE FILE SYSTEM takes both spellings for one")
    (tmp_path / name).mkdir()
    path = tmp_path / name / f"{name}.mov"
    path.write_bytes(b"x")
    assert Locator(tmp_path / "cut.otio").target(external(f"{wanted}/{wanted}.mov")).path == str(path)
    assert Locator(tmp_path / "cut.otio", media_roots=(tmp_path,)).target(external(f"/gone/{wanted}.mov")).path == str(path)
    assert named(tmp_path, clip=wanted).path == named(tmp_path, clip=f"{wanted}.MOV").path == str(path)
    (tmp_path / f"{wanted}.mov").write_bytes(b"the one that is called exactly so")
    assert named(tmp_path, clip=wanted).path == str(tmp_path / f"{wanted}.mov")


@posix
def test_the_way_up_starts_in_the_real_folder(tmp_path: Path) -> None:
    for name in ("deep/er/real", "media"):
        (tmp_path / name).mkdir(parents=True)
    film = tmp_path / "media" / "film.mov"
    film.write_bytes(b"x")
    link = tmp_path / "link"
    link.symlink_to("deep/er/real")
    url = relative_to(str(film), str(link))
    assert url == "../../../media/film.mov"
    assert (link / url).samefile(film)  # as the system follows it
    for folder in (link, tmp_path / "deep" / "er" / "real"):
        assert Locator(folder / "cut.otio").target(external(url)).path == str(film)
    # timelines of others count from the link; what is there is found
    assert Locator(link / "cut.otio").target(external("../media/film.mov")).path == str(film)
    assert moved_url("../media/film.mov", str(link), str(tmp_path)) == "media/film.mov"
    assert moved_url("pics/", str(link), str(link)) == "pics/"


@posix
def test_a_link_into_another_folder_has_no_place_for_relative_paths(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "there.otio").symlink_to("store/real.otio")
    (tmp_path / "here.otio").symlink_to("real.otio")
    assert output_folder(tmp_path / "there.otio") is None
    assert output_folder(tmp_path / "here.otio") == output_folder(tmp_path / "new.otio") == str(tmp_path)
    assert moved_url("media/a.mov", str(tmp_path), None) == str(tmp_path / "media" / "a.mov")
