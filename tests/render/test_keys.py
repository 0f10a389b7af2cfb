"""Keys say what a frame is, not where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import opentimelineio as otio
import pytest

from otio_perf.effects.parameters import File
from otio_perf.effects.registry import registry
from otio_perf.model.composition import Composition
from otio_perf.model.frames import Applied, FramePlan, Layer, Mix, Moment, SourceFrame, Stacked, Translated
from otio_perf.model.uses import EffectUse
from otio_perf.render.keys import files_of, frame_key
from otio_perf.render.plan import frame_plan

Composed = Callable[[otio.core.SerializableObject], Composition]


def span(start: float, duration: float) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, 25), otio.opentime.RationalTime(duration, 25))


def fading(use: EffectUse, moment: Moment) -> Translated:
    return Translated(opacity=float(moment.frame / moment.length))


def keys(composition: Composition, media: Any) -> list[str]:
    plans = [frame_plan(composition, f, media, fading) for f in range(len(composition.duration))]
    return [frame_key(plan, engine="cpu", output="rgba32f") for plan in plans]


def shot(name: str, start: float, frames: float) -> otio.schema.Clip:
    found = otio.schema.Clip(name, otio.schema.ExternalReference(f"/m/{name}.mov", span(0, 500)), span(start, frames))
    found.effects.append(otio.schema.Effect(effect_name="fade"))
    return found


def edit(*children: Any) -> otio.schema.Timeline:
    return otio.schema.Timeline("t", tracks=[otio.schema.Track(kind="Video", children=list(children))])


def test_moved_and_doubled_clips_keep_their_keys(composed: Composed, paper: Any) -> None:
    media = {f"/m/{n}.mov": paper(f"/m/{n}.mov", rate=Fraction(25)) for n in "ab"}
    mix = otio.schema.Transition("mix", "SMPTE_Dissolve", span(0, 3).duration, span(0, 3).duration)
    parts = [shot("a", 10, 20), mix, shot("b", 30, 20)]
    before = keys(composed(edit(*(p.deepcopy() for p in parts))), media)
    moved = keys(composed(edit(shot("b", 200, 7), *(p.deepcopy() for p in parts), *(p.deepcopy() for p in parts))), media)
    assert moved[7:47] == moved[47:87] == before
    assert len(set(before)) == 40


def test_a_nest_without_effects_has_the_keys_of_what_is_in_it(composed: Composed, paper: Any) -> None:
    media = {"/m/a.mov": paper("/m/a.mov", rate=Fraction(25))}
    nest = otio.schema.Stack(children=[otio.schema.Track(kind="Video", children=[shot("a", 10, 20)])])
    assert keys(composed(edit(nest)), media) == keys(composed(edit(shot("a", 10, 20))), media)


def plan_of(frame: SourceFrame, **layer: Any) -> FramePlan:
    return FramePlan(width=64, height=36, root=Stacked(layers=(Layer(content=frame, **layer),)))


FRAME = SourceFrame(medium="/m/a.mov", fingerprint="1", number=3)


@pytest.mark.parametrize(
    "other",
    [
        plan_of(replace(FRAME, number=4)),
        plan_of(replace(FRAME, fingerprint="2")),
        plan_of(replace(FRAME, rate=Fraction(25))),
        plan_of(FRAME, opacity=0.5),
        plan_of(FRAME, blend="screen"),
        plan_of(FRAME, effects=(Applied(name="exposure", version=1),)),
        plan_of(FRAME, effects=(Applied(name="exposure", version=2),)),
        replace(plan_of(FRAME), width=65),
    ],
)
def test_what_shapes_the_pixels_is_in_the_key(other: FramePlan) -> None:
    assert frame_key(plan_of(FRAME), engine="cpu", output="x") != frame_key(other, engine="cpu", output="x")


def test_the_version_of_a_blend_mode_is_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever its layer is: in a mix, or in a group."""
    over = Layer(content=FRAME, blend="screen")
    mix = Mix(transition=Applied(name="dissolve", version=1), progress=0.5, outgoing=over, incoming=None)
    plans = [
        FramePlan(width=64, height=36, root=Stacked(layers=(layer,)))
        for layer in (over, Layer(content=mix), Layer(content=Stacked(layers=(Layer(content=FRAME), over))))
    ]
    other = plan_of(FRAME, blend="multiply")
    before = [frame_key(plan, engine="cpu", output="x") for plan in (*plans, other)]
    blends = registry().blends
    monkeypatch.setitem(blends, "screen", replace(blends["screen"], version=blends["screen"].version + 1))
    after = [frame_key(plan, engine="cpu", output="x") for plan in (*plans, other)]
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, False, True]


def test_engine_and_output_are_in_the_key() -> None:
    assert len({frame_key(plan_of(FRAME), engine=e, output=o) for e in ("cpu", "gpu") for o in ("x", "y")}) == 4


def test_where_media_lie_and_what_is_left_out_are_not() -> None:
    same = replace(plan_of(replace(FRAME, medium="/elsewhere/a.mov")), unknown=("glow",), approximate=("blur",))
    assert frame_key(plan_of(FRAME), engine="cpu", output="x") == frame_key(same, engine="cpu", output="x")


def test_files_that_effects_read_count_by_their_content() -> None:
    reads = [(e, p) for e in registry().effects.values() for p in e.parameters if isinstance(p, File)]
    if not reads:
        pytest.skip("NO FILE EFFECT: no effect in the registry reads a file")
    effect, parameter = reads[0]

    def graded(path: str) -> FramePlan:
        graded = Layer(content=FRAME, effects=(Applied(name=effect.name, version=1, values=((parameter.name, path),)),))
        mix = Mix(transition=Applied(name="dissolve", version=1), progress=0.5, outgoing=graded, incoming=None)
        return FramePlan(width=64, height=36, root=Stacked(layers=(Layer(content=mix),)))

    assert files_of(graded("/a.cube")) == ("/a.cube",)

    def key(path: str, digest: str) -> str:
        return frame_key(graded(path), engine="cpu", output="x", digests={path: digest})

    assert key("/a.cube", "1") == key("/b.cube", "1") != key("/a.cube", "2")
    with pytest.raises(KeyError):
        frame_key(graded("/a.cube"), engine="cpu", output="x")
