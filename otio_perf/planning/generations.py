"""What is remembered from one plan to the next, and forgotten once nobody needs it. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_K_contra = TypeVar("_K_contra", bound=Hashable, contravariant=True)


class Memory(Protocol[_K_contra, V]):
    """A mapping that may forget."""

    def get(self, key: _K_contra, /) -> V | None: ...
    def put(self, key: _K_contra, value: V, /) -> None: ...


class Generations(Generic[K, V]):
    """A mapping that forgets what was neither put nor asked for since the turn before last."""

    def __init__(self) -> None:
        self._now: dict[K, V] = {}
        self._before: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._now.keys() | self._before.keys())

    def turn(self) -> None:
        self._now, self._before = {}, self._now

    def clear(self) -> None:
        self._now, self._before = {}, {}

    def get(self, key: K, /) -> V | None:
        found = self._now.get(key)
        if found is None and (found := self._before.get(key)) is not None:
            self._now[key] = found
        return found

    def put(self, key: K, value: V, /) -> None:
        self._now[key] = value
