"""Frames of a timeline one after the other, as fast as the machine can: sources are decoded ahead, each in a thread of its own,
several frames are made at once, and come out in order.

What waits is bounded: no source is read further than a few frames before the one that is wanted next. Errors come up with the
frame that they belong to; whoever stops, or breaks off, leaves no thread behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from threading import Condition, Lock, Thread
from typing import Protocol, TypeVar

from otio_perf.model.frames import FramePlan, Layer, Mix, SourceFrame, Stacked
from otio_perf.render.compositor import Reads
from otio_perf.render.sources import Shown

Made = TypeVar("Made")

#: Frames that may wait, read or made, beyond those that are being made: enough to even out frames that are dear.
_WAITING = 2
#: A decoder that is not asked for so many frames is closed rather than kept.
_IDLE_FRAMES = 24
#: Frames of a medium that are rather read and thrown away than sought past by another decoder.
_SKIP_FRAMES = 24
#: So much earlier a decoder is opened and reads its first frame, which takes it as long as several later ones.
_OPENED_EARLIER = 8
#: Between two looks at whether to stop.
_TICK_SECONDS = 0.1


class OpenSources(Protocol):
    """Sources for one decoder, which calls ``tick`` all the while. It may keep ``cores`` busy; 0: one, in a single thread, for
    others are at work beside it."""

    def __call__(self, *, cores: int, tick: Callable[[], None]) -> AbstractContextManager[Reads]: ...


def streamed(
    plans: Sequence[FramePlan],
    make: Callable[[FramePlan, Reads], Made],
    open_sources: OpenSources,
    *,
    cores: int,
    workers: int,
    weigh: Callable[[str], float] = lambda _: 1.0,
    check_stop: Callable[[], None] = lambda: None,
    tick: Callable[[], None] = lambda: None,
) -> Generator[Made]:
    """``make(plan, frames)`` for each of ``plans``, in order. Close the iterator, or read it to its end.

    :param cores: that decoders may keep busy, together.
    :param workers: threads that make frames at the same time; 0: frames are made by whoever asks for them, as a GPU wants it.
    :param weigh: how much there is to decode in a frame of a medium, against the others.
    :param check_stop: called all the while by whoever asks; stops by raising.
    :param tick: the same, only when something came of it: something was decoded, or a picture is reckoned, which has an end.
        A decoder that hangs is none.
    :raises MediaError, EffectError: of ``make``, when it is the turn of its frame.
    """
    ahead = max(1, workers) + _WAITING
    frames = _Ahead(plans, open_sources, ahead=ahead, cores=cores, weigh=weigh)
    at_work = _AtWork()

    def wait_for(index: int, frame: SourceFrame) -> Shown:
        with at_work.resting():
            return frames.wait_for(index, frame)

    def told() -> None:
        check_stop()
        if frames.came_on() or at_work.count:
            tick()

    def wait_and_tell(index: int, frame: SourceFrame) -> Shown:
        return frames.wait_for(index, frame, told)

    read = wait_for if workers else wait_and_tell
    pool = ThreadPoolExecutor(workers, "composite") if workers else None

    def made(index: int) -> Made:
        try:
            with at_work.working() if workers else nullcontext():
                return make(plans[index], _OfPlan(read, index))
        finally:
            frames.forget(index)

    waiting: deque[Future[Made]] = deque()
    try:
        for index in range(len(plans)):
            check_stop()
            tick()
            frames.turn(index)
            if pool is None:
                result = made(index)
            else:
                first = index + len(waiting)
                waiting.extend(pool.submit(made, n) for n in range(first, min(index + ahead, len(plans))))
                result = _result(waiting.popleft(), told)
            yield result
            del result
    finally:
        frames.stop()
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
        frames.join()


def fetched(begun: Iterator[Callable[[], Made]], under_way: int) -> Iterator[Made]:
    """What those who are called at last bring, in order, ``under_way`` of them later than they were begun: a device works on
    these in the meantime, and copies frames to and fro beside it."""
    waiting: deque[Callable[[], Made]] = deque()
    for one in begun:
        waiting.append(one)
        if len(waiting) > under_way:
            yield waiting.popleft()()
    while waiting:
        yield waiting.popleft()()


def _result(future: Future[Made], tick: Callable[[], None]) -> Made:
    while True:
        try:
            return future.result(_TICK_SECONDS)
        except TimeoutError:
            if future.done():  # it failed of itself, or was done a moment later
                return future.result()
            tick()


class _AtWork:
    """How many threads make a picture, and do not wait for a source."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.count = 0

    @contextmanager
    def working(self) -> Iterator[None]:
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    @contextmanager
    def resting(self) -> Iterator[None]:
        self._add(-1)
        try:
            yield
        finally:
            self._add(1)

    def _add(self, one: int) -> None:
        with self._lock:
            self.count += one


# ---- which decoder reads what


@dataclass(slots=True)
class Head:
    """What one decoder is asked for: frames of one medium, each for a plan by its number, in this order."""

    wants: list[tuple[int, SourceFrame]] = field(default_factory=list)


