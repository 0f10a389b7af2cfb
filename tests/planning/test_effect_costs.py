"""Effects in the prediction: those that are rendered cost what their values make them cost, all others go by their names."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from otio_perf.model.machine import EffectTime
from otio_perf.model.timings import Timing, TimingKind
from otio_perf.model.uses import EffectUse, Use
from otio_perf.optimizer.effect_costs import effect_costs
from otio_perf.planning.cost import predict
from otio_perf.planning.effect_times import LEAST_FRAMES, MOST_FRAMES, MOST_TIMES, correction, learnt

CANVAS = (1920, 1080)


def own(name: str, **values: Any) -> EffectUse:
    return EffectUse(dialect="otio", name=name, label=name, parameters=(("otio_perf", tuple(values.items())),))


def mlt(service: str, **properties: str) -> EffectUse:
    return EffectUse(dialect="mlt", name=service, label=service, parameters=tuple(properties.items()))


def carrying(build: SimpleNamespace, *effects: EffectUse) -> Use:
    use: Use = replace(build.use(build.target(), 0, 50), effects=effects)
    return use


def test_costs_are_those_of_the_registry(build: SimpleNamespace) -> None:
    def costs(*effects: EffectUse) -> tuple[float | None, ...]:
        return effect_costs(carrying(build, *effects), CANVAS, build.machine())

    assert costs(own("exposure", stops=1)) == (1.0,)
    assert costs(own("exposure", stops=0)) == (0.0,)
    assert costs(EffectUse(dialect="otio", name="Sapphire Glow", label="Sapphire Glow")) == (None,)
    small, large = (costs(own("gaussian_blur", sigma=s, quality="exact"))[0] for s in (2, 20))
    assert small is not None
    assert large is not None
    assert large > 5 * small
    (blur,) = costs(mlt("avfilter.gblur", **{"av.sigma": "20"}))
    assert (blur,) == costs(own("gaussian_blur", sigma=20))
    apart = [costs(e)[0] for e in (own("exposure", stops=1), own("invert"))]
    together = costs(own("exposure", stops=1), own("invert"))
    assert together[0] == apart[0]
    assert 0 < (together[1] or 0) < (apart[1] or 0)


def test_the_middle_of_the_clip_counts(build: SimpleNamespace) -> None:
    keys = (("keys", ((0, 0), (50, 40))),)
    use = carrying(
        build, EffectUse(dialect="otio", name="gaussian_blur", label="b", parameters=(("otio_perf", (("sigma", keys),)),))
    )
    still = carrying(build, own("gaussian_blur", sigma=20))
    assert effect_costs(use, CANVAS, build.machine()) == effect_costs(still, CANVAS, build.machine())


def test_the_prediction_asks_and_falls_back_to_words(build: SimpleNamespace) -> None:
    glow = EffectUse(dialect="otio", name="Sapphire Glow", label="Sapphire Glow")
    use = replace(carrying(build, own("gaussian_blur", sigma=20), own("adjust", gamma=1.5), glow), index=0)
    survey, spans = build.survey([use])
    media = {"/m/a.mp4": build.media("/m/a.mp4", width=1920, height=1080)}
    machine = build.machine()
    (cost,) = predict(survey, spans, media, machine, effect_costs)
    parts = dict(cost.parts_ms)
    known = effect_costs(use, CANVAS, machine)
    unit = machine.effect_ms_per_megapixel * 1920 * 1080 / 1e6
    assert parts["blur"] == pytest.approx(known[0] * unit, abs=0.001)
    assert parts["adjust"] == pytest.approx(known[1] * unit, abs=0.001)
    assert parts["glow"] == pytest.approx(4.0 * unit, abs=0.001)
    (plain,) = predict(survey, spans, media, machine)
    assert dict(plain.parts_ms)["blur"] == pytest.approx(2.0 * unit, abs=0.001)


def test_equal_effects_of_other_values_are_not_taken_for_each_other(build: SimpleNamespace) -> None:
    uses = [
        replace(
            carrying(build, own("gaussian_blur", sigma=sigma, quality="exact")),
            position=build.use(build.target(), begin, begin + 50).position,
        )
        for begin, sigma in ((0, 1), (50, 30))
    ]
    survey, spans = build.survey(uses)
    media = {"/m/a.mp4": build.media("/m/a.mp4")}
    small, large = predict(survey, spans, media, build.machine(), effect_costs)
    assert large.frame_ms > small.frame_ms + 10


def test_rendering_corrects_what_the_registry_says(build: SimpleNamespace) -> None:
    """A blur that takes three times as long as the table thinks is three times as dear from the second chunk on."""
    machine = build.machine()
    use = carrying(build, own("gaussian_blur", sigma=20), own("invert"))
    blur, invert = effect_costs(use, CANVAS, machine)
    assert blur is not None

    def timing(kind: TimingKind, name: str, times: float, frames: int) -> Timing:
        unit_ms = times * machine.effect_ms_per_megapixel * machine.cores
        return Timing(kind=kind, name=name, thread=1, count=frames, milliseconds=1.0, unit_ms=unit_ms)

    few = learnt(machine, [timing(TimingKind.EFFECT, "gaussian_blur", 3.0, LEAST_FRAMES - 1)])
    assert effect_costs(use, CANVAS, few) == (blur, invert)
    others = [timing(TimingKind.STAGE, "gaussian_blur", 9.0, 99), timing(TimingKind.EFFECT, "sepia", 9.0, 99)]
    enough = learnt(few, [timing(TimingKind.EFFECT, "gaussian_blur", 3.0, 1), *others])
    assert effect_costs(use, CANVAS, enough) == (pytest.approx(3 * blur), invert)
    survey, spans = build.survey([replace(use, index=0)])
    media = {"/m/a.mp4": build.media("/m/a.mp4", width=1920, height=1080)}
    before, after = (dict(predict(survey, spans, media, m, effect_costs)[0].parts_ms)["blur"] for m in (machine, enough))
    assert after == pytest.approx(3 * before, rel=0.001)
    # a machine that got slower: what is old fades, one odd chunk does not rule
    known = learnt(machine, [timing(TimingKind.EFFECT, "invert", 1.0, 10 * MOST_FRAMES)])
    odd = learnt(known, [timing(TimingKind.EFFECT, "invert", 10.0, LEAST_FRAMES)]).effects["invert"]
    assert odd.unit_ms < 1.5 * known.effects["invert"].unit_ms
    for _ in range(5):
        known = learnt(known, [timing(TimingKind.EFFECT, "invert", 2.0, MOST_FRAMES)])
    assert known.effects["invert"].unit_ms == pytest.approx(2 * machine.effect_ms_per_megapixel, rel=0.05)
    assert learnt(machine, []) == machine


@pytest.mark.parametrize(("times", "believed"), [(40.0, MOST_TIMES), (0.001, 1 / MOST_TIMES), (2.0, 2.0)])
def test_what_cannot_be_is_not_believed(build: SimpleNamespace, times: float, believed: float) -> None:
    """Neither from a render nor from a profile that an earlier version spoilt: what follows puts it right."""
    machine = build.machine()
    unit_ms = times * machine.effect_ms_per_megapixel
    timing = Timing(
        kind=TimingKind.EFFECT, name="lut", thread=1, count=MOST_FRAMES, milliseconds=1.0, unit_ms=unit_ms * machine.cores
    )
    assert correction(learnt(machine, [timing]), "lut") == pytest.approx(believed)
    spoilt = replace(machine, effects={"lut": EffectTime(unit_ms=unit_ms, frames=MOST_FRAMES)})
    assert correction(spoilt, "lut") == pytest.approx(believed)
    usual = replace(timing, unit_ms=machine.effect_ms_per_megapixel * machine.cores)
    for _ in range(6):
        spoilt = learnt(spoilt, [usual])
    assert correction(spoilt, "lut") == pytest.approx(1, rel=0.1)
