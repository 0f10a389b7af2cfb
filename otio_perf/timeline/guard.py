"""The doorman: looks at a timeline's bytes before any parser does.

OpenTimelineIO 0.18 takes the whole interpreter down (SIGSEGV) on 10,000 nested stacks, on metadata 100,000 deep and on an
object that refers to itself. A scan of the bytes finds the first two in a fraction of the time of a parse (0.2 s for 280 MB
here); the third is looked for only where the text has references at all (``references.by_id``).
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from otio_perf.errors import HostileTimelineError, UnreadableTimelineError

#: The schemas that are read without help of OpenTimelineIO: those of 0.18, at their version. Whatever else is met goes
#: through OpenTimelineIO, which upgrades what is old and names what is new.
CURRENT = (
    "RationalTime.1",
    "TimeRange.1",
    "Clip.2",
    "ExternalReference.1",
    "MissingReference.1",
    "ImageSequenceReference.1",
    "GeneratorReference.1",
    "Track.1",
    "Stack.1",
    "Gap.1",
    "Transition.1",
    "Timeline.1",
    "SerializableCollection.1",
    "Effect.1",
    "TimeEffect.1",
    "LinearTimeWarp.1",
    "FreezeFrame.1",
    "Marker.2",
    "Color.1",
    "Box2d.1",
    "V2d.1",
    "TimeTransform.1",
    "SerializableObjectRef.1",
)
_FOREIGN = re.compile(
    rb'"OTIO_SCHEMA"\s*:\s*"(?!(?:' + b"|".join(re.escape(name.encode()) for name in CURRENT) + rb')")([^"\\]{0,100})'
)
_NOT_STRUCTURE = bytes(b for b in range(256) if b not in b'"[]{}')
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a timeline may cost before it is refused. All of them can be raised by who knows his files."""

    max_bytes: int = 2 << 30  # of an .otio file
    max_depth: int = 200  # nested brackets: OTIO's own files stay under 20
    max_adapter_bytes: int = 512 << 20  # of a file that another format's adapter parses
    max_unpacked_bytes: int = 256 << 30  # of all that an .otioz holds
    adapter_seconds: float = 300.0  # for one run of an adapter, in a process of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What the bytes of a JSON timeline tell."""

    size_bytes: int
    depth: int
    has_references: bool  # SerializableObjectRef occurs
    foreign: tuple[str, ...]  # schemas that are not in CURRENT, sorted


def opened(path: Path) -> BinaryIO:
    """A regular file, open for reading. A FIFO or device is refused, not waited for.

    :raises UnreadableTimelineError: not there, no permission, not a regular file.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError as e:
        raise UnreadableTimelineError("no such file", path=path) from e
    except OSError as e:
        raise UnreadableTimelineError(f"cannot be opened ({e.strerror or e})", path=path) from e
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UnreadableTimelineError("not a regular file", path=path)
    return os.fdopen(handle, "rb")


def read_bytes(path: Path, *, max_bytes: int) -> bytes:
    """The bytes of a regular file.

    :raises UnreadableTimelineError: as ``opened``.
    :raises HostileTimelineError: larger than ``max_bytes``.
    """
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            raise _too_large(path, size, max_bytes)
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:  # it grew while it was read
        raise _too_large(path, len(data), max_bytes)
    return data


def check(path: Path, limits: Limits | None = None) -> Scan:
    """Scan the file of an OTIO JSON timeline. :raises UnreadableTimelineError, HostileTimelineError"""
    limits = limits or Limits()
    return scan(read_bytes(path, max_bytes=limits.max_bytes), path=path, limits=limits)


def scan(data: bytes, *, path: object, limits: Limits) -> Scan:
    """Look at JSON text without parsing it. :raises HostileTimelineError: nested deeper than the limit."""
    depth = nesting_depth(data)
    if depth > limits.max_depth:
        raise HostileTimelineError(
            f"nested {depth} levels deep, more than {limits.max_depth} are refused", path=path, hint="Flatten the timeline"
        )
    return Scan(
        size_bytes=len(data),
        depth=depth,
        has_references=b"SerializableObjectRef" in data,
        foreign=tuple(sorted({m[1].decode("utf-8", "replace") for m in _FOREIGN.finditer(data)})),
    )


def nesting_depth(data: bytes) -> int:
    """Deepest nesting of ``[`` and ``{`` outside of strings. Text that is not JSON gives some number, never an error."""
    if b"\\" in data:  # escaped quotes do not end a string; pairs of backslashes escape nothing
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = np.frombuffer(data.translate(None, _NOT_STRUCTURE), np.uint8)
    deepest = depth = inside = 0
    for first in range(0, len(marks), _PIECE):
        piece = marks[first : first + _PIECE]
        is_quote = piece == ord('"')
        in_string = (np.cumsum(is_quote, dtype=np.int32) + inside) & 1
        inside = int(in_string[-1])
        brackets = piece[(in_string == 0) & ~is_quote]
        if len(brackets):
            # "[" 0x5B and "{" 0x7B differ from "]" 0x5D and "}" 0x7D in bit 2
            levels = np.cumsum(np.where(brackets & 4, -1, 1), dtype=np.int64) + depth
            deepest = max(deepest, int(levels.max()))
            depth = int(levels[-1])
    return deepest


def _too_large(path: Path, size: int, limit: int) -> HostileTimelineError:
    return HostileTimelineError(f"{size / 1e6:,.0f} MB, more than {limit / 1e6:,.0f} MB are refused", path=path)
