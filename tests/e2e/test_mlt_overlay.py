"""What is prerendered becomes one more track of a project of Shotcut's, above all others, and goes off again."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from otio_perf.media.planes import planes_of
from sample_timelines.make_media import read_number

Command = Callable[..., "subprocess.CompletedProcess[str]"]
ALL = ("--prerender", "all", "--gpu", "off", "--prerender-quality", "40")
TRACK = "otio_perf prerender"
#: As Shotcut 22.12 writes it: 75 frames of a.mp4, then 75 of b.mp4 from its frame 10 on, brighter.
PROJECT = """<?xml version="1.0" standalone="no"?>
<mlt LC_NUMERIC="C" version="7.12.0" title="Shotcut version 22.12.21" producer="tractor0">
  <profile description="HD 720p 25 fps" width="1280" height="720" progressive="1"
   sample_aspect_num="1" sample_aspect_den="1" display_aspect_num="16" display_aspect_den="9" frame_rate_num="25"
   frame_rate_den="1" colorspace="709"/>
  <playlist id="main_bin">
    <property name="xml_retain">1</property>
  </playlist>
  <producer id="black" in="00:00:00.000" out="00:00:05.960">
    <property name="length">00:00:06.000</property>
    <property name="eof">pause</property>
    <property name="resource">0</property>
    <property name="aspect_ratio">1</property>
    <property name="mlt_service">color</property>
    <property name="mlt_image_format">rgba</property>
    <property name="set.test_audio">0</property>
  </producer>
  <playlist id="background">
    <entry producer="black" in="00:00:00.000" out="00:00:05.960"/>
  </playlist>
  <producer id="producer0" in="00:00:00.000" out="00:00:03.960">
    <property name="length">00:00:04.000</property>
    <property name="eof">pause</property>
    <property name="resource">a.mp4</property>
    <property name="mlt_service">avformat-novalidate</property>
    <property name="seekable">1</property>
    <property name="audio_index">1</property>
    <property name="video_index">0</property>
    <property name="shotcut:caption">a.mp4</property>
  </producer>
  <producer id="producer1" in="00:00:00.000" out="00:00:03.960">
    <property name="length">00:00:04.000</property>
    <property name="eof">pause</property>
    <property name="resource">b.mp4</property>
    <property name="mlt_service">avformat-novalidate</property>
    <property name="seekable">1</property>
    <property name="audio_index">1</property>
    <property name="video_index">0</property>
    <property name="shotcut:caption">b.mp4</property>
    <filter id="filter0" out="00:00:03.960">
      <property name="level">1.4</property>
      <property name="mlt_service">brightness</property>
      <property name="shotcut:filter">brightness</property>
    </filter>
  </producer>
  <playlist id="playlist0">
    <property name="shotcut:video">1</property>
    <property name="shotcut:name">V1</property>
    <entry producer="producer0" in="00:00:00.000" out="00:00:02.960"/>
    <entry producer="producer1" in="00:00:00.400" out="00:00:03.360"/>
  </playlist>
  <tractor id="tractor0" title="Shotcut version 22.12.21" in="00:00:00.000" out="00:00:05.960">
    <property name="shotcut">1</property>
    <property name="shotcut:projectAudioChannels">2</property>
    <property name="shotcut:projectFolder">0</property>
    <track producer="background"/>
    <track producer="playlist0"/>
    <transition id="transition0">
      <property name="a_track">0</property>
      <property name="b_track">1</property>
      <property name="mlt_service">mix</property>
      <property name="always_active">1</property>
      <property name="sum">1</property>
    </transition>
    <transition id="transition1">
      <property name="a_track">0</property>
      <property name="b_track">1</property>
      <property name="version">0.1</property>
      <property name="mlt_service">frei0r.cairoblend</property>
      <property name="threads">0</property>
      <property name="disable">1</property>
    </transition>
  </tractor>
