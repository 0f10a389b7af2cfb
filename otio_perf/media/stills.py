"""One picture as a file: PNG, JPEG or TIFF, whole or not at all."""

from __future__ import annotations

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


def require_format(path: Path) -> None:
    """:raises SettingsError: pictures of that suffix are not written."""
    if path.suffix.lower() not in FORMATS:
        raise SettingsError(f"{path.suffix or 'no suffix'} is no picture format", path=path, hint=f"Take {', '.join(FORMATS)}")


def write_still(path: Path, pixels: NDArray[Any]) -> None:
    """Write ``pixels`` (rows, columns, 3 or 4: R'G'B' or with straight alpha, 8 bits).

    :raises SettingsError: an unknown suffix. :raises StillError, DiskFullError: it cannot be written
    """
    require_format(path)
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
                part.write_bytes(data)
            except OSError as error:
                raise write_error(error, path) from error
            publish(part, path)
    except EncodeError as error:
        raise StillError(error.message, path=path, hint="Check that the folder is there and may be written to") from error
