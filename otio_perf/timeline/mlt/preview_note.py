"""What a project says of the preview that we put into it: which chunks are ours, and what was there before.

A project comes from anywhere: a note that is not as we write them is none.
"""

from __future__ import annotations

import json

from otio_perf.errors import TimelineError
from otio_perf.timeline.mlt.spans import parse
from otio_perf.timeline.mlt.storage import DOCUMENT
from otio_perf.timeline.mlt.tree import is_number
from otio_perf.timeline.references import Json

#: The property of the document that holds it: Kdenlive drops others when it saves.
NOTE = f"{DOCUMENT}otio_perf.preview"


def note_in(text: str) -> Json | None:
    """``sequences``, by identity, with ``chunks`` (keys by their first frames), ``dirty``, ``said`` and ``before``; properties
    of the ``document`` with what they ``said`` when it was written and ``before``, as elements."""
    try:
        note = json.loads(text)
        are_sequences = all(map(_is_of_sequence, note["sequences"].values()))
        are_properties = all(_are_texts([one["said"]]) and _is_element(one["before"]) for one in note["document"].values())
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None
    return dict(note) if are_sequences and are_properties else None


def _is_of_sequence(noted: Json) -> bool:
    chunks, before = noted["chunks"], noted["before"]
    return (
        all(map(is_number, chunks))
        and _are_texts([*chunks.values(), *noted["said"].values()])
        and all(isinstance(chunk, int) for chunk in noted["dirty"])
        and {*before} >= {"previewchunks", "dirtypreviewchunks"}
        and all(map(_is_element, before.values()))
    )


def _are_texts(values: list[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_element(text: str | None) -> bool:
    """One that can be put back; ``None``: it was not there."""
    try:
        return text is None or bool(parse(text.encode(), "").tag)
    except TimelineError:
        return False
