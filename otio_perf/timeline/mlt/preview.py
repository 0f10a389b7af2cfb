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
from xml.sax.saxutils import escape, quoteattr

from otio_perf.timeline.mlt import outline, tree
from otio_perf.timeline.mlt.preview_note import NOTE
from otio_perf.timeline.mlt.project import PREVIEW_TRACK, Project
from otio_perf.timeline.mlt.sequences import (
    DIRTY,
    RENDERED,
    KdenliveDocument,
    KdenliveSequence,
    chunks_in,
    listed,
    played,
)
from otio_perf.timeline.mlt.spans import Edits, Span, parse
from otio_perf.timeline.mlt.storage import DOCUMENT
from otio_perf.timeline.mlt.tree import is_number
from otio_perf.timeline.references import Json

_EXTENSION, _PARAMETERS = "previewextension", "previewparameters"
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
    zone: tuple[int, int] | None
    is_switched_off: bool
    properties: Mapping[str, str]


def document_properties(data: bytes, path: object) -> dict[str, str]:
    """Of the bin, see ``storage.storage_of``; empty: no project of Kdenlive."""
    return KdenliveDocument(data, path).properties


def shown(data: bytes, path: object) -> Shown:
    """The preview of the sequence that is read.

    :raises UnwritableTimelineError: no project of Kdenlive's, or of a Kdenlive that is newer than those that are known
    """
    project = Project(tree.parse(data, path), str(path))  # which refuses what is hostile
    document = KdenliveDocument(data, path)
    return _shown(document, document.required(project))


def every_shown(data: bytes, path: object) -> tuple[Shown, ...]:
    """Of all sequences that have chunks of ours."""
    if not _is_noted(data):
        return ()
    document = KdenliveDocument(data, path)
    return tuple(_shown(document, one) for identity in document.noted if (one := document.sequence(identity)) is not None)


def with_preview(data: bytes, path: object, preview: Preview) -> bytes:
    """``data`` with ``preview`` in place of what of ours the sequence has. :raises UnwritableTimelineError: see ``shown``"""
    if preview.removes_all:
        return _without(KdenliveDocument(data, path), preview.taken_over, only=None) if _is_noted(data) else data
    project = Project(tree.parse(data, path), str(path))
    document = KdenliveDocument(data, path)
    sequence = document.required(project)
    if document.note is not None:
        document = KdenliveDocument(_without(document, preview.taken_over, only=sequence.identity), path)
        sequence = document.same(sequence)
    if not preview.chunks and not preview.dirty:
        return document.data
    edits = Edits(document.data)
    own = sequence.chunks(RENDERED)
    rendered = sorted({*own, *(chunk.start for chunk in preview.chunks)})
    added = sorted({*preview.dirty} - {*rendered, *sequence.chunks(DIRTY)})
    dirty = sorted({*sequence.chunks(DIRTY), *added} - {*rendered})
    lists: dict[str, str] = {RENDERED: listed(rendered), DIRTY: listed(dirty)}
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
    edits.set_property(document.bin, NOTE, json.dumps(note, ensure_ascii=False))
    return edits.result()


def chunk_paths(data: bytes, path: object) -> tuple[str, ...]:
    """Files that the previews of the project play, where they are ours."""
    if not _is_noted(data):
        return ()
    document = KdenliveDocument(data, path)
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
    return NOTE.encode() in data


def _without(document: KdenliveDocument, taken_over: Mapping[str, Collection[int]], *, only: str | None) -> bytes:
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
        edits.set_property(document.bin, NOTE, json.dumps({**note, "sequences": left}, ensure_ascii=False))
    elif (found := document.bin.property(NOTE)) is not None:
        edits.remove(found)
    return edits.result()


def _take_off(edits: Edits, document: KdenliveDocument, sequence: KdenliveSequence, noted: Json, taken: set[int]) -> list[int]:
    """Our chunks of one sequence. :returns: chunks that it still has"""
    ours, before = {*map(int, noted["chunks"])}, noted["before"]
    rendered, dirty = sequence.chunks(RENDERED), sequence.chunks(DIRTY)
    entries = sequence.entries() if sequence.playlist is not None else []
    going = [e for e in entries if e.start in ours - taken]
    producers = [p for e in going if (p := document.by_id.get(e.span.attributes.get("producer", ""))) is not None]
    said = {name: sequence.holder.value(sequence.prefix + name) for name in (RENDERED, DIRTY)}
    if ours and sequence.playlist is not None:
        said["playlist"] = _digest(document.raw(sequence.playlist) or "")
    if said == noted["said"] and not taken:  # nobody has touched it since
        for name in (RENDERED, DIRTY):
            _put_back(edits, sequence.holder, sequence.prefix + name, before[name])
        if sequence.playlist is not None and before.get("playlist") is not None:
            edits.replace(sequence.playlist, before["playlist"].encode())
        elif sequence.playlist is not None and ours:
            _remove_track(edits, sequence)
        kept = [cell for cell in rendered if cell not in ours]
    else:
        kept = [cell for cell in rendered if cell not in ours - taken]
        was_dirty = chunks_in("" if before[DIRTY] is None else parse(before[DIRTY].encode(), "").text)
        red = ({*dirty} - ours - {*noted["dirty"]}) | ({*was_dirty} & (ours - taken))
        edits.set_property(sequence.holder, sequence.prefix + RENDERED, listed(kept))
        edits.set_property(sequence.holder, sequence.prefix + DIRTY, listed(sorted(red)))
        staying = [e for e in entries if e not in going]
        if going and staying:
            document.replace_playlist(edits, sequence, [(e.start, e.frames, document.raw(e.span) or "") for e in staying])
        elif going:
            _remove_track(edits, sequence)
    for producer in producers:
        edits.remove(producer)
    return kept


def _lay(edits: Edits, document: KdenliveDocument, sequence: KdenliveSequence, chunks: Sequence[Chunk]) -> str:
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
        playlist, says = mark, f'\n  <property name="kdenlive:playlistid">{PREVIEW_TRACK}</property>'
    else:
        playlist, says = PREVIEW_TRACK, ""
    text = f"<playlist id={quoteattr(playlist)}>{says}{played(entries)}\n </playlist>"
    edits.insert_before(sequence.tractor, text)
    top = outline.tracks(sequence.tractor)[-1]
    edits.insert_behind(top, f'<track hide="both" producer={quoteattr(playlist)}/>')
    return text


def _remove_track(edits: Edits, sequence: KdenliveSequence) -> None:
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


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _shown(document: KdenliveDocument, sequence: KdenliveSequence) -> Shown:
    noted = document.noted.get(sequence.identity)
    ours = {} if noted is None else {int(start): str(key) for start, key in noted["chunks"].items()}
    values = {name: sequence.holder.value(sequence.prefix + name) for name in ("zonein", "zoneout", "disablepreview")}
    first, last = values["zonein"], values["zoneout"]
    has_zone = is_number(first) and is_number(last) and int(first) < int(last)
    return Shown(
        sequence=sequence.identity,
        is_main=document.properties.get(f"{DOCUMENT}uuid", "") in ("", sequence.identity),
        own=tuple(cell for cell in sequence.chunks(RENDERED) if cell not in ours),
        ours=ours,
        zone=(int(first), int(last)) if has_zone else None,
        is_switched_off=values["disablepreview"] == "1",
        properties=document.properties,
    )
