"""Frames in order, read ahead and made side by side: bounded, stopped at once, and nothing is left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest

from otio_perf.effects.cpu.native import NativeEngine
from otio_perf.errors import CorruptMediaError
from otio_perf.media.planes import layout_of
from otio_perf.model.colour import ColourSpace
from otio_perf.model.frames import Applied, FramePlan, Layer, Mix, SourceFrame, Stacked
from otio_perf.model.media import MediaInfo
from otio_perf.render.compositor import Compositor, Reads
from otio_perf.render.sources import Shown, Sources
from otio_perf.render.storing import stored
from otio_perf.render.stream import _result, heads, streamed

RATE = Fraction(25)


def plan(*shown: tuple[str, int]) -> FramePlan:
    """Frames of media, one over the other."""
    layers = [
        Layer(content=SourceFrame(medium=medium, fingerprint=medium, number=number), opacity=0.5) for medium, number in shown
    ]
    return FramePlan(width=320, height=180, root=Stacked(layers=tuple(layers)))


class Paper:
    """Sources that are none: a frame is its number. Says what was read, and is slow where told."""

    def __init__(self, *, cores: int, tick: Callable[[], None], log: list[Any], bad: int = -1, slow: float = 0.0) -> None:
        self._tick, self._log, self._bad, self._slow = tick, log, bad, slow

    def __enter__(self) -> Paper:
        self._log.append("open")
        return self

    def __exit__(self, *_: object) -> None:
        self._log.append("close")

    def read(self, frame: SourceFrame) -> Shown:
        self._tick()
        time.sleep(self._slow)
        self._log.append(frame.number)
        if frame.number == self._bad:
            raise CorruptMediaError(f"frame {frame.number} is damaged", path=frame.medium)
        return cast(Shown, (frame.medium, frame.number))


def seen(one: FramePlan, frames: Reads) -> list[Any]:
    found = []
    for layer in one.root.layers:
        assert isinstance(layer.content, SourceFrame)
        found.append(frames.read(layer.content))
    return found


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert left == []


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_in_order_each_with_its_own_frames(workers: int) -> None:
    plans = [plan(("a", n), ("b", 100 + 2 * n), ("a", 50 + n)) for n in range(40)]
    log: list[Any] = []
    found = list(streamed(plans, seen, partial(Paper, log=log), cores=2, workers=workers))
    assert found == [[("a", n), ("b", 100 + 2 * n), ("a", 50 + n)] for n in range(40)]
    assert log.count("open") == log.count("close") == 3
    assert sum(isinstance(entry, int) for entry in log) == 120


def test_nothing_is_read_far_ahead() -> None:
    plans = [plan(("a", n)) for n in range(60)]
    log: list[Any] = []
    frames = streamed(plans, seen, partial(Paper, log=log), cores=2, workers=2)
    for number in range(10):
        assert next(frames) == [("a", number)]
        time.sleep(0.02)
        assert max(entry for entry in log if isinstance(entry, int)) <= number + 4
    frames.close()
    assert log[-1] == "close"


def test_what_fails_is_raised_in_its_turn() -> None:
    plans = [plan(("a", n)) for n in range(20)]
    log: list[Any] = []
    frames = streamed(plans, seen, partial(Paper, log=log, bad=7), cores=2, workers=2)
    for number in range(7):
        assert next(frames) == [("a", number)]
    with pytest.raises(CorruptMediaError, match="frame 7"):
        next(frames)
    with pytest.raises(StopIteration):
        next(frames)


def test_a_failing_frame_is_no_matter_to_those_that_do_not_show_it() -> None:
    plans = [plan(("a", n)) if n != 7 else plan(("b", 1)) for n in range(20)]
    assert len(list(streamed(plans, seen, partial(Paper, log=[], bad=7), cores=2, workers=2))) == 20


def test_what_the_maker_raises_comes_up_once() -> None:
    def broken(one: FramePlan, frames: Reads) -> None:
        seen(one, frames)
        raise ZeroDivisionError("in the midst")

    with pytest.raises(ZeroDivisionError, match="in the midst"):
        list(streamed([plan(("a", n)) for n in range(20)], broken, partial(Paper, log=[]), cores=2, workers=2))


def test_stopped_while_a_decoder_is_slow() -> None:
    began = time.monotonic()

    def tick() -> None:
        if time.monotonic() - began > 0.3:
            raise KeyboardInterrupt

    plans = [plan(("a", n)) for n in range(1000)]
    with pytest.raises(KeyboardInterrupt):
        list(streamed(plans, seen, partial(Paper, log=[], slow=0.25), cores=2, workers=2, check_stop=tick))
    assert time.monotonic() - began < 2


def test_a_decoder_reads_on_and_two_places_of_a_medium_need_two() -> None:
    """As a dissolve between two clips of one file does, and a cut back to it."""
    mixed = [plan(("a", n), ("a", 200 + n)) for n in range(10)]
    after = [plan(("a", 210 + n)) for n in range(10)]
    again = [plan(("a", 500 + n)) for n in range(10)]
    first, second, *others = heads([*mixed, *after, *again])
    assert [frame.number for _, frame in second.wants] == list(range(200, 220))
    assert [frame.number for _, frame in first.wants] == [*range(10), *range(500, 510)]
    assert others == []


def test_a_decoder_that_nobody_needs_for_long_is_closed() -> None:
    plans = [plan(("a", 0)), *(plan(("b", n)) for n in range(60)), plan(("a", 1))]
    assert [head.wants[0][1].medium for head in heads(plans)] == ["a", "b", "a"]


def test_decoders_share_the_cores_by_what_they_have_to_do() -> None:
    """One that has no core to itself works in one thread."""
    given: list[int] = []

    def open_paper(*, cores: int, tick: Callable[[], None]) -> Paper:
        given.append(cores)
        return Paper(cores=cores, tick=tick, log=[])

    def told(plans: list[FramePlan], cores: int) -> list[int]:
        given.clear()
        weights = {"small": 1.0, "large": 7.0}
        list(streamed(plans, seen, open_paper, cores=cores, workers=1, weigh=lambda medium: weights[medium]))
        return sorted(given)

    both = [plan(("small", n), ("large", n)) for n in range(4)]
    assert told([plan(("large", n)) for n in range(4)], cores=2) == [2]
    assert told([plan(("large", n), ("large", n + 99)) for n in range(4)], cores=2) == [0, 0]
    assert told(both, cores=2) == [0, 2]
    assert told(both, cores=8) == [0, 7]


def test_a_held_frame_is_read_for_each_plan() -> None:
    plans = [plan(("a", 3)) for _ in range(5)]
    (head,) = heads(plans)
    assert [index for index, _ in head.wants] == list(range(5))


@pytest.mark.parametrize("workers", [0, 2])
def test_real_pictures_are_those_of_one_after_the_other(footage: dict[str, MediaInfo], workers: int) -> None:
    def shot(name: str, number: int, **fields: Any) -> Layer:
        return Layer(content=SourceFrame(medium=name, fingerprint=name, number=number), **fields)

    def dissolve(n: int) -> Layer:
        transition = Applied(name="dissolve", version=1)
        return Layer(
            content=Mix(transition=transition, progress=n / 12, outgoing=shot("a.mov", n), incoming=shot("a.mov", 30 + n))
        )

    plans = [
        FramePlan(width=320, height=180, root=Stacked(layers=(dissolve(n), shot("b.mov", 2 * n, opacity=0.4))))
        for n in range(12)
    ]
    layout = layout_of("yuv420p")
    assert layout is not None
    compositor = Compositor(NativeEngine())

    def planes(one: FramePlan, frames: Reads) -> list[Any]:
        return stored(compositor.reading(frames), one, layout, ColourSpace.BT709.tags, (320, 180))

    found = list(streamed(plans, planes, partial(Sources, footage, RATE), cores=2, workers=workers))
    with Sources(footage, RATE) as sources:
        for one, ours in zip(plans, found, strict=True):
            wanted = planes(one, sources)
            assert all(np.array_equal(a, b) for a, b in zip(ours, wanted, strict=True))


class Hung(Paper):
    """Its decoder says nothing any more from frame 3 on, until it is let go."""

    def __init__(self, *, cores: int, tick: Callable[[], None], let_go: threading.Event) -> None:
        super().__init__(cores=cores, tick=tick, log=[])
        self._let_go = let_go

    def read(self, frame: SourceFrame) -> Shown:
        if frame.number == 3:
            self._let_go.wait(10)
        return super().read(frame)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_decoder_that_hangs_is_no_sign_of_life_but_stop_is_heard(workers: int) -> None:
    let_go, signs, asked = threading.Event(), list[float](), list[float]()

    def check_stop() -> None:
        asked.append(time.monotonic())
        if len(signs) > 2 and time.monotonic() - signs[-1] > 0.8:
            let_go.set()
            raise KeyboardInterrupt

    plans = [plan(("a", n)) for n in range(20)]
    frames = streamed(
        plans,
        seen,
        partial(Hung, let_go=let_go),
        cores=2,
        workers=workers,
        check_stop=check_stop,
        tick=lambda: signs.append(time.monotonic()),
    )
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(frames)
    assert time.monotonic() - began < 4
    assert sum(1 for at in asked if at > signs[-1]) >= 4


def test_a_picture_that_takes_long_to_make_is_a_sign_of_life() -> None:
    """The first is compiled: a minute, on a machine where much else is done."""
    signs = [time.monotonic()]

    def slowly(one: FramePlan, frames: Reads) -> list[Any]:
        found = seen(one, frames)
        if found == [("a", 0)]:
            time.sleep(1.2)
        return found

    plans = [plan(("a", n)) for n in range(6)]
    assert list(
        streamed(plans, slowly, partial(Paper, log=[]), cores=2, workers=2, tick=lambda: signs.append(time.monotonic()))
    )
    assert max(b - a for a, b in pairwise(signs)) < 0.7


def test_a_result_that_comes_while_its_lateness_is_told_is_taken() -> None:
    class Late(Future[int]):
        def result(self, timeout: float | None = None) -> int:
            if not self.done():
                self.set_result(7)
                raise TimeoutError
            return super().result(timeout)

    assert _result(Late(), lambda: None) == 7


def test_a_time_out_of_the_maker_is_its_own_error() -> None:
    future = Future[int]()
    future.set_exception(TimeoutError("of a server"))
    with pytest.raises(TimeoutError, match="server"):
        _result(future, lambda: None)
