"""Timelines made with OpenTimelineIO itself, and proxies that exist on paper only."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from otio_perf.model.plans import Product
from otio_perf.model.recipes import ProxyRecipe, Scope
from otio_perf.model.timing import FrameRange


@pytest.fixture
def product() -> Callable[..., Product]:
    """A made product of a source path, by default of all its frames."""

    def make(
        source: str,
        path: str,
        *,
        rung: str = "1080p",
        start: int = 0,
        frames: int = 1000,
        rate: Fraction = Fraction(24),
        scope: Scope = Scope.FULL,
    ) -> Product:
        return Product(
            key=f"{source}-{rung}-{start}",
            source_path=source,
            source_fingerprint=f"fp-{source}",
            recipe=ProxyRecipe(rung=rung, scope=scope),
            path=path,
            source_range=FrameRange(start, start + frames, rate),
            width=1920,
            height=1080,
        )

    return make


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Write an OTIO object as a file and give its path."""

    def write(item: otio.core.SerializableObject, name: str = "edit.otio") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(item.to_json_string(), encoding="utf-8")
        return path

    return write


@pytest.fixture
def edit() -> Callable[..., otio.schema.Timeline]:
    """A timeline of video tracks; each clip is (url, start, duration) with 1000 frames available from ``first``."""

    def make(*tracks: list[tuple[str, int, int]], rate: float = 24, first: int = 0) -> otio.schema.Timeline:
        def time(value: float) -> otio.opentime.RationalTime:
            return otio.opentime.RationalTime(value, rate)

        timeline = otio.schema.Timeline("edit")
        for clips in tracks:
            track = otio.schema.Track(kind=otio.schema.TrackKind.Video)
            for number, (url, start, duration) in enumerate(clips):
                reference = otio.schema.ExternalReference(
                    target_url=url, available_range=otio.opentime.TimeRange(time(first), time(1000))
                )
                track.append(
                    otio.schema.Clip(
                        name=f"shot{number}",
                        media_reference=reference,
                        source_range=otio.opentime.TimeRange(time(start), time(duration)),
                    )
                )
            timeline.tracks.append(track)
        return timeline

    return make
