"""What may be copied instead of rendered: a medium as it is, over the whole picture, and nothing that is only nearly so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from otio_perf.model.colour import ColourSpace
from otio_perf.model.frames import Applied, FramePlan, Generated, Layer, SourceFrame, Stacked
from otio_perf.model.media import ColourTags, MediaInfo, MediaKind
from otio_perf.model.recipes import PrerenderRecipe
from otio_perf.render.untouched import Untouched, untouched

RATE = Fraction(25)
SIZE = (1280, 720)
BRIGHTER = Applied(name="exposure", version=1, values=(("stops", 0.5),))


@pytest.fixture
def media(paper: Callable[..., MediaInfo]) -> dict[str, MediaInfo]:
    return {name: tagged(paper(f"/m/{name}.mov", frames=200, rate=RATE)) for name in "ab"}


def tagged(info: MediaInfo, **changed: Any) -> MediaInfo:
    video = info.picture
    assert video is not None
    tags = replace(ColourSpace.BT709.tags, chroma_location=None)
    fields = {"colour": tags, "width": SIZE[0], "height": SIZE[1], **changed}
    return replace(info, video=(replace(video, **fields),))


def shot(name: str, number: int, **fields: Any) -> Layer:
    return Layer(content=SourceFrame(medium=name, fingerprint=name, number=number), **fields)


def plan(*layers: Layer) -> FramePlan:
    return FramePlan(width=SIZE[0], height=SIZE[1], root=Stacked(layers=layers))


def runs(plans: list[FramePlan], media: dict[str, MediaInfo], recipe: PrerenderRecipe | None = None) -> list[Untouched]:
    return list(untouched(plans, start=10, media=media, frame_rate=RATE, recipe=recipe or PrerenderRecipe()))


def test_runs_are_of_one_medium_frame_after_frame(media: dict[str, MediaInfo]) -> None:
    numbers = [("a", 5), ("a", 6), ("a", 8), ("b", 9), ("b", 10), ("b", 9)]
    found = runs([plan(shot(*number)) for number in numbers], media)
    assert found == [
        Untouched(start=10, stop=12, medium="a", first=5),
        Untouched(start=12, stop=13, medium="a", first=8),
        Untouched(start=13, stop=15, medium="b", first=9),
        Untouched(start=15, stop=16, medium="b", first=9),
    ]


def test_what_lies_below_is_not_seen(media: dict[str, MediaInfo]) -> None:
    assert runs([plan(shot("a", 1, effects=(BRIGHTER,)), shot("b", 2))], media) == [
        Untouched(start=10, stop=11, medium="b", first=2)
    ]


@pytest.mark.parametrize(
    "layers",
    [
        (),
        (shot("a", 1, effects=(BRIGHTER,)),),
        (shot("a", 1, opacity=0.5),),
        (shot("a", 1, blend="multiply"),),
        (shot("a", 1), shot("b", 1, opacity=0.5)),
        (Layer(content=Generated(kind="solid", version=1)),),
        (Layer(content=Stacked(layers=(shot("a", 1),))),),
    ],
)
def test_what_is_touched_is_rendered(layers: tuple[Layer, ...], media: dict[str, MediaInfo]) -> None:
    assert runs([plan(*layers)], media) == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"width": 1920}, "it is 1920x720, the movie 1280x720"),
        ({"height": 722}, "it is 1280x722, the movie 1280x720"),
        ({"sample_aspect": Fraction(4, 3)}, "its pixels are not square"),
        ({"rotation": 180}, "it is shown turned or mirrored"),
        ({"is_mirrored": True}, "it is shown turned or mirrored"),
        ({"field_order": "tt"}, "it is interlaced"),
        ({"frame_rate": Fraction(30)}, "it has 30 frames a second, the timeline 25"),
        ({"colour": ColourTags()}, "its primaries is not said, the movie's bt709"),
        ({"colour": replace(ColourSpace.BT709.tags, range="pc")}, "its range is pc, the movie's tv"),
        ({"colour": ColourSpace.BT2020_PQ.tags}, "its primaries is bt2020, the movie's bt709"),
    ],
)
def test_a_picture_that_has_to_be_made_to_fit_is_rendered(
    changed: dict[str, Any], reason: str, media: dict[str, MediaInfo]
) -> None:
    (found,) = runs([plan(shot("a", 1))], {"a": tagged(media["a"], **changed)})
    assert found.reason == reason


def test_nor_is_a_still_or_what_is_wanted_smaller(media: dict[str, MediaInfo]) -> None:
    assert runs([plan(shot("a", 1))], {"a": replace(media["a"], kind=MediaKind.STILL)}) == []
    assert runs([plan(shot("a", 1))], {"a": tagged(media["a"], has_alpha=True)}) == []  # what is below is seen
    varying = plan(Layer(content=SourceFrame(medium="a", fingerprint="a", number=1, rate=RATE)))
    assert [run.reason for run in runs([varying], media)] == ["its frame rate varies"]
    smaller = runs([plan(shot("a", 1))], media, PrerenderRecipe(size="half"))
    assert [run.reason for run in smaller] == ["the timeline is 1280x720, the movie 640x360"]
    assert [run.reason for run in runs([plan(shot("a", 1))], media, PrerenderRecipe(size="1080p"))] == [""]  # never larger
