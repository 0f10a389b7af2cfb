"""What FFmpeg's QuickTime muxer cannot be told through PyAV is written into the finished file's ``moov`` box.

Languages: the muxer knows Macintosh's list only; QuickTime reads packed ISO 639-2/T codes as well (QuickTime File Format,
"Language Code Values"). HDR10 tags: ``mdcv`` and ``clli`` boxes (ISO/IEC 23001-17 spelling of SMPTE ST 2086 and CTA-861.3),
for codecs that have no place for them in their own stream. Lengths: see ``settle_lengths``.
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

#: Where a box has its length (in the units of the track or movie) in its version 0 (32 bits) and 1 (64 bits): ISO/IEC 14496-12
#: sections 8.4.2, 8.3.2 and 8.6.6.
_LENGTHS = {b"mdhd": (16, 24), b"tkhd": (20, 28), b"elst": (8, 8)}

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
        start, _, content = _moov(file)
        if file.tell() != file.seek(0, os.SEEK_END):
            raise ValueError(f"{file.name}: the movie box is not at the end")
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


def settle_lengths(path: Path) -> None:
    """Say of each track of a finished movie how long it is: its medium as all its samples, its edit list as the track.

    FFmpeg 8 adds to the medium the least delay between decoding and showing (of H.264, a picture), and to the edit list of the
    timecode, too. Nothing changes its size or place.

    :raises ValueError: no QuickTime movie or MP4.
    """
    with path.open("r+b") as file:
        _, start, content = _moov(file)
        moov = bytearray(content)
        for track in _places(moov, range(len(moov)), b"trak"):
            places = {kind: next(_places(moov, track, *way), None) for kind, way in _WAYS.items()}
            samples, medium, edits, whole = (places[kind] for kind in (b"stts", b"mdhd", b"elst", b"tkhd"))
            if samples and medium:
                runs = struct.iter_unpack(">2I", moov[samples.start + 8 : samples.stop])
                _put_length(moov, medium, b"mdhd", sum(count * each for count, each in runs))
            if edits and whole and moov[edits.start + 4 : edits.start + 8] == b"\0\0\0\1":
                _put_length(moov, edits, b"elst", _length(moov, whole, b"tkhd"))
        file.seek(start)
        file.write(moov)


#: From a track to what says how long it is.
_WAYS = {
    b"tkhd": (b"tkhd",),
    b"elst": (b"edts", b"elst"),
    b"mdhd": (b"mdia", b"mdhd"),
    b"stts": (b"mdia", b"minf", b"stbl", b"stts"),
}


def _places(data: bytearray, within: range, *way: bytes) -> Iterator[range]:
    """Bytes of the content of each box at the end of ``way``."""
    at = within.start
    while at + 8 <= within.stop:
        size, kind = _HEADER.unpack_from(data, at)
        if size < 8:
            break
        if kind == way[0]:
            inside = range(at + 8, min(at + size, within.stop))
            yield from _places(data, inside, *way[1:]) if way[1:] else (inside,)
        at += size


def _length_at(data: bytearray, box: range, kind: bytes) -> tuple[int, str]:
    version = data[box.start]
    return box.start + _LENGTHS[kind][version == 1], ">Q" if version == 1 else ">I"


def _length(data: bytearray, box: range, kind: bytes) -> int:
    at, form = _length_at(data, box, kind)
    found: int = struct.unpack_from(form, data, at)[0]
    return found


def _put_length(data: bytearray, box: range, kind: bytes, length: int) -> None:
    at, form = _length_at(data, box, kind)
    struct.pack_into(form, data, at, length)


def _moov(file: BinaryIO) -> tuple[int, int, bytes]:
    """Offset of the ``moov`` box, of its content, and that; the file stands behind it."""
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
            file.seek(position + head)
            return position, position + head, file.read(size - head)
        position += size
    raise ValueError(f"{file.name}: no movie box")


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
