"""What is put into a host when it is installed, and taken away again without a trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFile:
    """A file that is ours from the first byte to the last."""

    path: Path
    content: bytes
    is_executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """Keys of ours in a settings file that is the user's own (KDE's format: ``[Group]``, ``key=value``): what else is in it
    stays byte for byte. ``values``: by group and key."""

    path: Path
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


Part = OwnFile | Entries
