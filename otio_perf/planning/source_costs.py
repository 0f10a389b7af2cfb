"""What pictures of media need before they are pictures of the timeline, beside being decoded and scaled. Pure.

Costs are for each megapixel of the source, in exposures (``MachineProfile.effect_ms_per_megapixel``), measured on the CPU
engine: ``benchmarks/cost_model.py --part sources``. Tags say what is needed, as they do where frames are rendered
(``effects.conversion``): what a user chooses with ``--colour`` is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable

from otio_perf.model.media import MediaInfo, MediaKind, VideoInfo

#: Through linear light and back; the luminance gain of HLG, on each side that is it; making room for more light than there is.
_LINEAR_LIGHT, _HLG_GAIN, _TONE_MAP = 12.0, 5.0, 6.0
#: bwdif on one frame with its neighbours; twice as dear where samples take two bytes.
_DEINTERLACE = 0.6

_HDR = {"smpte2084": "pq", "arib-std-b67": "hlg"}
_SDR = "sdr"
#: Primaries that no screen of an SDR timeline has; those of television all count as one.
_WIDE = ("bt2020", "smpte431", "smpte432", "film", "bt470m")


def light_of(video: VideoInfo) -> str:
    """``sdr``, ``pq`` or ``hlg``."""
    return _HDR.get(video.colour.transfer or "", _SDR)


def timeline_light(media: Iterable[MediaInfo | None]) -> str:
    """HDR where all moving pictures are HDR of one kind."""
    found = {light_of(info.picture) for info in media if info and info.picture and info.kind is MediaKind.VIDEO}
    return found.pop() if len(found) == 1 else _SDR


def source_costs(video: VideoInfo, timeline: str) -> tuple[tuple[str, float], ...]:
    """Names, for people, and costs of what is done to each frame. :param timeline: see ``timeline_light``"""
    found = []
    light = light_of(video)
    if light != timeline or (timeline == _SDR and video.colour.primaries in _WIDE):
        cost = _LINEAR_LIGHT + _HLG_GAIN * [light, timeline].count("hlg")
        cost += _TONE_MAP if light != _SDR and timeline == _SDR else 0.0
        found.append(("colour conversion", cost))
    if video.is_interlaced:
        found.append(("deinterlacing", _DEINTERLACE * (2 if video.bit_depth > 8 else 1)))
    return tuple(found)
