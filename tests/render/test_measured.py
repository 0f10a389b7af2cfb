"""What rendering took is added up by the names that people know."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from otio_perf.effects.cpu.engine import CpuEngine
from otio_perf.effects.engine import Engine, Image, Step
from otio_perf.effects.registry import Picture, View, registry
from otio_perf.model import wire
from otio_perf.model.events import Prerendered
from otio_perf.model.timings import Timing, TimingKind
from otio_perf.render.measured import Stopwatch, measured

VIEW = View(width=640, height=360)


@pytest.fixture(scope="module")
def picture() -> Picture:
    return np.random.default_rng(1).random((VIEW.height, VIEW.width, 4), np.float32)


def step(name: str, **values: object) -> Step:
    effect = registry().effect(name)
    return Step(effect, effect.checked(values))


CHAIN = [step("exposure", stops=0.5), step("invert"), step("gaussian_blur", sigma=3), step("exposure", stops=0), step("sepia")]


def test_effects_are_named_and_counted_and_pixels_stay(picture: Picture) -> None:
    watch, plain = Stopwatch(), CpuEngine()
    engine: Engine = measured(plain, watch)
    assert (engine.name, engine.tolerance) == (plain.name, plain.tolerance)
    image = engine.upload(picture, is_opaque=False)
    for _ in range(5):
        found = engine.apply(image, CHAIN, VIEW)
    found = engine.blend(image, found, registry().blend("over"), 0.5, VIEW)
    found = engine.mix(image, found, registry().transition("dissolve"), 0.25, {}, VIEW)
    wanted = plain.blend(image, plain.apply(image, CHAIN, VIEW), registry().blend("over"), 0.5, VIEW)
    wanted = plain.mix(image, wanted, registry().transition("dissolve"), 0.25, {}, VIEW)
    assert np.array_equal(engine.download(found), plain.download(wanted))
    counted = {(t.kind, t.name): t.count for t in watch.timings()}
    assert counted == {
        (TimingKind.STAGE, "upload"): 1,
        (TimingKind.EFFECT, "exposure"): 5,  # not the one that changes nothing
        (TimingKind.EFFECT, "invert"): 5,
        (TimingKind.EFFECT, "gaussian_blur"): 5,
        (TimingKind.EFFECT, "sepia"): 5,
        (TimingKind.BLEND, "over"): 1,
        (TimingKind.TRANSITION, "dissolve"): 1,
        (TimingKind.STAGE, "download"): 1,
    }
    assert {t.name for t in watch.timings() if t.unit_ms} == {"exposure", "invert", "gaussian_blur", "sepia"}


def test_what_has_no_fast_path_is_measured_alone(picture: Picture) -> None:
    """As the engine does it: what another package packs, and no engine knows, is no part of a pass."""
    foreign = replace(registry().effect("invert"), name="foreign", cost=1.0)
    applied: list[list[str]] = []

    class Listening(CpuEngine):
        def apply(self, image: Image, steps: Sequence[Step], view: View) -> Image:
            applied.append([step.effect.name for step in steps])
            return super().apply(image, steps, view)

    engine = measured(Listening(), Stopwatch())
    steps = [step("exposure", stops=0.5), Step(foreign, {}), step("sepia"), step("exposure", stops=0.5)]
    engine.apply(engine.upload(picture, is_opaque=True), steps, VIEW)
    assert applied == [["exposure"], ["foreign"], ["sepia", "exposure"]]


def test_a_unit_is_the_processor_time_for_a_megapixel_of_cost_one(picture: Picture) -> None:
    """The first call, in which something is compiled or fetched, does not count."""

    class Busy(CpuEngine):
        calls = 0

        def apply(self, image: object, steps: object, view: object) -> object:  # type: ignore[override]
            self.calls += 1
            end = time.thread_time() + (0.2 if self.calls == 1 else 0.01)
            while time.thread_time() < end:
                pass
            time.sleep(0.005)  # what others have of the processor does not count
            return image

    watch = Stopwatch()
    engine = measured(Busy(), watch)
    image = engine.upload(picture, is_opaque=True)
    for _ in range(5):
        engine.apply(image, [step("gaussian_blur", sigma=3)], VIEW)
    (timing,) = [t for t in watch.timings() if t.kind is TimingKind.EFFECT]
    megapixels = VIEW.width * VIEW.height / 1e6
    cost = registry().effect("gaussian_blur").cost_with(step("gaussian_blur", sigma=3).values)
    assert timing.unit_ms == pytest.approx(10 / megapixels / cost, rel=0.15)
    assert timing.milliseconds >= 200 + 4 * 10 + 5 * 5


def test_a_short_render_teaches_nothing_and_first_calls_never_count() -> None:
    """As it was: two threads, four frames, each thread's first call compiles and reads a LUT."""

    def rendered(count: int) -> set[float]:
        watch, together = Stopwatch(), threading.Barrier(2)

        def frames() -> None:
            together.wait()
            for number in range(count):
                watch.add(TimingKind.EFFECT, "lut", 0.5, unit_ms=2.0 if number else 400.0)
            together.wait()

        threads = [threading.Thread(target=frames) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {timing.unit_ms for timing in watch.timings()}

    assert rendered(1) == rendered(2) == {0.0}
    assert rendered(3) == {2.0}


def test_threads_and_errors() -> None:
    watch = Stopwatch()

    def work() -> None:
        for _ in range(100):
            with watch.stage("decode"):
                pass

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = watch.timings()
    assert sum(t.count for t in found) == 300
    assert [t.thread for t in found] == sorted({t.thread for t in found})
    with pytest.raises(ValueError, match="no"), watch.stage("encode"):
        raise ValueError("no")


def test_they_travel_with_the_outcome() -> None:
    timing = Timing(kind=TimingKind.EFFECT, name="invert", thread=1, count=24, milliseconds=12.5, unit_ms=1.25)
    outcome = Prerendered(
        key="k", chunk="k", path="/a.mov", frames=24, size_bytes=1, digest="d", seconds=1.5, engine="cpu", timings=(timing,)
    )
    assert wire.loads(Prerendered, wire.dumps(outcome)) == outcome
