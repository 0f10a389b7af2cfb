"""Media that tell what they are by their colour, and which frame by the number in the picture."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from sample_timelines.make_media import draw_number, read_number

Pixels = npt.NDArray[np.uint8]

#: Name → Cb, Cr. Far from each other, and from what the editors paint themselves; one is the other with red and blue swapped.
CHROMA = {"blue": (180, 90), "orange": (84, 175)}
_LUMA = 110


def make(path: Path, *, frames: int, first: int = 0, colour: str = "blue", size: tuple[int, int] = (640, 360)) -> Path:
    """H.264 with stereo sound: frame ``n`` has the number ``first + n`` in its picture."""
    width, height = size
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=Fraction(25), options={"preset": "ultrafast", "g": "50", "qp": "10"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.colorspace = video.codec_context.color_primaries = video.codec_context.color_trc = 1
        audio = container.add_stream("aac", rate=48_000, layout="stereo")
        for number in range(frames):
            luma = np.full((height, width), _LUMA, np.uint8)
            draw_number(luma, first + number)
            chroma = [_chroma(height // 2, width // 2, value).reshape(-1, width) for value in CHROMA[colour]]
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.vstack([luma, *chroma]), format="yuv420p")))
        container.mux(video.encode())
        tone = (np.sin(np.arange(frames * 1920) * 0.05) * 0.1).astype(np.float32)
        for start in range(0, len(tone), 1024):
            block = av.AudioFrame.from_ndarray(np.vstack([tone[start : start + 1024]] * 2), format="fltp", layout="stereo")
            block.sample_rate, block.pts = 48_000, start
            container.mux(audio.encode(block))
        container.mux(audio.encode())
    return path


def _chroma(height: int, width: int, value: int) -> Pixels:
    """The number stays black and white."""
    plane = np.full((height, width), value, np.uint8)
    plane[: height // 12] = 128
    return plane


def swapping_lut(path: Path) -> Path:
    """What is seen through it is orange where it is blue, and grey where it is grey."""
    rows = (f"{blue} {green} {red}" for blue in (0, 1) for green in (0, 1) for red in (0, 1))  # red changes fastest
    path.write_text("LUT_3D_SIZE 2\n" + "\n".join(rows) + "\n")
    return path


@contextmanager
def painted(path: Path, colour: str = "orange") -> Iterator[None]:
    """A file with pictures of another colour, for a while: what is made of it then is told from what is made of it later."""
    data, was = path.read_bytes(), path.stat()
    _paint(path, colour)
    yield
    path.write_bytes(data)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def _paint(path: Path, colour: str) -> None:
    """In its place; codec, container, tags, sound, times and age stay."""
    copy, was = path.with_name(f"painted-{path.name}"), path.stat()
    with av.open(str(path)) as source, av.open(str(copy), "w", options={"movflags": "use_metadata_tags"}) as target:
        target.metadata.update(source.metadata)
        old = source.streams.video[0]
        codec = {"h264": "libx264"}.get(old.codec.canonical_name, old.codec.canonical_name)
        new = target.add_stream(codec, rate=old.average_rate)
        new.width, new.height, new.pix_fmt = old.width, old.height, old.pix_fmt
        new.time_base = new.codec_context.time_base = old.time_base
        new.gop_size = 1
        others = {s.index: target.add_stream_from_template(s) for s in source.streams if s.type == "audio"}
        for packet in source.demux():
            if packet.stream.index in others and packet.dts is not None:
                packet.stream = others[packet.stream.index]
                target.mux(packet)
            elif packet.stream is old:
                for frame in packet.decode():
                    target.mux(new.encode(_painted(frame, colour)))
        target.mux(new.encode())
    os.utime(copy, ns=(was.st_atime_ns, was.st_mtime_ns))
    copy.replace(path)


def _painted(frame: av.VideoFrame, colour: str) -> av.VideoFrame:
    wide = frame.to_ndarray(format="yuv444p")
    for plane, value in zip((1, 2), CHROMA[colour], strict=True):
        wide[plane] = _chroma(frame.height, frame.width, value)
    painted = av.VideoFrame.from_ndarray(wide, format="yuv444p").reformat(format=frame.format.name)
    painted.pts, painted.time_base = frame.pts, frame.time_base
    return painted


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture of ``make`` that was found on a screen: which it is, and where its body is (left, top, right, bottom)."""

    colour: str
    box: tuple[int, int, int, int]
    number: int | None


def seen(screen: Image.Image, *, least: int = 300) -> list[Seen]:
    """Pictures of ``make`` on a screen, at least ``least`` pixels wide: monitors, not the thumbnails of a timeline."""
    pixels = np.asarray(screen.convert("RGB"))[::2, ::2]
    found = []
    for colour in CHROMA:
        for box in _boxes(_is_like(pixels, colour), least // 2):
            left, top, right, bottom = (2 * edge for edge in box)
            height = (bottom - top) * 12 // 11  # above it is the number, in a band of a twelfth
            grey = np.asarray(screen.convert("L"))[max(0, bottom - height) : bottom, left:right]
            found.append(Seen(colour, (left, top, right, bottom), _number(grey)))
    return found


def _is_like(pixels: Pixels, colour: str) -> npt.NDArray[np.bool_]:
    """Of this hue, however bright: effects darken, and programs disagree in the last bits."""
    red, green, blue = (pixels[:, :, i].astype(np.float32) for i in range(3))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue  # BT.709
    chroma = np.stack([(blue - luma) / 1.8556, (red - luma) / 1.5748])
    wanted = np.array(CHROMA[colour], np.float32) - 128
    length = np.hypot(*chroma)
    alike = np.tensordot(wanted / np.hypot(*wanted), chroma, 1) / np.maximum(length, 1)
    return np.asarray((alike > 0.97) & (length > 30))


def _boxes(mask: npt.NDArray[np.bool_], least: int) -> list[tuple[int, int, int, int]]:
    """Areas of the mask that are wide and high enough, one after the other."""
    found: list[tuple[int, int, int, int]] = []
    left_over = mask.copy()
    while len(found) < 4:
        runs = _longest_runs(left_over)
        row = int(runs[:, 1].argmax())
        start, length = int(runs[row, 0]), int(runs[row, 1])
        if length < least:
            break
        middle = mask[:, start : start + length].mean(axis=1) > 0.7
        top = bottom = row
        while top > 0 and middle[top - 1]:
            top -= 1
        while bottom < len(middle) and middle[bottom]:
            bottom += 1
        left_over[top:bottom, start : start + length] = False
        if bottom - top > least // 3:
            found.append((start, top, start + length, bottom))
    return found


def _longest_runs(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Start and length of the longest run of each row."""
    answer = np.zeros((len(mask), 2), np.int64)
    for row in np.flatnonzero(mask.sum(axis=1)):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], mask[row].astype(np.int8), [0]))))
        lengths = edges[1::2] - edges[::2]
        best = int(lengths.argmax())
        answer[row] = edges[::2][best], lengths[best]
    return answer


def _number(grey: Pixels) -> int | None:
    try:
        return read_number(grey)
    except (ValueError, IndexError):
        return None


def kdenlive_hash(path: Path) -> str:
    """As the programs have it: of the whole file, or of its first and last 1 000 000 bytes."""
    data = path.read_bytes()
    return hashlib.md5(data if len(data) <= 2_000_000 else data[:1_000_000] + data[-1_000_000:]).hexdigest()
