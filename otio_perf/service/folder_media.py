"""The media of one watched folder, and how far each of them is."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto

from otio_perf.model.plans import Decision, Plan
from otio_perf.watch.settle import Seen


class State(Enum):
    QUEUED = auto()  # to be opened, or to be made
    READY = auto()  # has what it should have; or needs nothing
    FAILED = auto()


@dataclass(slots=True)
class Medium:
    """One that has settled. ``keys``: of its tasks that are not done."""

    seen: Seen
    state: State = State.QUEUED
    keys: tuple[str, ...] = ()
    decision: Decision | None = None


class FolderMedia:
    """By path. Changed by one thread, looked at by all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._media: dict[str, Medium] = {}
        self._plan: Plan | None = None

    def get(self, path: str) -> Medium | None:
        return self._media.get(path)

    def __getitem__(self, path: str) -> Medium:
        return self._media[path]

    def put(self, seen: Seen) -> None:
        """It has settled, for the first time or anew."""
        with self._lock:
            self._media[seen.path] = Medium(seen)
            self._plan = None

    def pop(self, path: str) -> Medium | None:
        with self._lock:
            self._plan = None
            return self._media.pop(path, None)

    def clear(self) -> None:
        with self._lock:
            self._media.clear()
            self._plan = None

    def decide(self, one: Medium, decision: Decision | None) -> None:
        """What becomes of ``one``; ``None``: that is to be decided anew."""
        with self._lock:
            one.decision, self._plan = decision, None

    def end(self, path: str, state: State) -> None:
        """It is at an end for now, if it is still there."""
        one = self._media.get(path)
        if one is not None:
            with self._lock:
                one.state = state

    def states(self) -> Counter[State]:
        """How many are how far."""
        with self._lock:
            return Counter(one.state for one in self._media.values())

    @property
    def plan(self) -> Plan:
        """What becomes of each medium that was opened."""
        with self._lock:
            if self._plan is None:
                decisions = tuple(one.decision for one in self._media.values() if one.decision is not None)
                self._plan = Plan(decisions=decisions)
            return self._plan
