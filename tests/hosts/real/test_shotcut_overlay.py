"""What is prerendered, as Shotcut shows it: a track on top, which it keeps when it saves, and which goes off again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import colours
import pytest
from desktop import Desktop, until
from editors import Shotcut

Command = Callable[..., str]
PROJECT = """<?xml version="1.0" standalone="no"?>
<mlt LC_NUMERIC="C" version="7.12.0" title="Shotcut version 22.12.21" producer="tractor0">
 <profile width="1280" height="720" progressive="1" sample_aspect_num="1" sample_aspect_den="1" display_aspect_num="16"
  display_aspect_den="9" frame_rate_num="25" frame_rate_den="1" colorspace="709"/>
 <producer id="black" in="0" out="59"><property name="length">60</property><property name="resource">0</property>
  <property name="mlt_service">color</property></producer>
 <playlist id="background"><entry producer="black" in="0" out="59"/></playlist>
 <producer id="producer0" in="0" out="59"><property name="length">60</property><property name="resource">a.mp4</property>
  <property name="mlt_service">avformat-novalidate</property>
  <filter id="filter0"><property name="level">0.9</property><property name="mlt_service">brightness</property></filter>
 </producer>
 <playlist id="playlist0"><property name="shotcut:video">1</property><property name="shotcut:name">V1</property>
  <entry producer="producer0" in="0" out="59"/></playlist>
 <tractor id="tractor0" in="0" out="59"><property name="shotcut">1</property>
  <track producer="background"/><track producer="playlist0"/>
  <transition id="t"><property name="a_track">0</property><property name="b_track">1</property>
   <property name="mlt_service">mix</property><property name="always_active">1</property><property name="sum">1</property>
  </transition></tractor>
</mlt>
"""


@pytest.mark.hosts
def test_a_track_on_top(
    shotcut: Callable[[Path], Shotcut], desktop: Desktop, otio_perf: Command, picture: Callable[[str], None]
) -> None:
    folder = desktop.folder / "work"
    colours.make(folder / "a.mp4", frames=60)
    (folder / "cut.mlt").write_text(PROJECT)
    with colours.painted(folder / "a.mp4"):
        otio_perf("prerender", "cut.mlt", "--prerender", "all", "--gpu", "off")
    written = folder / "cut.perf.mlt"
    host = shotcut(written)
    until(lambda: "orange" in {one.colour for one in colours.seen(host.screenshot(), least=200)}, "our frames in the monitor")
    picture("shotcut-22.12-prerender")
    before = written.stat().st_mtime_ns
    desktop.press("ctrl+s")
    until(lambda: written.stat().st_mtime_ns > before and b"</mlt>" in written.read_bytes(), "saved")
    assert b"otio_perf prerender" in written.read_bytes()
    otio_perf("restore", "cut.perf.mlt", "-o", "back.mlt")
    back = (folder / "back.mlt").read_text(encoding="utf-8")
    assert "renders" not in back
    assert "otio_perf" not in back
    assert back.count("<track ") == 2
    assert back.count("<transition ") == 1
