"""Which FFmpeg is inside PyAV: part of a machine's identity, and of a bug report."""

from __future__ import annotations

import av


def text() -> str:
    """``PyAV 18.1.0, libavcodec 62.28.100``."""
    version = ".".join(map(str, av.library_versions["libavcodec"]))
    return f"PyAV {av.__version__}, libavcodec {version}"
