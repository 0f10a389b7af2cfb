"""Copies beside the kernels. CUDA is not here: a driver with its functions does what its manual says with the host's memory,
each queue in a thread that is in no hurry; the kernels are Taichi's own, on its CPU arch. What is proven is what waits for
what: a copy that comes too early or too late shows another picture."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest

from otio_perf.effects.gpu.engine import GpuEngine
from otio_perf.effects.gpu.ring import Plain
from otio_perf.effects.gpu.streams import Driver, Streams, tried
from otio_perf.effects.pixels import Coding, from_picture
from otio_perf.effects.registry import Picture
from otio_perf.model.pixels import Layout

Pictures = Callable[..., Picture]
NOT_READY, INVALID = 600, 1


class Function:
    """As ctypes has them: with types that may be set."""

    def __init__(self, does: Callable[..., Any]) -> None:
        self._does = does
        self.argtypes: Any = None
        self.restype: Any = None

    def __call__(self, *arguments: Any) -> int:
        return self._does(*arguments) or 0


class Event:
    def __init__(self) -> None:
        self.happened = threading.Event()
        self.at = 0.0
        self.happened.set()  # of one that was never recorded


class Slow:
    """A driver whose copies take their time."""

    def __init__(self, seconds: float = 0.002) -> None:
        self.seconds, self.allocated, self.failing = seconds, 0, ""
        self._things: list[Any] = [None]  # by handle
        self._queues: dict[int, SimpleQueue[Callable[[], None] | None]] = {}
        for name in dir(self):
            if name.startswith("do_"):
                setattr(self, "cu" + name.removeprefix("do_"), Function(self._failing(name)))

    def _failing(self, name: str) -> Callable[..., Any]:
        does = getattr(self, name)
        return lambda *arguments: 719 if name == "do_" + self.failing else does(*arguments)  # CUDA_ERROR_LAUNCH_FAILED

    def _made(self, target: Any, thing: Any) -> None:
        self._things.append(thing)
        target._obj.value = len(self._things) - 1

    def _put(self, stream: int | None, work: Callable[[], None]) -> None:
        if stream:
            self._queues[stream].put(work)
        else:
            work()  # Taichi's CPU arch is done when a launch comes back

    def close(self) -> None:
        for queue in self._queues.values():
            queue.put(None)

    def do_CtxGetCurrent(self, target: Any) -> None:  # noqa: N802
        target._obj.value = 77

    def do_CtxSetCurrent(self, context: int) -> int:  # noqa: N802
        return 0 if context == 77 else INVALID

    def do_StreamCreate(self, target: Any, flags: int) -> int:  # noqa: N802
        queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

        def work() -> None:
            while (one := queue.get()) is not None:
                one()

        self._made(target, queue)
        self._queues[target._obj.value] = queue
        threading.Thread(target=work, daemon=True).start()
        return 0 if flags == 1 else INVALID

    def do_EventCreate(self, target: Any, flags: int) -> int:  # noqa: N802
        self._made(target, Event())
        return 0 if flags == 1 else INVALID

    def do_EventRecord(self, event: int, stream: int | None) -> None:  # noqa: N802
        thing = self._things[event]
        fresh = threading.Event()
        thing.happened = fresh

        def happen() -> None:
            thing.at = time.perf_counter()
            fresh.set()

        self._put(stream, happen)

    def do_StreamWaitEvent(self, stream: int | None, event: int, flags: int) -> int:  # noqa: N802
        happened = self._things[event].happened  # as it was recorded last, when this is called
        self._put(stream, lambda: happened.wait(10))
        return 0 if flags == 0 else INVALID

    def do_EventQuery(self, event: int) -> int:  # noqa: N802
        return 0 if self._things[event].happened.is_set() else NOT_READY

    def do_EventSynchronize(self, event: int) -> int:  # noqa: N802
        return 0 if self._things[event].happened.wait(10) else INVALID

    def do_EventElapsedTime(self, target: Any, before: int, after: int) -> int:  # noqa: N802
        first, second = self._things[before], self._things[after]
        if not (first.happened.is_set() and second.happened.is_set()):
            return NOT_READY
        target._obj.value = (second.at - first.at) * 1e3
        return 0

    def _memory(self, target: Any, size: int) -> None:
        block = ctypes.create_string_buffer(b"\xaa" * size, size)
        self._things.append(block)
        self.allocated += size
        target._obj.value = ctypes.addressof(block)

    do_MemAllocHost_v2 = _memory  # noqa: N815
    do_MemAlloc_v2 = _memory  # noqa: N815

    def _copy(self, target: int, source: int, size: int, stream: int | None) -> None:
        def work() -> None:
            if stream:
                time.sleep(self.seconds)
            ctypes.memmove(target, source, size)

        self._put(stream, work)

    do_MemcpyHtoDAsync_v2 = _copy  # noqa: N815
    do_MemcpyDtoHAsync_v2 = _copy  # noqa: N815


@pytest.fixture
def slow() -> Iterator[Slow]:
    GpuEngine(os.environ.get("OTIO_PERF_TEST_ARCH", "cpu"))
    driver = Slow()
    yield driver
    driver.close()


def coding() -> Coding:
    return Coding(layout=Layout(is_rgb=False, is_grey=False, bits=8, across=1, down=1))


def test_pictures_are_those_that_went_up(slow: Slow, picture: Pictures) -> None:
    """Three frames under way all the while; planes are overwritten as soon as they are read, as a decoder does."""
    streams, plain, of = tried(Driver(slow)), Plain(), coding()
    frames = [from_picture(picture(130, 74, seed=seed), of) for seed in range(12)]
    wanted = [plain.store(plain.read(planes, of), of, 130, 74)() for planes in frames]
    told: list[tuple[str, float, float]] = []
    streams.listen(lambda *what: told.append(what))
    under_way: list[Callable[[], Any]] = []
    found = []
    for planes in frames:
        given = [plane.copy() for plane in planes]
        under_way.append(streams.store(streams.read(given, of), of, 130, 74))
        for plane in given:
            plane.fill(0)
        if len(under_way) > 2:
            found.append(under_way.pop(0)())
    found += [fetched() for fetched in under_way]
    assert all(np.array_equal(a, b) for one, other in zip(found, wanted, strict=True) for a, b in zip(one, other, strict=True))
    stages = [stage for stage, _, _ in told]
    assert [stages.count(stage) for stage in ("upload", "compute", "download")] == [12, 12, 12]
    assert all(ended >= began for _, began, ended in told)
    copies = sorted((began, ended, stage) for stage, began, ended in told if stage != "compute")
    assert any(two[0] < one[1] and one[2] != two[2] for one, two in pairwise(copies)), "up beside down"


def test_whole_pictures_go_up_too(slow: Slow, picture: Pictures) -> None:
    streams = Streams(Driver(slow))
    pictures = [picture(66, 44, alpha=True, seed=seed) for seed in range(4)]
    there = []
    for one in pictures:
        given = one.copy()
        there.append(streams.upload(given))
        given.fill(0)
    assert all(np.array_equal(found.to_numpy(), one) for found, one in zip(there, pictures, strict=True))


def test_what_is_pinned_does_not_grow(slow: Slow, picture: Pictures) -> None:
    streams, of = Streams(Driver(slow)), coding()
    planes = from_picture(picture(130, 74), of)
    for _ in range(4):
        streams.store(streams.read(planes, of), of, 130, 74)()
    after_four = slow.allocated
    for _ in range(20):
        streams.store(streams.read(planes, of), of, 130, 74)()
        streams.store(streams.read(planes, of), of, 130, 74)  # nobody fetches it
    assert slow.allocated <= after_four + 8 * 2 * (1 << 20)


def test_numbers_that_change_are_sent_anew(slow: Slow) -> None:
    streams = Streams(Driver(slow))
    random = np.random.default_rng(1)
    for _ in range(5):
        numbers = random.random(300, np.float32)
        sent = streams.sent(numbers)
        assert np.array_equal(sent, numbers)  # it is the host's memory here
        assert sent.ctypes.data != numbers.ctypes.data
        del sent
    used = slow.allocated
    streams.sent(random.random(290, np.float32))
    assert slow.allocated == used


@pytest.mark.parametrize("failing", ["MemcpyHtoDAsync_v2", "EventSynchronize", "MemAllocHost_v2"])
def test_a_device_that_is_lost_says_so(slow: Slow, picture: Pictures, failing: str) -> None:
    streams, of = Streams(Driver(slow)), coding()
    slow.failing = failing
    with pytest.raises(RuntimeError, match=f"CUDA error 719 in cu{failing}"):
        streams.store(streams.read(from_picture(picture(66, 44), of), of), of, 66, 44)()


def test_what_gives_other_pictures_is_not_used(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "cuStreamWaitEvent", Function(lambda *_: 0))  # nothing waits: copies bring what was there before
    with pytest.raises(RuntimeError, match=r"other pictures|error 600"):
        tried(Driver(slow))


def test_without_a_driver_it_is_said() -> None:
    class Nothing:
        def __getattr__(self, name: str) -> Any:
            raise AttributeError(name)

    with pytest.raises(AttributeError):
        Driver(Nothing())
