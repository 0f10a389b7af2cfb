"""In which colours a timeline is rendered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import opentimelineio as otio
import pytest

from otio_perf.model.colour import ColourSpace
from otio_perf.model.composition import Composition
from otio_perf.model.media import ColourTags, MediaInfo, MediaKind
from otio_perf.render.plan import timeline_colour

HD = ColourTags(primaries="bt709", transfer="bt709", matrix="bt709", range="tv")
PQ = ColourTags(primaries="bt2020", transfer="smpte2084", matrix="bt2020nc", range="tv")
HLG = ColourTags(primaries="bt2020", transfer="arib-std-b67", matrix="bt2020nc", range="tv")

Composed = Callable[[otio.core.SerializableObject], Composition]


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ([], ColourSpace.BT709),
        ([HD, HD], ColourSpace.BT709),
        ([ColourTags()], ColourSpace.BT709),
        ([PQ, PQ], ColourSpace.BT2020_PQ),
        ([HLG], ColourSpace.BT2020_HLG),
        ([PQ, HD], ColourSpace.BT709),
        ([PQ, HLG], ColourSpace.BT709),
        ([PQ, ColourTags()], ColourSpace.BT709),
    ],
)
def test_a_timeline_has_the_colours_of_its_films(
    composed: Composed, paper: Callable[..., MediaInfo], tags: list[ColourTags], wanted: ColourSpace
) -> None:
    title = paper("/m/title.mov", kind=MediaKind.STILL)  # sRGB, and no vote
    media = {title.path: _with(title, ColourTags(transfer="iec61966-2-1"))}
    for number, colour in enumerate(tags):
        film = paper(f"/m/{number}.mov")
        media[film.path] = _with(film, colour)
    span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(10, 24))
    clips = [otio.schema.Clip("c", otio.schema.ExternalReference(path, span), span) for path in [*media, "/m/missing.mov"]]
    composition = composed(otio.schema.Timeline("t", tracks=[otio.schema.Track(kind="Video", children=clips)]))
    assert timeline_colour(composition, media) is wanted
    assert timeline_colour(composition, media, "bt2020_hlg") is ColourSpace.BT2020_HLG


def _with(info: MediaInfo, colour: ColourTags) -> MediaInfo:
    return replace(info, video=(replace(info.video[0], colour=colour),))
