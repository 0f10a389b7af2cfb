"""Where a user's settings are, and what belongs to no timeline."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def default_file() -> Path:
    return Path(platformdirs.user_config_dir("otio_perf", appauthor=False)) / "settings.yaml"


def user_data_folder() -> Path:
    """Where is kept what nobody can make again: what was installed where."""
    return Path(platformdirs.user_data_dir("otio_perf", appauthor=False))


def user_cache_folder() -> Path:
    """Where products go that belong to no timeline, and what is known of this machine."""
    return Path(platformdirs.user_cache_dir("otio_perf", appauthor=False))


def kernels_folder() -> Path:
    """Where compiled kernels of GPUs are kept, so that not every process compiles them."""
    return user_cache_folder() / "kernels"
