"""KDE's settings format, changed a line at a time: what is not ours stays byte for byte.

``[Group]`` headers, ``key=value`` lines, ``#`` comments; in UTF-8, of which only what is ours is read. Taking away what was
put gives back the bytes that were there before, as long as nobody else wrote the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

#: Values by group and key.
Values = Mapping[str, Mapping[str, str]]

#: ``[Group]``, with ``[$i]`` where an administrator made it unchangeable.
_HEADER = re.compile(rb"\[(.*?)\](?:\[\$i\])?$")
#: ``key``, ``key[$e]``, ``key[de]`` and what follows ``=``.
_ENTRY = re.compile(rb"([^=\[#][^=\[]*)((?:\[[^\]=]*\])*)\s*(?:=(.*))?$", re.DOTALL)
_BOM = b"\xef\xbb\xbf"
#: As KConfig writes what would not survive in a line of its own.
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
#: A key with this in its name is ours, whoever wrote it: Kdenlive's own dialog adds settings to the jobs that it knows.
_MARK = b"otio_perf"


class NotSettingsError(ValueError):
    """The file is in some other format."""


@dataclass(slots=True)
class _Line:
    text: bytes
    end: bytes  # b"" where the last one has none
    group: bytes | None = None
    is_header: bool = False
    key: bytes | None = None
    value: bytes = b""
    is_plain: bool = True  # not another language's, not a note that it was deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """``text``: with what was put. ``made_groups``: those that were not there. ``kept``: values of others, by group and key,
    which are as they were."""

    text: bytes
    made_groups: tuple[str, ...]
    kept: Values = field(default_factory=dict)


def put(text: bytes, values: Values, *, earlier: Values | None = None) -> Put:
    """``values`` are there; one that is there already with another value is changed only if that is what ``earlier`` says.

    :raises NotSettingsError: ``text`` is no such file
    """
    start, lines = _parse(text)
    end = next((line.end for line in lines if line.end), b"\n")
    made: list[str] = []
    kept: dict[str, dict[str, str]] = {}
    for group, entries in values.items():
        name = group.encode()
        for key, value in entries.items():
            wanted = _spelled(value)
            there = [line for line in lines if line.is_plain and line.group == name and line.key == key.encode()]
            if there and there[-1].value == wanted:
                continue
            if there:
                before = (earlier or {}).get(group, {}).get(key)
                if before is not None and there[-1].value == _spelled(before):
                    there[-1].text = key.encode() + b"=" + wanted
                else:
                    kept.setdefault(group, {})[key] = there[-1].value.decode(errors="replace")
                continue
            place = max(
                (i for i, line in enumerate(lines) if line.group == name and (line.key or line.is_header)), default=None
            )
            if place is None:
                if lines:
                    _insert(lines, len(lines), _Line(b"", end), end)
                _insert(lines, len(lines), _Line(b"[" + name + b"]", end, group=name, is_header=True), end)
                made.append(group)
                place = len(lines) - 1
            new = _Line(key.encode() + b"=" + wanted, end, group=name, key=key.encode(), value=wanted)
            _insert(lines, place + 1, new, end)
    return Put(text=start + _joined(lines), made_groups=tuple(made), kept=kept)


def take(text: bytes, values: Values, *, made_groups: Set[str]) -> bytes:
    """Without the keys of ``values``, whatever they say now, and without those of ``made_groups`` that are empty then.

    :raises NotSettingsError: ``text`` is no such file
    """
    start, lines = _parse(text)
    ours = {(group.encode(), key.encode()) for group, entries in values.items() for key in entries}
    names = {key for _, key in ours if _MARK in key}
    emptied = {name.encode() for name in made_groups}
    for number in reversed(range(len(lines))):
        line = lines[number]
        if line.key is not None and ((line.group, line.key) in ours or line.key in names):
            if (line.group, line.key) not in ours and line.group is not None:
                emptied.add(line.group)
            _remove(lines, number)
    for line in [line for line in reversed(lines) if line.is_header and line.group in emptied]:
        number = next(i for i, other in enumerate(lines) if other is line)
        if _is_empty(lines, number):
            _remove(lines, number)
            if number and not lines[number - 1].text:
                _remove(lines, number - 1)  # which put it apart
    return start + _joined(lines)


def read(text: bytes) -> dict[str, dict[str, str]]:
    """What is said, by group and key; values are as they stand in the file but for KConfig's escapes.

    :raises NotSettingsError: ``text`` is no such file
    """
    found: dict[str, dict[str, str]] = {}
    for line in _parse(text)[1]:
        if line.key is not None and line.group is not None and line.is_plain:
            group = found.setdefault(line.group.decode(errors="replace"), {})
            group[line.key.decode(errors="replace")] = _meant(line.value.decode(errors="replace"))
    return found


def _parse(text: bytes) -> tuple[bytes, list[_Line]]:
    if b"\0" in text:
        raise NotSettingsError("is not a settings file of KDE: it is not in UTF-8")
    if text.endswith(b"\r"):
        raise NotSettingsError("is not a settings file of KDE: it ends in the midst of a line end")
    start = _BOM if text.startswith(_BOM) else b""
    lines: list[_Line] = []
    group: bytes | None = None
    for whole in text[len(start) :].split(b"\n"):
        content = whole.removesuffix(b"\r")
        lines.append(_Line(content, whole[len(content) :] + b"\n"))
    if lines[-1].text:
        lines[-1].end = b""
    else:
        lines.pop()  # what follows the last line end is no line
    for line in lines:
        bare = line.text.strip()
        if bare.startswith(b"[") and (header := _HEADER.match(bare)):
            group = header[1]
            line.is_header = True
        elif entry := _ENTRY.match(bare):
            line.key, line.value = entry[1].strip(), (entry[3] or b"").strip()
            line.is_plain = b"[$d]" not in entry[2] and not re.search(rb"\[[^$]", entry[2])
        line.group = group
    return start, lines


def _joined(lines: list[_Line]) -> bytes:
    return b"".join(line.text + line.end for line in lines)


def _insert(lines: list[_Line], place: int, new: _Line, end: bytes) -> None:
    """After a last line that has no end, the new one has none."""
    if place == len(lines) and lines and not lines[-1].end:
        lines[-1].end, new.end = end, b""
    lines.insert(place, new)


def _remove(lines: list[_Line], number: int) -> None:
    gone = lines.pop(number)
    if not gone.end and lines:
        lines[-1].end = b""


def _is_empty(lines: list[_Line], number: int) -> bool:
    """Nothing but blank lines stands between a header and the next one."""
    for line in lines[number + 1 :]:
        if line.is_header:
            return True
        if line.text.strip():
            return False
    return True


def _spelled(value: str) -> bytes:
    """KConfig takes spaces off both ends of a value."""
    text = "".join(_ESCAPES.get(letter, letter) for letter in value)
    if text[:1] == " ":
        text = "\\s" + text[1:]
    if text[-1:] == " ":
        text = text[:-1] + "\\s"
    return text.encode("utf-8", "surrogateescape")


def _meant(text: str) -> str:
    letters = {"\\": "\\", "n": "\n", "r": "\r", "t": "\t", "s": " "}
    return re.sub(r"\\([\\nrts])", lambda m: letters[m[1]], text)
