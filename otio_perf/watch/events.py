"""What the watch of a folder tells, and how it stands. Plain values."""

from __future__ import annotations

from dataclasses import dataclass

from otio_perf.watch.settle import Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A medium that has not changed for a while. Told again when it has changed and settled anew."""

    seen: Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One that was told as settled is being written again. ``path``: as it was told."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """One that was told as settled was deleted or moved, while its folder is there."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """``FolderState.mode`` or ``reason`` is another. Suspended: forget what was told; all of it will be told again."""

    mode: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Something that the user may want to know."""

    text: str


FolderEvent = Settled | Changed | Gone | Turned | Noted


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderState:
    mode: str  # watching, polling, suspended
    reason: str  # why it is not watching
    files: int  # media; numbered pictures count as one
    settling: int  # being written, or not whole
    scanned_at: float | None  # seconds since the epoch: when all of it was looked at last
