"""Plays a cassette of real (or fake) answers of DaVinci Resolve back: the same calls have to come, in the same order.

python3.6 resolve_replay.py CASSETTE hosts/resolve     in any Python from 3.6 on, which is why it has no types
"""

import json
import os
import sys


class Answer:
    """Of ``otio-perf``."""

    def __init__(self, event):
        self.code, self.document, self.last_line = event["code"], event["document"], event["last_line"]


class Replay:
    """``resolve`` is what a script gets, ``command_of`` makes its ``otio-perf``.

    ``problems``: what was asked otherwise than it was recorded; who asks takes such an error for one more answer of Resolve.
    """

    def __init__(self, cassette):
        self._events = cassette["events"]
        self._next = 0
        self._folder = ""
        self.problems = []
        self.resolve = _Replayed(self, 0)

    @property
    def left(self):
        """What was recorded, and not asked for."""
        return self._events[self._next :]

    def command_of(self, written_in, folder, say, is_stopped):
        self._folder = folder

        def run(words):
            event = self._expect({"command": self._told(list(words))})
            if "-o" in words and event["code"] == 0:
                _write(words[list(words).index("-o") + 1])
            return Answer(event)

        return run

    def constant(self, number, name):
        event = self._events[self._next] if self._next < len(self._events) else {}
        if event.get("get") != name or event["on"] != number:
            return False, None
        self._next += 1
        return True, event["answer"]

    def call(self, number, name, arguments):
        event = self._expect({"call": name, "on": number, "arguments": self._told(list(arguments))})
        if "raised" in event:
            raise RuntimeError(event["raised"])
        if name == "Export" and event["answer"] is True:
            _write(arguments[0])
        return self._given(event["answer"])

    def _expect(self, asked):
        event = self._events[self._next] if self._next < len(self._events) else {}
        recorded = {name: event.get(name) for name in asked}
        if recorded != asked:
            self.problems.append(f"event {self._next}: {recorded} was recorded, {asked} is asked")
            raise AssertionError(self.problems[-1])
        self._next += 1
        return event

    def _told(self, value):
        if isinstance(value, _Replayed):
            return {"$object": value._number}
        if isinstance(value, list):
            return [self._told(one) for one in value]
        if isinstance(value, dict):
            return {name: self._told(one) for name, one in value.items()}
        return value.replace(self._folder, "$WORK") if isinstance(value, str) else value

    def _given(self, value):
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
    def __init__(self, replay, number):
        self._replay, self._number = replay, number

    def __getattr__(self, name):
        is_constant, answer = self._replay.constant(self._number, name)
        return answer if is_constant else lambda *arguments: self._replay.call(self._number, name, arguments)


def _write(path):
    with open(path, "w") as file:
        file.write("{}")


def main(cassette, scripts):
    """Exit code 1: it was asked otherwise than it was recorded."""
    sys.path.insert(0, scripts)
    from otio_perf_resolve import commands

    with open(cassette, encoding="utf-8") as file:
        recorded = json.load(file)
    replay = Replay(recorded)
    report = commands.run(recorded["command"], replay.resolve, "", commands.tell, command_of=replay.command_of)
    is_same = (replay.problems, replay.left, report.counts) == ([], [], recorded["counts"])
    print(f"{os.path.basename(cassette)}: {'as it was recorded' if is_same else replay.problems or replay.left}")
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
