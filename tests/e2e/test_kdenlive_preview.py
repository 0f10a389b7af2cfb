"""What is prerendered becomes Kdenlive's own timeline preview: whole chunks where it looks for them, and off again."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import av
import pytest

from otio_perf.cache.workspace import Workspace
from sample_timelines.make_media import read_number

Command = Callable[..., "subprocess.CompletedProcess[str]"]
PROJECT = Path(__file__).parent.parent / "hosts" / "real" / "projects" / "kdenlive-22.12.kdenlive"
ALL = ("--prerender", "all", "--gpu", "off", "--prerender-size", "320x180", "--prerender-quality", "40")
DOCUMENT = "1700000000001"


class Room:
    """A folder with an edit that Kdenlive has saved, and a home in which its cache is.

    25 fps: ``a.mp4`` for 75 frames, then ``b.mp4``, whose numbers begin at 200, from its frame 10 for 75 frames with an effect.
    """

    def __init__(self, folder: Path, otio_perf: Command, home: Path) -> None:
        self.folder, self.otio_perf = folder, otio_perf
        self.previews = home / "cache" / "kdenlive" / DOCUMENT / "preview"

    def run(self, *words: str, code: int = 0) -> str:
        done = self.otio_perf(*words, cwd=self.folder)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def prerender(self, *words: str, source: str = "edit.kdenlive", output: str = "out.kdenlive") -> str:
        return self.run("prerender", source, "-o", output, *ALL, *words)

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def chunks(self) -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in sorted(self.previews.glob("*.*")) if path.is_file()}

    def listed(self, name: str = "out.kdenlive") -> tuple[str, str]:
        """Chunks that are there, and those that are to be rendered."""
        found = {}
        for line in self.text(name).splitlines():
            for word in ("previewchunks", "dirtypreviewchunks"):
                if f'properties.{word}">' in line:
                    found[word] = line.partition(">")[2].partition("<")[0]
        return found.get("previewchunks", ""), found.get("dirtypreviewchunks", "")


@pytest.fixture
def room(numbered_clips: Path, tmp_path: Path, otio_perf: Command, home: dict[str, str]) -> Room:
    folder = Path(shutil.copytree(numbered_clips, tmp_path / "edit"))
    text = PROJECT.read_text(encoding="utf-8").replace("{folder}", str(folder))
    (folder / "edit.kdenlive").write_text(text, encoding="utf-8")
    return Room(folder, otio_perf, Path(home["HOME"]))


def numbers(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        assert not container.streams.audio
        return [read_number(frame.reformat(format="gray").to_ndarray()) for frame in container.decode(video=0)]


def test_chunks_lie_where_kdenlive_looks_and_show_their_frames(room: Room) -> None:
    original = (room.folder / "edit.kdenlive").read_bytes()
    room.prerender()
    assert (room.folder / "edit.kdenlive").read_bytes() == original
    assert room.listed() == ("75,100,125", "")
    assert sorted(room.chunks()) == ["100.mov", "125.mov", "75.mov"]
    for start in (75, 100, 125):
        assert numbers(room.previews / f"{start}.mov") == [200 + 10 + start - 75 + n for n in range(25)]
    written = (room.folder / "out.kdenlive").stat().st_mtime_ns
    assert all(time <= written for time in room.chunks().values())  # Kdenlive deletes newer ones
    text = room.text("out.kdenlive")
    assert text.index('<playlist id="timeline_preview">') < text.index('<track hide="both" producer="timeline_preview"/>')


def test_a_second_run_renders_nothing_and_restore_takes_all_off(room: Room) -> None:
    room.prerender()
    first, chunks = (room.folder / "out.kdenlive").read_bytes(), room.chunks()
    assert " 0 frames of them new" in room.prerender()
    assert ((room.folder / "out.kdenlive").read_bytes(), room.chunks()) == (first, chunks)
    assert not list(room.folder.glob("*.bak"))
    room.prerender(source="out.kdenlive", output="again.kdenlive")  # in place of what it has
    assert (room.folder / "again.kdenlive").read_bytes() == first

    room.run("restore", "again.kdenlive", "-o", "back.kdenlive")
    assert (room.folder / "back.kdenlive").read_bytes() == (room.folder / "edit.kdenlive").read_bytes()
    assert room.chunks() == chunks  # the input is there, and lists them


def test_a_chunk_that_was_missing_is_told_of_where_the_project_needs_no_change(room: Room) -> None:
    room.prerender()
    before = (room.folder / "out.kdenlive").read_bytes()
    again = "host", "apply", "kdenlive", "prerender", "--project", "out.kdenlive", "--all", *ALL[2:]
    assert "all that is to be is rendered ahead already" in room.run(*again)
    (room.previews / "100.mov").unlink()
    assert "1 chunk that was missing is there now; the project needed no change" in room.run(*again)
    assert sorted(room.chunks()) == ["100.mov", "125.mov", "75.mov"]
    assert (room.folder / "out.kdenlive").read_bytes() == before


def test_chunks_of_a_project_that_was_deleted(room: Room) -> None:
    """By hand, with or without its workspace: nothing plays them any more."""
    cache = ["cache", "clear", "renders", "--workspace", str(room.folder / "elsewhere")]
    Workspace.open(room.folder / "elsewhere")
    room.prerender()
    (room.previews / "0.mov").write_bytes(b"of Kdenlive's own")
    for path in room.previews.iterdir():
        os.utime(path, (1e9, 1e9))
    ours = {"75.mov", "100.mov", "125.mov"}
    project = (room.folder / "out.kdenlive").rename(room.folder / "renamed.kdenlive")
    mark = room.previews.parent / f".{quote(str(project), safe='')}"
    mark.touch()  # Kdenlive has opened it, and saved it in its own way
    relative = os.path.relpath(room.previews, room.folder)
    project.write_text(project.read_text().replace(f">{room.previews}/", f">{relative}/"))
    assert relative in project.read_text()
    assert "0 proxies of 0 sources deleted" in room.run(*cache)
    assert ours < room.chunks().keys()

    project.unlink()
    assert "3 chunks in Kdenlive's preview whose project is gone would be deleted" in room.run(*cache, "--dry-run")
    assert ours < room.chunks().keys()
    answer = json.loads(room.run(*cache, "--json", "-"))
    assert answer["previews"] == 3
    assert answer["freed_bytes"] > 0
    assert sorted(room.chunks()) == ["0.mov"]


def test_what_an_edit_has_made_red_goes_with_restore(room: Room) -> None:
    room.prerender()
    text = room.text("out.kdenlive")
    text = text.replace('previewchunks">75,100,125<', 'previewchunks">75,125<')
    text = re.sub(r'<entry producer="otio_perf_preview\w*_100"[^>]*>', '<blank length="25"/>', text)
    (room.folder / "out.kdenlive").write_text(text, encoding="utf-8")
    room.run("restore", "out.kdenlive", "-o", "back.kdenlive")
    assert sorted(room.chunks()) == ["125.mov", "75.mov"]


def test_two_edits_of_one_document_never_show_each_others_pictures(room: Room) -> None:
    """They share Kdenlive's folder, and the names in it."""
    room.prerender(output="one.kdenlive")
    chunks = room.chunks()
    text = room.text("edit.kdenlive")
    edited = text.replace('in="00:00:00.400" out="00:00:03.360"', 'in="00:00:00.600" out="00:00:03.560"')
    assert edited != text
    (room.folder / "edit.kdenlive").write_text(edited, encoding="utf-8")
    said = room.prerender(output="two.kdenlive")
    assert "one.kdenlive plays other pictures there" in " ".join(said.split())
    assert room.listed("two.kdenlive")[0] == ""
    assert room.chunks() == chunks

    room.prerender(output="one.kdenlive")  # its own are replaced
    assert room.listed("one.kdenlive") == ("75,100,125", "")
    assert numbers(room.previews / "75.mov") == list(range(215, 240))
    room.prerender("--prerender-quality", "60", source="one.kdenlive", output="two.kdenlive")  # that same edit
    assert room.listed("two.kdenlive") == ("75,100,125", "")


