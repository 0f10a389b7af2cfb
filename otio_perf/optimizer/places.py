"""Where workspaces are: the one that a command works in, and the others of this machine."""

from __future__ import annotations

import os
from pathlib import Path

from otio_perf import settings as settings_module
from otio_perf.cache import known
from otio_perf.cache.workspace import MARKER
from otio_perf.errors import CacheError
from otio_perf.settings import Settings

WORKSPACE_NAME = ".otio_perf"
_KNOWN_FILE = "workspaces.json"


def workspace_root(settings: Settings, anchor: Path | None, *, create: bool) -> Path:
    """``--workspace`` > environment > beside the timeline > the user's cache folder.

    What only looks (``create`` is false) takes the first of them that is there: it makes no folder among a user's files.
    """
    candidates = [settings.workspace] if settings.workspace is not None else []
    if anchor is not None and settings.workspace is None:
        candidates.append(anchor.absolute().parent / WORKSPACE_NAME)
    for candidate in candidates:
        if create or (candidate / MARKER).is_file():
            return candidate
    return settings_module.user_cache_folder() / "workspace"


def other_workspaces(root: Path) -> tuple[Path, ...]:
    """Workspaces on this machine that were used before and are there, but the one at ``root``; used last first."""
    own = os.path.realpath(root)
    return tuple(other for other in known_workspaces() if os.path.realpath(other) != own)


def known_workspaces() -> tuple[Path, ...]:
    """Workspaces on this machine that were used before and are there; used last first."""
    return known.recall(settings_module.user_cache_folder() / _KNOWN_FILE)


def existing_workspace(settings: Settings) -> Path:
    """The workspace that ``cache`` commands are about: the one that was named, the one in this folder, or the user's.

    :raises CacheError: the folder that was named is no workspace
    """
    root = workspace_root(settings, Path.cwd() / "timeline", create=False)
    if settings.workspace is not None and root != settings.workspace:
        raise CacheError(
            "is no workspace of otio-perf", path=settings.workspace, hint="Name the folder that --workspace named before"
        )
    return root


def remember(root: Path) -> None:
    """For ``other_workspaces``, of this run and of later ones."""
    known.remember(settings_module.user_cache_folder() / _KNOWN_FILE, root)
