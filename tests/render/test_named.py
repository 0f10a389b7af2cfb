"""What is not rendered as the host does is named: nothing of it counts as exact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import opentimelineio as otio
import pytest

from otio_perf.effects.translate.dialects import translated
from otio_perf.model.composition import Composition
from otio_perf.model.frames import FramePlan, Stacked
from otio_perf.model.media import MediaInfo
from otio_perf.render.plan import frame_plan

Composed = Callable[[otio.core.SerializableObject], Composition]
Paper = Callable[..., MediaInfo]
Planned = Callable[..., FramePlan]


def time(value: float) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(value, 25)


def span(start: float, frames: float) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(time(start), time(frames))


def clip(*effects: otio.schema.Effect, **metadata: Any) -> otio.schema.Clip:
    found = otio.schema.Clip("a", otio.schema.ExternalReference("/m/a.mov", span(0, 500)), span(50, 20), metadata)
    found.effects.extend(effects)
    return found


def track(*children: Any) -> otio.schema.Track:
    return otio.schema.Track(children=list(children), kind="Video")


def gap(*effects: otio.schema.Effect) -> otio.schema.Gap:
    found = otio.schema.Gap(source_range=span(0, 20))
    found.effects.extend(effects)
    return found


def own(name: str, **values: Any) -> otio.schema.Effect:
    return otio.schema.Effect(name, name, {"otio_perf": values})


GLOW = otio.schema.Effect("Sapphire Glow", "Sapphire Glow")


@pytest.fixture
def planned(composed: Composed, paper: Paper) -> Planned:
    """Frame 10 of tracks on top of each other, with all that is known of hosts' effects."""

    def plan(*tracks: otio.core.Composition, frame: int = 10, has_alpha: bool = False) -> FramePlan:
        edit = otio.schema.Timeline("t")
        edit.tracks.extend(list(tracks))
        info = paper("/m/a.mov", rate=Fraction(25))
        info = replace(info, video=(replace(info.video[0], has_alpha=has_alpha),))
        translate = partial(translated, canvas=(1280, 720), frame_rate=Fraction(25))
        return frame_plan(composed(edit), frame, {"/m/a.mov": info}, translate)

    return plan


def blends(plan: FramePlan) -> list[str]:
    (whole,) = plan.root.layers
    assert isinstance(whole.content, Stacked)
    return [layer.blend for layer in whole.content.layers]


def stack(*tracks: otio.schema.Track, effects: tuple[otio.schema.Effect, ...] = ()) -> otio.schema.Stack:
    found = otio.schema.Stack(children=list(tracks))
    found.effects.extend(effects)
    return found


@pytest.mark.parametrize("effect", [GLOW, own("invert")], ids=["unknown", "known"])
@pytest.mark.parametrize("kind", ["gap", "stack of gaps", "track of gaps"])
def test_effects_on_nothing_but_gaps_are_named(planned: Planned, kind: str, effect: otio.schema.Effect) -> None:
    """Avid grades what lies below by an effect on filler."""
    effect = effect.deepcopy()
    match kind:
        case "gap":
            above = track(gap(effect))
        case "stack of gaps":
            above = track(stack(track(gap()), effects=(effect,)))
        case _:
            above = track(gap())
            above.effects.append(effect)
    plan = planned(track(clip(own("exposure", stops=1))), above)
    assert plan.unknown == (effect.name,)
    assert dict(plan.why)[effect.name] == "it works on what is below, which is not rendered here"
    assert len(plan.root.layers) == 1


def test_effects_that_do_nothing_on_gaps_are_not_named(planned: Planned) -> None:
    assert planned(track(clip()), track(gap(own("gaussian_blur", sigma=0), own("volume", decibels=-6)))).unknown == ()


def test_a_hole_in_a_nest_is_a_hole(planned: Planned) -> None:
    """A known effect makes nothing of nothing; an unknown one may."""
    nest = stack(track(otio.schema.Gap(source_range=span(0, 15)), clip()), effects=(own("invert"),))
    assert planned(track(clip()), track(nest)).unknown == ()
    nest.effects.append(GLOW.deepcopy())
    assert planned(track(clip()), track(nest.deepcopy())).unknown == ("Sapphire Glow",)


@pytest.mark.parametrize("name", ["Page Peel", "Iris Round", "Slide", "Additive Dissolve"])
def test_transitions_of_final_cut_that_are_unknown_are_no_dissolve(planned: Planned, name: str) -> None:
    """Its adapter calls every transition a dissolve."""
    cut = otio.schema.Transition(name, "SMPTE_Dissolve", time(4), time(4), {"fcp_xml": {"alignment": "center"}})
    plan = planned(track(clip(), cut, clip()), frame=20)
    assert (plan.unknown, plan.approximate) == ((name,), ())


def test_a_transition_between_blend_modes_is_named(planned: Planned) -> None:
    cut = otio.schema.Transition("mix", "SMPTE_Dissolve", time(4), time(4))

    def mixed(before: str, after: str) -> FramePlan:
        parts = clip(own("blend", mode=before)), cut.deepcopy(), clip(own("blend", mode=after))
        return planned(track(clip(), clip()), track(*parts), frame=18)

    plan = mixed("screen", "multiply")
    assert (plan.unknown, plan.approximate) == (("mix",), ())
    assert dict(plan.why)["mix"] == "it goes between the blend modes multiply and screen"
    assert mixed("screen", "over").unknown == ("mix",)
    same = mixed("screen", "screen")
    assert (same.unknown, same.approximate) == ((), ())
    assert blends(same) == ["over", "screen"]


def test_a_transition_that_stands_on_a_clip_is_no_effect(planned: Planned) -> None:
    cross = otio.schema.Effect("Cross Dissolve", metadata={"fcp_xml": {"effectid": "Cross Dissolve"}})
    plan = planned(track(clip(cross)))
    assert plan.unknown == ("Cross Dissolve",)
    assert plan.root.layers[0].effects == ()


def test_a_composite_mode_of_final_cut_is_a_blend_mode(planned: Planned) -> None:
    plan = planned(track(clip()), track(clip(fcp_xml={"compositemode": "screen"})))
    assert blends(plan) == ["over", "screen"]
    assert "Composite mode screen" in plan.approximate
    assert planned(track(clip(fcp_xml={"compositemode": "subtract"}))).unknown == ("Composite mode subtract",)


@pytest.mark.parametrize(
    ("said", "has_alpha", "is_named"),
    [("none", True, True), ("none", False, False), ("black", True, True), ("straight", True, False)],
)
def test_alpha_that_the_host_takes_otherwise_is_named(planned: Planned, said: str, has_alpha: bool, is_named: bool) -> None:
    plan = planned(track(clip(fcp_xml={"alphatype": said})), has_alpha=has_alpha)
    assert plan.unknown == (("alpha of a.mov",) if is_named else ())


def test_generators_that_are_not_ours_are_named(planned: Planned) -> None:
    def of(kind: str, **parameters: Any) -> FramePlan:
        return planned(track(otio.schema.Clip("c", otio.schema.GeneratorReference("", kind, span(0, 50), parameters))))

    orange, title = of("SolidColor", color="orange"), of("Titler")
    assert (orange.unknown, title.unknown) == (("SolidColor",), ("Titler",))
    assert "colour" in dict(orange.why)["SolidColor"]
    assert dict(title.why)["Titler"] == "there is no generator of ours like it"
    assert of("SolidColor", color="#ff8800").unknown == ()
    assert of("Bars and Tone").approximate == ("Bars and Tone",)
    assert of("SMPTEBars").approximate == ()
