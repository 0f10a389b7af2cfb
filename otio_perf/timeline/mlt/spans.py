"""XML whose bytes stay as they are but where something is changed: elements that know where in the text they stand, and edits.

A user's project is never written anew from what we understood of it: names, unknown elements, the order of attributes, white
space and comments survive because nobody touches them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from otio_perf.errors import UnwritableTimelineError
from otio_perf.timeline.mlt.tree import refuse_deeper, refusing

_TAG = re.compile(rb"""[^>"']*(?:"[^"]*"[^>"']*|'[^']*'[^>"']*)*>""")


@dataclass(slots=True, eq=False)
class Span:
    """An element: ``data[start:stop]``, of which ``data[inside:closing]`` is between its tags; both the same where it has one
    tag only."""

    tag: str
    attributes: dict[str, str]
    start: int
    inside: int = 0
    closing: int = 0
    stop: int = 0
    text: str = ""
    parent: Span | None = None
    children: list[Span] = field(default_factory=list)
    _properties: dict[str, Span] | None = None

    def __iter__(self) -> Iterator[Span]:
        return iter(self.children)

    def walk(self) -> Iterator[Span]:
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def has_one_tag(self) -> bool:
        return self.inside == self.closing == self.stop

    def property(self, name: str) -> Span | None:
        """The first of this name; asked of what is parsed to its end."""
        if self._properties is None:  # a clip of Kdenlive's has a hundred of them
            found = [(c.attributes.get("name", ""), c) for c in self.children if c.tag == "property"]
            self._properties = dict(reversed(found))
        return self._properties.get(name)

    def value(self, name: str) -> str:
        found = self.property(name)
        return "" if found is None else found.attributes.get("value") or found.text


def parse(data: bytes, path: object) -> Span:
    """The root of ``data``.

    :raises HostileTimelineError, UnreadableTimelineError: see ``tree.refusing``
    :raises UnwritableTimelineError: it is in another encoding than UTF-8, so that bytes are not what they seem
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    top: list[Span] = []
    open_: list[Span] = []

    def declared(_version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "utf8", "us-ascii"):
            raise UnwritableTimelineError(
                f"is written in {encoding}", path=path, hint="Open it in its program and save it again: it becomes UTF-8"
            )

    def start(tag: str, attributes: dict[str, str]) -> None:
        at = parser.CurrentByteIndex
        span = Span(tag, attributes, at, inside=_end_of_tag(data, at), parent=open_[-1] if open_ else None)
        if open_:
            open_[-1].children.append(span)
        else:
            top.append(span)
        open_.append(span)
        refuse_deeper(len(open_))

    def end(_tag: str) -> None:
        span, at = open_.pop(), parser.CurrentByteIndex
        if data[span.inside - 2 : span.inside] == b"/>":
            span.closing = span.stop = span.inside
        else:
            span.closing, span.stop = at, data.index(b">", at) + 1

    def characters(text: str) -> None:
        open_[-1].text += text

    parser.XmlDeclHandler = declared
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    with refusing(parser, path):
        parser.Parse(data, True)
    return top[0]


def _end_of_tag(data: bytes, at: int) -> int:
    """Behind the ``>`` of the tag that begins at ``at``; one in quotes is no end."""
    found = _TAG.match(data, at)
    if found is None:
        raise ValueError("a tag without an end")
    return found.end()


class Edits:
    """Changes of one text, collected and then made at once."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._made: list[tuple[int, int, bytes]] = []

    def __bool__(self) -> bool:
        return bool(self._made)

    def result(self) -> bytes:
        found, cursor = [], 0
        for start, stop, text in sorted(self._made, key=lambda edit: edit[:2]):
            assert start >= cursor, "two edits of one place"
            found += [self._data[cursor:start], text]
            cursor = stop
        return b"".join([*found, self._data[cursor:]])

    def set_property(self, of: Span, name: str, value: str) -> None:
        """Change the value in its place, or add the property behind the last."""
        words = f"<property name={quoteattr(name)}>{escape(value)}</property>".encode()
        found = of.property(name)
        if found is None:
            last = next((c for c in reversed(of.children) if c.tag == "property"), None)
            if last is not None:
                self.insert(last.stop, self._indent(last.start) + words)
            elif of.has_one_tag:
                tag = self._data[of.start : of.stop].removesuffix(b"/>").rstrip()
                self._made.append((of.start, of.stop, tag + b">" + words + f"</{of.tag}>".encode()))
            else:
                self.insert(of.inside, words)
        elif found.has_one_tag or "value" in found.attributes:
            self._made.append((found.start, found.stop, words))
        elif found.text != value:
            self._made.append((found.inside, found.closing, escape(value).encode()))

    def text_of(self, span: Span) -> str:
        return self._data[span.start : span.stop].decode()

    def remove(self, span: Span) -> None:
        """With the white space before it."""
        self._made.append((span.start - len(self._indent(span.start)), span.stop, b""))

    def replace(self, span: Span, text: bytes) -> None:
        self._made.append((span.start, span.stop, text))

    def insert(self, at: int, text: bytes) -> None:
        self._made.append((at, at, text))

    def insert_before(self, span: Span, text: str) -> None:
        self.insert(span.start, text.encode() + self._indent(span.start))

    def insert_behind(self, span: Span, text: str) -> None:
        self.insert(span.stop, self._indent(span.start) + text.encode())

    def _indent(self, at: int) -> bytes:
        """White space before ``at``, a line's end included."""
        start = at
        while start and self._data[start - 1] in b" \t\r\n":
            start -= 1
        return self._data[start:at]
