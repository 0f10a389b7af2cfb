"""Records what Resolve and ``otio-perf`` answer, so that a test can replay it: without the user's paths, names and words.

A cassette is JSON: ``events`` in their order. ``get``: a constant that was read; ``call``: a method, with its arguments and its
answer; ``command``: a run of ``otio-perf``. Objects of Resolve are ``{"$object": NUMBER}``, 0 is Resolve itself, tables with
keys that are no text ``{"$table": [[KEY, VALUE]]}``. Of clip properties and of documents only what the commands read is kept.
"""

import json
import re

from .calls import StoppedError
from .marking import FACTOR, OURS

_PLAIN = (bool, int, float, str, list, tuple, dict)
#: Clip properties that are kept, and whether their values are words of the user.
_WORDS = ("Clip Name", "File Path", "Proxy Media Path")
_FACTS = ("FPS", "Frames", "Start TC", "Start", "End", "Drop frame", "Type", "Format", "Video Codec", "Resolution", "Audio Ch")
#: Fields of otio-perf's documents that are kept.
_FIELDS = set(
    "schema schema_version proxies media info kind video frame_count frame_rate start_timecode outcomes state products key path"
    " decisions action reason url message hint prerenders regions left_to_host failed written spans start stop factor"
    " with_proxy_factor reasons smooth_share status workspace differences text field source proxy stop_timecode".split()
)
_NAMING = ("GetName", "GetUniqueId")
#: Answers that say nothing of the user.
_PUBLIC = ("GetProductName", "GetVersionString", "GetSetting")
#: What is called so by us, not by the user.
_OURS = {"Proxy", "$WORK", "", "otio_perf", ".otio_perf", "workspace", "proxies"}
_IS_PATH = re.compile(r"(/|[A-Za-z]:[\\/]|\\\\)(?!\s)[^\n]*\Z")
_PATH_WITHIN = re.compile(r"(?<![A-Za-z0-9$])(?:/|[A-Za-z]:[\\/]|\\\\)[^\s:;,]+")
#: Words shorter than that are everybody's.
_SHORTEST = 4
_FILE = re.compile(r"(.*?)(\.?\[\d+-\d+\])?(\.[A-Za-z0-9]{1,5})?\Z", re.DOTALL)


class Recorder:
    """``folder``: the one that the command works in; its paths are told as ``$WORK``."""

    def __init__(self, name, folder):
        self._name = name
        self._folder = folder
        self._events = []
        self._objects = 0

    def object(self, real):
        """A stand-in for Resolve that answers as it does."""
        return _Recorded(self, real, 0)

    def command(self, real):
        """As ``real``, which runs ``otio-perf``."""

        def run(words, **how):
            event = {"command": list(words)}
            self._events.append(event)
            try:
                answer = real(words, **how)
            except StoppedError as reason:
                event["stopped"] = str(reason)
                raise
            event.update(code=answer.code, document=answer.document, last_line=answer.last_line)
            return answer

        return run

    def text(self, product, counts):
        """The cassette. ``counts``: what the command came to, which a replay has to come to, too."""
        private = _Private(self._folder)
        private.learn(self._events)
        events = [private.event(one) for one in self._events]
        head = {"schema": "otio_perf.resolve_cassette", "schema_version": 1, "command": self._name, "product": product}
        return json.dumps(dict(head, events=events, counts=counts), indent=1, sort_keys=True) + "\n"

    def note(self, event):
        self._events.append(event)

    def wrapped(self, value, event):
        """What the script gets for ``value``, and into ``event`` what is written of it."""
        given, event["answer"] = self._wrap(value)
        return given

    def _wrap(self, value):
        if value is None or isinstance(value, (bool, int, float, str)):
            return value, value
        if isinstance(value, dict):
            pairs = [(key, self._wrap(one)) for key, one in value.items()]
            given = {key: one[0] for key, one in pairs}
            if all(isinstance(key, str) for key in given):
                return given, {key: one[1] for key, one in pairs}
            return given, {"$table": [[key, one[1]] for key, one in pairs]}
        if isinstance(value, (list, tuple)):
            several = [self._wrap(one) for one in value]
            return [one[0] for one in several], [one[1] for one in several]
        self._objects += 1
        return _Recorded(self, value, self._objects), {"$object": self._objects}


class _Recorded:
    """One object of Resolve."""

    def __init__(self, recorder, real, number):
        self.__dict__.update(_recorder=recorder, _real=real, _number=number)

    def __getattr__(self, name):
        value = getattr(self._real, name, None)
        if value is None or isinstance(value, _PLAIN):
            self._recorder.note({"get": name, "on": self._number, "answer": value})
            return value

        def call(*arguments):
            event = {"call": name, "on": self._number, "arguments": [_written(one) for one in arguments]}
            self._recorder.note(event)
            try:
                answer = value(*[_real(one) for one in arguments])
            except Exception as error:
                event["raised"] = str(error)
                raise
            return self._recorder.wrapped(answer, event)

        return call


def _written(value):
    if isinstance(value, _Recorded):
        return {"$object": value._number}
    if isinstance(value, (list, tuple)):
        return [_written(one) for one in value]
    if isinstance(value, dict):
        return {key: _written(one) for key, one in value.items()}
    return value


