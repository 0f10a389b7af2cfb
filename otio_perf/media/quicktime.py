"""What FFmpeg's QuickTime muxer cannot be told through PyAV is written into the finished file's ``moov`` box.

Languages: the muxer knows Macintosh's list only; QuickTime reads packed ISO 639-2/T codes as well (QuickTime File Format,
"Language Code Values"). HDR10 tags: ``mdcv`` and ``clli`` boxes (ISO/IEC 23001-17 spelling of SMPTE ST 2086 and CTA-861.3),
for codecs that have no place for them in their own stream.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

_HEADER = struct.Struct(">I4s")
_FULL_HEADER = 16  # with a 64-bit size
_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_SAMPLE_ENTRY = 86  # of a video sample description: box header 8, fields 78
_MASTERING = re.compile(r"(G|B|R|WP|L)\((\d+),(\d+)\)")

Box = tuple[bytes, bytes]
"""Type and content."""


def annotate(path: Path, *, languages: Mapping[int, str], mastering_display: str | None, content_light: str | None) -> None:
    """Add tags to a finished movie whose ``moov`` is the last box (as FFmpeg leaves it).

    :param languages: ISO 639-2 code by number of the track (0 = first).
    :param mastering_display: as ``VideoInfo.mastering_display``; written beside the first video track's codec.
    :raises ValueError: no QuickTime movie, or ``moov`` is not at its end.
    """
    hdr = b"".join(_box(*box) for box in _hdr_boxes(mastering_display, content_light))
    if not languages and not hdr:
        return
    with path.open("r+b") as file:
        start, content = _last_moov(file)
        tracks = -1

        def rewrite(kind: bytes, body: bytes, trail: tuple[bytes, ...]) -> bytes:
            nonlocal tracks
            tracks += kind == b"trak"
            if kind in _CONTAINERS:
                return b"".join(_box(k, rewrite(k, b, (*trail, kind))) for k, b in _boxes(body))
            if kind == b"mdhd" and tracks in languages:
                return _with_language(body, languages[tracks])
            if kind == b"stsd" and hdr and tracks == 0:
                return _with_boxes(body, hdr)
            return body

        moov = _box(b"moov", rewrite(b"moov", content, ()))
        file.seek(start)
        file.write(moov)
        file.truncate()


def _last_moov(file: BinaryIO) -> tuple[int, bytes]:
    """Offset of the ``moov`` box and its content."""
    end = file.seek(0, os.SEEK_END)
    position = 0
    while position < end:
        file.seek(position)
        header = file.read(_FULL_HEADER)
        size, kind = _HEADER.unpack(header[:8])
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", header[8:16])[0], _FULL_HEADER
        if size < head:
            break
        if kind == b"moov":
            if position + size != end:
                break
            file.seek(position + head)
            return position, file.read(size - head)
        position += size
    raise ValueError(f"{file.name}: no movie box at the end")


def _boxes(body: bytes) -> Iterator[Box]:
    position = 0
    while position + 8 <= len(body):
        size, kind = _HEADER.unpack_from(body, position)
        if size < 8:  # QuickTime ends user data with four zero bytes
            break
        yield kind, body[position + 8 : position + size]
        position += size


def _box(kind: bytes, body: bytes) -> bytes:
    return _HEADER.pack(len(body) + 8, kind) + body


def _with_language(mdhd: bytes, language: str) -> bytes:
    """ISO/IEC 14496-12 section 8.4.2: three letters of five bits each, after the times (4 or 8 bytes each by version)."""
    at = 32 if mdhd[0] == 1 else 20
    packed = 0
    for letter in language[:3].lower():
        packed = packed << 5 | (ord(letter) - 0x60) & 0x1F
    return mdhd[:at] + struct.pack(">H", packed) + mdhd[at + 2 :]


def _with_boxes(stsd: bytes, added: bytes) -> bytes:
    """``added`` at the end of the first sample entry (after version, flags and count: 8 bytes)."""
    size = _HEADER.unpack_from(stsd, 8)[0]
    entry, rest = stsd[8 : 8 + size], stsd[8 + size :]
    if entry.endswith(b"\0\0\0\0") and size > _SAMPLE_ENTRY and not _ends_in_box(entry):
        entry = entry[:-4]  # a QuickTime terminator would hide what follows
    return stsd[:8] + _HEADER.pack(len(entry) + len(added), entry[4:8]) + entry[8:] + added + rest


def _ends_in_box(entry: bytes) -> bool:
    used = sum(len(body) + 8 for _, body in _boxes(entry[_SAMPLE_ENTRY:]))
    return used == len(entry) - _SAMPLE_ENTRY


def _hdr_boxes(mastering_display: str | None, content_light: str | None) -> Iterator[Box]:
    if mastering_display:
        found = {key: (int(x), int(y)) for key, x, y in _MASTERING.findall(mastering_display)}
        pairs = [found.get(key, (0, 0)) for key in ("G", "B", "R", "WP")]
        yield b"mdcv", struct.pack(">8H2I", *(n for pair in pairs for n in pair), *found.get("L", (0, 0)))
    if content_light:
        most, average = (int(part) for part in content_light.split(","))
        yield b"clli", struct.pack(">2H", most, average)
