"""The sequences of Kdenlive in a project that is being changed, each with its timeline preview: lists of chunks, a track.

Up to 22.12 there is one, and its lists stand on the bin; from 23.04 on on each sequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from otio_perf.errors import HostileTimelineError, UnwritableTimelineError
from otio_perf.timeline.mlt import outline, tree
from otio_perf.timeline.mlt.preview_note import NOTE, note_in
from otio_perf.timeline.mlt.project import BINS, PREVIEW_TRACK, SERVICES, Project
from otio_perf.timeline.mlt.spans import Edits, Span, parse
from otio_perf.timeline.mlt.storage import DOCUMENT
from otio_perf.timeline.mlt.tree import Times, is_number
from otio_perf.timeline.mlt.versions import refuse_newer
from otio_perf.timeline.references import Json

#: Frames of a chunk: Kdenlive's ``timelinechunks``, where nobody has changed it.
CHUNK_FRAMES = 25
#: Names of the lists of chunks: those that are there, and those that are to be rendered.
RENDERED, DIRTY = "previewchunks", "dirtypreviewchunks"
_SEQUENCE = "kdenlive:sequenceproperties."
#: So many chunks has a project at most, in all its sequences: four days at 25 frames a second.
_MOST = 400_000


def listed(chunks: Sequence[int]) -> str:
    return ",".join(map(str, chunks))


def chunks_in(text: str) -> list[int]:
    return [chunk for some in ranges_in(text) for chunk in some]


def ranges_in(text: str) -> Iterator[range]:
    """``0,50-100`` is 0, 50, 75 and 100. What is no chunk is left out."""
    for part in map(str.strip, text.split(",")):
        first, dash, last = part.partition("-")
        if is_number(first) and (is_number(last) if dash else not last):
            yield range(int(first), int(last or first) + 1, CHUNK_FRAMES)


def played(entries: Sequence[tuple[int, int, str]]) -> str:
    """Start, frames and text of entries, with the gaps between them."""
    text, at = "", 0
    for start, frames, words in sorted(entries):
        if start > at:
            text += f'\n  <blank length="{start - at}"/>'
        text += f"\n  {words}"
        at = start + frames
    return text


@dataclass(frozen=True, slots=True)
class Entry:
    start: int
    frames: int
    span: Span


@dataclass(frozen=True, slots=True)
class KdenliveSequence:
    """``holder`` has the lists, under names that begin with ``prefix``. ``playlist``: of the preview, on ``track``."""

    identity: str
    tractor: Span
    holder: Span
    prefix: str
    track: Span | None
    playlist: Span | None
    times: Times

    def chunks(self, name: str) -> list[int]:
        return chunks_in(self.holder.value(self.prefix + name))

    def entries(self) -> list[Entry]:
        assert self.playlist is not None
        found, at = [], 0
        for child in self.playlist:
            if child.tag == "blank":
                at += max(0, self.times.frames(child.attributes.get("length")))
            elif child.tag == "entry":
                first, last = (self.times.frames(child.attributes.get(name)) for name in ("in", "out"))
                found.append(Entry(at, last - first + 1, child))
                at += max(0, last - first + 1)
        return found


class KdenliveDocument:
    def __init__(self, data: bytes, path: object) -> None:
        self.data, self._path = data, path
        self.root = parse(data, path)
        self.by_id = outline.by_id(self.root)
        found = next((self.by_id[name] for name in BINS if name in self.by_id), None)
        self.bin = found if found is not None else Span("playlist", {}, 0)
        self.properties = {
            c.attributes.get("name", ""): c.attributes.get("value") or c.text for c in self.bin if c.tag == "property"
        }
        self._sequences = {
            identity: s for s in self.root.walk() if s.tag == "tractor" and (identity := s.value("kdenlive:uuid"))
        }
        holders = ((self.bin, DOCUMENT), *((s, _SEQUENCE) for s in self._sequences.values()))
        lists = (holder.value(prefix + name) for holder, prefix in holders for name in (RENDERED, DIRTY))
        if sum(len(found) for text in lists for found in ranges_in(text)) > _MOST:
            raise HostileTimelineError(f"lists more than {_MOST:,} chunks of its preview", path=path)

    @property
    def note(self) -> Json | None:
        """What ``preview.with_preview`` noted; ``None``: nothing that can be read."""
        return note_in(self.properties.get(NOTE, ""))

    @property
    def noted(self) -> Mapping[str, Any]:
        note = self.note
        return {} if note is None else note["sequences"]

    def required(self, project: Project) -> KdenliveSequence:
        """The sequence that is read. :raises UnwritableTimelineError: see ``shown``"""
        path = project.path
        if project.bin is None or f"{DOCUMENT}version" not in self.properties:
            raise UnwritableTimelineError(
                "is no project of Kdenlive, so it has no timeline preview", path=path, hint="Write .otio instead"
            )
        refuse_newer(self.properties, path)
        found = project.sequence()
        identity = tree.properties(found).get("kdenlive:uuid", "")
        sequence = self.sequence(identity, found.get("id", ""))
        if sequence is None:
            raise UnwritableTimelineError("has a sequence without a name of its own", path=path, hint="Save it in Kdenlive")
        return sequence

    def sequence(self, identity: str, name: str | None = None) -> KdenliveSequence | None:
        """:param name: id of the tractor, where it has no identity"""
        if identity:
            tractor = self._sequences.get(identity)
        elif name is not None:
            tractor = self.by_id.get(name)
        else:  # the last of all, as those of 22.12 are written
            services = [s for s in self.root if s.tag in SERVICES and s.attributes.get("id") not in BINS]
            tractor = services[-1] if services and not self._sequences else None
        if tractor is None or tractor.tag != "tractor" or not outline.tracks(tractor):
            return None
        track, playlist = self._preview_of(tractor)
        holder, prefix = (tractor, _SEQUENCE) if identity else (self.bin, DOCUMENT)
        return KdenliveSequence(identity, tractor, holder, prefix, track, playlist, outline.times(self.root))

    def same(self, sequence: KdenliveSequence) -> KdenliveSequence:
        """``sequence`` of the document before it was changed."""
        found = self.sequence(sequence.identity, sequence.tractor.attributes.get("id", ""))
        assert found is not None
        return found

    def raw(self, span: Span | None) -> str | None:
        """Its text as it stands."""
        return None if span is None else self.data[span.start : span.stop].decode()

    def replace_playlist(self, edits: Edits, sequence: KdenliveSequence, entries: Sequence[tuple[int, int, str]]) -> str:
        playlist = sequence.playlist
        assert playlist is not None
        opening = self.data[playlist.start : playlist.inside].decode().removesuffix("/>").removesuffix(">").rstrip()
        says = "".join(f"\n  {self.raw(child)}" for child in playlist if child.tag == "property")
        text = f"{opening}>{says}{played(entries)}\n </playlist>"
        edits.replace(playlist, text.encode())
        return text

    def _preview_of(self, tractor: Span) -> tuple[Span | None, Span | None]:
        for track in reversed(outline.tracks(tractor)):
            playlist = self.by_id.get(track.attributes.get("producer", ""))
            if playlist is not None and PREVIEW_TRACK in (playlist.attributes.get("id"), playlist.value("kdenlive:playlistid")):
                return track, playlist
        return None, None
