"""What OpenTimelineIO loads of us: a media linker and a write hook, both called ``otio_perf``, and a reader of projects.

OpenTimelineIO imports this package in every program that uses it, so it imports nothing itself. ``plugin_manifest.json``
here and at the top of the checkout are the same file: its paths start in the folder that holds the package.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def plugin_manifest() -> Any:
    """The manifest with absolute paths: what OpenTimelineIO asks an entry point for."""
    import opentimelineio as otio

    here = Path(__file__).parent
    manifest = otio.core.deserialize_json_from_string((here / "plugin_manifest.json").read_text(encoding="utf-8"))
    for plugin in (*manifest.adapters, *manifest.media_linkers, *manifest.hook_scripts):
        plugin.filepath = str(here.parent.parent / plugin.filepath)
    return manifest
