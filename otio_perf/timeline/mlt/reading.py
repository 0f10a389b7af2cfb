"""A sequence of a project as a timeline: tracks, cuts, mixes, compositions, filters, speeds, markers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any
from xml.etree.ElementTree import Element

from otio_perf.timeline.mlt.lanes import Cut, Mix, lane_of
from otio_perf.timeline.mlt.media import Medium, medium_of
from otio_perf.timeline.mlt.project import SERVICES, Project, notes, sequence_name
from otio_perf.timeline.mlt.spell import DEFAULT, Speller
from otio_perf.timeline.mlt.tree import Times, parse, properties, service
from otio_perf.timeline.references import Json
from otio_perf.timeline.tree import audio_clips, clips_of

#: Transitions that do no more than lay the tracks over each other, or mix their sound: every program adds them.
_STACKING = frozenset({"mix", "frei0r.cairoblend", "qtblend", "movit.overlay", "composite", "luma"})
#: Kdenlive's own filters that change the picture all the same.
_REAL = frozenset({"avfilter.subtitles"})
_OWN = "237"
#: Marks what stands as an effect on the upper of two tracks that it works between.
_BETWEEN = {"composition": "1"}
_DISSOLVE = "SMPTE_Dissolve"
#: Categories of Kdenlive's guides, by their number.
_COLOURS = ("PURPLE", "CYAN", "GREEN", "GREEN", "YELLOW", "ORANGE", "ORANGE", "RED", "PINK")


def read(data: bytes, path: str, sequence: str | None = None) -> Json:
    """The timeline in the XML of a project of Kdenlive, Shotcut or MLT.

    Media are the originals, also where a project shows proxies. Filters are effects with MLT's own names and words under
    ``metadata["mlt"]``; positions in them count frames of what they are on, as MLT does.

    :param sequence: by its name; default: the one that was open
    :raises UnreadableTimelineError: no XML, no profile, nothing that is played, no such sequence
    :raises HostileTimelineError: entities, circles, absurd nesting
    """
    project = Project(parse(data, path), path)
    return _Reader(project).timeline(project.sequence(sequence))


def read_others(data: bytes, path: str) -> Json | None:
    """A timeline of what only the sequences play that were not open: a clip of each medium, in the order of their first use.

    :returns: ``None`` where there is nothing of the kind
    :raises UnreadableTimelineError, HostileTimelineError: as ``read``
    """
    if b"kdenlive:uuid" not in data:  # older ones have one sequence
        return None
    project = Project(parse(data, path), path)
    opened, reader = project.sequence(), _Reader(project)
    others = [reader.timeline(element) for element in project.sequences() if element is not opened]
    if not others:
        return None
    known = {kind: dict.fromkeys(url for url, _ in clips) for kind, clips in _played(reader.timeline(opened)).items()}
    found: dict[str, list[Json]] = {kind: [] for kind in known}
    for kind, clips in ((kind, clips) for other in others for kind, clips in _played(other).items()):
        for url, clip in clips:
            if url not in known[kind]:
                known[kind][url] = None
                found[kind].append(clip)
    tracks = [reader.spell.track("", kind, clips) for kind, clips in found.items() if clips]
    return reader.spell.timeline("other sequences", reader.spell.stack("tracks", tracks), {}) if tracks else None


def _played(root: Json) -> dict[str, list[tuple[str, Json]]]:
    """Clips of files, with the URLs of these, by kind of their tracks."""
    found: dict[str, list[tuple[str, Json]]] = {"Video": [], "Audio": []}
    sounds = audio_clips(root)
    for clip in clips_of(root):
        url = clip["media_references"][DEFAULT].get("target_url")
        if url:
            found["Audio" if id(clip) in sounds else "Video"].append((url, clip))
    return found


@dataclass(slots=True)
class _TrackOf:
    """A track of a tractor: its playlists, and what works on all of it."""

    name: str
    playlists: list[Element]
    mixes: list[Element] = field(default_factory=list)
    filters: list[Element] = field(default_factory=list)
    hide: str = ""  # video, audio, both
    is_audio: bool = False
    compositions: list[Element] = field(default_factory=list)

    @property
    def shows(self) -> bool:
        return not self.is_audio and self.hide != "video"

    @property
    def sounds(self) -> bool:
        return self.hide != "audio"


class _Reader:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.times = Times(project.rate)
        self.spell = Speller(float(project.rate))
        self._media: dict[Element, Medium] = {}

    def timeline(self, sequence: Element) -> Json:
        project = self.project
        profile = {name: value for name, value in project.profile.items() if name != "description"}
        others = [sequence_name(e) for e in project.sequences() if e is not sequence]
        metadata: Json = {"mlt": {"profile": profile, **({"sequences": others} if others else {})}}
        name = sequence_name(sequence) if others else ""
        title = name or project.document.get("title") or PurePath(project.path).stem
        values = properties(sequence)
        guides = values.get("kdenlive:sequenceproperties.guides") or project.bin_properties.get(
            "kdenlive:docproperties.guides", ""
        )
        stack = self._stack(sequence, "tracks", markers=self._markers(guides))
        return self.spell.timeline(title, stack, metadata)

    # -- groups

    def _stack(self, element: Element, name: str, **item: Any) -> Json:
        tracks = self._tracks(element)
        pictures = [self._track(t, "Video") for t in tracks if t.shows]
        sounds = [self._track(t, "Audio") for t in tracks if t.sounds]
        sounds = [t for t in sounds if any(child["OTIO_SCHEMA"] != "Gap.1" for child in t["children"])]
        effects = self._effects(e for e in element if e.tag == "filter" and e.get("track") is None)
        return self.spell.stack(name, [*pictures, *sounds], effects=effects, **item)

    def _tracks(self, element: Element) -> list[_TrackOf]:
        """The lowest first, without what the program put there itself."""
        if element.tag not in ("tractor", "multitrack"):
            return [_TrackOf(name="", playlists=[element])]
        inside = [child for group in (element, *element.findall("multitrack")) for child in group]
        found: list[_TrackOf | None] = []
        for child in inside:
            if child.tag != "track" and (child.tag not in SERVICES or child.tag == "multitrack"):
                continue
            produced = self.project.produced(child)
            is_shown = produced is not None and not self.project.is_background(child, produced)
            found.append(self._track_of(child, produced) if is_shown and produced is not None else None)
        for child in inside:
            values = properties(child)
            if child.tag == "transition":
                above = self.times.frames(child.get("b_track") or values.get("b_track"), -1)
                if 0 <= above < len(found) and (track := found[above]) is not None:
                    track.compositions.append(child)
            elif child.tag == "filter" and child.get("track") is not None:
                below = self.times.frames(child.get("track"), -1)
                if 0 <= below < len(found) and (track := found[below]) is not None:
                    track.filters.append(child)
        return [track for track in found if track is not None]

    def _track_of(self, child: Element, produced: Element) -> _TrackOf:
        """Kdenlive's tracks are tractors of two playlists, between which cuts alternate so that they can be mixed."""
        values = properties(produced)
        name = values.get("kdenlive:track_name") or values.get("shotcut:name") or produced.get("title") or ""
        filters = [e for e in produced if e.tag == "filter"]
        hide, is_audio = child.get("hide", ""), values.get("kdenlive:audio_track") == "1" or values.get("shotcut:audio") == "1"
        if produced.tag != "tractor" or "kdenlive:uuid" in values:
            playlist = produced.tag == "playlist"
            return _TrackOf(name, [produced], filters=filters if playlist else [], hide=hide, is_audio=is_audio)
        tracks = [t for group in (produced, *produced.findall("multitrack")) for t in group if t.tag == "track"]
        playlists = [p for t in tracks if (p := self.project.produced(t)) is not None]
        hides = {t.get("hide", "") for t in tracks}
        if len(playlists) > 2 or any(p.tag != "playlist" for p in playlists):
            return _TrackOf(name, [produced], hide=hide, is_audio=is_audio)  # a group, not a track
        mixes = [e for e in produced if e.tag == "transition"]
        return _TrackOf(name, playlists, mixes, filters, hide or (hides.pop() if len(hides) == 1 else ""), is_audio)

    # -- tracks

    def _track(self, track: _TrackOf, kind: str) -> Json:
        lane = lane_of(self.project, self.times, track.playlists, track.mixes)
        whole, partial = self._compositions(track) if kind == "Video" else ([], [])
        children: list[Json] = []
        cursor = 0
        mixes = {mix.cut: mix for mix in lane.mixes}
        edges = _Edges(frozenset(cut.start for cut in lane.cuts), frozenset(cut.stop for cut in lane.cuts))
        for cut in lane.cuts:
            if cut.start > cursor:
                children.append(self.spell.gap(cut.start - cursor))
            joins = self._joins(cut, edges, partial)
            if mix := mixes.get(cut.start):
                children.append(self._mix(mix))
            elif joins.coming is not None:
                children += [] if children else [self.spell.gap(0)]
                children.append(self._fade(joins.coming, incoming=True))
            children.append(self._item(cut, kind, joins.effects))
            if joins.going is not None and cut.stop not in mixes:
                children.append(self._fade(joins.going, incoming=False))
            cursor = cut.stop
        effects = [*self._effects(track.filters), *whole]
        return self.spell.track(track.name, kind, children, effects=effects, enabled=track.hide != "both")

    def _item(self, cut: Cut, kind: str, compositions: Sequence[Json]) -> Json:
        produced = cut.produced
        effects = [*self._effects(produced.findall("filter")), *self._effects(cut.filters), *compositions]
        effects = [*self._effects(produced.findall("link")), *effects]  # a chain's: between the file and all filters
        if produced.tag in ("playlist", "tractor", "multitrack"):
            if produced.tag != "playlist":
                effects = effects[len(produced.findall("filter")) :]  # they stand on the stack of its tracks
            inner = self._stack(produced, sequence_name(produced), source_range=self.spell.span(cut.first, cut.frames))
            inner["effects"] = [*inner["effects"], *effects]
            return inner
        medium = self._medium(produced)
        if not (medium.has_pictures if kind == "Video" else medium.has_sound):
            return self.spell.gap(cut.frames)
        if kind == "Video":
            forced = [self._effect({"mlt_service": name, name: value}) for name, value in medium.forced]
            effects = [*forced, *effects]
        if medium.speed != 1:
            effects = [self.spell.speed(medium.speed), *effects]
        start = medium.source_start(cut.first, cut.first + cut.frames - 1)
        return self.spell.clip(
            medium.name,
            medium.references,
            medium.active,
            source_range=self.spell.span(start, cut.frames),
            effects=effects,
            markers=self._markers(medium.markers, start, start + cut.frames * abs(medium.speed)),
        )

    def _medium(self, producer: Element) -> Medium:
        known = self._media.get(producer)
        if known is None:
            values = properties(producer)
            imported = self.project.imported(values)
            known = self._media[producer] = medium_of(producer, self.times, self.spell, self.project.root, imported)
        return known

    def _mix(self, mix: Mix) -> Json:
        is_wipe = bool(mix.values.get("resource"))
        kind = "Custom_Transition" if is_wipe else _DISSOLVE
        name = PurePath(mix.values["resource"]).stem if is_wipe else mix.values.get("kdenlive_id", "dissolve")
        return self.spell.transition(name, kind, mix.cut - mix.start, mix.stop - mix.cut, _words(mix.values))

    # -- compositions: transitions between a track and one below

    def _compositions(self, track: _TrackOf) -> tuple[list[Json], list[_Composition]]:
        """Those that work on the whole track, and those that last for a while."""
        whole, partial = [], []
        for element in track.compositions:
            values = properties(element)
            kind = values["mlt_service"] = service(element, values)
            if values.get("disable") == "1" or kind == "mix":
                continue
            begin, end = (element.get(name) or values.get(name) for name in ("in", "out"))
            is_always = values.get("always_active") == "1" or values.get("internal_added") == _OWN or not (begin or end)
            if not is_always:
                first, last = self.times.frames(begin), self.times.frames(end)
                partial.append(_Composition(first, last + 1, kind, values | _BETWEEN))
            elif kind not in _STACKING or values.get("compositing", "0") not in ("0", ""):
                whole.append(self._effect(values | _BETWEEN))
        return whole, partial

    def _joins(self, cut: Cut, edges: _Edges, compositions: Sequence[_Composition]) -> _Joins:
        """What of ``compositions`` fades ``cut`` in from what is below, or out; the rest is an effect on it."""
        coming = going = None
        effects = []
        for one in compositions:
            if one.stop <= cut.start or one.start >= cut.stop:
                continue
            fades = one.kind in ("luma", "dissolve") and not one.values.get("resource") and one.stop - one.start < cut.frames
            is_reverse = one.values.get("reverse") == "1"
            if fades and not is_reverse and one.start == cut.start and cut.start not in edges.stops:
                coming = one
            elif fades and is_reverse and one.stop == cut.stop and cut.stop not in edges.starts:
                going = one
            else:
                effects.append(self._effect(one.values, self._name(cut, one.start), self._name(cut, one.stop - 1)))
        return _Joins(coming, going, tuple(effects))

    @staticmethod
    def _name(cut: Cut, frame: int) -> int:
        """A frame of the track in the count of what is cut."""
        return max(0, frame - cut.start + cut.first)

    def _fade(self, composition: _Composition, *, incoming: bool) -> Json:
        frames = composition.stop - composition.start
        before, after = (0, frames) if incoming else (frames, 0)
        values = {name: value for name, value in composition.values.items() if name not in _BETWEEN}
        return self.spell.transition(composition.kind, _DISSOLVE, before, after, _words(values))

    # -- effects and markers

    def _effects(self, filters: Iterable[Element]) -> list[Json]:
        found = []
        for element in filters:
            values = properties(element)
            kind = values["mlt_service"] = service(element, values)
            if values.get("internal_added") == _OWN and kind in _REAL:
                del values["internal_added"]
            for name in ("in", "out"):
                if written := element.get(name):
                    values.setdefault(name, written)
            found.append(self._effect(values))
        return found

    def _effect(self, values: dict[str, str], first: int | None = None, last: int | None = None) -> Json:
        kind = values["mlt_service"]
        if first is not None and last is not None:
            values = {**values, "in": str(first), "out": str(last)}
        if kind.startswith("avfilter.") and (version := self.project.document.get("version")):
            values = {**values, "_mlt_version": version}  # FFmpeg's filters show other pictures in older ones
        enabled = values.get("disable") != "1"
        return self.spell.effect(
            values.get("kdenlive_id") or values.get("shotcut:filter") or kind, kind, _words(values), enabled=enabled
        )

    def _markers(self, text: str, start: float = 0, stop: float = float("inf")) -> list[Json]:
        return [
            self.spell.marker(words, frame, 0, _COLOURS[kind % len(_COLOURS)], {})
            for frame, words, kind in notes(text)
            if start <= frame < stop
        ]


@dataclass(frozen=True, slots=True)
class _Composition:
    start: int
    stop: int
    kind: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Edges:
    """Where the cuts of a track start and stop."""

    starts: frozenset[int]
    stops: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Joins:
    coming: _Composition | None
    going: _Composition | None
    effects: tuple[Json, ...]


def _words(values: dict[str, str]) -> Json:
    return {"mlt": {name: value for name, value in values.items() if not name.startswith("kdenlive:")}}
