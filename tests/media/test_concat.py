"""Chunks are written and joined: every picture in its place, at its exact time; what does not belong together is refused."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from otio_perf.errors import ContractError, CorruptMediaError, EncodeError, MediaError, OfflineMediaError
from otio_perf.media.chunks import ChunkFile, found_chunk, write_chunk
from otio_perf.media.concat import join
from otio_perf.media.finished import key_in
from otio_perf.media.pieces import Piece, whole
from otio_perf.media.planes import planes_of
from otio_perf.media.probe import probe
from otio_perf.model.exports import CONTAINERS
from otio_perf.model.recipes import ChunkCodec
from sample_timelines.make_media import draw_number, read_number

SIZE = (320, 180)
NTSC = Fraction(30000, 1001)


def planes(wanted: ChunkFile, number: int) -> list[Any]:
    layout = wanted.layout
    kind, scale = (np.uint8, 1) if layout.bits == 8 else (np.uint16, 1 << (layout.bits - 8))
    luma = np.full((wanted.height, wanted.width), 60 * scale, kind)
    draw_number(luma, number, black=16 * scale, white=235 * scale)
    chroma = (-(-wanted.height >> layout.down), -(-wanted.width >> layout.across))
    found = [luma, *(np.full(chroma, 128 * scale, kind) for _ in range(2))]
    return [*found, np.full(luma.shape, (1 << layout.bits) // 2, kind)] if layout.has_alpha else found


@pytest.fixture
def chunk(tmp_path: Path) -> Callable[..., Piece]:
    """A chunk of pictures that show their numbers."""

    def make(
        first: int,
        frames: int,
        codec: ChunkCodec = ChunkCodec.PRORES_422,
        *,
        rate: Fraction = NTSC,
        has_alpha: bool = False,
        size: tuple[int, int] = SIZE,
        quality: int = 80,
    ) -> Piece:
        path = tmp_path / f"{codec}-{first}-{quality}-{size[0]}-{rate.numerator}.mov"
        wanted = ChunkFile(
            path=str(path),
            key=f"key-{first}",
            codec=codec,
            quality=quality,
            has_alpha=has_alpha,
            width=size[0],
            height=size[1],
            frame_rate=rate,
            frames=frames,
        )
        written = write_chunk(wanted, (planes(wanted, n) for n in range(first, first + frames)), cores=2, tick=lambda: None)
        assert written.size_bytes == path.stat().st_size
        assert found_chunk(wanted, tick=lambda: None) == written
        return whole(str(path), frames)

    return make


def decoded(path: str | Path) -> Iterator[tuple[int, int]]:
    """Timestamp and number of every picture."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            assert frame.pts is not None
            yield frame.pts, read_number(frame.reformat(format="gray").to_ndarray())


CODECS = [*((codec, False) for codec in ChunkCodec), (ChunkCodec.PRORES_4444, True)]


@pytest.mark.parametrize(("codec", "has_alpha"), CODECS)
@pytest.mark.parametrize(
    ("rate", "label"), [(NTSC, "01:00:00;28"), (Fraction(25), "09:59:59:24"), (Fraction(24000, 1001), None)]
)
def test_every_picture_is_where_it_belongs(
    codec: ChunkCodec, has_alpha: bool, rate: Fraction, label: str | None, chunk: Callable[..., Piece], tmp_path: Path
) -> None:
    pieces = [chunk(first, frames, codec, rate=rate, has_alpha=has_alpha) for first, frames in ((100, 7), (200, 1), (300, 12))]
    joined = join(
        pieces, tmp_path / "joined.mov", frame_rate=rate, start_timecode=label, key="whole", stands_alone=codec.is_intra
    )
    assert joined.frames == 20
    info = probe(joined.path)
    video = info.picture
    assert video is not None
    assert (video.frame_count, video.frame_rate, info.start_timecode) == (20, rate, label)
    assert (video.gop.all_intra, video.has_alpha, info.other_streams <= 1) == (codec.is_intra, has_alpha, True)
    colour = video.colour
    assert (colour.primaries, colour.transfer, colour.matrix, colour.range) == ("bt709", "bt709", "bt709", "tv")
    assert key_in(joined.path) == "whole"
    seen = list(decoded(joined.path))
    assert [number for _, number in seen] == [*range(100, 107), 200, *range(300, 312)]
    with av.open(joined.path) as container:
        base = container.streams.video[0].time_base
        assert base is not None
        assert [pts * base for pts, _ in seen] == [n / rate for n in range(20)]