def heads(plans: Sequence[FramePlan]) -> list[Head]:
    """Every source frame of ``plans`` given to a decoder, in the order in which they begin.

    A medium that is shown at two places at once is read by two, so that neither jumps to and fro.
    """
    found: list[Head] = []
    open_heads: list[Head] = []
    for index, plan in enumerate(plans):
        open_heads = [head for head in open_heads if index - head.wants[-1][0] <= _IDLE_FRAMES]
        wanted = list(dict.fromkeys(source_frames(plan.root)))
        free = list(open_heads)
        late = []
        for frame in wanted:  # those that play on come first: nobody may take their decoder
            head = min((h for h in free if _goes_on(h, frame)), key=lambda h: -h.wants[-1][1].number, default=None)
            if head is None:
                late.append(frame)
                continue
            free.remove(head)
            head.wants.append((index, frame))
        for frame in late:
            head = next((h for h in free if h.wants[-1][1].medium == frame.medium and h.wants[-1][0] < index - 1), None)
            if head is None:
                head = Head()
                found.append(head)
                open_heads.append(head)
            else:
                free.remove(head)
            head.wants.append((index, frame))
    return found


def _goes_on(head: Head, frame: SourceFrame) -> bool:
    last = head.wants[-1][1]
    return last.medium == frame.medium and last.rate == frame.rate and 0 <= frame.number - last.number <= _SKIP_FRAMES


def source_frames(stack: Stacked) -> Iterator[SourceFrame]:
    """What is read for a picture."""
    waiting: list[Layer] = list(reversed(stack.layers))
    while waiting:
        content = waiting.pop().content
        match content:
            case SourceFrame():
                yield content
            case Mix():
                waiting += [side for side in (content.incoming, content.outgoing) if side is not None]
            case Stacked():
                waiting += reversed(content.layers)


# ---- reading


class _StoppedError(Exception):
    """Nobody wants what a decoder is at."""


class _OfPlan:
    """The source frames of one plan."""

    def __init__(self, read: Callable[[int, SourceFrame], Shown], index: int) -> None:
        self._read, self._index = read, index

    def read(self, frame: SourceFrame) -> Shown:
        return self._read(self._index, frame)


class _Ahead:
    """Source frames that are read before they are wanted, for plans up to ``ahead`` after the one whose turn it is."""

    def __init__(
        self,
        plans: Sequence[FramePlan],
        open_sources: OpenSources,
        *,
        ahead: int,
        cores: int,
        weigh: Callable[[str], float],
    ) -> None:
        self._open, self._ahead, self._cores, self._weigh = open_sources, ahead, cores, weigh
        self._waiting = deque(heads(plans))
        self._weights: Mapping[int, float] = _at_once(self._waiting, weigh)
        self._threads: list[Thread] = []
        self._changed = Condition()
        self._turn = 0
        self._is_stopped = False
        self._came_on = False
        self._read: dict[tuple[int, SourceFrame], Shown | Exception] = {}

    def turn(self, index: int) -> None:
        """Plan ``index`` is wanted next: decoders go on, and those that are wanted soon begin."""
        with self._changed:
            self._turn = index
            self._changed.notify_all()
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        while self._waiting and self._waiting[0].wants[0][0] < index + self._ahead + _OPENED_EARLIER:
            head = self._waiting.popleft()
            thread = Thread(target=self._work, args=(head,), name=f"decode {head.wants[0][1].medium}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def came_on(self) -> bool:
        """Whether any decoder did since this was asked last."""
        came_on, self._came_on = self._came_on, False
        return came_on

    def wait_for(self, index: int, frame: SourceFrame, tick: Callable[[], None] | None = None) -> Shown:
        """:param tick: called while it is waited for; stops by raising. :raises MediaError: it cannot be read"""

        def is_there() -> bool:
            return self._is_stopped or (index, frame) in self._read

        with self._changed:
            while not self._changed.wait_for(is_there, None if tick is None else _TICK_SECONDS):
                assert tick is not None
                tick()
            found = self._read.get((index, frame))
        if found is None:
            raise _StoppedError
        if isinstance(found, Exception):
            raise found
        return found

    def forget(self, index: int) -> None:
        """Plan ``index`` is made."""
        with self._changed:
            for key in [key for key in self._read if key[0] == index]:
                del self._read[key]

    def stop(self) -> None:
        with self._changed:
            self._is_stopped = True
            self._read.clear()
            self._changed.notify_all()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _work(self, head: Head) -> None:
        """One decoder. What goes wrong is raised where the frame is wanted."""
        with suppress(_StoppedError), self._open(cores=self._share(head), tick=self._tick) as sources:
            first = head.wants[0][0]
            for index, frame in head.wants:
                self._wait_until(index - _OPENED_EARLIER if index == first else index)
                try:
                    found: Shown | Exception = sources.read(frame)
                except _StoppedError:
                    raise
                except Exception as error:  # noqa: BLE001 (it is raised where the frame is wanted)
                    found = error
                with self._changed:
                    self._read[index, frame] = found
                    self._changed.notify_all()

    def _share(self, head: Head) -> int:
        index, frame = head.wants[0]
        share = self._cores * self._weigh(frame.medium) / self._weights[index]
        return round(share) if share > 1 else 0

    def _wait_until(self, index: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopped or index < self._turn + self._ahead)
            if self._is_stopped:
                raise _StoppedError

    def _tick(self) -> None:
        self._came_on = True
        if self._is_stopped:
            raise _StoppedError


def _at_once(found: Sequence[Head], weigh: Callable[[str], float]) -> dict[int, float]:
    """What all decoders that are at work when a plan is made weigh."""
    weights: dict[int, float] = {}
    for head in found:
        for index, frame in head.wants:
            weights[index] = weights.get(index, 0.0) + weigh(frame.medium)
    return weights
