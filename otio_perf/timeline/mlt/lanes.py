"""What lies on a track of MLT: entries and blanks of playlists; Kdenlive's tracks have two, with mixes between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from otio_perf.timeline.mlt.project import SERVICES, Project
from otio_perf.timeline.mlt.tree import Times, properties, service

#: MLT's numbers are 32 bits wide; a blank of more is damage.
_LONGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Cut:
    """``produced`` from its frame ``first`` on, for ``frames``, at ``start`` of the track."""

    start: int
    frames: int
    first: int
    produced: Element
    filters: tuple[Element, ...]

    @property
    def stop(self) -> int:
        return self.start + self.frames

    def trimmed(self, start: int, stop: int) -> Cut:
        """Its part of the track's frames ``[start, stop)``."""
        return replace(self, start=start, frames=stop - start, first=self.first + start - self.start)


@dataclass(frozen=True, slots=True)
class Mix:
    """The cut before fades into the one behind, over frames ``[start, stop)`` of the track; they meet at ``cut``."""

    start: int
    cut: int
    stop: int
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Lane:
    """``cuts`` do not overlap; of what did, ``mixes`` tell."""

    cuts: tuple[Cut, ...]
    mixes: tuple[Mix, ...] = ()

    @property
    def stop(self) -> int:
        return self.cuts[-1].stop if self.cuts else 0


def lane_of(project: Project, times: Times, playlists: list[Element], mixes: list[Element]) -> Lane:
    """:param playlists: what plays on the track at the same time; :param mixes: transitions between them"""
    cuts = sorted((cut for p in playlists for cut in _cuts(project, times, p)), key=lambda cut: cut.start)
    ranges = [_MixRange.of(mix, times) for mix in mixes]
    placed: list[Cut] = []
    found: list[Mix] = []
    for cut in cuts:
        before = placed[-1] if placed else None
        if before is None or before.stop <= cut.start:
            placed.append(cut)
            continue
        start, stop = cut.start, min(before.stop, cut.stop)
        mix = next((m for m in ranges if m.first < stop and m.last >= start), None)
        meet = start + (stop - start) // 2
        if mix is not None and 0 < mix.cut < stop - start:
            meet = start + mix.cut
        if meet <= before.start or meet >= cut.stop:
            continue  # one hides the other: no program writes it
        placed[-1] = before.trimmed(before.start, meet)
        placed.append(cut.trimmed(meet, cut.stop))
        found.append(Mix(start=max(start, before.start), cut=meet, stop=stop, values=mix.values if mix else {}))
    return Lane(tuple(placed), tuple(found))


@dataclass(frozen=True, slots=True)
class _MixRange:
    first: int
    last: int
    cut: int  # frames of the incoming cut before the place where both were cut
    values: dict[str, str]

    @classmethod
    def of(cls, element: Element, times: Times) -> _MixRange:
        values = properties(element)
        first = times.frames(element.get("in") or values.get("in"))
        last = times.frames(element.get("out") or values.get("out"), _LONGEST)
        values["mlt_service"] = service(element, values)
        return cls(first, last, times.frames(values.get("kdenlive:mixcut")), values)


def _cuts(project: Project, times: Times, playlist: Element) -> Iterator[Cut]:
    """What a playlist plays; anything else plays itself."""
    if playlist.tag != "playlist":
        yield from _cut(project, times, playlist, 0)
        return
    cursor = 0
    for child in playlist:
        if child.tag == "blank":
            cursor += max(0, times.frames(child.get("length")))
        elif child.tag == "entry" or child.tag in SERVICES:
            for cut in _cut(project, times, child, cursor):
                yield cut
                cursor = cut.stop
        if cursor > _LONGEST:
            return


def _cut(project: Project, times: Times, entry: Element, start: int) -> Iterator[Cut]:
    produced = project.produced(entry)
    if produced is None:
        return
    first = times.frames(entry.get("in"), times.frames(produced.get("in")))
    last = times.frames(entry.get("out"), -1)
    if last < 0:
        last = times.frames(produced.get("out"), -1)
    if last < 0:
        last = first + length_of(project, times, produced) - 1
    repeated = max(1, times.frames(entry.get("repeat"), 1))
    for number in range(min(repeated, 10_000)):
        if (frames := last - first + 1) > 0:
            filters = tuple(child for child in entry if child.tag == "filter") if entry is not produced else ()
            yield Cut(start + number * frames, frames, first, produced, filters)


def length_of(project: Project, times: Times, produced: Element) -> int:
    """Frames that it plays for."""
    if (last := times.frames(produced.get("out"), -1)) >= 0:
        return last + 1
    if produced.tag in ("tractor", "multitrack"):
        inside = [t for child in produced.iter() if child.tag == "track" and (t := project.produced(child)) is not None]
        inside += [child for child in produced if child.tag in SERVICES]
        return max((length_of(project, times, t) for t in inside), default=0)
    if produced.tag == "playlist":
        return max((cut.stop for cut in _cuts(project, times, produced)), default=0)
    length = times.frames(properties(produced).get("length"))
    return length if 0 < length < _LONGEST else 0
