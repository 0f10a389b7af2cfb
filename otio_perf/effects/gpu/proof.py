"""Whether a device reckons rightly: drivers have faults, and nobody looks at each picture."""

from __future__ import annotations

import numpy as np

from otio_perf.effects.engine import Engine, Step
from otio_perf.effects.pixels import Coding
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.registry import Picture, View, registry
from otio_perf.errors import EffectError
from otio_perf.model.pixels import Layout

_WIDTH, _HEIGHT = 131, 75
_CODING = Coding(layout=Layout(is_rgb=False, is_grey=False, bits=10, across=1))
#: One of each sort of kernel: fused points, stencils, what is read between pixels.
_EFFECTS = ("exposure", "adjust", "vignette", "gaussian_blur", "median", "sharpen", "transform")


def require_right(engine: Engine) -> None:
    """:raises EffectError: its pictures are not those of the definition"""
    ours, wanted = (_picture(one) for one in (engine, ReferenceEngine()))
    error = float(np.abs(ours - wanted).max())
    if not error <= 2 * engine.tolerance:
        raise EffectError(f"it reckons wrongly (by {error:.3f})", hint="Take --gpu off, or another driver")


def _picture(engine: Engine) -> Picture:
    random = np.random.default_rng(1)
    shapes = [(_HEIGHT, _WIDTH), *[(_HEIGHT, (_WIDTH + 1) // 2)] * 2]
    frames = [[random.integers(64, 940, shape).astype(np.uint16) for shape in shapes] for _ in range(2)]
    below, above = (engine.read(planes, _CODING) for planes in frames)
    view, rows = View(width=_WIDTH, height=_HEIGHT), registry()
    values = {"exposure": {"stops": 0.3}, "transform": {"rotation": 10.0}}
    steps = []
    for name in _EFFECTS:
        effect = rows.effect(name)
        steps.append(Step(effect, effect.checked(values.get(name, {}))))
    above = engine.apply(above, steps, view)
    mixed = engine.mix(below, above, rows.transition("dissolve"), 0.4, rows.transition("dissolve").checked({}), view)
    layered = engine.blend(mixed, above, rows.blend("multiply"), 0.7, view)
    return engine.download(engine.read(engine.store(layered, _CODING, _WIDTH, _HEIGHT), _CODING))
