"""Editing programs as they are found on a machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
