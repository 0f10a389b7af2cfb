"""Where calls of the service run: small pools of threads, so that a slow call holds up its own kind only, never the loop."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from otio_perf.errors import BusyError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Width:
    threads: int
    most_waiting: int
    seconds: float  # from the question to the answer


class Lane(StrEnum):
    LOOK = "look"  # a view of what is known
    WORK = "work"  # looks at media
    STORE = "store"  # looks at every product: of a large workspace, for an hour
    PICTURE = "picture"  # thumbnails: a page asks for many at once


_WIDTHS = {
    Lane.LOOK: _Width(threads=4, most_waiting=128, seconds=30),
    Lane.WORK: _Width(threads=2, most_waiting=16, seconds=900),
    Lane.STORE: _Width(threads=1, most_waiting=8, seconds=3600),
    Lane.PICTURE: _Width(threads=2, most_waiting=512, seconds=120),
}


class Lanes:
    """Pools by ``Lane``. Used on one loop; ``close`` leaves behind what does not end."""

    def __init__(self) -> None:
        self._pools = {lane: ThreadPoolExecutor(width.threads, f"web {lane}") for lane, width in _WIDTHS.items()}
        self._waiting = dict.fromkeys(Lane, 0)

    async def call(self, lane: Lane, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """What ``work`` returns or raises. :raises BusyError"""
        width = _WIDTHS[lane]
        if self._waiting[lane] >= width.threads + width.most_waiting:
            raise BusyError("too much was asked at once", hint="Try again in a moment")
        self._waiting[lane] += 1
        future = asyncio.get_running_loop().run_in_executor(self._pools[lane], functools.partial(work, *args, **kwargs))
        future.add_done_callback(lambda _: self._leave(lane))
        try:
            # not cancelled with who asked: a thread cannot be, and its place must stay counted
            return await asyncio.wait_for(asyncio.shield(future), width.seconds)
        except TimeoutError as e:
            if future.done():
                raise
            raise BusyError(
                f"there was no answer within {width.seconds:g} s", hint="It may still come about: look again"
            ) from e

    def _leave(self, lane: Lane) -> None:
        self._waiting[lane] -= 1

    def close(self) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
