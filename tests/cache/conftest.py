from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from otio_perf.model.media import MediaInfo, MediaKind
from otio_perf.model.plans import Product
from otio_perf.model.recipes import ProxyRecipe
from otio_perf.model.timing import FrameRange


@pytest.fixture
def make_product(tmp_path: Path) -> Callable[..., Product]:
    """Writes a small file and returns the product that it is."""

    def make(
        key: str,
        *,
        root: Path = tmp_path / "ws",
        source: str = "/rushes/A001.mp4",
        fingerprint: str = "f1",
        name: str | None = None,
        content: bytes = b"proxy",
    ) -> Product:
        path = root / "proxies" / (name or f"{key}.mov")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return Product(
            key=key,
            source_path=source,
            source_fingerprint=fingerprint,
            recipe=ProxyRecipe(rung="1080p"),
            path=str(path),
            source_range=FrameRange(0, 50, Fraction(25)),
            width=1920,
            height=1080,
            size_bytes=len(content),
            digest=str(len(content)) + content[:8].hex(),
        )

    return make


@pytest.fixture
def make_media() -> Callable[..., MediaInfo]:
    def make(path: str, fingerprint: str = "f1") -> MediaInfo:
        return MediaInfo(
            path=path,
            kind=MediaKind.AUDIO,
            container="wav",
            size_bytes=10,
            fingerprint=fingerprint,
            duration=Fraction(1, 3),
            video=(),
            audio=(),
            other_streams=0,
            start_timecode=None,
            reel=None,
        )

    return make
