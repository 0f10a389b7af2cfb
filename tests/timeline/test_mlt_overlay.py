"""The track of what is rendered ahead in the text of a project: what a user has made of it is his."""

from __future__ import annotations

import re

from otio_perf.timeline.mlt import overlay
from otio_perf.timeline.mlt.overlay import Overlay, Region

PROJECT = """<mlt producer="top"><profile width="320" height="180" frame_rate_num="25" frame_rate_den="1"/>
 <producer id="shot" in="0" out="99"><property name="resource">shot.mp4</property></producer>
 <playlist id="V1"><entry producer="shot" in="0" out="99"/></playlist>
 <playlist id="V2"/>
 <tractor id="top">
  <track producer="V1"/>
  <track producer="V2"/>
 </tractor></mlt>
"""
HIS = '<entry producer="otio_perf_overlay_0" in="10" out="19"/>'


def put(text: str, *regions: tuple[int, str]) -> str:
    wanted = Overlay(tuple(Region(start=start, frames=20, path=f"/w/renders/{name}.mov") for start, name in regions))
    return overlay.with_overlay(text.encode(), "x.mlt", wanted).decode()


def played(text: str, track: str) -> list[str]:
    """Files that the entries of a track play."""
    files = dict(re.findall(r'<producer id="(\w+)".*?"resource">([^<]*)<', text, re.DOTALL))
    playlist = re.search(rf'<playlist id="{track}">(.*?)</playlist>', text, re.DOTALL)
    assert playlist
    return [files[name] for name in re.findall(r'<entry producer="(\w+)"', playlist[1])]


def test_off_again_byte_for_byte() -> None:
    changed = put(PROJECT, (0, "a"), (40, "b"))
    assert played(changed, "otio_perf_overlay") == ["/w/renders/a.mov", "/w/renders/b.mov"]
    assert put(changed) == PROJECT
    assert put(put(changed, (0, "c")), (0, "a"), (40, "b")) == changed


def test_what_is_played_on_another_track_too_stays() -> None:
    split = put(PROJECT, (0, "a"), (40, "b")).replace('<playlist id="V2"/>', f'<playlist id="V2">{HIS}</playlist>')
    back = put(split)
    assert played(back, "V2") == ["/w/renders/a.mov"]
    assert "/w/renders/b.mov" not in back
    again = put(split, (0, "c"), (40, "d"))
    assert played(again, "V2") == ["/w/renders/a.mov"]
    assert played(again, "otio_perf_overlay") == ["/w/renders/c.mov", "/w/renders/d.mov"]
    assert put(again) == back


def test_a_track_that_is_used_keeps_its_name() -> None:
    own = '<entry producer="shot" in="0" out="9"/></playlist>\n <tractor'
    used = re.sub(r"</playlist>\s*<tractor", own, put(PROJECT, (0, "a")))
    again = put(used, (0, "b"))
    assert played(again, "otio_perf_overlay") == ["shot.mp4"]
    names = re.findall(r' id="([^"]*)"', again)
    assert len(names) == len({*names})
    assert "/w/renders/b.mov" in again
