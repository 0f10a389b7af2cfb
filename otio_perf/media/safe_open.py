"""The only door through which media is opened for reading.

Real path under an allowed root → regular file → absolute path → FFmpeg with a short list of protocols and formats. FFmpeg
left alone follows URLs and playlists, blocks on a pipe for ever, and opens ``a0.png`` when asked for ``a%d.png``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import av
import av.container
import av.error
from av.codec.hwaccel import HWAccel
from av.video.codeccontext import VideoCodecContext

from otio_perf.errors import (
    CorruptMediaError,
    MediaError,
    OfflineMediaError,
    RefusedMediaError,
    UnsupportedMediaError,
    printable,
)
from otio_perf.media import camera, sequences
from otio_perf.media.regular import open_regular, regular_file
from otio_perf.model.media import Sequence

#: Demuxers that read the named file and no other. Left out on purpose: hls, dash, concat, sdp, imf, lavfi, avisynth,
#: vapoursynth, mlv and whatever else opens further files.
FORMATS = (
    "mov,matroska,webm,mpegts,mpeg,avi,mxf,mxf_opatom,gxf,flv,asf,dv,ivf,nut,ogg,yuv4mpegpipe,"
    "h264,hevc,vvc,obu,av1,mpegvideo,m4v,dnxhd,mjpeg,h263,"
    "wav,w64,mp3,flac,aac,ac3,eac3,dts,truehd,amr,amrnb,amrwb,aiff,caf,au,wv,tta,ape,"
    "image2,gif,apng,bmp_pipe,dpx_pipe,exr_pipe,gem_pipe,hdr_pipe,j2k_pipe,jpeg_pipe,jpegls_pipe,jpegxl_pipe,jpegxl_anim,"
    "pam_pipe,pbm_pipe,pcx_pipe,pfm_pipe,pgm_pipe,pgmyuv_pipe,phm_pipe,png_pipe,ppm_pipe,psd_pipe,qoi_pipe,sgi_pipe,"
    "sunrast_pipe,tiff_pipe,webp_pipe,xbm_pipe,xpm_pipe,xwd_pipe"
)

#: The largest picture that is decoded; larger ones are refused before memory is taken for them.
MAX_PIXELS = 16384 * 16384

#: Seconds that opening, and each later read, may wait for the storage.
TIMEOUT_SECONDS = 30.0

_SNIFF_BYTES = 1 << 20

#: FFmpeg's ways to say that the file may be fine but this build cannot read it.
_UNSUPPORTED = (av.error.PatchWelcomeError, av.error.DecoderNotFoundError, av.error.DemuxerNotFoundError)

#: Types of the first box in files of the MP4 family.
_MP4_FIRST_BOXES = (b"ftyp", b"styp", b"moov", b"moof", b"sidx", b"free", b"skip", b"wide", b"mdat")

#: First bytes of texts that are not media. Playlists name other files and hosts.
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_PLAYLISTS = (
    (b"#EXTM3U", "an HLS playlist"),
    (b"ffconcat", "an ffconcat playlist"),
    (b"v=0", "an SDP session description"),
    (b"[playlist]", "a playlist"),
)
_XML = (
    (b"<MPD", "a DASH manifest"),
    (b"CompositionPlaylist", "an IMF composition playlist"),
    (b"<TS ", "a Qt translation file"),
)

#: To open what is known: otherwise FFmpeg decodes pictures of H.264 to look at them, for 60 ms of the processor at 1080p and
#: 210 at 4K. It does not hold for those that are decoded later; the pixel format then comes with the first of them.
UNLOOKED = {"skip_frame": "all", "probesize": "32768"}

#: Boxes that only encrypted MP4 carries (ISO/IEC 23001-7, and the PIFF sample encryption box).
_ENCRYPTED = (b"encv", b"enca", b"pssh", b"tenc", bytes.fromhex("a2394f525a9b4f14a2446c427c648df4"))


@contextmanager
def safe_open(
    path: str,
    *,
    sequence: Sequence | None = None,
    options: Mapping[str, str] | None = None,
    hwaccel: HWAccel | None = None,
) -> Iterator[av.container.InputContainer]:
    """Open ``path`` for reading, or all pictures of ``sequence`` where one is given; closed when the block ends.

    A sequence delivers pictures from ``sequence.first`` on; FFmpeg cannot be told the last one: stop after
    ``len(sequence.numbers)``. Its rate is given as ``options={"framerate": "24000/1001"}``.

    :param options: further options of the demuxer; those that keep it safe cannot be overridden.
    :raises OfflineMediaError: not there, or a placeholder of git-lfs.
    :raises RefusedMediaError: not a regular file, a playlist, encrypted.
    :raises UnsupportedMediaError: a format or camera RAW that FFmpeg cannot decode, or a sequence with a step.
    :raises CorruptMediaError: empty, damaged, or pictures of the sequence are missing.
    """
    container = _open_file(path, options, hwaccel) if sequence is None else _open_sequence(sequence, options)
    with container:
        yield container


def media_error(path: str, error: Exception) -> MediaError:
    """This package's error for one that FFmpeg raised while ``path`` was read (see :func:`refusal_of_content`)."""
    if isinstance(error, MediaError):
        return error
    if isinstance(error, _UNSUPPORTED):
        return UnsupportedMediaError(
            f"cannot be decoded: {_text(error)}", path=path, hint="Convert it with the program that made it"
        )
    if isinstance(error, MemoryError):
        return RefusedMediaError("needs more memory than there is", path=path)
    if isinstance(error, av.error.ExitError):
        return CorruptMediaError(f"delivered nothing for {TIMEOUT_SECONDS:g} s", path=path, hint="Check the disk or network")
    if isinstance(error, av.error.ArgumentError):  # what FFmpeg answers where a format is not on the list
        return UnsupportedMediaError("is in a format that is not opened here", path=path)
    return CorruptMediaError(
        f"is damaged, or no media: {_text(error)}", path=path, hint="Copy it again from the card or the backup"
    )


