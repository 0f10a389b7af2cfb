"""What is rendered ahead as one more video track of an MLT project, the highest, with nothing elsewhere: as Shotcut has tracks.

Shotcut mixes the sound of each track and lays each video track over the lowest one by transitions that it adds with the
track; so do we. The sound stays that of the edit: the regions have none. The track is known by its name, which Shotcut keeps,
where it has given ids anew; what a user has put on it stays, and so does what he plays elsewhere of ours.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from itertools import count
from xml.sax.saxutils import escape, quoteattr

from otio_perf.errors import UnwritableTimelineError
from otio_perf.timeline.mlt import outline, tree
from otio_perf.timeline.mlt.project import Project
from otio_perf.timeline.mlt.spans import Edits, Span, parse
from otio_perf.timeline.overlay import RENDERS, TRACK_NAME

#: Begins the ids of what we add.
_OURS = "otio_perf_overlay"
#: Transitions that lay a picture over another, of which Shotcut uses one for all tracks.
_BLENDS = ("frei0r.cairoblend", "qtblend", "movit.overlay")
_BLANK = "blank"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """``frames`` of the timeline from ``start`` on, which the file at ``path`` holds and nothing else."""

    start: int
    frames: int
    path: str


@dataclass(frozen=True, slots=True)
class Overlay:
    """What a project gets in place of the regions that it has; without any, no track."""

    regions: tuple[Region, ...] = ()


def require_possible(data: bytes, path: object) -> None:
    """:raises UnwritableTimelineError: it has no tracks on which another could lie"""
    project = Project(tree.parse(data, path), str(path))  # which refuses what is hostile
    _top(project, parse(data, path))


def with_overlay(data: bytes, path: object, overlay: Overlay) -> bytes:
    """``data`` with the regions of ``overlay`` on top. :raises UnwritableTimelineError: see ``require_possible``"""
    data = _without(data, path)
    if not overlay.regions:
        return data
    root = parse(data, path)
    top = _top(Project(tree.parse(data, path), str(path)), root)
    tracks, known = outline.tracks(top), outline.by_id(root)
    edits = Edits(data)
    free = (name for number in count() if (name := f"{_OURS}_{number}") not in known)
    lane = _OURS if _OURS not in known else next(free)
    entries, at = "", 0
    for region in sorted(overlay.regions, key=lambda r: r.start):
        name, last = next(free), region.frames - 1
        words = {
            "length": str(region.frames),
            "eof": "pause",
            "resource": region.path,
            "audio_index": "-1",
            "video_index": "0",
            "mlt_service": "avformat-novalidate",
            "seekable": "1",
            "shotcut:caption": os.path.basename(region.path),  # noqa: PTH119
            "shotcut:disableProxy": "1",  # it plays as it is
        }
        edits.insert_before(top, f'<producer id="{name}" in="0" out="{last}">{_properties(words)}\n  </producer>')
        if region.start > at:
            entries += f'\n    <blank length="{region.start - at}"/>'
        entries += f'\n    <entry producer="{name}" in="0" out="{last}"/>'
        at = region.start + region.frames
    says = _properties({"shotcut:video": "1", "shotcut:name": TRACK_NAME})
    edits.insert_before(top, f'<playlist id="{lane}">{says}{entries}\n  </playlist>')
    edits.insert_behind(tracks[-1], f'<track producer="{lane}"/>')
    if _is_shotcut(root, top):
        pictures = [number for number, track in enumerate(tracks) if _shows(track, known)]
        blends = (s for t in top if t.tag == "transition" and (s := t.value("mlt_service")) in _BLENDS)
        mix = {"a_track": "0", "b_track": str(len(tracks)), "mlt_service": "mix", "always_active": "1", "sum": "1"}
        blend = {
            "a_track": str(min(pictures, default=0)),
            "b_track": str(len(tracks)),
            "version": "0.1",
            "mlt_service": next(blends, _BLENDS[0]),
            "threads": "0",
            "disable": "0",
        }
        behind = next((c for c in reversed(top.children) if c.tag == "transition"), tracks[-1])
        added = {"mix": mix, "blend": blend}
        for name, words in added.items():
            edits.insert_behind(behind, f'<transition id="{lane}_{name}">{_properties(words, 6)}\n    </transition>')
    return edits.result()


def _without(data: bytes, path: object) -> bytes:
    root = parse(data, path)
    known = outline.by_id(root)
    uses = Counter(s.attributes.get("producer", "") for s in root.walk() if s.tag in ("entry", "track"))
    edits = Edits(data)
    for top in [s for s in root.walk() if s.tag == "tractor"]:
        tracks = outline.tracks(top)
        for number, track in enumerate(tracks):
            playlist = known.get(track.attributes.get("producer", ""))
            if playlist is None or playlist.value("shotcut:name") != TRACK_NAME or playlist.tag != "playlist":
                continue
            entries = [c for c in playlist if c.tag in ("entry", _BLANK)]
            played = {e: known.get(e.attributes.get("producer", "")) for e in entries if e.tag == "entry"}
            ours = {e: p for e, p in played.items() if p is not None and _is_render(p)}
            if len(ours) == len(played) and number == len(tracks) - 1:
                edits.remove(playlist)
                edits.remove(track)
                for transition in (t for t in top if t.tag == "transition" and t.value("b_track") == str(number)):
                    edits.remove(transition)
            else:  # somebody uses it
                times = outline.times(root)
                for entry in ours:
                    first, last = (times.frames(entry.attributes.get(name)) for name in ("in", "out"))
                    edits.replace(entry, f'<blank length="{last - first + 1}"/>'.encode())
            going = Counter(e.attributes.get("producer", "") for e in ours)
            for name in going:
                if uses[name] == going[name]:  # he has put it on no other track
                    edits.remove(known[name])
    return edits.result()


def _top(project: Project, root: Span) -> Span:
    """The tractor that is played. :raises UnwritableTimelineError"""
    found = outline.by_id(root).get(project.sequence().get("id", ""))
    if found is None or found.tag != "tractor" or not outline.tracks(found):
        raise UnwritableTimelineError(
            "has no tracks, so that nothing can be laid on top", path=project.path, hint="Write .otio instead"
        )
    return found


def _is_shotcut(root: Span, top: Span) -> bool:
    return top.value("shotcut") == "1" or any("shotcut" in s.attributes.get("title", "").lower() for s in (root, top))


def _shows(track: Span, known: dict[str, Span]) -> bool:
    """Is it a video track of Shotcut's?"""
    playlist = known.get(track.attributes.get("producer", ""))
    return playlist is not None and playlist.value("shotcut:video") == "1"


def _is_render(producer: Span) -> bool:
    folder = producer.value("resource").replace("\\", "/").rpartition("/")[0]
    return folder.rpartition("/")[2] == RENDERS


def _properties(words: dict[str, str], indent: int = 4) -> str:
    return "".join(f"\n{' ' * indent}<property name={quoteattr(n)}>{escape(value)}</property>" for n, value in words.items())
