"""What is rendered ahead in Kdenlive's own terms: its timeline preview, the bar that is green where a chunk is there.

A chunk is a file of its own (see ``storage``), named by its first frame, all on one grid. Kdenlive believes in one that is
listed (``previewchunks``) and plays on a track of its own, the last of the sequence, which is hidden in the file so that no
render shows it. ``dirtypreviewchunks`` are red: to be rendered.

Up to 22.12 both lists stand on the bin, from 23.04 on on each sequence. What we change is noted in a property of the document
(Kdenlive drops others when it saves), with what was there before, so that an untouched project comes back byte for byte; one
that Kdenlive has saved since keeps all that is not ours.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from otio_perf.errors import UnwritableTimelineError
from otio_perf.timeline.mlt import outline, tree
from otio_perf.timeline.mlt.project import SERVICES, Project
from otio_perf.timeline.mlt.spans import Edits, Span, parse
from otio_perf.timeline.mlt.storage import DOCUMENT
from otio_perf.timeline.mlt.tree import Times
from otio_perf.timeline.mlt.versions import refuse_newer
from otio_perf.timeline.references import Json

#: Frames of a chunk: Kdenlive's ``timelinechunks``, where nobody has changed it.
CHUNK_FRAMES = 25
_SEQUENCE = "kdenlive:sequenceproperties."
_BINS = frozenset({"main_bin", "main bin"})
_TRACK = "timeline_preview"
_RENDERED, _DIRTY = "previewchunks", "dirtypreviewchunks"
_EXTENSION, _PARAMETERS = "previewextension", "previewparameters"
_NOTE = f"{DOCUMENT}otio_perf.preview"
#: A week at 25 frames a second; more chunks than that are damage.
_LAST, _MOST = 7 * 24 * 3600 * 25, 7 * 24 * 3600
#: Begins the ids of the producers that we add; Kdenlive gives them others when it saves.
_OURS = "otio_perf_preview"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A file that holds ``frames`` of the timeline from ``start`` on. ``key``: what it says of itself."""

    start: int
    frames: int
    path: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the sequence that is read gets, in place of what it has of ours; without chunks, nothing.

    ``dirty``: chunks that should be rendered and are not. ``extension``, ``parameters``: for a document without chunks of
    Kdenlive's own; by these Kdenlive renders what is dirty. ``taken_over``: chunks that were ours, and that Kdenlive has
    rendered itself since, by sequence: they stay. ``removes_all``: what of ours the other sequences have goes, too.
    """

    chunks: tuple[Chunk, ...] = ()
    dirty: tuple[int, ...] = ()
    extension: str = ""
    parameters: str = ""
    taken_over: Mapping[str, Collection[int]] = field(default_factory=dict)
    removes_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The preview of a sequence as it stands. ``sequence``: its identity, empty in documents that have one alone.

    ``own``: chunks that Kdenlive has rendered; ``ours``: keys of those that we have noted. ``zone``: first and last frame of
    the part that the user has marked. ``properties``: of the bin, see ``storage.storage_of``.
    """

    sequence: str
    is_main: bool
    own: tuple[int, ...]
    ours: Mapping[int, str]
    extension: str
    zone: tuple[int, int] | None
    is_switched_off: bool
    properties: Mapping[str, str]


def document_properties(data: bytes, path: object) -> dict[str, str]:
    """Of the bin, see ``storage.storage_of``; empty: no project of Kdenlive."""
    return _Document(data, path).properties


def shown(data: bytes, path: object) -> Shown:
    """The preview of the sequence that is read.

    :raises UnwritableTimelineError: no project of Kdenlive's, or of a Kdenlive that is newer than those that are known
    """
    project = Project(tree.parse(data, path), str(path))  # which refuses what is hostile
    document = _Document(data, path)
    return document.shown(document.required(project))


def every_shown(data: bytes, path: object) -> tuple[Shown, ...]:
    """Of all sequences that have chunks of ours."""
    if not _is_noted(data):
        return ()
    document = _Document(data, path)
    return tuple(document.shown(one) for identity in document.noted if (one := document.sequence(identity)) is not None)