def _real(value):
    if isinstance(value, _Recorded):
        return value._real
    if isinstance(value, (list, tuple)):
        return [_real(one) for one in value]
    if isinstance(value, dict):
        return {key: _real(one) for key, one in value.items()}
    return value


class _Private:
    """Gives everything of the user's another name, the same one each time."""

    def __init__(self, folder):
        self._folder = folder
        self._names = {}  # what the user called something, and what it is called here
        self._parts = {}  # of paths
        self._paths = {}

    def learn(self, events):
        """What is a name, and what is a path: also where they stand within other words they are then known."""
        for event in events:
            answer = event.get("answer")
            if event.get("call") == "GetClipProperty" and isinstance(answer, dict):
                answer = self._kept(answer)
                self._name(str(answer.get("Clip Name", "")))
            if event.get("call") in _NAMING and isinstance(answer, str):
                self._name(answer)
            for value in (answer, event.get("arguments"), event.get("document")):
                for text in _texts(value):
                    if _IS_PATH.match(text):
                        self._path(text)

    def event(self, event):
        if "get" in event:
            return event
        if "command" in event:
            told = dict(event, command=[self.told(word) for word in event["command"]])
            for field in ("last_line", "stopped"):
                if field in told:
                    told[field] = self.told(told[field])
            if told.get("document") is not None:
                told["document"] = self._document(told["document"])
            return told
        told = dict(event, arguments=[self._value(one) for one in event["arguments"]])
        if event["call"] == "AddMarker":
            note = "\n".join(self._reason(line) for line in event["arguments"][3].split("\n"))
            told["arguments"] = [*event["arguments"][:3], note, *event["arguments"][4:]]
        if "raised" in told:
            told["raised"] = self.told(told["raised"])
        if "answer" in told and event["call"] not in _PUBLIC:
            rewrite = {"GetClipProperty": self._properties, "GetMarkers": self._markers}.get(event["call"], self._value)
            told["answer"] = rewrite(told["answer"])
        return told

    def _reason(self, line):
        return line if line.startswith(FACTOR) else self.told(line)

    def _properties(self, answer):
        if not isinstance(answer, dict):
            return answer
        return {name: self.told(one) if name in _WORDS else one for name, one in self._kept(answer).items()}

    @staticmethod
    def _kept(answer):
        words = {name: answer[name] for name in _WORDS if isinstance(answer.get(name), str)}
        return dict(words, **{name: answer[name] for name in _FACTS if name in answer})

    def _markers(self, answer):
        if not isinstance(answer, dict) or "$table" not in answer:
            return answer
        return {"$table": [[frame, self._marker(marker)] for frame, marker in answer["$table"]]}

    def _marker(self, marker):
        if not isinstance(marker, dict):
            return marker
        if str(marker.get("customData", "")).startswith(OURS):
            return self._value(marker)
        return {name: "" if isinstance(value, str) and name != "color" else value for name, value in marker.items()}

    def _document(self, value):
        if isinstance(value, dict):
            return {name: self._document(one) for name, one in value.items() if name in _FIELDS}
        return [self._document(one) for one in value] if isinstance(value, list) else self._value(value)

    def _value(self, value):
        if isinstance(value, str):
            return self.told(value)
        if isinstance(value, list):
            return [self._value(one) for one in value]
        if isinstance(value, dict):
            return {name: self._value(one) for name, one in value.items()}
        return value

    def told(self, text):
        """``text`` without what is the user's."""
        if text in _OURS:
            return text
        if _IS_PATH.match(text):
            return self._path(text)
        if text in self._names:
            return self._names[text]
        text = text.replace(self._folder, "$WORK")
        for path in sorted(self._paths, key=len, reverse=True):
            text = text.replace(path, self._paths[path])
        for known in sorted(self._names, key=len, reverse=True):
            if len(known) >= _SHORTEST and known in text:
                word = r"(?<![A-Za-z0-9])%s(?![A-Za-z0-9])" % re.escape(known)
                text = re.sub(word, lambda _, other=self._names[known]: other, text)
        return _PATH_WITHIN.sub(lambda found: self._path(found.group()), text)

    def _name(self, name):
        if name and name not in _OURS:
            self._names.setdefault(name, "name-%d" % (len(self._names) + 1))

    def _path(self, text):
        if text in self._paths.values():
            return text
        if text not in self._paths:
            inside = text.replace(self._folder, "$WORK")
            if inside.startswith("$WORK"):
                return inside  # what lies there has names of ours
            separator = "\\" if "\\" in text else "/"
            parts = text.split(separator)
            told = [self._part(part) for part in parts]
            self._paths[text] = separator.join(told)
            if "." in parts[-1]:
                self._names.setdefault(parts[-1], told[-1])
                self._names.setdefault(parts[-1].rpartition(".")[0], told[-1].rpartition(".")[0])
        return self._paths[text]

    def _part(self, part):
        if part in _OURS or re.match(r"[A-Za-z]:\Z", part):
            return part
        if part not in self._parts:
            _, numbers, suffix = _FILE.match(part).groups()
            self._parts[part] = "p%d%s%s" % (len(self._parts) + 1, numbers or "", suffix or "")
        return self._parts[part]


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            for text in _texts(one):
                yield text
    elif isinstance(value, dict):
        for one in value.values():
            for text in _texts(one):
                yield text
