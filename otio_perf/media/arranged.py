"""A proxy whose streams have the numbers that those of its source have, packet by packet: nothing is decoded or encoded.

Programs that are made of MLT keep the numbers of a clip's streams in their projects (``video_index``, ``audio_index``), and ask
the proxy for the same ones: of one that begins with its pictures where the source begins with its sound, they show nothing
(measured with melt 7.12: no picture at all, or the sound of another track). In the place of a stream that proxies do not
carry (data, subtitles, a cover) stands one without content.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer, OutputContainer
from av.stream import Stream

from otio_perf.errors import ContractError, CorruptMediaError, EncodeError
from otio_perf.media.encode import KEY_TAG
from otio_perf.media.fingerprint import digest
from otio_perf.media.publish import part_file, publish, require_room, write_error
from otio_perf.media.safe_open import safe_open
from otio_perf.media.verify import count_some
from otio_perf.model.media import MediaInfo

#: By suffix; any other name gets Matroska: MLT looks at what is in a file. QuickTime under the name of MP4, too, for it holds
#: every codec of proxies, and is read alike.
_QUICKTIME = frozenset({".mov", ".mp4", ".m4v"})
#: Subtitles are what both containers hold without a single packet. Nothing plays them in an editor.
_NOTHING = {"mov": "mov_text", "matroska": "subrip"}

#: Numbers of the proxy's streams, in the order of the arranged file; ``None``: nothing.
Order = tuple[int | None, ...]


def order_of(source: MediaInfo, proxy: MediaInfo) -> Order:
    """How the streams of ``proxy`` have to be arranged to be numbered as those of ``source``.

    :raises ContractError: it has not as many sounds; the source has several pictures, of which proxies show the first
    :raises ValueError: one of them has no picture
    """
    if source.picture is None or proxy.picture is None:
        raise ValueError(f"{source.path} or {proxy.path} has no picture")
    if len(source.audio) != len(proxy.audio):
        counts = f"{len(proxy.audio)} instead of {len(source.audio)}"
        raise ContractError(f"its proxy has another number of audio tracks: {counts}", path=source.path)
    if len(source.video) > 1:
        raise ContractError(f"has {len(source.video)} video streams, and its proxy the first of them", path=source.path)
    numbers = {source.picture.stream_index: proxy.picture.stream_index}
    sounds = zip(source.audio, proxy.audio, strict=True)
    numbers |= {sound.stream_index: ours.stream_index for sound, ours in sounds}
    return tuple(numbers.get(index) for index in range(max(numbers) + 1))


def is_arranged(order: Order) -> bool:
    """Does a proxy have it as it is made?"""
    return order == tuple(range(len(order)))


def arrange(
    proxy: str | Path,
    output: str | Path,
    order: Order,
    *,
    key: str,
    turned: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> tuple[int, str]:
    """Write the streams of ``proxy`` in ``order`` to ``output``: whole and verified, or not at all.

    Not a hard link, also where every stream has its number already: a program that makes a proxy anew writes into the file
    that it finds under the name, and would write into ours.

    :param key: what the file is to say of itself (``finished.key_in``)
    :param turned: clockwise degrees by which the pictures are turned to be shown
    :param tick: called once a packet; stops by raising
    :returns: its size in bytes and the digest of these
    :raises MediaError: ``proxy`` cannot be read. :raises EncodeError, DiskFullError: ``output`` cannot be written.
    """
    proxy, output = Path(proxy), Path(output)
    require_room(output, proxy.stat().st_size)
    with part_file(output) as part:
        try:
            kind = "mov" if output.suffix.lower() in _QUICKTIME else "matroska"
            kinds, frames = _write(proxy, part, kind, order, key, turned, tick)
        except av.error.FFmpegError as error:
            if isinstance(error, OSError) and error.errno:
                raise write_error(error, output) from error
            raise EncodeError(f"cannot be copied: {error.strerror or error}", path=output) from error
        _verify(part, output, kinds, frames, tick)
        size_bytes, made = part.stat().st_size, digest(str(part), tick)
        publish(part, output, tick=tick)
    return size_bytes, made


def _write(
    proxy: Path, part: Path, kind: str, order: Order, key: str, turned: int, tick: Callable[[], None]
) -> tuple[list[str], int]:
    options = {"movflags": "use_metadata_tags"} if kind == "mov" else {}
    frames = 0
    with safe_open(str(proxy)) as source, av.open(str(part), "w", format=kind, container_options=options) as target:
        target.metadata[KEY_TAG] = key
        made: dict[int, Stream] = {}
        for number in order:
            if number is None:
                target.add_mux_stream(_NOTHING[kind])
            else:
                made[number] = _like(source, number, target, turned)
        for packet in source.demux([source.streams[number] for number in made]):
            if packet.dts is None:
                continue
            if packet.stream.type == "video":
                frames += 1
            elif kind == "matroska" and packet.pts is not None and packet.pts < 0:
                continue  # a coder's priming, which an edit list hides; here it would push the pictures back
            packet.stream = made[packet.stream.index]
            target.mux(packet)
            tick()
    return ["subtitle" if number is None else made[number].type for number in order], frames


def _like(source: InputContainer, number: int, target: OutputContainer, turned: int) -> Stream:
    try:
        found: Any = source.streams[number]
    except IndexError as error:
        raise CorruptMediaError(f"has no stream {number}", path=source.name) from error
    stream: Stream = target.add_stream_from_template(found, opaque=True)
    copied: Any = stream
    copied.disposition = found.disposition
    copied.metadata.clear()
    copied.metadata.update({name: found.metadata[name] for name in ("timecode", "reel_name") if name in found.metadata})
    if found.type == "video":
        copied.codec_context.framerate = found.average_rate  # without it there is no timecode track
        if turned and target.format.name == "matroska":
            copied.metadata["rotate"] = str(turned)  # its readers before FFmpeg 7 know no other way
    if found.language:
        copied.metadata["language"] = found.language
    return stream


def _verify(part: Path, output: Path, wanted: list[str], frames: int, tick: Callable[[], None]) -> None:
    """:raises EncodeError: it cannot be read back, or holds something else"""
    try:
        with safe_open(str(part)) as container:
            kinds = [stream.type for stream in container.streams][: len(wanted)]
        counted = count_some(part, tick)
    except CorruptMediaError as error:
        raise EncodeError(f"was copied, but cannot be read back: {error.message}", path=output) from error
    if kinds != wanted or counted != frames:
        raise EncodeError(f"holds {counted} frames in {kinds} instead of {frames} in {wanted}", path=output)
