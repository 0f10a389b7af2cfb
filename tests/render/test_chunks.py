"""Chunks: cut where the sources say, named by what is seen; an edit makes new ones only where something else is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any

import opentimelineio as otio
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_perf.effects.registry import View, registry
from otio_perf.effects.translate.dialects import translated
from otio_perf.model.chunks import Chunk
from otio_perf.model.composition import Composition
from otio_perf.model.frames import Applied, FramePlan, Generated, Layer, Mix, SourceFrame, Stacked
from otio_perf.model.media import MediaInfo
from otio_perf.model.recipes import ChunkCodec, PrerenderRecipe
from otio_perf.render.chunks import Anchor, chunks, edges, hides_below
from otio_perf.render.plan import frame_plan

Composed = Callable[[otio.core.SerializableObject], Composition]
RATE = Fraction(25)
SIZE = (1280, 720)


@pytest.fixture(scope="session")
def media(paper: Callable[..., MediaInfo]) -> dict[str, MediaInfo]:
    return {f"/m/{name}.mov": paper(f"/m/{name}.mov", frames=2000, rate=RATE) for name in "abcd"}


def span(start: float, duration: float) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, 25), otio.opentime.RationalTime(duration, 25))


def shot(name: str, start: int, frames: int, speed: float = 1) -> otio.schema.Clip:
    found = otio.schema.Clip(name, otio.schema.ExternalReference(f"/m/{name}.mov", span(0, 2000)), span(start, frames))
    found.metadata["cdl"] = {"asc_sat": 0.5}
    if speed != 1:
        found.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed))
    return found


def dissolve(frames: int) -> otio.schema.Transition:
    half = span(0, frames).duration
    return otio.schema.Transition("mix", "SMPTE_Dissolve", half, half)


def edit(*children: Any) -> otio.schema.Timeline:
    return otio.schema.Timeline("t", tracks=[otio.schema.Track(kind="Video", children=list(children))])


def chunks_of(composition: Composition, media: dict[str, MediaInfo], first: int = 0, stop: int | None = None) -> list[Chunk]:
    translate = partial(translated, canvas=SIZE, frame_rate=RATE)
    frames = range(first, len(composition.duration) if stop is None else stop)
    plans = [frame_plan(composition, frame, media, translate, size=SIZE) for frame in frames]
    found = chunks(plans, start=first, media=media, frame_rate=RATE, recipe=PrerenderRecipe(), engine="cpu")
    assert [c.start for c in found] == [first, *(c.stop for c in found)][:-1]
    assert found[-1].stop == frames.stop
    assert tuple(plan for chunk in found for plan in chunk.plans) == tuple(plans)
    return list(found)


def new_frames(before: list[Chunk], after: list[Chunk]) -> int:
    """Frames that have to be rendered for ``after``, where ``before`` is there."""
    known = {chunk.key for chunk in before}
    return sum(len(chunk) for chunk in after if chunk.key not in known)


# ---- edits

SHOTS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(100, 800), st.integers(30, 200), st.sampled_from([1, 0.5, 2, 1.5, -1])),
    min_size=1,
    max_size=4,
)


@settings(max_examples=20)
@given(SHOTS, st.integers(1, 400))
def test_what_is_moved_or_doubled_is_there_already(
    composed: Composed, media: dict[str, MediaInfo], shots: list[tuple[str, int, int, float]], by: int
) -> None:
    region = [shot(*one) for one in shots]
    length = sum(one[2] for one in shots)
    before = chunks_of(composed(edit(*(s.deepcopy() for s in region))), media)
    gap = otio.schema.Gap(source_range=span(0, by))
    moved = composed(edit(gap, *(s.deepcopy() for s in region), *(s.deepcopy() for s in region)))
    assert new_frames(before, chunks_of(moved, media, by, by + length)) == 0
    assert new_frames(before, chunks_of(moved, media, by + length, by + 2 * length)) == 0


@settings(max_examples=examples(40))
@given(
    st.sampled_from([1, 0.5, 2]),
    st.integers(100, 800),
    st.integers(60, 400),
    st.sampled_from(["head", "tail"]),
    st.integers(1, 3),
)
def test_a_trim_makes_the_chunk_at_that_end_only(
    composed: Composed, media: dict[str, MediaInfo], speed: float, start: int, frames: int, end: str, by: int
) -> None:
    source = [shot("a", start, frames, speed)]
    first = round(by * speed) if end == "head" else 0
    if end == "head" and first != by * speed:
        return  # half a source frame is no trim that an editor can make
    trimmed = [shot("a", start + first, frames - by, speed)]
    before, after = (chunks_of(composed(edit(shot("b", 7, 40), *t, shot("c", 9, 40))), media) for t in (source, trimmed))
    assert 0 <= new_frames(before, after) <= 50
    known = {chunk.key for chunk in before}
    changed = [i for i, chunk in enumerate(after) if chunk.key not in known]
    inside = [i for i, c in enumerate(after) if 40 <= c.start < 40 + frames - by]
    assert set(changed) <= {inside[0], inside[-1]}
    assert len(changed) <= 1
    assert new_frames(after, before) <= 50  # and put back, what was there is there


def test_a_trim_by_one_frame_in_numbers(composed: Composed, media: dict[str, MediaInfo]) -> None:
    def made(start: int, frames: int) -> list[Chunk]:
        return chunks_of(composed(edit(shot("b", 0, 50), shot("a", start, frames), shot("c", 0, 50))), media)

    before = made(110, 200)
    assert [len(c) for c in before] == [25, 25, 15, *[25] * 7, 10, 25, 25]
    assert new_frames(before, made(111, 199)) == 14
    assert new_frames(before, made(110, 199)) == 9
    assert new_frames(before, made(109, 201)) == 16
    assert new_frames(made(111, 199), before) == 15


def test_a_transition_has_no_edge_where_it_begins(composed: Composed, media: dict[str, MediaInfo]) -> None:
    made = chunks_of(composed(edit(shot("a", 100, 60), dissolve(5), shot("b", 205, 60))), media)
    assert [(c.start, c.stop) for c in made] == [(0, 25), (25, 50), (50, 65), (65, 80), (80, 105), (105, 120)]
    assert isinstance(made[2].plans[-1].root.layers[0].content, Mix)


# ---- the grid


def counted(numbers: Any, identity: str = "a") -> list[Anchor]:
    return [Anchor(identity, number) for number in numbers]


@pytest.mark.parametrize(
    ("anchors", "wanted"),
    [
        (counted(range(10, 100)), [0, 14, 38, 62, 86, 90]),
        (counted(n // 2 for n in range(10, 100)), [0, 14, 38, 62, 86, 90]),  # half speed: every 12 source frames
        (counted(2 * n for n in range(10, 100)), [0, 14, 38, 62, 86, 90]),
        (counted(reversed(range(30))), [0, 6, 30]),
        (counted([5] * 100), [0, 24, 48, 72, 96, 100]),  # frozen: nothing to count by
        (counted([*range(30), *[29] * 60]), [0, 24, 48, 72, 90]),  # the last frame is held
        (counted([*range(30), *range(100, 130)]), [0, 24, 30, 50, 60]),  # a jump in one medium
        ([*counted(range(5)), *counted(range(5, 10), "b")], [0, 5, 10]),
        (counted([7]), [0, 1]),
    ],
)
def test_edges(anchors: list[Anchor], wanted: list[int]) -> None:
    assert edges(anchors, 24) == wanted


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"), st.integers(0, 99), st.integers(1, 90), st.sampled_from([0, 0.01, 0.3, 1, 1.04, 7, -3])
        ),
        min_size=1,
        max_size=5,
    )
)
def test_chunks_are_neither_empty_nor_long(runs: list[tuple[str, int, int, float]]) -> None:
    anchors = [Anchor(name, int(start + 300 + i * speed)) for name, start, frames, speed in runs for i in range(frames)]
    found = edges(anchors, 24)
    assert found[0] == 0
    assert found[-1] == len(anchors)
    assert all(0 < b - a <= 48 for a, b in pairwise(found))


# ---- keys and alpha

PIXELS = SourceFrame(medium="/m/a.mov", fingerprint="fp-a.mov", number=3)


def plan(*layers: Layer) -> FramePlan:
    return FramePlan(width=SIZE[0], height=SIZE[1], root=Stacked(layers=layers))


def key(media: dict[str, MediaInfo], *plans: FramePlan, rate: Fraction = RATE, engine: str = "cpu", **recipe: Any) -> str:
    made = chunks(plans, start=0, media=media, frame_rate=rate, recipe=PrerenderRecipe(**recipe), engine=engine)
    assert len(made) == 1
    return made[0].key


def test_what_shapes_the_file_is_in_the_key(media: dict[str, MediaInfo]) -> None:
    one = plan(Layer(content=PIXELS))
    assert key(media, one) == key(media, one)
    others = [
        key(media, one, one),
        key(media, one, rate=Fraction(24)),
        key(media, one, engine="gpu"),
        key(media, one, codec=ChunkCodec.DNXHR_SQ),
        key(media, one, quality=50),
        key(media, one, size="half"),
        key(media, one, codec=ChunkCodec.PRORES_4444),
        key(media, one, codec=ChunkCodec.PRORES_4444, keeps_alpha=True),
        key(media, plan(Layer(content=PIXELS, opacity=0.5))),
        key(media, plan()),
    ]
    assert len({key(media, one), *others}) == len(others) + 1


def test_what_does_not_shape_the_file_is_not(media: dict[str, MediaInfo]) -> None:
    one = plan(Layer(content=PIXELS))
    width, height = SIZE
    assert key(media, one) == key(media, one, size=f"{height}p") == key(media, one, size=f"{4 * width}x{height}")
    assert key(media, one, size="half") == key(media, one, size=f"{width // 2}x{height // 2}")
    dnxhr = [key(media, one, codec=ChunkCodec.DNXHR_HQX, quality=quality) for quality in (10, 90)]
    assert dnxhr[0] == dnxhr[1]
    odd = replace(one, width=321, height=181)  # both are stored with 320×180, one of them scaled
    assert key(media, odd) != key(media, odd, size="180p")


def opaque(**fields: Any) -> Layer:
    return Layer(content=PIXELS, **fields)


def made(kind: str, **values: Any) -> Layer:
    return Layer(content=Generated(kind=kind, version=1, values=tuple(sorted(values.items()))))


def applied(name: str, **given: Any) -> Applied:
    row = registry().effect(name)
    return Applied(name=name, version=row.version, values=tuple(sorted(row.checked(given).items())))


def moved(**given: Any) -> Applied:
    return applied("transform", **given)


def mixed(outgoing: Layer | None, incoming: Layer | None) -> Layer:
    return Layer(
        content=Mix(transition=Applied(name="dissolve", version=1), progress=0.5, outgoing=outgoing, incoming=incoming)
    )


@pytest.mark.parametrize(
    ("layers", "covers"),
    [
        ((opaque(),), True),
        ((), False),
        ((opaque(opacity=0.5),), False),
        ((opaque(), opaque(opacity=0.5, blend="screen")), True),
        ((opaque(effects=(applied("exposure", stops=1.0),)),), True),
        ((opaque(effects=(applied("crop", left=10.0),)),), False),
        ((opaque(effects=(moved(),)),), True),
        ((opaque(effects=(moved(scale=(1.1, 1.1), position=(20.0, -10.0)),)),), True),  # a punch-in
        ((opaque(effects=(moved(scale=(1.1, 1.1), position=(90.0, 0.0)),)),), False),
        ((opaque(effects=(moved(scale=(1.05, 1.05), rotation=10.0),)),), False),
        ((opaque(effects=(moved(scale=(1.5, 1.5), rotation=10.0),)),), True),
        ((opaque(effects=(moved(scale=(0.5, 0.5)),)),), False),
        ((made("solid", alpha=1.0),), True),
        ((made("solid", alpha=0.5),), False),
        ((made("bars"),), True),
        ((mixed(opaque(), opaque()),), True),
        ((mixed(opaque(), None),), False),
        ((Layer(content=Stacked(layers=(opaque(opacity=0.1), opaque()))),), True),
        ((Layer(content=SourceFrame(medium="/m/tall.mov", fingerprint="t", number=0)),), False),  # bars at its sides
    ],
)
def test_what_hides_all_below_is_reckoned(layers: tuple[Layer, ...], covers: bool, media: dict[str, MediaInfo]) -> None:
    video = media["/m/a.mov"].video[0]
    known = media | {"/m/tall.mov": replace(media["/m/a.mov"], video=(replace(video, width=720, height=1280),))}
    view = View(width=SIZE[0], height=SIZE[1])
    assert any(hides_below(layer, view, known) for layer in layers) is covers
