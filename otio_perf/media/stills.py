"""One picture as a file: PNG, JPEG or TIFF, whole or not at all."""

from __future__ import annotations

import os
import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av.error
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from otio_perf.errors import EncodeError, SettingsError, StillError
from otio_perf.media.publish import part_file, publish, write_error

#: Suffix → encoder, and the pixel format without and with alpha.
FORMATS = {
    ".png": ("png", "rgb24", "rgba"),
    ".tif": ("tiff", "rgb24", "rgba"),
    ".tiff": ("tiff", "rgb24", "rgba"),
    ".jpg": ("mjpeg", "yuvj444p", None),
    ".jpeg": ("mjpeg", "yuvj444p", None),
}

#: PNG: a third of the time for a tenth more bytes. JPEG: near the best.
OPTIONS = {"png": {"compression_level": "2", "pred": "sub"}, "mjpeg": {"qmin": "2", "qmax": "2"}}


#: What tells our pictures from anybody's: PNG's tEXt chunk "Software" behind the header, JPEG's comment (COM) behind the start
#: of the image, and behind the last directory of a TIFF, where no offset leads to.
_TEXT = b"tEXtSoftware\0otio-perf"
_MARKS = {
    "png": (33, struct.pack(">I", len(_TEXT) - 4) + _TEXT + struct.pack(">I", zlib.crc32(_TEXT))),
    "mjpeg": (2, b"\xff\xfe" + struct.pack(">H", 2 + len(b"otio-perf")) + b"otio-perf"),
    "tiff": (None, b"\0otio-perf"),
}


def require_format(path: Path) -> None:
    """:raises SettingsError: pictures of that suffix are not written."""
    if path.suffix.lower() not in FORMATS:
        raise SettingsError(f"{path.suffix or 'no suffix'} is no picture format", path=path, hint=f"Take {', '.join(FORMATS)}")


def refuse_other(path: Path) -> None:
    """:raises SettingsError: a file with content is there that we did not make."""
    try:
        if not path.is_file() or path.stat().st_size == 0:
            return
        at, mark = _MARKS[FORMATS[path.suffix.lower()][0]]
        with path.open("rb") as file:
            file.seek(*(-len(mark), os.SEEK_END) if at is None else (at,))
            is_ours = file.read(len(mark)) == mark
    except OSError:  # a name that no file system takes, a file that nobody may read, or one shorter than the mark
        is_ours = not os.path.lexists(path)
    if not is_ours:
        raise SettingsError(
            "is there, and is no picture that was made by otio-perf: it would be overwritten",
            path=path,
            hint="Name another file with -o, or move that one away",
        )


def _marked(data: bytes, encoder: str) -> bytes:
    at, mark = _MARKS[encoder]
    return data + mark if at is None else data[:at] + mark + data[at:]


def write_still(path: Path, pixels: NDArray[Any]) -> None:
    """Write ``pixels`` (rows, columns, 3 or 4: R'G'B' or with straight alpha, 8 bits).

    :raises SettingsError: an unknown suffix, another's file is there. :raises StillError, DiskFullError: it cannot be written
    """
    require_format(path)
    refuse_other(path)
    encoder, plain, with_alpha = FORMATS[path.suffix.lower()]
    source = "rgba" if pixels.shape[2] == 4 else "rgb24"
    wanted = with_alpha if source == "rgba" and with_alpha else plain
    frame = VideoFrame.from_ndarray(pixels, source).reformat(format=wanted)
    context = CodecContext.create(encoder, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = frame.width, frame.height, wanted
    context.framerate = Fraction(1)
    context.options = OPTIONS.get(encoder, {})
    try:
        data = b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])
    except av.error.FFmpegError as error:
        raise StillError(f"cannot be encoded: {error.strerror or error}", path=path) from error
    try:
        with part_file(path) as part:
            try:
                part.write_bytes(_marked(data, encoder))
            except OSError as error:
                raise write_error(error, path) from error
            publish(part, path)
    except EncodeError as error:
        raise StillError(error.message, path=path, hint="Check that the folder is there and may be written to") from error