</mlt>
"""


@pytest.fixture
def folder(numbered_clips: Path, tmp_path: Path) -> Path:
    made = Path(shutil.copytree(numbered_clips, tmp_path / "cut"))
    (made / "cut.mlt").write_text(PROJECT, encoding="utf-8")
    return made


def run(otio_perf: Command, folder: Path, *words: str, code: int = 0) -> str:
    done = otio_perf(*words, cwd=folder)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def shown(project: Path, melted_by: Callable[..., None]) -> tuple[list[np.ndarray], list[bytes]]:
    """Lumas, and packets of sound, as melt plays the project."""
    out = project.with_suffix(".mkv")
    words = ["vcodec=ffv1", "pix_fmt=yuv420p", "acodec=pcm_s16le", "real_time=-1"]
    melted_by(["melt", "-silent", f"xml:{project}", "-consumer", f"avformat:{out}", *words], cwd=project.parent)
    with av.open(str(out)) as container:
        lumas = [planes_of(frame)[1][0].copy() for frame in container.decode(video=0)]
    with av.open(str(out)) as container:
        return lumas, [bytes(packet) for packet in container.demux(audio=0)]


def test_a_track_on_top_that_melt_shows_and_restore_takes_off(
    folder: Path, otio_perf: Command, melted_by: Callable[..., None]
) -> None:
    run(otio_perf, folder, "prerender", "cut.mlt", *ALL)  # cut.perf.mlt
    assert (folder / "cut.mlt").read_text(encoding="utf-8") == PROJECT
    written = (folder / "cut.perf.mlt").read_bytes()
    assert f'<property name="shotcut:name">{TRACK}</property>'.encode() in written
    assert " 0 frames of them new" in run(otio_perf, folder, "prerender", "cut.perf.mlt", "-o", "again.mlt", *ALL)
    assert (folder / "again.mlt").read_bytes() == written
    run(otio_perf, folder, "prerender", "cut.mlt", *ALL)  # what we wrote is replaced, and not kept aside
    assert not list(folder.glob("*.bak"))
    run(otio_perf, folder, "restore", "cut.perf.mlt", "-o", "back.mlt")
    assert (folder / "back.mlt").read_text(encoding="utf-8") == PROJECT

    if shutil.which("melt") is None:
        pytest.skip("MELT IS NOT INSTALLED: what it shows was not looked at")
    plain, sound = shown(folder / "cut.mlt", melted_by)
    (folder / "b.mp4").rename(folder / "c.mp4")  # so that nobody else can show its frames
    (folder / "b.mp4").symlink_to("a.mp4")
    covered, same_sound = shown(folder / "cut.perf.mlt", melted_by)
    assert same_sound == sound
    assert all(np.array_equal(one, other) for one, other in zip(plain[:75], covered[:75], strict=True))
    assert [read_number(luma) for luma in covered[75:]] == list(range(210, 285))
    assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(plain[75:], covered[75:], strict=True)) < 4


def test_what_shotcut_has_saved_since_keeps_all_but_our_track(folder: Path, otio_perf: Command) -> None:
    run(otio_perf, folder, "prerender", "cut.mlt", "-o", "out.mlt", *ALL)
    text = (folder / "out.mlt").read_text(encoding="utf-8")
    saved = re.sub(r"<!-- otio_perf .*-->\n", "", text).replace(f"{folder}/", "")  # relative, and with ids of its own
    saved = saved.replace("otio_perf_overlay_0", "chain7").replace('"otio_perf_overlay"', '"playlist1"')
    saved = saved.replace("otio_perf_overlay_mix", "transition2").replace("otio_perf_overlay_blend", "transition3")
    assert "otio_perf_overlay" not in saved
    (folder / "out.mlt").write_text(saved, encoding="utf-8")
    run(otio_perf, folder, "restore", "out.mlt", "-o", "back.mlt")
    assert (folder / "back.mlt").read_text(encoding="utf-8") == PROJECT

    own = '<entry producer="producer0" in="0" out="9"/>'
    (folder / "out.mlt").write_text(re.sub(r"(<entry producer=.chain7.[^>]*>)", rf"\1{own}", saved), encoding="utf-8")
    run(otio_perf, folder, "restore", "out.mlt", "-o", "kept.mlt")
    kept = (folder / "kept.mlt").read_text(encoding="utf-8")
    assert own in kept
    assert "renders" not in kept
    assert '<blank length="75"/><blank length="75"/>' in re.sub(r"\s*\n\s*", "", kept)


def test_a_project_without_tracks_is_refused(folder: Path, otio_perf: Command) -> None:
    (folder / "clip.mlt").write_text(
        '<mlt><profile width="1280" height="720" frame_rate_num="25" frame_rate_den="1"/><producer id="p" in="0" out="9">'
        '<property name="resource">a.mp4</property><property name="mlt_service">avformat</property></producer></mlt>',
        encoding="utf-8",
    )
    said = run(otio_perf, folder, "prerender", "clip.mlt", *ALL, code=5)
    assert "has no tracks" in said
    assert not (folder / "clip.perf.mlt").exists()
    said = run(otio_perf, folder, "prerender", "cut.mlt", "--zone", *ALL, code=2)
    assert "has no zone" in said
