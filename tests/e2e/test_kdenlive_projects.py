"""A project of Kdenlive gets proxies in its own terms, plays by them frame for frame, and is given back byte for byte."""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from otio_perf.media.planes import planes_of
from sample_timelines.make_media import draw_number, read_number

Command = Callable[..., subprocess.CompletedProcess[str]]

PROJECT = """<?xml version='1.0' encoding='utf-8'?>
<mlt LC_NUMERIC="C" producer="main_bin" root="{folder}" version="7.42.0">
 <profile width="640" height="360" frame_rate_num="25" frame_rate_den="1" progressive="1" sample_aspect_num="1"
  sample_aspect_den="1" display_aspect_num="16" display_aspect_den="9" colorspace="709"/>
 <producer id="black" in="0" out="34">
  <property name="resource">black</property>
  <property name="mlt_service">color</property>
 </producer>
 <chain id="chain0" out="00:00:02.360">
  <property name="length">60</property>
  <property name="resource">shot &amp; co.mov</property>
  <property name="mlt_service">avformat-novalidate</property>
  <property name="set.test_audio">1</property>
  <property name="kdenlive:id">4</property>
 </chain>
 <producer id="fast" in="0" out="29">
  <property name="length">30</property>
  <property name="resource">2:{folder}/shot &amp; co.mov</property>
  <property name="warp_speed">2</property>
  <property name="warp_resource">{folder}/shot &amp; co.mov</property>
  <property name="mlt_service">timewarp</property>
  <property name="set.test_audio">1</property>
 </producer>
 <!-- what nobody understands stays -->
 <playlist id="p0">
  <entry in="00:00:00.400" out="00:00:01.160" producer="chain0"/>
  <blank length="5"/>
  <entry in="4" out="13" producer="fast"/>
 </playlist>
 <playlist id="p1"/>
 <tractor id="t1" in="0">
  <property name="kdenlive:track_name">V1</property>
  <track hide="audio" producer="p0"/>
  <track hide="audio" producer="p1"/>
 </tractor>
 <playlist id="main_bin">
  <property name="kdenlive:docproperties.enableproxy">0</property>
  <entry producer="chain0"/>
 </playlist>
 <tractor id="main" in="0" out="34"><track producer="black"/><track producer="t1"/></tractor>
</mlt>
"""


@pytest.fixture
def edit(tmp_path: Path) -> Path:
    path = tmp_path / "shot & co.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"preset": "ultrafast", "g": "60", "qp": "10"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(60):
            luma = np.full((360, 640), 90, np.uint8)
            draw_number(luma, number)
            planes = np.vstack([luma, np.full((180, 640), 128, np.uint8)])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode())
    project = tmp_path / "edit.kdenlive"
    project.write_text(PROJECT.format(folder=tmp_path), encoding="utf-8")
    return project


def shown_by_melt(project: Path, melted_by: Callable[..., None]) -> list[int | None]:
    out = project.with_suffix(".mkv")
    words = ["vcodec=ffv1", "pix_fmt=yuv420p", "an=1", "real_time=-1"]
    melted_by(["melt", "-silent", f"xml:{project}", "-consumer", f"avformat:{out}", *words], cwd=project.parent)
    with av.open(str(out)) as container:
        lumas = [planes_of(frame)[1][0].copy() for frame in container.decode(video=0)]
    return [read_number(luma) if luma.std() > 5 else None for luma in lumas]


