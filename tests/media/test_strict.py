"""Joined files before a reader that believes every box (ISO/IEC 14496-12; QuickTime File Format): none contradicts another."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otio_perf.media.chunks import ChunkFile, write_chunk
from otio_perf.media.concat import join
from otio_perf.media.pieces import Piece, whole
from otio_perf.media.sound_writer import SoundTrack
from otio_perf.model.exports import CONTAINERS
from otio_perf.model.recipes import ChunkCodec

FILM, NTSC, PAL = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25)
#: Seven pictures and then five: that of H.264 are decoded one ahead of what they are shown, though two would be allowed.
LENGTHS = (7, 5)


@pytest.fixture
def pieces(tmp_path: Path) -> Callable[..., list[Piece]]:
    def make(codec: ChunkCodec, rate: Fraction, *, has_alpha: bool = False) -> list[Piece]:
        found = []
        for number, frames in enumerate(LENGTHS):
            wanted = ChunkFile(
                path=str(tmp_path / f"{number}.mov"),
                key="k",
                codec=codec,
                quality=60,
                has_alpha=has_alpha,
                width=320,
                height=180,
                frame_rate=rate,
                frames=frames,
            )
            write_chunk(wanted, (grey(wanted, 60 + n) for n in range(frames)), cores=1, tick=lambda: None)
            found.append(whole(wanted.path, frames))
        return found

    return make


def grey(wanted: ChunkFile, level: int) -> list[Any]:
    layout = wanted.layout
    kind, scale = (np.uint8, 1) if layout.bits == 8 else (np.uint16, 1 << (layout.bits - 8))
    chroma = (-(-wanted.height >> layout.down), -(-wanted.width >> layout.across))
    planes = [np.full((wanted.height, wanted.width), level * scale, kind), *(np.full(chroma, 128 * scale, kind),) * 2]
    return [*planes, planes[0]] if layout.has_alpha else planes


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        assert size >= head
        assert at + size <= len(data), kind
        yield kind, data[at + head : at + size]
        at += size
    assert data[at:] in (b"", bytes(4))  # QuickTime may end a list so


def inside(data: bytes, *way: bytes) -> list[bytes]:
    found = [body for kind, body in boxes(data) if kind == way[0]]
    return [deeper for body in found for deeper in inside(body, *way[1:])] if way[1:] else found


def length(box: bytes, narrow: int, wide: int) -> int:
    at, form = (wide, ">Q") if box[0] else (narrow, ">I")
    found: int = struct.unpack_from(form, box, at)[0]
    return found


def pairs(box: bytes) -> list[tuple[int, int]]:
    return list(struct.iter_unpack(">2I", box[8:]))


def objections(path: Path, rate: Fraction, frames: int, *, has_alpha: bool, is_drop: bool | None) -> list[str]:
    data = path.read_bytes()
    (moov,) = inside(data, b"moov")
    (movie,) = inside(moov, b"mvhd")
    tracks = dict[bytes, Fraction]()
    said = list[tuple[str, object, object]]()
    movie_length = Fraction(length(movie, 16, 24), struct.unpack_from(">I", movie, 20 if movie[0] else 12)[0])
    units = struct.unpack_from(">I", movie, 20 if movie[0] else 12)[0]
    for track in inside(moov, b"trak"):
        (header,), (medium,), (edits,) = (inside(track, *way) for way in ((b"tkhd",), (b"mdia", b"mdhd"), (b"edts", b"elst")))
        kind = inside(track, b"mdia", b"hdlr")[0][8:12]
        table = inside(track, b"mdia", b"minf", b"stbl")[0]
        (times,), (entries,) = inside(table, b"stts"), inside(table, b"stsd")
        total = sum(count * each for count, each in pairs(times))
        said.append((f"{kind!r} medium and samples", length(medium, 16, 24), total))
        said.append((f"{kind!r} edit list and track", length(edits, 8, 8), length(header, 20, 28)))
        tracks[kind] = Fraction(length(header, 20, 28), units)
        entry = entries[8:]
        if kind == b"vide":
            step = Fraction(pairs(times)[0][1], struct.unpack_from(">I", medium, 20 if medium[0] else 12)[0])
            extensions = dict(boxes(entry[86 : struct.unpack_from(">I", entry)[0]]))
            said.append(("step", step, 1 / rate))
            said.append(("square pixels", extensions.get(b"pasp"), struct.pack(">2I", 1, 1)))
            said.append(("colours", extensions.get(b"colr", b"")[4:10], struct.pack(">3H", 1, 1, 1)))
            said.append(("depth", struct.unpack_from(">H", entry, 82)[0], 32 if has_alpha else 24))
            if entry[4:6] == b"ap":
                said.append(("progressive", extensions.get(b"fiel"), b"\1\0"))
        if kind == b"tmcd":
            flags, scale, step, per_second = struct.unpack_from(">3IB", entry, 20)
            said.append(("timecode", (Fraction(scale, step), per_second), (rate, round(rate))))
            said.append(("drop frame", bool(flags & 1), is_drop))
    said.append(("pictures", tracks[b"vide"], frames / rate))
    said.append(("movie", movie_length, max(tracks.values())))
    said.append(("timecode track", tracks.get(b"tmcd"), None if is_drop is None else tracks[b"vide"]))
    return [f"{what}: {found} is not {wanted}" for what, found, wanted in said if found != wanted]


KINDS = [
    (codec, has_alpha, suffix)
    for suffix in (".mov", ".mp4")
    for codec, has_alpha in [*((codec, False) for codec in ChunkCodec), (ChunkCodec.PRORES_4444, True)]
    if codec in CONTAINERS[suffix].codecs
]


@pytest.mark.parametrize(("codec", "has_alpha", "suffix"), KINDS)
def test_nothing_contradicts_anything(
    codec: ChunkCodec, has_alpha: bool, suffix: str, pieces: Callable[..., list[Piece]], tmp_path: Path
) -> None:
    made, output = pieces(codec, NTSC, has_alpha=has_alpha), tmp_path / f"out{suffix}"
    join(made, output, frame_rate=NTSC, start_timecode="00:59:59;28", stands_alone=codec.is_intra)
    assert objections(output, NTSC, 12, has_alpha=has_alpha, is_drop=True) == []


@pytest.mark.parametrize("rate", [FILM, PAL, Fraction(60)])
@pytest.mark.parametrize(("suffix", "codec"), [(".mov", "pcm_s24le"), (".mp4", "aac")])
def test_at_every_rate_and_with_sound(
    rate: Fraction, suffix: str, codec: str, pieces: Callable[..., list[Piece]], tmp_path: Path
) -> None:
    made, output = pieces(ChunkCodec.H264_LONG_GOP, rate), tmp_path / f"out{suffix}"
    samples = round(12 / rate * 48_000)
    blocks = iter([np.zeros((samples, 2), np.float32)])
    sound = SoundTrack(sample_rate=48_000, layout="stereo", channels=2, codec=codec, samples=samples, blocks=blocks)
    join(made, output, frame_rate=rate, start_timecode="01:00:00:00", stands_alone=False, sound=sound)
    assert objections(output, rate, 12, has_alpha=False, is_drop=False) == []


def test_a_movie_of_six_hours(pieces: Callable[..., list[Piece]], tmp_path: Path) -> None:
    """Its length needs 64 bits."""
    rate, output = Fraction(1, 1800), tmp_path / "out.mov"
    join(pieces(ChunkCodec.H264_LONG_GOP, rate), output, frame_rate=rate, stands_alone=False)
    assert objections(output, rate, 12, has_alpha=False, is_drop=None) == []
