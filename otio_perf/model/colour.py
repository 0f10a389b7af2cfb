"""The colour spaces that a timeline's pictures can be in.

Effects work on gamma-encoded R'G'B' of one such space; sources of another are converted on the way in, and the file that is
written says which it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from otio_perf.model.media import ColourTags


class ColourSpace(StrEnum):
    """What the values of pictures mean."""

    BT709 = "bt709"  # an HD screen (ITU-R BT.709, BT.1886)
    BT2020_PQ = "bt2020_pq"  # HDR, absolute (ITU-R BT.2100, SMPTE ST 2084)
    BT2020_HLG = "bt2020_hlg"  # HDR, relative (ITU-R BT.2100, ARIB STD-B67)

    @property
    def tags(self) -> ColourTags:
        """What a file in this space says of itself: limited range, as all video."""
        primaries, transfer, matrix = _TAGS[self]
        return ColourTags(primaries=primaries, transfer=transfer, matrix=matrix, range="tv", chroma_location="left")

    @property
    def is_hdr(self) -> bool:
        return self is not ColourSpace.BT709


_TAGS = {
    ColourSpace.BT709: ("bt709", "bt709", "bt709"),
    ColourSpace.BT2020_PQ: ("bt2020", "smpte2084", "bt2020nc"),
    ColourSpace.BT2020_HLG: ("bt2020", "arib-std-b67", "bt2020nc"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """How much light HDR pictures have: HDR10's side data, in the words of ``VideoInfo``; ``None``: it is not said."""

    mastering_display: str | None = None
    content_light: str | None = None


UNSAID = Light()

#: The setting's word for "as the sources are".
AUTO = "auto"