def with_preview(data: bytes, path: object, preview: Preview) -> bytes:
    """``data`` with ``preview`` in place of what of ours the sequence has. :raises UnwritableTimelineError: see ``shown``"""
    if preview.removes_all:
        return _without(_Document(data, path), preview.taken_over, only=None) if _is_noted(data) else data
    project = Project(tree.parse(data, path), str(path))
    document = _Document(data, path)
    sequence = document.required(project)
    if document.note is not None:
        document = _Document(_without(document, preview.taken_over, only=sequence.identity), path)
        sequence = document.same(sequence)
    if not preview.chunks and not preview.dirty:
        return document.data
    edits = Edits(document.data)
    own = sequence.chunks(_RENDERED)
    rendered = sorted({*own, *(chunk.start for chunk in preview.chunks)})
    added = sorted({*preview.dirty} - {*rendered, *sequence.chunks(_DIRTY)})
    dirty = sorted({*sequence.chunks(_DIRTY), *added} - {*rendered})
    lists: dict[str, str] = {_RENDERED: _listed(rendered), _DIRTY: _listed(dirty)}
    noted: Json = {
        "chunks": {str(chunk.start): chunk.key for chunk in preview.chunks},
        "dirty": added,
        "said": dict(lists),
        "before": {name: document.raw(sequence.holder.property(sequence.prefix + name)) for name in lists},
    }
    for name, text in lists.items():
        edits.set_property(sequence.holder, sequence.prefix + name, text)
    if preview.chunks:
        noted["before"]["playlist"] = document.raw(sequence.playlist)
        noted["said"]["playlist"] = _digest(_lay(edits, document, sequence, preview.chunks))
    note = document.note or {"sequences": {}, "document": {}}
    note["sequences"][sequence.identity] = noted
    if not own:
        for name, text in {_EXTENSION: preview.extension, _PARAMETERS: preview.parameters}.items():
            if name not in note["document"] and document.properties.get(DOCUMENT + name, "") != text:
                found = document.bin.property(DOCUMENT + name)
                note["document"][name] = {"said": text, "before": document.raw(found)}
                edits.set_property(document.bin, DOCUMENT + name, text)
    edits.set_property(document.bin, _NOTE, json.dumps(note, ensure_ascii=False))
    return edits.result()


def chunk_paths(data: bytes, path: object) -> tuple[str, ...]:
    """Files that the previews of the project play, where they are ours."""
    if not _is_noted(data):
        return ()
    document = _Document(data, path)
    found: list[str] = []
    for identity, noted in document.noted.items():
        sequence = document.sequence(identity)
        if sequence is not None and sequence.playlist is not None:
            for entry in sequence.entries():
                produced = document.by_id.get(entry.span.attributes.get("producer", ""))
                if str(entry.start) in noted["chunks"] and produced is not None:
                    found.append(os.path.join(document.root.attributes.get("root", ""), produced.value("resource")))  # noqa: PTH118
    return tuple(found)


def _is_noted(data: bytes) -> bool:
    """Can there be anything of ours? Reading a large project takes seconds."""
    return _NOTE.encode() in data


def _without(document: _Document, taken_over: Mapping[str, Collection[int]], *, only: str | None) -> bytes:
    note = document.note
    if note is None:
        return document.data
    edits = Edits(document.data)
    left: Json = {}
    is_needed = False
    for identity, noted in note["sequences"].items():
        sequence = document.sequence(identity)
        if sequence is None:  # the user has removed it
            continue
        if only is not None and identity != only:
            left[identity] = noted
            is_needed = True
            continue
        is_needed |= bool(_take_off(edits, document, sequence, noted, {*taken_over.get(identity, ())}))
    if not is_needed:
        for name, words in note["document"].items():
            if document.properties.get(DOCUMENT + name, "") == words["said"]:
                _put_back(edits, document.bin, DOCUMENT + name, words["before"])
    if left:
        edits.set_property(document.bin, _NOTE, json.dumps({**note, "sequences": left}, ensure_ascii=False))
    elif (found := document.bin.property(_NOTE)) is not None:
        edits.remove(found)
    return edits.result()


def _take_off(edits: Edits, document: _Document, sequence: _Sequence, noted: Json, taken: set[int]) -> list[int]:
    """Our chunks of one sequence. :returns: chunks that it still has"""
    ours, before = {*map(int, noted["chunks"])}, noted["before"]
    rendered, dirty = sequence.chunks(_RENDERED), sequence.chunks(_DIRTY)
    entries = sequence.entries() if sequence.playlist is not None else []
    going = [e for e in entries if e.start in ours - taken]
    producers = [p for e in going if (p := document.by_id.get(e.span.attributes.get("producer", ""))) is not None]
    said = {name: sequence.holder.value(sequence.prefix + name) for name in (_RENDERED, _DIRTY)}
    if ours and sequence.playlist is not None:
        said["playlist"] = _digest(document.raw(sequence.playlist) or "")
    if said == noted["said"] and not taken:  # nobody has touched it since
        for name in (_RENDERED, _DIRTY):
            _put_back(edits, sequence.holder, sequence.prefix + name, before[name])
        if sequence.playlist is not None and before.get("playlist") is not None:
            edits.replace(sequence.playlist, before["playlist"].encode())
        elif sequence.playlist is not None and ours:
            _remove_track(edits, sequence)
        kept = [cell for cell in rendered if cell not in ours]
    else:
        kept = [cell for cell in rendered if cell not in ours - taken]
        was_dirty = _chunks_in(_text_in(before[_DIRTY]))
        red = ({*dirty} - ours - {*noted["dirty"]}) | ({*was_dirty} & (ours - taken))
        edits.set_property(sequence.holder, sequence.prefix + _RENDERED, _listed(kept))
        edits.set_property(sequence.holder, sequence.prefix + _DIRTY, _listed(sorted(red)))
        staying = [e for e in entries if e not in going]
        if going and staying:
            document.replace_playlist(edits, sequence, [(e.start, e.frames, document.raw(e.span) or "") for e in staying])
        elif going:
            _remove_track(edits, sequence)
    for producer in producers:
        edits.remove(producer)
    return kept