def test_regions_grow_to_whole_chunks(room: Room) -> None:
    room.prerender("--range", "90-101")
    assert room.listed() == ("75,100", "")
    room.run("prerender", "edit.kdenlive", "--zone", *ALL)  # frames 0 to 75 are marked
    assert room.listed("edit.perf.kdenlive") == ("75", "")


def test_proxies_and_previews_together(room: Room) -> None:
    room.run("optimize", "edit.kdenlive", "-o", "out.kdenlive", "--all", "--proxy", "120p", *ALL)
    assert room.listed() == ("75,100,125", "")
    assert "kdenlive:proxy" in room.text("out.kdenlive")
    room.run("restore", "out.kdenlive", "-o", "back.kdenlive")
    assert (room.folder / "back.kdenlive").read_bytes() == (room.folder / "edit.kdenlive").read_bytes()


def test_what_cannot_be_rendered_is_to_be_rendered_by_kdenlive(room: Room) -> None:
    text = room.text("edit.kdenlive")
    effect = '<filter id="glow"><property name="mlt_service">frei0r.glow</property></filter>'
    at = text.index("</entry>", text.index('<playlist id="playlist4"'))
    (room.folder / "edit.kdenlive").write_text(text[:at] + effect + text[at:], encoding="utf-8")
    said = room.prerender()
    assert "left to the editing program" in said
    assert room.listed() == ("75,100,125", "0,25,50")
    room.run("restore", "out.kdenlive", "-o", "back.kdenlive")
    assert (room.folder / "back.kdenlive").read_bytes() == (room.folder / "edit.kdenlive").read_bytes()


