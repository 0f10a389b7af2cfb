"""Builders of plain values: machines, media, timelines."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from otio_perf.model.analysis import MediaFinding
from otio_perf.model.machine import DecodeCost, MachineProfile
from otio_perf.model.media import AudioInfo, ColourTags, Gop, MediaInfo, MediaKind, VideoInfo
from otio_perf.model.plans import Product
from otio_perf.model.recipes import Codec
from otio_perf.model.spans import Span
from otio_perf.model.timing import FrameRange
from otio_perf.model.uses import EffectUse, Retime, Survey, Target, TargetKind, TrackKind, TransitionUse, Use

RATE = Fraction(25)


def machine(**changes: Any) -> MachineProfile:
    """Round figures: 1 ms a megapixel and 10 ms a megabit for H.264, twice that for HEVC, ten times less for ProRes."""

    def cost(scale: float) -> DecodeCost:
        return DecodeCost(per_frame=0.1, per_megapixel=scale, per_megabit=10 * scale)

    return replace(
        MachineProfile(
            machine="test machine",
            measured_at="2026-01-01T00:00:00+00:00",
            seconds_taken=1.0,
            cores=4,
            memory_bytes=16 << 30,
            decode={
                "h264": cost(1),
                "h264:10": cost(1.2),
                "h264:intra": cost(0.2),
                "hevc": cost(2),
                "hevc:10": cost(2.4),
                "hevc:intra": cost(0.4),
                "prores": cost(0.1),
                "mjpeg": cost(0.3),
            },
            encode_ms_per_megapixel={codec.value: 5.0 for codec in Codec},
            scale_ms_per_megapixel=0.2,
            composite_ms_per_megapixel=0.5,
            effect_ms_per_megapixel=2.0,
            disk_read_bytes_per_second=1e9,
        ),
        **changes,
    )


def media(path: str = "/m/a.mp4", *, kind: MediaKind = MediaKind.VIDEO, audio: int = 0, **changes: Any) -> MediaInfo:
    """4K H.264 long GOP, 25 fps, 100 Mb/s, 1000 frames; ``changes`` go to the video, or to the medium where they fit there."""
    own = {k: changes.pop(k) for k in ("start_timecode", "sequence", "fingerprint") if k in changes}
    video = replace(
        VideoInfo(
            stream_index=0,
            codec="h264",
            profile="High",
            width=3840,
            height=2160,
            pixel_format="yuv420p",
            bit_depth=8,
            has_alpha=False,
            frame_rate=RATE,
            is_vfr=False,
            frame_count=1000,
            duration=Fraction(40),
            start_time=Fraction(0),
            sample_aspect=Fraction(1),
            rotation=0,
            is_mirrored=False,
            field_order="progressive",
            colour=ColourTags(),
            gop=Gop(longest=50, mean=50.0, has_b_frames=True),
            bits_per_second=100_000_000,
        ),
        **changes,
    )
    sound = AudioInfo(
        stream_index=1,
        codec="aac",
        sample_rate=48000,
        channels=2,
        layout="stereo",
        duration=Fraction(40),
        start_time=Fraction(0),
    )
    return MediaInfo(
        path=path,
        kind=kind,
        container="mov",
        size_bytes=500_000_000,
        fingerprint=own.get("fingerprint", f"print of {path}"),
        duration=Fraction(40),
        video=() if kind is MediaKind.AUDIO else (video,),
        audio=(sound,) * audio,
        other_streams=0,
        start_timecode=own.get("start_timecode"),
        reel=None,
        sequence=own.get("sequence"),
    )


def target(path: str | None = "/m/a.mp4", kind: TargetKind = TargetKind.FILE, **changes: Any) -> Target:
    return Target(kind=kind, url=path or "", path=path if kind in (TargetKind.FILE, TargetKind.SEQUENCE) else None, **changes)


def use(
    where: Target,
    start: int,
    stop: int,
    *,
    source: tuple[int, int] | None = None,
    source_rate: Fraction = RATE,
    track: int = 0,
    kind: TrackKind = TrackKind.VIDEO,
    available_start: int | None = 0,
    speed: Fraction | None = None,
    effects: tuple[str, ...] = (),
    rate: Fraction = RATE,
) -> Use:
    """A clip at timeline frames [start, stop); index is set by ``survey``."""
    first, last = source or (0, stop - start)
    return Use(
        index=-1,
        clip=f"clip at {start}",
        track=track,
        track_kind=kind,
        target=where,
        position=FrameRange(start, stop, rate),
        source=FrameRange(first, last, source_rate),
        available_start=available_start,
        available_frames=None,
        retime=None if speed is None else Retime(speed=speed),
        effects=tuple(EffectUse(dialect="otio", name=e, label=e) for e in effects),
    )


def survey(
    uses: list[Use],
    *,
    canvas: tuple[int, int] | None = (1920, 1080),
    transitions: tuple[FrameRange, ...] = (),
    rate: Fraction = RATE,
) -> tuple[Survey, tuple[Span, ...]]:
    """A survey and its spans (cut at every edge of every use)."""
    numbered = tuple(replace(u, index=i) for i, u in enumerate(uses))
    stop = max((u.position.stop for u in numbered), default=0)
    edges = sorted({0, stop, *(e for u in numbered for e in (u.position.start, u.position.stop))})
    edges = sorted({*edges, *(e for t in transitions for e in (t.start, t.stop))})
    spans = []
    for first, last in itertools.pairwise(edges):
        inside = sorted(
            (u.track, u.index)
            for u in numbered
            if u.track_kind is TrackKind.VIDEO and u.position.start <= first and last <= u.position.stop
        )
        shown = tuple(i for i, t in enumerate(transitions) if t.start <= first and last <= t.stop)
        spans.append(Span(position=FrameRange(first, last, rate), uses=tuple(i for _, i in inside), transitions=shown))
    return (
        Survey(
            name="cut",
            path="/t/cut.otio",
            digest="d",
            frame_rate=rate,
            duration=FrameRange(0, stop, rate),
            start_frame=90000,
            canvas=canvas,
            layers=tuple(f"V{n + 1}" for n in range(max((u.track for u in numbered), default=0) + 1)),
            targets=tuple(dict.fromkeys(u.target for u in numbered)),
            uses=numbered,
            transitions=tuple(TransitionUse(name="", kind="SMPTE_Dissolve", track=0, position=t) for t in transitions),
        ),
        tuple(spans),
    )


def finding(info: MediaInfo | None, path: str = "", state: str = "online", reason: str | None = None) -> MediaFinding:
    name = info.path if info else path
    return MediaFinding(path=name, url=name, state=state, info=info, reason=reason)


def made(product: Product) -> Product:
    return replace(product, size_bytes=10, digest="made")


@pytest.fixture
def build() -> SimpleNamespace:
    return SimpleNamespace(
        machine=machine, media=media, target=target, use=use, survey=survey, finding=finding, made=made, rate=RATE
    )