def _lay(edits: Edits, document: _Document, sequence: _Sequence, chunks: Sequence[Chunk]) -> str:
    """Producers of ``chunks`` before the sequence, entries on its preview track; made where it is not there.

    :returns: the text of the playlist
    """
    digest = hashlib.md5(sequence.identity.encode(), usedforsecurity=False).hexdigest()
    mark = f"{_OURS}_{digest[:8]}" if sequence.identity else _OURS
    entries: list[tuple[int, int, str]] = []
    for chunk in chunks:
        name, last = f"{mark}_{chunk.start}", chunk.frames - 1
        words = {
            "length": str(chunk.frames),
            "eof": "pause",
            "resource": chunk.path,
            "mute_on_pause": "1",
            "mlt_service": "avformat-novalidate",
        }
        lines = "".join(f"\n  <property name={quoteattr(n)}>{escape(value)}</property>" for n, value in words.items())
        edits.insert_before(sequence.tractor, f'<producer id={quoteattr(name)} in="0" out="{last}">{lines}\n </producer>')
        entries.append((chunk.start, chunk.frames, f'<entry producer={quoteattr(name)} in="0" out="{last}"/>'))
    if sequence.playlist is not None:
        own = [(e.start, e.frames, document.raw(e.span) or "") for e in sequence.entries()]
        return document.replace_playlist(edits, sequence, [*own, *entries])
    if sequence.identity:
        playlist, says = mark, f'\n  <property name="kdenlive:playlistid">{_TRACK}</property>'
    else:
        playlist, says = _TRACK, ""
    text = f"<playlist id={quoteattr(playlist)}>{says}{_played(entries)}\n </playlist>"
    edits.insert_before(sequence.tractor, text)
    top = outline.tracks(sequence.tractor)[-1]
    edits.insert_behind(top, f'<track hide="both" producer={quoteattr(playlist)}/>')
    return text


def _remove_track(edits: Edits, sequence: _Sequence) -> None:
    assert sequence.playlist is not None
    assert sequence.track is not None
    edits.remove(sequence.playlist)
    edits.remove(sequence.track)


def _put_back(edits: Edits, of: Span, name: str, before: str | None) -> None:
    found = of.property(name)
    if found is not None and before is None:
        edits.remove(found)
    elif found is not None and before is not None:
        edits.replace(found, before.encode())


def _played(entries: Sequence[tuple[int, int, str]]) -> str:
    """Start, frames and text of entries, with the gaps between them."""
    text, at = "", 0
    for start, frames, words in sorted(entries):
        if start > at:
            text += f'\n  <blank length="{start - at}"/>'
        text += f"\n  {words}"
        at = start + frames
    return text


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _listed(chunks: Sequence[int]) -> str:
    return ",".join(map(str, chunks))


def _chunks_in(text: str) -> list[int]:
    """``0,50-100`` is 0, 50, 75 and 100. What is no chunk is left out."""
    found: list[int] = []
    for part in filter(None, (word.strip() for word in text.split(","))):
        first, dash, last = part.partition("-")
        if len(part) < 20 and first.isdecimal() and (last.isdecimal() if dash else not last):
            found += range(int(first), min(int(last or first), _LAST) + 1, CHUNK_FRAMES)
            if len(found) > _MOST:
                break
    return found


def _text_in(raw: str | None) -> str:
    return "" if raw is None else parse(raw.encode(), "").text


@dataclass(frozen=True, slots=True)
class _Entry:
    start: int
    frames: int
    span: Span


@dataclass(frozen=True, slots=True)
class _Sequence:
    """``holder`` has the lists, under names that begin with ``prefix``. ``playlist``: of the preview, on ``track``."""

    identity: str
    tractor: Span
    holder: Span
    prefix: str
    track: Span | None
    playlist: Span | None
    times: Times

    def chunks(self, name: str) -> list[int]:
        return _chunks_in(self.holder.value(self.prefix + name))

    def entries(self) -> list[_Entry]:
        assert self.playlist is not None
        found, at = [], 0
        for child in self.playlist:
            if child.tag == "blank":
                at += max(0, self.times.frames(child.attributes.get("length")))
            elif child.tag == "entry":
                first, last = (self.times.frames(child.attributes.get(name)) for name in ("in", "out"))
                found.append(_Entry(at, last - first + 1, child))
                at += max(0, last - first + 1)
        return found


