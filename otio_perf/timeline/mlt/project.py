"""A project as it lies in its file: who is who by ``id``, what the program itself put there, which sequence is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from xml.etree.ElementTree import Element

from otio_perf.errors import HostileTimelineError, UnreadableTimelineError
from otio_perf.timeline.mlt.tree import properties, service

#: Suffix of Kdenlive's, and of Shotcut's and MLT's own.
KDENLIVE, MLT = ".kdenlive", ".mlt"
SERVICES = frozenset({"producer", "chain", "playlist", "tractor", "multitrack"})
_ROOTS = frozenset({"mlt", "westley"})
#: Kdenlive's playlist of all that was imported; old ones wrote it in two words.
BINS = frozenset({"main_bin", "main bin"})
#: Its track of what is rendered ahead.
PREVIEW_TRACK = "timeline_preview"
#: Sequences in sequences: more is a mistake or an attack.
_DEEPEST = 30
#: MLT's own, where a file has none: PAL.
_PROFILE = {"width": "720", "height": "576", "frame_rate_num": "25", "frame_rate_den": "1"}


class Project:
    """:raises UnreadableTimelineError: it is something else; its profile makes no sense
    :raises HostileTimelineError: something in it plays itself, or what it plays is nested too deep
    """

    def __init__(self, document: Element, path: str) -> None:
        if document.tag not in _ROOTS | SERVICES:
            raise UnreadableTimelineError(f"is no project of MLT: it is <{document.tag[:40]}>", path=path)
        self.document, self.path = document, path
        self._by_id = {found: e for e in document.iter() if e.tag in SERVICES and (found := e.get("id"))}
        profile = document.find("profile")
        self.profile = dict(profile.attrib) if profile is not None else dict(_PROFILE)
        try:
            self.rate = Fraction(int(self.profile["frame_rate_num"]), int(self.profile["frame_rate_den"]))
        except (KeyError, ValueError, ZeroDivisionError):
            self.rate = Fraction(0)
        if not 0 < self.rate < 10_000:
            raise UnreadableTimelineError("its profile has no frame rate", path=path)
        self.bin = next((self._by_id[name] for name in BINS if name in self._by_id), None)
        self.bin_properties = {} if self.bin is None else properties(self.bin)
        self._refuse_circles()
        self._imported = {} if self.bin is None else self._bin_entries(self.bin)

    @property
    def root(self) -> str:
        """Folder in which relative resources start; empty: where the file lies."""
        return self.document.get("root", "") if self.document.tag in _ROOTS else ""

    def get(self, name: str | None) -> Element | None:
        return self._by_id.get(name or "")

    def produced(self, element: Element) -> Element | None:
        """What an ``entry`` or a ``track`` plays: named, or inside it."""
        if element.tag in SERVICES:
            return element
        named = self.get(element.get("producer"))
        return named if named is not None else next((child for child in element if child.tag in SERVICES), None)

    def imported(self, values: dict[str, str]) -> dict[str, str]:
        """Properties of the clip in the bin that a producer with ``values`` was cut from."""
        return self._imported.get(values.get("kdenlive:id", ""), {})

    def sequence(self, name: str | None = None) -> Element:
        """What is played: the sequence called ``name``, or the one that was open. :raises UnreadableTimelineError"""
        sequences = self.sequences()
        if name is not None:
            found = next((e for e in sequences if sequence_name(e) == name), None)
            if found is None:
                there = ", ".join(sequence_name(e) for e in sequences) or "none with a name"
                raise UnreadableTimelineError(f"has no sequence {name!r}", path=self.path, hint=f"There are: {there}")
            return found
        active = self.bin_properties.get("kdenlive:docproperties.activetimeline")
        for sequence in sequences:
            if active and active in (sequence.get("id"), properties(sequence).get("kdenlive:uuid")):
                return sequence
        if sequences:
            return sequences[-1]
        if self.document.tag not in _ROOTS:
            return self.document
        named = self.get(self.document.get("producer"))
        services = [e for e in self.document if e.tag in SERVICES and e.get("id") not in BINS]
        if named is not None and named is not self.bin:
            return named
        if not services:
            raise UnreadableTimelineError("holds nothing that is played", path=self.path)
        return services[-1]

    def sequences(self) -> list[Element]:
        """Those of Kdenlive from 23.04 on: tractors with an identity of their own."""
        return [e for e in self.document.iter("tractor") if "kdenlive:uuid" in properties(e)]

    def is_background(self, track: Element, produced: Element) -> bool:
        """Does the program put it below, or above, everything else: the black that an empty timeline shows, a preview?"""
        values = properties(produced)
        names = {track.get("producer"), values.get("kdenlive:playlistid"), produced.get("id")}
        if names & {"black_track", "black", "background", PREVIEW_TRACK}:
            return True
        return service(produced, values) in ("color", "colour") and values.get("resource") == "black" and self.bin is not None

    def _refuse_circles(self) -> None:
        levels: dict[Element, int] = {}  # of what plays nothing: 1; while it is looked at: 0

        def level(element: Element) -> int:
            known = levels.get(element)
            if known == 0:
                raise HostileTimelineError(f"{element.get('id') or element.tag} plays itself", path=self.path)
            if known is None:
                levels[element] = 0
                inside = [level(played) for played in self._played(element)]
                known = levels[element] = 1 + max(inside, default=0)
                if known > _DEEPEST:
                    raise HostileTimelineError(f"sequences are nested more than {_DEEPEST} deep", path=self.path)
            return known

        for element in self._by_id.values():
            level(element)

    def _played(self, element: Element) -> Iterator[Element]:
        """What it names or holds, one level down."""
        for child in element:
            if child.tag == "multitrack":
                yield from self._played(child)
            elif child.tag in ("entry", "track") or child.tag in SERVICES:
                found = self.produced(child)
                if found is not None:
                    yield found

    def _bin_entries(self, found: Element) -> dict[str, dict[str, str]]:
        entries = (self.produced(entry) for entry in found if entry.tag == "entry")
        known = (properties(element) for element in entries if element is not None)
        return {values["kdenlive:id"]: values for values in known if "kdenlive:id" in values}


def sequence_name(sequence: Element) -> str:
    values = properties(sequence)
    return values.get("kdenlive:clipname") or values.get("title") or sequence.get("title") or sequence.get("id") or ""


def notes(text: str) -> Iterator[tuple[int, str, int]]:
    """Guides and markers as Kdenlive writes them, JSON: position in frames, words, category. What is damaged is left out."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict) and isinstance(one.get("pos"), int) and one["pos"] >= 0:
            kind = one.get("type")
            yield one["pos"], str(one.get("comment", "")), kind if isinstance(kind, int) else 0
