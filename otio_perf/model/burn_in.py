"""The words that are burnt into the pictures of a proxy."""

from __future__ import annotations

from collections.abc import Sequence

from otio_perf.model.media import MediaInfo
from otio_perf.model.recipes import BurnIn
from otio_perf.model.timing import FrameRate, format_timecode, parse_timecode

#: Of files; pictures of a sequence have as many digits as in their names.
_FRAME_DIGITS = 6
#: In place of a label that cannot exist at the rate of the pictures.
_NO_TIMECODE = "--:--:--:--"


def words(kind: BurnIn, media: MediaInfo, frame: int, rate: FrameRate) -> str:
    """What ``kind`` says on frame ``frame`` of ``media``, counted from 0 at ``rate``.

    The timecode is the source's own, drop-frame where that is; one without counts from 00:00:00:00, as editors do. The name is
    that of the file, for a proxy stands in for it in every clip, whatever these are called; of a sequence with ``#`` for its
    number. The number of a sequence's frame is that of the picture.
    """
    sequence = media.sequence
    match kind:
        case BurnIn.TIMECODE:
            return _timecode(media.start_timecode, frame, rate)
        case BurnIn.NAME:
            return sequence.label if sequence else media.path.replace("\\", "/").rpartition("/")[2]
        case BurnIn.FRAME:
            return f"{sequence.numbers[frame]:0{sequence.padding}d}" if sequence else f"{frame:0{_FRAME_DIGITS}d}"


def all_words(kinds: Sequence[BurnIn], media: MediaInfo, frame: int, rate: FrameRate) -> dict[BurnIn, str]:
    return {kind: words(kind, media, frame, rate) for kind in kinds}


def _timecode(start: str | None, frame: int, rate: FrameRate) -> str:
    if start is None:
        return format_timecode(frame, rate)
    try:
        return format_timecode(parse_timecode(start, rate) + frame, rate, drop_frame=start[-3] in ";.,")
    except ValueError:
        return _NO_TIMECODE