def test_chunks_of_kdenlives_own_stay(room: Room) -> None:
    text = room.text("edit.kdenlive").replace(
        '<property name="kdenlive:docproperties.previewextension"/>',
        '<property name="kdenlive:docproperties.previewextension">mkv</property>\n'
        '<property name="kdenlive:docproperties.previewchunks">100</property>\n'
        '<property name="kdenlive:docproperties.dirtypreviewchunks">0-25,125</property>',
    )
    (room.folder / "edit.kdenlive").write_text(text, encoding="utf-8")
    room.previews.mkdir(parents=True)
    (room.previews / "100.mkv").write_bytes(b"its own")
    room.prerender()
    assert room.listed() == ("75,100,125", "0,25")
    assert sorted(room.chunks()) == ["100.mkv", "125.mkv", "75.mkv"]
    assert (room.previews / "100.mkv").read_bytes() == b"its own"
    assert numbers(room.previews / "125.mkv") == list(range(260, 285))
    room.run("restore", "out.kdenlive", "-o", "back.kdenlive")
    assert (room.folder / "back.kdenlive").read_bytes() == (room.folder / "edit.kdenlive").read_bytes()


def test_a_chunk_that_kdenlive_has_rendered_anew_is_its_own(room: Room) -> None:
    room.prerender()
    (room.previews / "100.mov").write_bytes(b"rendered after an edit")
    room.prerender(source="out.kdenlive", output="again.kdenlive")
    assert room.listed("again.kdenlive") == ("75,100,125", "")
    assert (room.previews / "100.mov").read_bytes() == b"rendered after an edit"
    room.run("restore", "out.kdenlive", "-o", "back.kdenlive")
    assert room.listed("back.kdenlive") == ("100", "")
    assert (room.previews / "100.mov").read_bytes() == b"rendered after an edit"


def test_what_kdenlive_has_rendered_since_the_project_was_saved_is_not_touched(room: Room) -> None:
    saved = (room.folder / "edit.kdenlive").stat().st_mtime_ns
    room.previews.mkdir(parents=True)
    for start, age in ((75, -(10**9)), (100, 10**9)):
        chunk = room.previews / f"{start}.mov"
        chunk.write_bytes(b"of an edit that is open")
        os.utime(chunk, ns=(saved + age, saved + age))
    room.prerender()
    assert room.listed() == ("75,125", "")  # 75 is left over from what is not there any more
    assert (room.previews / "100.mov").read_bytes() == b"of an edit that is open"
    assert numbers(room.previews / "75.mov") == list(range(210, 235))


def test_a_place_that_cannot_be_written_to_leaves_the_project_alone(room: Room) -> None:
    room.previews.parent.mkdir(parents=True)
    room.previews.write_text("no folder")
    said = room.run("prerender", "edit.kdenlive", "-o", "out.kdenlive", *ALL, code=5)
    assert "Kdenlive looks for its preview there" in said
    assert "Traceback" not in said
    assert not (room.folder / "out.kdenlive").exists()


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('version">1.04<', 'version">9.9<', "newer than any known"),
        ('kdenliveversion">22.12.3<', 'kdenliveversion">27.04.0<', "newer than any known"),
        (f'documentid">{DOCUMENT}<', 'documentid">../../etc<', "has no document id"),
    ],
)
def test_projects_that_are_not_changed(room: Room, old: str, new: str, why: str) -> None:
    text = room.text("edit.kdenlive")
    assert old in text
    (room.folder / "edit.kdenlive").write_text(text.replace(old, new), encoding="utf-8")
    said = room.run("prerender", "edit.kdenlive", "-o", "out.kdenlive", *ALL, code=5)
    assert why in said
    assert not (room.folder / "out.kdenlive").exists()


def test_melt_renders_the_same_before_and_after(room: Room, melted_by: Callable[..., None]) -> None:
    if shutil.which("melt") is None:
        pytest.skip("MELT IS NOT INSTALLED: what it shows was not looked at")
    room.prerender()
    shown: list[Any] = []
    for name in ("edit", "out"):
        movie = room.folder / f"{name}.mkv"
        words = ["vcodec=ffv1", "pix_fmt=yuv420p", "acodec=pcm_s16le", "real_time=-1"]
        command = ["melt", "-silent", f"xml:{name}.kdenlive", "out=110", "-consumer", f"avformat:{movie}", *words]
        melted_by(command, cwd=room.folder, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
        with av.open(str(movie)) as container:
            shown.append([bytes(packet) for packet in container.demux()])
    assert shown[0] == shown[1]
    assert len(shown[0]) > 100