def refusal_of_content(path: str) -> MediaError | None:
    """Why the content of ``path`` is no playable medium, judged by its first megabyte: empty, a git-lfs placeholder, a
    playlist, encrypted, camera RAW. ``None``: nothing to be said against it.

    :raises MediaError: the file cannot be read.
    """
    file, descriptor = open_regular(path)
    with os.fdopen(descriptor, "rb") as stream:
        head = stream.read(_SNIFF_BYTES)
    if not head:
        return CorruptMediaError("is empty (0 bytes)", path=path, hint="Copy it again from the card or the backup")
    if head.startswith(_LFS_POINTER):
        return OfflineMediaError("is offline: a git-lfs placeholder stands in for it", path=path, hint="Run: git lfs pull")
    start = head[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    for mark, what in _PLAYLISTS:
        if start.startswith(mark):
            return RefusedMediaError(f"is {what}, which can name other files and hosts", path=path)
    if start.startswith(b"<") and b"\0" not in start:
        what = next((name for mark, name in _XML if mark in head), "an XML document")
        return RefusedMediaError(f"is {what}, not media", path=path)
    if _is_text(head[:4096]):
        return RefusedMediaError("is a text file, not media", path=path)
    raw = camera.raw_kind(file.path)
    if raw:
        return UnsupportedMediaError(f"is {raw.name}, which cannot be decoded here", path=path, hint=raw.advice)
    if head[4:8] in _MP4_FIRST_BOXES and any(mark in head for mark in _ENCRYPTED):
        return RefusedMediaError("is encrypted (Common Encryption)", path=path, hint="Use an unprotected copy")
    return None


def _open_file(path: str, options: Mapping[str, str] | None, hwaccel: HWAccel | None) -> av.container.InputContainer:
    real = regular_file(path).path
    # "none": a still called "a%d.png" is that file, and not the first of a pattern
    return _open(path, real, {**(options or {}), "pattern_type": "none"}, hwaccel)


def _open_sequence(sequence: Sequence, options: Mapping[str, str] | None) -> av.container.InputContainer:
    first = sequence.path_of(sequence.first)
    if sequence.step != 1:
        raise UnsupportedMediaError(
            f"FFmpeg reads every picture of a sequence, not each {sequence.step}th", path=first, hint="Open the pictures singly"
        )
    sequences.require_complete(sequence)
    for _, entry in sequences.files(sequence):
        if entry.is_symlink():
            regular_file(entry.path)
    pattern = f"{_escaped(f'{sequence.directory}/{sequence.prefix}')}%0{sequence.padding}d{_escaped(sequence.suffix)}"
    own = {"pattern_type": "sequence", "start_number": str(sequence.first)}
    return _open(first, pattern, {**(options or {}), **own}, None, format="image2")


def _open(
    path: str, name: str, options: Mapping[str, str], hwaccel: HWAccel | None, format: str | None = None
) -> av.container.InputContainer:
    safe = {**options, "protocol_whitelist": "file", "format_whitelist": FORMATS, "max_pixels": str(MAX_PIXELS)}
    try:
        # mode is left out: "r" is the default, and the house rule reads this call as the one that reads
        container = av.open(
            name,
            format=format,
            options=safe,
            timeout=(TIMEOUT_SECONDS, TIMEOUT_SECONDS),
            metadata_errors="replace",
            hwaccel=hwaccel,
        )
    except (av.error.FFmpegError, ValueError, RuntimeError, MemoryError) as error:
        if hwaccel is not None:
            _open(path, name, options, None, format).close()  # raises where the file is to blame
            raise UnsupportedMediaError(f"cannot be decoded on this device: {_text(error)}", path=path) from error
        # Looked at only now: content that opens is judged by its first decoded frame
        raise refusal_of_content(path) or media_error(path, error) from error
    for stream in container.streams.video:
        context: VideoCodecContext | None = stream.codec_context
        if context is None:
            continue
        if context.width * context.height > MAX_PIXELS:
            container.close()
            raise RefusedMediaError(f"has pictures of {context.width}x{context.height}: beyond {MAX_PIXELS} pixels", path=path)
        context.options = {**context.options, "max_pixels": str(MAX_PIXELS)}  # for sizes that only the first picture tells
    return container


def _is_text(head: bytes) -> bool:
    controls = bytes(range(9)) + bytes(range(14, 32))
    try:
        head[:-3].decode()  # a character may be cut at the end
    except UnicodeDecodeError:
        return False
    return not any(byte in controls for byte in head)


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _text(error: Exception) -> str:
    return printable(getattr(error, "strerror", None) or error).rstrip(".")
