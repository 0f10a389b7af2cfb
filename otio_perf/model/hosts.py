"""Editing programs as they are found on a machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from otio_perf.model.results import LeftAlone


class Packaging(StrEnum):
    """How a program came to be on the machine: each has folders of its own, and one cannot see into the other's."""

    SYSTEM = "system"
    FLATPAK = "flatpak"
    SNAP = "snap"
    APPIMAGE = "appimage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One way in which a host is there. Folders are absolute paths, and need not be there yet.

    ``host``: a name in ``hosts.HOSTS``. ``version``: ``"22.12.3"``; ``None`` where it could not be told. ``program``: what is
    run; ``None`` where only its folders were found. ``config_folder``: its settings files; ``data_folder``: what a user adds to
    it; ``cache_folder``: what it makes itself, ``""`` where it has none.
    """

    host: str
    packaging: Packaging
    version: str | None
    program: str | None
    config_folder: str
    data_folder: str
    cache_folder: str = ""


class Applied(StrEnum):
    """What became of a project that a program may have open."""

    APPLIED = "applied"  # changed in its place, and the program shows it
    ON_DISK = "on disk"  # changed in its place; no program has it open, or the one that had it was closed
    BESIDE = "beside"  # written beside it: it may be open, and the program could not be told
    KEPT = "kept"  # written beside it: somebody else changed it meanwhile, and nothing of his was touched
    UNCHANGED = "unchanged"  # there was nothing to do


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """Answer of ``hosts.apply``. ``what``: what was asked for. ``written``: the file that was written, ``backup``: where what
    was there before is, ``""`` where there is none. ``program``: the one that has it open, ``""`` where none does.

    ``message``: in one line, what the user must know.
    """

    host: str
    what: str
    project: str
    state: Applied
    message: str
    program: str = ""
    written: str = ""
    backup: str = ""
    changed_clips: int = 0
    left_alone: tuple[LeftAlone, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    @property
    def is_told(self) -> bool:
        """Is there no program that shows, or may show, the project as it was before?"""
        return self.state in (Applied.APPLIED, Applied.UNCHANGED) or (self.state is Applied.ON_DISK and not self.program)