class _Document:
    def __init__(self, data: bytes, path: object) -> None:
        self.data, self._path = data, path
        self.root = parse(data, path)
        self.by_id = outline.by_id(self.root)
        found = next((self.by_id[name] for name in _BINS if name in self.by_id), None)
        self.bin = found if found is not None else Span("playlist", {}, 0)
        self.properties = {
            c.attributes.get("name", ""): c.attributes.get("value") or c.text for c in self.bin if c.tag == "property"
        }
        self._sequences = {
            identity: s for s in self.root.walk() if s.tag == "tractor" and (identity := s.value("kdenlive:uuid"))
        }

    @property
    def note(self) -> Json | None:
        """What ``with_preview`` noted; ``None``: nothing that can be read."""
        try:
            note = json.loads(self.properties.get(_NOTE, ""))
            for noted in note["sequences"].values():
                _ = [*map(int, noted["chunks"])], noted["said"], noted["dirty"], noted["before"][_DIRTY]
            _ = [(words["said"], words["before"]) for words in note["document"].values()]
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            return None
        return dict(note)

    @property
    def noted(self) -> Mapping[str, Any]:
        note = self.note
        return {} if note is None else note["sequences"]

    def required(self, project: Project) -> _Sequence:
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

    def sequence(self, identity: str, name: str | None = None) -> _Sequence | None:
        """:param name: id of the tractor, where it has no identity"""
        if identity:
            tractor = self._sequences.get(identity)
        elif name is not None:
            tractor = self.by_id.get(name)
        else:  # the last of all, as those of 22.12 are written
            services = [s for s in self.root if s.tag in SERVICES and s.attributes.get("id") not in _BINS]
            tractor = services[-1] if services and not self._sequences else None
        if tractor is None or tractor.tag != "tractor" or not outline.tracks(tractor):
            return None
        track, playlist = self._preview_of(tractor)
        holder, prefix = (tractor, _SEQUENCE) if identity else (self.bin, DOCUMENT)
        return _Sequence(identity, tractor, holder, prefix, track, playlist, outline.times(self.root))

    def same(self, sequence: _Sequence) -> _Sequence:
        """``sequence`` of the document before it was changed."""
        found = self.sequence(sequence.identity, sequence.tractor.attributes.get("id", ""))
        assert found is not None
        return found

    def shown(self, sequence: _Sequence) -> Shown:
        noted = self.noted.get(sequence.identity)
        ours = {} if noted is None else {int(start): str(key) for start, key in noted["chunks"].items()}
        values = {name: sequence.holder.value(sequence.prefix + name) for name in ("zonein", "zoneout", "disablepreview")}
        first, last = values["zonein"], values["zoneout"]
        has_zone = first.isdecimal() and last.isdecimal() and int(first) < int(last)
        return Shown(
            sequence=sequence.identity,
            is_main=self.properties.get(f"{DOCUMENT}uuid", "") in ("", sequence.identity),
            own=tuple(cell for cell in sequence.chunks(_RENDERED) if cell not in ours),
            ours=ours,
            extension=self.properties.get(DOCUMENT + _EXTENSION, ""),
            zone=(int(first), int(last)) if has_zone else None,
            is_switched_off=values["disablepreview"] == "1",
            properties=self.properties,
        )

    def raw(self, span: Span | None) -> str | None:
        """Its text as it stands."""
        return None if span is None else self.data[span.start : span.stop].decode()

    def replace_playlist(self, edits: Edits, sequence: _Sequence, entries: Sequence[tuple[int, int, str]]) -> str:
        playlist = sequence.playlist
        assert playlist is not None
        opening = self.data[playlist.start : playlist.inside].decode().removesuffix("/>").removesuffix(">").rstrip()
        says = "".join(f"\n  {self.raw(child)}" for child in playlist if child.tag == "property")
        text = f"{opening}>{says}{_played(entries)}\n </playlist>"
        edits.replace(playlist, text.encode())
        return text

    def _preview_of(self, tractor: Span) -> tuple[Span | None, Span | None]:
        for track in reversed(outline.tracks(tractor)):
            playlist = self.by_id.get(track.attributes.get("producer", ""))
            if playlist is not None and _TRACK in (playlist.attributes.get("id"), playlist.value("kdenlive:playlistid")):
                return track, playlist
        return None, None
