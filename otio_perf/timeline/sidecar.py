"""The survey of a timeline kept beside it: an unchanged file is opened again without being parsed.

One file a timeline, named by the digest of its bytes and its format: a line, a JSON header, then columns of little-endian
64-bit integers that are used where they lie. Where the media are is not kept: that is looked up each time. A damaged sidecar
is made anew.
"""

# ruff: noqa: PTH100
# Paths are text here: pathlib would swallow "./", doubled and final slashes, and Path.resolve() follows links.

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from array import array
from collections.abc import Sequence
from dataclasses import astuple
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import xxhash

from otio_perf.model import wire
from otio_perf.model.uses import EffectUse, Problem, Survey
from otio_perf.timeline import files
from otio_perf.timeline.columns import SPAN_COLUMNS, TRANSITION_COLUMNS, USE_COLUMNS, Column, Gathered, Spans
from otio_perf.timeline.guard import Limits
from otio_perf.timeline.locate import Locator, Reference
from otio_perf.timeline.spans import cut
from otio_perf.timeline.survey import gather, located

#: Raised when what is stored, or how a timeline is understood, changes.
_VERSION = 9
_MAGIC = b"otio_perf survey\n"
_WORD = 8


class Opened(NamedTuple):
    survey: Survey
    spans: Spans
    was_cached: bool
    notices: tuple[str, ...]  # of the reading, for the user


def survey_cached(
    path: str | os.PathLike[str],
    locator: Locator,
    cache_dir: Path | None,
    *,
    rate: Fraction | None = None,
    limits: Limits | None = None,
) -> Opened:
    """Survey and spans of ``path``, from ``cache_dir``, where there is one, if the file's bytes are those of last time.

    :raises TimelineError: as ``files.read`` and ``survey.survey``; a cache that cannot be written is no error.
    """
    digest = files.digest_at(path, limits)
    asked = "" if rate is None else f"-{rate.numerator}_{rate.denominator}"
    sidecar = None if cache_dir is None else cache_dir / f"survey-{digest}{asked}-{_kind(path)}.index"
    located_here = locator.based(files.base_of(path))
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, IndexError, MemoryError):
        if sidecar is not None:
            gathered, spans, notices = _load(sidecar)
            found = located(gathered, os.path.abspath(path), digest, located_here)
            return Opened(found, spans, True, notices)
    document = files.read(path, rate=rate, limits=limits)
    gathered, digest_read, notices = gather(document), document.digest, document.notices
    survey = located(gathered, document.path, digest_read, locator.based(document.base))
    del document  # by far the largest thing here
    spans = cut(survey)
    if sidecar is not None and digest_read == digest:  # else it changed in between
        with contextlib.suppress(OSError):
            _save(sidecar, gathered, spans, notices)
    return Opened(survey, spans, False, notices)


def _kind(path: str | os.PathLike[str]) -> str:
    """Of a timeline's format: the same bytes can be one thing as an EDL, and another or nothing as an ``.otio``."""
    return re.sub(r"[^a-z0-9]", "_", Path(path).suffix.lower()[1:])[:16]


def _save(path: Path, gathered: Gathered, spans: Spans, notices: tuple[str, ...]) -> None:
    columns: list[Column] = [gathered.uses[n] for n in USE_COLUMNS] + [gathered.transitions[n] for n in TRANSITION_COLUMNS]
    columns += [spans.columns[n] for n in SPAN_COLUMNS] + [spans.members, spans.transition_members]
    body = bytearray()
    for column in columns:
        words = array("q", column)
        if sys.byteorder == "big":
            words.byteswap()
        body += words.tobytes()
    header: dict[str, Any] = {
        "version": _VERSION,
        "name": gathered.name,
        "frame_rate": str(gathered.frame_rate),
        "frames": gathered.frames,
        "start_frame": gathered.start_frame,
        "canvas": gathered.canvas,
        "layers": gathered.layers,
        "problems": [(p.clip, p.reason) for p in gathered.problems],
        "references": [astuple(r) for r in gathered.references],
        "rates": [str(r) for r in gathered.rates],
        "retimes": [str(r) for r in gathered.retimes],
        "effects": [[wire.to_json(e) for e in effects] for effects in gathered.effects],
        "words": list(gathered.words),
        "clips": list(gathered.clips),
        "notices": notices,
        "lengths": [len(c) for c in columns],
    }
    text = json.dumps(header).encode()
    text += b" " * (-(len(_MAGIC) + 2 * _WORD + len(text)) % _WORD)  # so that the columns are aligned
    payload = len(text).to_bytes(_WORD, "little") + text + bytes(body)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(_MAGIC + xxhash.xxh3_64(payload).intdigest().to_bytes(_WORD, "little") + payload)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _load(path: Path) -> tuple[Gathered, Spans, tuple[str, ...]]:
    """:raises OSError, ValueError, KeyError, TypeError, IndexError: not there, damaged, or of another version."""
    data = path.read_bytes()
    start = len(_MAGIC) + _WORD
    payload = memoryview(data)[start:]
    if not data.startswith(_MAGIC) or xxhash.xxh3_64(payload).intdigest() != int.from_bytes(
        data[len(_MAGIC) : start], "little"
    ):
        raise ValueError("damaged")
    length = int.from_bytes(payload[:_WORD], "little")
    header = json.loads(bytes(payload[_WORD : _WORD + length]))
    if header["version"] != _VERSION:
        raise ValueError("another version")
    columns = _columns(payload[_WORD + length :], header["lengths"])
    uses = dict(zip(USE_COLUMNS, columns, strict=False))
    transitions = dict(zip(TRANSITION_COLUMNS, columns[len(USE_COLUMNS) :], strict=False))
    *span_columns, members, transition_members = columns[len(USE_COLUMNS) + len(TRANSITION_COLUMNS) :]
    rate = Fraction(header["frame_rate"])
    gathered = Gathered(
        name=header["name"],
        frame_rate=rate,
        frames=header["frames"],
        start_frame=header["start_frame"],
        canvas=tuple(header["canvas"]) if header["canvas"] else None,
        layers=tuple(header["layers"]),
        problems=tuple(Problem(clip=clip, reason=reason) for clip, reason in header["problems"]),
        references=[Reference(*r) for r in header["references"]],
        rates=[Fraction(r) for r in header["rates"]],
        retimes=[Fraction(r) for r in header["retimes"]],
        effects=[tuple(wire.from_json(EffectUse, e) for e in effects) for effects in header["effects"]],
        words=header["words"],
        clips=header["clips"],
        uses=uses,
        transitions=transitions,
    )
    spans = Spans(dict(zip(SPAN_COLUMNS, span_columns, strict=True)), members, transition_members, gathered.frames, rate)
    return gathered, spans, tuple(header["notices"])


def _columns(body: memoryview, lengths: list[int]) -> list[Sequence[int]]:
    columns: list[Sequence[int]] = []
    for length in lengths:
        piece, body = body[: length * _WORD], body[length * _WORD :]
        if sys.byteorder == "big":
            words = array("q", bytes(piece))
            words.byteswap()
            columns.append(words)
        else:
            columns.append(piece.cast("q"))
    return columns
