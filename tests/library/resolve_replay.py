"""Plays a cassette of real (or fake) answers of DaVinci Resolve back: the same calls have to come, in the same order."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_PLAIN = (bool, int, float, str, list, dict, type(None))


class Replay:
    """``resolve`` is what a script gets, ``command_of`` makes its ``otio-perf``."""

    def __init__(self, cassette: dict[str, Any]) -> None:
        self._events: list[dict[str, Any]] = cassette["events"]
        self._next = 0
        self._folder = ""
        self.problems: list[str] = []  # who asks takes an error for one more answer of Resolve
        self.resolve = _Replayed(self, 0)

    @classmethod
    def of(cls, file: Path) -> Replay:
        return cls(json.loads(file.read_text(encoding="utf-8")))

    @property
    def left(self) -> list[dict[str, Any]]:
        """What was recorded, and not asked for."""
        return self._events[self._next :]

    def command_of(
        self, written_in: str, folder: str, say: Callable[[str], None], is_stopped: Callable[[], bool]
    ) -> Callable[[Sequence[str]], Any]:
        self._folder = folder

        def run(words: Sequence[str]) -> Any:
            event = self._expect({"command": self._told(list(words))})
            if "-o" in words and event["code"] == 0:
                Path(words[list(words).index("-o") + 1]).write_text("written by otio-perf, once")
            return SimpleNamespace(code=event["code"], document=event["document"], last_line=event["last_line"])

        return run

    def constant(self, number: int, name: str) -> tuple[bool, Any]:
        event = self._events[self._next] if self._next < len(self._events) else {}
        if event.get("get") != name or event["on"] != number:
            return False, None
        self._next += 1
        return True, event["answer"]

    def call(self, number: int, name: str, arguments: Sequence[Any]) -> Any:
        event = self._expect({"call": name, "on": number, "arguments": self._told(list(arguments))})
        if "raised" in event:
            raise RuntimeError(event["raised"])
        if name == "Export" and event["answer"] is True:
            Path(arguments[0]).write_text("exported by Resolve, once")
        return self._given(event["answer"])

    def _expect(self, asked: dict[str, Any]) -> dict[str, Any]:
        event = self._events[self._next] if self._next < len(self._events) else {}
        recorded = {name: event.get(name) for name in asked}
        if recorded != asked:
            self.problems.append(f"event {self._next}: {recorded} was recorded, {asked} is asked")
            raise AssertionError(self.problems[-1])
        self._next += 1
        return event

    def _told(self, value: Any) -> Any:
        if isinstance(value, _Replayed):
            return {"$object": value._number}
        if isinstance(value, list):
            return [self._told(one) for one in value]
        if isinstance(value, dict):
            return {name: self._told(one) for name, one in value.items()}
        return value.replace(self._folder, "$WORK") if isinstance(value, str) else value

    def _given(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._given(one) for one in value]
        if isinstance(value, dict):
            if "$object" in value:
                return _Replayed(self, value["$object"])
            if "$table" in value:
                return {key: self._given(one) for key, one in value["$table"]}
            return {name: self._given(one) for name, one in value.items()}
        return value


class _Replayed:
    def __init__(self, replay: Replay, number: int) -> None:
        self._replay, self._number = replay, number

    def __getattr__(self, name: str) -> Any:
        is_constant, answer = self._replay.constant(self._number, name)
        return answer if is_constant else lambda *arguments: self._replay.call(self._number, name, arguments)