@pytest.mark.parametrize("codec", [ChunkCodec.PRORES_422, ChunkCodec.DNXHR_SQ, ChunkCodec.H264])
def test_packets_are_those_of_the_chunks(codec: ChunkCodec, chunk: Callable[..., Piece], tmp_path: Path) -> None:
    pieces = [chunk(10, 6, codec), chunk(20, 6, codec)]
    joined = join(pieces, tmp_path / "joined.mov", frame_rate=NTSC)

    def packets(path: str) -> list[bytes]:
        with av.open(path) as container:
            return [bytes(p) for p in container.demux(video=0) if p.size]

    assert packets(joined.path) == packets(pieces[0].path) + packets(pieces[1].path)


def test_any_frames_of_a_chunk_may_be_taken(chunk: Callable[..., Piece], tmp_path: Path) -> None:
    one, two = chunk(100, 10), chunk(200, 10)
    pieces = [Piece(path=one.path, frames=10, start=3, stop=8), Piece(path=two.path, frames=10, start=9, stop=10), one]
    joined = join(pieces, tmp_path / "joined.mov", frame_rate=NTSC)
    assert [number for _, number in decoded(joined.path)] == [*range(103, 108), 209, *range(100, 110)]


def test_other_programs_read_it(chunk: Callable[..., Piece], tmp_path: Path, ffprobe: Path) -> None:
    joined = join([chunk(0, 5), chunk(5, 5)], tmp_path / "joined.mov", frame_rate=NTSC, start_timecode="00:00:10;00")
    words = ["-v", "error", "-count_frames", "-show_streams", "-of", "json", joined.path]
    done = subprocess.run([ffprobe, *words], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    video = json.loads(done.stdout)["streams"][0]
    assert (video["nb_read_frames"], video["r_frame_rate"], video["codec_name"]) == ("10", "30000/1001", "prores")
    assert (video["tags"]["timecode"], video["color_space"], video["color_range"]) == ("00:00:10;00", "bt709", "tv")


#: What QuickTime calls each, and what ffprobe makes of that name.
TAGGED = {
    ChunkCodec.PRORES_PROXY: ("apco", "Proxy"),
    ChunkCodec.PRORES_LT: ("apcs", "LT"),
    ChunkCodec.PRORES_422: ("apcn", "Standard"),
    ChunkCodec.PRORES_HQ: ("apch", "HQ"),
    ChunkCodec.PRORES_4444: ("ap4h", "4444"),
    ChunkCodec.DNXHR_LB: ("AVdh", "DNXHR LB"),
    ChunkCodec.DNXHR_SQ: ("AVdh", "DNXHR SQ"),
    ChunkCodec.DNXHR_HQ: ("AVdh", "DNXHR HQ"),
    ChunkCodec.DNXHR_HQX: ("AVdh", "DNXHR HQX"),
    ChunkCodec.H264: ("avc1", "Constrained Baseline"),
    ChunkCodec.H264_LONG_GOP: ("avc1", "High"),
    ChunkCodec.HEVC_LONG_GOP: ("hvc1", "Main"),
}


def said(ffprobe: Path, path: str | Path) -> dict[str, str]:
    """What another program takes the pictures for."""
    entries = "stream=codec_tag_string,profile,pix_fmt,sample_aspect_ratio,color_space,color_range"
    asked = [ffprobe, "-v", "error", "-select_streams", "v", "-show_entries", entries, "-of", "json", path]
    (stream,) = json.loads(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)["streams"]
    return {name: value for name, value in stream.items() if isinstance(value, str)}


@pytest.mark.parametrize(
    ("codec", "has_alpha", "suffix"),
    [(*kind, suffix) for suffix, container in CONTAINERS.items() for kind in CODECS if kind[0] in container.codecs],
)
def test_what_was_joined_is_called_what_the_chunks_are(
    codec: ChunkCodec, has_alpha: bool, suffix: str, chunk: Callable[..., Piece], tmp_path: Path, ffprobe: Path
) -> None:
    """Players and editors go by the tag: ProRes 4444 that calls itself 422 HQ has no alpha for them."""
    pieces = [chunk(first, 2, codec, has_alpha=has_alpha) for first in (0, 2)]
    output = tmp_path / f"joined{suffix}"
    join(pieces, output, frame_rate=NTSC, stands_alone=codec.is_intra)
    found, chunks = said(ffprobe, output), said(ffprobe, pieces[0].path)
    if suffix == ".mkv":  # which has tags where it has no name of its own
        found.pop("codec_tag_string")
        found.setdefault("sample_aspect_ratio", "1:1")
    else:
        assert found["codec_tag_string"] == TAGGED[codec][0]
    assert found["profile"] == TAGGED[codec][1]
    assert found == {name: value for name, value in chunks.items() if name in found}
    assert {"pix_fmt", "sample_aspect_ratio", "color_space", "color_range"} <= set(found)


# ---- what is refused


def other_codec(make: Callable[..., Piece]) -> Piece:
    return make(50, 5, ChunkCodec.DNXHR_SQ)


def other_size(make: Callable[..., Piece]) -> Piece:
    return make(50, 5, size=(640, 360))


def other_rate(make: Callable[..., Piece]) -> Piece:
    return make(50, 5, rate=Fraction(25))


def other_alpha(make: Callable[..., Piece]) -> Piece:
    return make(50, 5, ChunkCodec.PRORES_4444, has_alpha=True)


def other_aspect(make: Callable[..., Piece]) -> Piece:
    piece = make(50, 5)
    data = Path(piece.path).read_bytes()
    Path(piece.path).write_bytes(data.replace(b"pasp" + struct.pack(">2I", 1, 1), b"pasp" + struct.pack(">2I", 40, 33)))
    return piece


def too_few(make: Callable[..., Piece]) -> Piece:
    return whole(make(50, 5).path, 6)


def beyond_the_end(make: Callable[..., Piece]) -> Piece:
    return Piece(path=make(50, 5).path, frames=5, start=2, stop=6)


def gone(make: Callable[..., Piece]) -> Piece:
    return whole("/nowhere/50.mov", 5)


def cut_off(make: Callable[..., Piece]) -> Piece:
    piece = make(50, 5)
    data = Path(piece.path).read_bytes()
    Path(piece.path).write_bytes(data[: len(data) // 2])
    return piece


REFUSED = [
    (other_codec, ContractError, "codec"),
    (other_size, ContractError, "size"),
    (other_rate, ContractError, "runs at 25"),
    (other_alpha, ContractError, "codec"),
    (other_aspect, ContractError, "sample aspect 40/33"),
    (too_few, ContractError, "5 frames instead of 6"),
    (beyond_the_end, ContractError, "no frames 2–6"),
    (gone, OfflineMediaError, "offline"),
    (cut_off, CorruptMediaError, "damaged|ends"),
]


@pytest.mark.parametrize(("spoil", "error", "text"), REFUSED, ids=lambda x: getattr(x, "__name__", None))
def test_what_does_not_belong_is_refused_by_name(
    spoil: Callable[..., Piece], error: type[MediaError], text: str, chunk: Callable[..., Piece], tmp_path: Path
) -> None:
    odd = spoil(chunk)
    output = tmp_path / "out" / "joined.mov"
    output.parent.mkdir()
    with pytest.raises(error, match=text) as caught:
        join([chunk(0, 4), odd], output, frame_rate=NTSC)
    assert caught.value.path == odd.path
    assert list(output.parent.iterdir()) == []


def test_other_encoder_settings_are_refused(chunk: Callable[..., Piece], tmp_path: Path) -> None:
    """The picture parameter set of H.264 holds the quantiser: pictures under another one would be other pictures."""
    pieces = [chunk(0, 4, ChunkCodec.H264), chunk(10, 4, ChunkCodec.H264, quality=20)]
    with pytest.raises(ContractError, match="other encoder settings") as caught:
        join(pieces, tmp_path / "joined.mov", frame_rate=NTSC)
    assert caught.value.path == pieces[1].path


def test_pictures_that_need_others_are_refused(
    chunk: Callable[..., Piece], write_movie: Callable[..., Path], tmp_path: Path
) -> None:
    long = write_movie(tmp_path / "long.mov", options={"g": "12", "bf": "0"}, frames=6)
    with pytest.raises(ContractError, match="does not stand alone"):
        join([whole(str(long), 6)], tmp_path / "joined.mov", frame_rate=Fraction(25))


def test_a_picture_too_small_for_the_codec(chunk: Callable[..., Piece]) -> None:
    with pytest.raises(EncodeError, match="begins at 256x120"):
        chunk(0, 2, ChunkCodec.DNXHR_SQ, size=(128, 96))


@pytest.mark.parametrize("codec", list(ChunkCodec))
def test_the_pictures_of_a_chunk_do_not_depend_on_the_machine(codec: ChunkCodec, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    wanted = ChunkFile(
        path=str(tmp_path / "x.mov"),
        key="k",
        codec=codec,
        quality=60,
        has_alpha=False,
        width=320,
        height=180,
        frame_rate=NTSC,
        frames=12,
    )
    pictures = [planes(wanted, n) for n in range(12)]
    for luma, *_ in pictures:
        luma[60:] += np.kron(rng.integers(0, 90, (30, 80)), np.ones((4, 4))).astype(luma.dtype)
    found = set()
    for cores in (1, 2, 5):
        write_chunk(wanted, pictures, cores=cores, tick=lambda: None)
        with av.open(wanted.path) as container:
            if codec is ChunkCodec.H264_LONG_GOP:  # with AVX-512 x264 is not exact: what it says of its threads has to do
                first = next(bytes(packet) for packet in container.demux(video=0))
                found.add(first[first.index(b" threads=") :].split()[0])
            else:
                found.add(b"".join(plane.tobytes() for frame in container.decode(video=0) for plane in planes_of(frame)[1]))
    assert len(found) == 1


def test_what_the_encoder_refuses_leaves_no_open_container(
    chunk: Callable[..., Piece], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, real = [], av.open
    closed: list[bool] = []

    class Container:
        def __init__(self, container: Any) -> None:
            self._container = container

        def __getattr__(self, name: str) -> Any:
            return getattr(self._container, name)

        def close(self) -> None:
            closed.append(True)
            self._container.close()

    def open_(*args: Any, **options: Any) -> Any:
        opened.append(Container(real(*args, **options)))
        return opened[-1]

    monkeypatch.setattr(av, "open", open_)
    with pytest.raises(OverflowError):  # beyond what FFmpeg counts with
        chunk(0, 1, rate=Fraction(10**12, 3))
    assert (len(opened), closed) == (1, [True])
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_pictures_are_made_leaves_nothing(tmp_path: Path) -> None:
    wanted = ChunkFile(
        path=str(tmp_path / "x.mov"),
        key="k",
        codec=ChunkCodec.H264,
        quality=60,
        has_alpha=False,
        width=320,
        height=180,
        frame_rate=NTSC,
        frames=9,
    )

    def pictures() -> Iterator[Any]:
        yield from (planes(wanted, n) for n in range(4))
        raise CorruptMediaError("frame 4 is damaged", path="/m/a.mov")

    with pytest.raises(CorruptMediaError, match="frame 4"):
        write_chunk(wanted, pictures(), cores=1, tick=lambda: None)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(EncodeError, match="4 frames instead of 9"):
        write_chunk(wanted, (planes(wanted, n) for n in range(4)), cores=1, tick=lambda: None)
    assert list(tmp_path.iterdir()) == []