def test_proxies_in_its_own_terms_and_back(otio_perf: Command, edit: Path, melted_by: Callable[..., None]) -> None:
    original = edit.read_bytes()
    folder = edit.parent
    done = otio_perf("optimize", "edit.kdenlive", "-o", "edit.perf.kdenlive", "--proxy", "half", "--all", cwd=folder)
    assert (done.returncode, edit.read_bytes()) == (0, original), done.stderr
    optimized = (folder / "edit.perf.kdenlive").read_bytes()
    (proxy,) = (folder / ".otio_perf" / "proxies").glob("*.mov")
    lines = difflib.ndiff(original.decode().splitlines(), optimized.decode().splitlines())
    changed = [line for line in lines if line[:2] in ("+ ", "- ")]
    assert changed.pop().startswith('+ <!-- otio_perf "stamp": ')
    assert changed
    assert all("<property name=" in line for line in changed)
    assert f"2:{proxy}".replace("&", "&amp;").encode() in optimized

    analyzed = otio_perf("analyze", "edit.perf.kdenlive", cwd=folder)
    assert "have proxies that are linked already" in analyzed.stdout or "has a proxy that is linked" in analyzed.stdout
    restored = otio_perf("restore", "edit.perf.kdenlive", "-o", "back.kdenlive", cwd=folder)
    assert restored.returncode == 0, restored.stderr
    assert (folder / "back.kdenlive").read_bytes() == original

    if shutil.which("melt") is None:
        pytest.skip("MELT IS NOT INSTALLED: what it shows was not looked at")
    plain = shown_by_melt(edit, melted_by)
    hidden = edit.with_name("hidden.mov")
    os.rename(folder / "shot & co.mov", hidden)  # so that only the proxy can be shown
    assert shown_by_melt(folder / "edit.perf.kdenlive", melted_by) == plain
    assert plain == [*range(10, 30), *[None] * 5, *range(8, 28, 2)]


def test_projects_are_changed_and_never_made(otio_perf: Command, edit: Path) -> None:
    folder = edit.parent
    (folder / "cut.otio").write_text('{"OTIO_SCHEMA": "Timeline.1", "name": "x"}')
    for words, why in (
        (["convert", "-i", "edit.kdenlive", "-o", "new.kdenlive"], "is not converted into"),
        (["optimize", "cut.otio", "-o", "new.kdenlive"], "can only be made of a .kdenlive"),
        (["optimize", "edit.kdenlive", "-o", "new.mlt"], "can only be made of a .mlt"),
    ):
        done = otio_perf(*words, cwd=folder)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert why in done.stderr
        assert not (folder / "new.kdenlive").exists()


def test_a_source_that_begins_with_its_sound(otio_perf: Command, tmp_path: Path, melted_by: Callable[..., None]) -> None:
    """Its project asks for stream 1 as the picture, and gets it from the proxy, too."""
    with av.open(str(tmp_path / "shot.mkv"), "w") as container:
        sound = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        video = container.add_stream("libx264", rate=Fraction(25), options={"preset": "ultrafast", "qp": "10"})
        video.width, video.height, video.pix_fmt = 640, 360, "yuv420p"
        for number in range(20):
            luma = np.full((360, 640), 90, np.uint8)
            draw_number(luma, number)
            planes = np.vstack([luma, np.full((180, 640), 128, np.uint8)])
            container.mux(video.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.int16), format="s16", layout="mono")
            silence.sample_rate, silence.pts = 48_000, number * 1920
            container.mux(sound.encode(silence))
        container.mux(video.encode())
    words = {"length": 20, "resource": "shot.mkv", "mlt_service": "avformat", "video_index": 1, "audio_index": 0}
    properties = "".join(f'<property name="{name}">{value}</property>' for name, value in words.items())
    edit = tmp_path / "edit.mlt"
    edit.write_text(
        '<mlt><profile width="640" height="360" frame_rate_num="25" frame_rate_den="1" progressive="1" sample_aspect_num="1" '
        'sample_aspect_den="1" display_aspect_num="16" display_aspect_den="9" colorspace="709"/>'
        f'<producer id="a" in="0" out="19">{properties}</producer>'
        '<playlist id="p"><entry producer="a" in="0" out="19"/></playlist></mlt>'
    )
    done = otio_perf("optimize", "edit.mlt", "-o", "edit.perf.mlt", "--proxy", "half", "--all", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "shot.mkv").rename(tmp_path / "hidden.mkv")
    if shutil.which("melt") is None:
        pytest.skip("MELT IS NOT INSTALLED: what it shows was not looked at")
    assert shown_by_melt(tmp_path / "edit.perf.mlt", melted_by) == list(range(20))
