"""A project with several sequences: a proxy is one of the project, whichever sequence is open."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import colours
import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]
SHOT = """
 <chain id="{id}" out="19"><property name="length">20</property><property name="resource">{name}</property>
  <property name="mlt_service">avformat-novalidate</property><property name="kdenlive:id">{number}</property></chain>"""
SEQUENCE = """
 <playlist id="p{number}"><entry producer="{shot}" in="0" out="19"/></playlist>
 <tractor id="{{{number}}}" in="0" out="19"><property name="kdenlive:uuid">{{{number}}}</property>
  <property name="kdenlive:clipname">Sequence {number}</property><track producer="p{number}"{hide}/></tractor>"""
PROJECT = """<?xml version='1.0' encoding='utf-8'?>
<mlt LC_NUMERIC="C" producer="main_bin" root="{folder}" version="7.22.0">
 <profile width="640" height="360" frame_rate_num="25" frame_rate_den="1" progressive="1" sample_aspect_num="1"
  sample_aspect_den="1" display_aspect_num="16" display_aspect_den="9" colorspace="709"/>{shots}{sequences}
 <playlist id="main_bin">
  <property name="kdenlive:docproperties.activetimeline">{{1}}</property>
  <property name="kdenlive:docproperties.documentid">1700000000002</property>
  <property name="kdenlive:docproperties.enableproxy">1</property>
  <property name="kdenlive:docproperties.version">1.1</property>
  <entry producer="bin_a"/><entry producer="bin_b"/><entry producer="bin_c"/>
 </playlist>
 <tractor id="project"><track producer="{{1}}"/></tractor>
</mlt>
"""


@pytest.fixture
def edit(tmp_path: Path) -> Path:
    """Sequence 1 is open, and plays ``a.mp4``; sequence 2 plays ``b.mp4``, sequence 3 hears ``c.mp4``. All are in the bin."""
    names = {"a": "a.mp4", "b": "b.mp4", "c": "c.mp4"}
    shots = [
        SHOT.format(id=f"{at}{id}", name=name, number=n) for n, (id, name) in enumerate(names.items(), 2) for at in ("", "bin_")
    ]
    sequences = [SEQUENCE.format(number=n, shot=shot, hide=' hide="video"' * (n == 3)) for n, shot in enumerate("abc", 1)]
    for number, name in enumerate(names.values()):
        colours.make(tmp_path / name, frames=20, first=50 * number)
    path = tmp_path / "edit.kdenlive"
    path.write_text(PROJECT.format(folder=tmp_path, shots="".join(shots), sequences="".join(sequences)))
    return path


def shown(project: Path) -> dict[str, list[str]]:
    """By original, the file names that its producers play."""
    found: dict[str, list[str]] = {}
    for producer in re.findall(r"<chain.*?</chain>", project.read_text(), re.DOTALL):
        said = dict(re.findall(r'<property name="([^"]*)">([^<]*)<', producer))
        original = said.get("kdenlive:originalurl", said["resource"])
        found.setdefault(Path(original).name, []).append("original" if said["resource"] == original else "proxy")
    return found


PROXIES = {"a.mp4": ["proxy"] * 2, "b.mp4": ["proxy"] * 2, "c.mp4": ["original"] * 2}


def test_all_of_them_show_proxies_and_give_them_back(edit: Path, otio_perf: Command) -> None:
    before, folder = edit.read_bytes(), edit.parent
    done = otio_perf("optimize", edit.name, "--all", "--proxy", "half", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "1 medium that only other sequences of the project play has proxies, too" in done.stderr
    assert "clips with proxies now" in done.stdout
    optimized = folder / "edit.perf.kdenlive"
    assert shown(optimized) == PROXIES
    assert otio_perf("restore", optimized.name, "-o", "back.kdenlive", cwd=folder).returncode == 0
    assert (folder / "back.kdenlive").read_bytes() == before
    clear = otio_perf("cache", "clear", "proxies", cwd=folder)  # also what the closed one plays is known to be played
    assert "2 proxies stay" in clear.stdout, clear.stdout
    assert shown(optimized) == PROXIES
    assert len(list((folder / ".otio_perf" / "proxies").glob("*.mov"))) == 2


@pytest.mark.parametrize("again", [("optimize", "--proxy", "half"), ("prerender",)])
def test_what_a_closed_one_shows_stays(edit: Path, otio_perf: Command, again: tuple[str, ...]) -> None:
    """Also where nothing is made anew: the medium of the closed one is offline today."""
    folder = edit.parent
    assert otio_perf("optimize", edit.name, "--all", "--proxy", "half", cwd=folder).returncode == 0
    for away in ("a.mp4", "b.mp4"):
        (folder / away).rename(folder / f"{away}.away")
    done = otio_perf(*again, "edit.perf.kdenlive", "-o", "again.kdenlive", cwd=folder)
    assert done.returncode in (0, 4), done.stderr
    assert shown(folder / "again.kdenlive") == PROXIES


def test_what_is_offline_is_named_and_the_good_one_kept(edit: Path, otio_perf: Command) -> None:
    folder = edit.parent
    optimize = "optimize", edit.name, "--all", "--proxy", "half"
    assert otio_perf(*optimize, cwd=folder).returncode == 0
    (folder / "b.mp4").rename(folder / "away")
    done = otio_perf(*optimize, cwd=folder)
    assert done.returncode == 4
    assert "left alone: b.mp4: " in done.stdout
    assert "has no more proxies of b.mp4" in done.stderr
    assert shown(folder / "edit.perf.kdenlive")["b.mp4"] == ["original"] * 2
    (folder / "edit.perf.kdenlive.bak").rename(folder / "kept.kdenlive")
    assert shown(folder / "kept.kdenlive") == PROXIES
