"""Proxies that are rendered from in the place of their originals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from otio_perf.model.media import MediaInfo
from otio_perf.model.timing import FrameRange, format_timecode, parse_timecode


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """``medium`` is the name that ``info`` goes by. ``source_range``: the frames of the original's file that it holds, 0 = the
    first, counted at its own rate."""

    medium: str
    info: MediaInfo
    source_range: FrameRange


StandIns = Mapping[str, Sequence[StandIn]]
"""By ``Target.medium`` of the original."""


def as_original(stand_ins: Sequence[StandIn]) -> MediaInfo:
    """What an original that is not there must be, for all that its proxies tell: it ends where the last of them does.

    :param stand_ins: at least one.
    """
    one = stand_ins[0]
    assert one.info.picture is not None
    last = max(stand_in.source_range.stop for stand_in in stand_ins)
    rate, label = one.source_range.rate, one.info.start_timecode
    if label is not None:
        try:
            first = parse_timecode(label, rate) - one.source_range.start
            label = format_timecode(first, rate, drop_frame=";" in label) if first >= 0 else None
        except ValueError:
            label = None
    video = replace(one.info.picture, frame_count=last, duration=last / rate)
    return replace(one.info, start_timecode=label, video=(video, *one.info.video[1:]))
