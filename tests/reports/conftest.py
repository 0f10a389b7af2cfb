"""An analysis with everything in it: smooth, slow, missing media, hostile names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from otio_perf.model.analysis import Analysis, MediaFinding, Remedy, SpanCost, Suggestion
from otio_perf.model.machine import MachineProfile
from otio_perf.model.media import ColourTags, Gop, MediaInfo, MediaKind, VideoInfo
from otio_perf.model.spans import Span
from otio_perf.model.timing import FrameRange
from otio_perf.model.uses import Problem, Survey, Target, TargetKind, TrackKind, Use

HOSTILE = "<script>alert('x')</script>\n\"&.mp4"
RATE = Fraction(25)

MACHINE = MachineProfile(
    machine="test machine",
    measured_at="2026-01-01T00:00:00+00:00",
    seconds_taken=1.0,
    cores=4,
    memory_bytes=16 << 30,
    decode={},
    encode_ms_per_megapixel={},
    scale_ms_per_megapixel=0.2,
    composite_ms_per_megapixel=0.5,
    effect_ms_per_megapixel=2.0,
    disk_read_bytes_per_second=1e9,
)

VIDEO = VideoInfo(
    stream_index=0,
    codec="hevc",
    profile="Main 10",
    width=3840,
    height=2160,
    pixel_format="yuv420p10le",
    bit_depth=10,
    has_alpha=False,
    frame_rate=RATE,
    is_vfr=False,
    frame_count=100,
    duration=Fraction(4),
    start_time=Fraction(0),
    sample_aspect=Fraction(1),
    rotation=0,
    is_mirrored=False,
    field_order="progressive",
    colour=ColourTags(),
    gop=Gop(longest=30, mean=30.0, has_b_frames=True),
    bits_per_second=60_000_000,
)


@pytest.fixture
def make_analysis() -> Callable[[list[float | None]], Analysis]:
    """Spans of 10 frames with the given factors, one clip each; ``None``: its medium is offline."""

    def make(factors: list[float | None]) -> Analysis:
        path = f"/rushes/{HOSTILE}"
        info = MediaInfo(
            path=path,
            kind=MediaKind.VIDEO,
            container="mov",
            size_bytes=1000,
            fingerprint="f",
            duration=Fraction(4),
            video=(VIDEO,),
            audio=(),
            other_streams=0,
            start_timecode="01:00:00:00",
            reel=None,
        )
        target = Target(kind=TargetKind.FILE, url=path, path=path)
        gone = Target(kind=TargetKind.FILE, url="lost.mov", path="/rushes/lost.mov")
        uses = tuple(
            Use(
                index=i,
                clip=f"clip {i} {HOSTILE}",
                track=0,
                track_kind=TrackKind.VIDEO,
                target=gone if factor is None else target,
                position=FrameRange(i * 10, i * 10 + 10, RATE),
                source=FrameRange(0, 10, RATE),
                available_start=0,
                available_frames=100,
            )
            for i, factor in enumerate(factors)
        )
        spans = tuple(
            SpanCost(
                span=Span(position=use.position, uses=(use.index,)),
                frame_ms=40 * (factor or 0),
                factor=factor or 0.0,
                reasons=(f"4K HEVC 10-bit long GOP: needs {factor} × the time it has", f"decode {HOSTILE} takes long"),
                parts_ms=((f"decode {HOSTILE}", 40 * (factor or 0)),),
                with_proxy_factor=0.25 if factor and factor > 1 else None,
                offline=() if factor is not None else ("/rushes/lost.mov",),
            )
            for use, factor in zip(uses, factors, strict=True)
        )
        slow = tuple(i for i, factor in enumerate(factors) if factor and factor > 1)
        suggestion = Suggestion(
            remedy=Remedy.PROXY,
            text=f"1080p proxy of {HOSTILE}",
            media_path=path,
            rung="1080p",
            spans=slow,
            work_seconds=9.0,
            size_bytes=210_000_000,
            saved_ms=61.0,
            saved_seconds=3.0,
        )
        return Analysis(
            survey=Survey(
                name=f"cut {HOSTILE}",
                path="/t/cut.otio",
                digest="d",
                frame_rate=RATE,
                duration=FrameRange(0, 10 * len(factors), RATE),
                start_frame=90000,
                canvas=(1920, 1080),
                layers=(f"V1 {HOSTILE}",),
                targets=(target, gone),
                uses=uses,
                transitions=(),
                problems=(Problem(clip=f"broken {HOSTILE}", reason="rate is not a number"),),
            ),
            machine=replace(MACHINE, notes=("a note",)),
            media=(
                MediaFinding(path=path, url=path, state="online", info=info, reason=None),
                MediaFinding(path="/rushes/lost.mov", url="lost.mov", state="offline", info=None, reason="it is not there"),
            ),
            spans=spans,
            suggestions=(suggestion,) if slow else (),
        )

    return make
