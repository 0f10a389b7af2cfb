"""Movies joined of pieces: every container at every rate, with sound to the sample; pictures of two encoders in one track."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import PictureType
from numpy.typing import NDArray

from otio_perf.errors import ContractError, CorruptMediaError, DiskFullError, EncodeError
from otio_perf.media import parameter_sets, publish
from otio_perf.media.chunks import OWN_NUMBERS, ChunkFile, write_chunk
from otio_perf.media.concat import join
from otio_perf.media.finished import key_in
from otio_perf.media.passthrough import PassThrough
from otio_perf.media.pieces import Piece, whole
from otio_perf.media.probe import probe
from otio_perf.media.sound_writer import SoundTrack
from otio_perf.model.recipes import ChunkCodec
from sample_timelines.make_media import draw_number, read_number

SIZE = (320, 180)
FILM, NTSC, PAL = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25)
Chunked = Callable[..., Piece]


def luma(number: int) -> NDArray[np.uint8]:
    picture = np.full((SIZE[1], SIZE[0]), 60, np.uint8)
    draw_number(picture, number, black=16, white=235)
    return picture


@pytest.fixture
def chunk(tmp_path: Path) -> Chunked:
    def make(first: int, frames: int, codec: ChunkCodec, rate: Fraction) -> Piece:
        path = tmp_path / f"{codec}-{first}.mov"
        wanted = ChunkFile(
            path=str(path),
            key=f"key-{first}",
            codec=codec,
            quality=70,
            has_alpha=False,
            width=SIZE[0],
            height=SIZE[1],
            frame_rate=rate,
            frames=frames,
        )
        scale = 1 << (wanted.layout.bits - 8)
        kind = np.uint8 if scale == 1 else np.uint16
        chroma = np.full((SIZE[1] >> wanted.layout.down, SIZE[0] >> wanted.layout.across), 128 * scale, kind)
        pictures = ([luma(n).astype(kind) * kind(scale), chroma, chroma] for n in range(first, first + frames))
        write_chunk(wanted, pictures, cores=2, tick=lambda: None)
        return whole(str(path), frames)

    return make


def tone(samples: int, channels: int, block: int = 4321) -> Iterator[NDArray[np.float32]]:
    """Another pitch in each channel."""
    for first in range(0, samples, block):
        at = np.arange(first, min(first + block, samples))
        waves = [0.5 * np.sin(at * 2 * np.pi * (220 * (c + 1)) / 48_000) for c in range(channels)]
        yield np.stack(waves, axis=1).astype(np.float32)


def track(samples: int, codec: str, layout: str = "stereo", channels: int = 2, **changed: Any) -> SoundTrack:
    fields = {"samples": samples, "blocks": tone(samples, channels), **changed}
    return SoundTrack(sample_rate=48_000, layout=layout, channels=channels, codec=codec, **fields)


def numbers(path: Path) -> list[tuple[Fraction, int]]:
    """Time and number of every picture."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        return [
            (Fraction(f.pts or 0) * stream.time_base, read_number(f.reformat(format="gray").to_ndarray()))
            for f in container.decode(stream)
        ]


KINDS = [
    *((suffix, codec) for suffix in (".mov", ".mp4", ".mkv") for codec in ChunkCodec if not codec.is_intra),
    *((suffix, ChunkCodec.PRORES_LT) for suffix in (".mov", ".mkv")),
]
RATES = [(FILM, "01:00:00:00"), (NTSC, "00:59:59;28"), (PAL, "10:00:00:00")]


@pytest.mark.parametrize(
    ("suffix", "codec", "rate", "label"),
    [
        # each kind at one rate and each rate with one kind; the rest is slow
        pytest.param(*kind, *rate, marks=[] if number % len(RATES) == place or kind == KINDS[-1] else [pytest.mark.slow])
        for number, kind in enumerate(KINDS)
        for place, rate in enumerate(RATES)
    ],
)
def test_pictures_and_sound_keep_together(
    suffix: str, codec: ChunkCodec, rate: Fraction, label: str, chunk: Chunked, tmp_path: Path
) -> None:
    lengths = {100: 71, 200: 1, 300: 2, 400: 30}
    frames = sum(lengths.values())
    samples = round(frames / rate * 48_000)
    output = tmp_path / f"out{suffix}"
    joined = join(
        [chunk(first, count, codec, rate) for first, count in lengths.items()],
        output,
        frame_rate=rate,
        start_timecode=label,
        key="movie",
        stands_alone=codec.is_intra,
        sound=track(samples, "aac" if suffix == ".mp4" else "pcm_s24le"),
    )
    assert joined.frames == frames
    info = probe(str(output))
    assert info.picture is not None
    assert (info.picture.frame_rate, info.picture.frame_count, info.start_timecode) == (rate, frames, label)
    assert key_in(output) == "movie"
    seen = numbers(output)
    assert [number for _, number in seen] == [n for first, count in lengths.items() for n in range(first, first + count)]
    slack = Fraction(1, 1000) if suffix == ".mkv" else Fraction(0)  # Matroska counts in milliseconds
    assert all(abs(at - n / rate) <= slack for n, (at, _) in enumerate(seen))
    with av.open(str(output)) as container:
        stream = container.streams.audio[0]
        assert stream.time_base is not None
        assert stream.start_time in (0, None)
        if suffix != ".mkv":  # which has no lengths of tracks
            assert stream.duration == samples
        heard = np.concatenate([f.to_ndarray() for f in container.decode(stream)], axis=1)
    heard = heard.T if suffix == ".mp4" else heard.reshape(-1, 2) / (1 << 31)
    assert 0 <= len(heard) - samples < (1024 if suffix == ".mp4" else 1)
    wanted = np.concatenate(list(tone(samples, 2)))
    error = np.abs(heard[: samples - 2000] - wanted[: samples - 2000])[2000:].max()
    assert error < (0.03 if suffix == ".mp4" else 2**-23), error


def test_surround_keeps_its_channels_and_what_is_too_loud_is_cut_off(chunk: Chunked, tmp_path: Path) -> None:
    piece, samples = chunk(0, 25, ChunkCodec.PRORES_LT, PAL), 48_000
    loud = iter([np.full((samples, 6), 1.5, np.float32) * np.float32([1, -1, 0.5, 0.25, 0, -0.5])])
    sound = track(samples, "pcm_s16le", "5.1", 6, blocks=loud)
    join([piece], tmp_path / "out.mov", frame_rate=PAL, sound=sound)
    with av.open(str(tmp_path / "out.mov")) as container:
        context = container.streams.audio[0].codec_context
        heard = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1).reshape(-1, 6)
    assert (context.layout.name, len(heard)) == ("5.1", samples)
    assert set(map(tuple, heard.tolist())) == {(32767, -32768, 24576, 12288, 0, -24576)}


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1", "7.1"])
def test_every_channel_of_aac_is_where_it_belongs(layout: str, chunk: Chunked, tmp_path: Path, ffmpeg: Path) -> None:
    """For readers that go by the standard, without FFmpeg's guess at what other encoders meant by 7.1."""
    samples = 48_000
    channels = av.AudioLayout(layout).nb_channels
    output = tmp_path / "out.mp4"
    sound = track(samples, "aac", layout, channels)
    join([chunk(0, 25, ChunkCodec.H264_LONG_GOP, PAL)], output, frame_rate=PAL, stands_alone=False, sound=sound)
    words = ["-v", "warning", "-strict", "strict", "-i", output, "-map", "0:a", "-f", "f32le", "-c:a", "pcm_f32le", "-"]
    done = subprocess.run([ffmpeg, *words], capture_output=True, check=True)
    assert done.stderr == b""
    heard = np.frombuffer(done.stdout, np.float32).reshape(-1, channels)[2000 : samples - 2000]
    wanted = np.concatenate(list(tone(samples, channels)))[2000 : samples - 2000]
    is_low = np.arange(channels) == (3 if channels > 2 else -1)  # its band ends below these tones, in AAC
    assert np.abs(heard - wanted)[:, ~is_low].max() < 0.03
    assert probe(str(output)).audio[0].layout == layout


@pytest.mark.parametrize(("there", "text"), [(900, "ends after"), (1100, "goes on")])
def test_sound_of_another_length_is_refused(there: int, text: str, chunk: Chunked, tmp_path: Path) -> None:
    output = tmp_path / "made" / "out.mov"
    output.parent.mkdir()
    sound = track(1000, "pcm_s24le", blocks=tone(there, 2, block=100))
    with pytest.raises(EncodeError, match=text) as caught:
        join([chunk(0, 2, ChunkCodec.PRORES_LT, PAL)], output, frame_rate=PAL, sound=sound)
    assert caught.value.path == str(output)
    assert list(output.parent.iterdir()) == []


def test_a_source_that_changes_meanwhile_spoils_the_movie_not_the_old_one(chunk: Chunked, tmp_path: Path) -> None:
    output = tmp_path / "out.mov"
    output.write_bytes(b"before")

    def changed() -> None:
        raise ContractError("has changed", path="a.mov")

    with pytest.raises(ContractError, match="has changed"):
        join([chunk(0, 2, ChunkCodec.PRORES_LT, PAL)], output, frame_rate=PAL, unchanged=changed)
    assert output.read_bytes() == b"before"


# ---- pictures of two encoders


@pytest.fixture
def camera(tmp_path: Path) -> Callable[..., Path]:
    """H.264 or HEVC by another encoder: 60 pictures from ``first`` on."""

    def make(
        first: int,
        name: str = "camera.mp4",
        *,
        encoder: str = "libx264",
        tag: str = "",
        kind: PictureType = PictureType.NONE,
        **options: str,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream(encoder, rate=PAL, options={"g": "20", "preset": "veryfast", **options})
            context = stream.codec_context
            context.codec_tag = tag or context.codec_tag
            context.width, context.height, context.pix_fmt = *SIZE, "yuv420p"
            context.color_primaries = context.color_trc = context.colorspace = context.color_range = 1
            for number in range(60):
                planes = np.vstack([luma(first + number), np.full((SIZE[1] // 2, SIZE[0]), 128, np.uint8)])
                frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
                frame.pict_type = kind
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return make


def numbers_in(codec: str, description: bytes) -> frozenset[int]:
    """Of the parameter sets in a track's description."""
    family = parameter_sets.family(codec)
    sets = family.parsed(description) if family else None
    assert sets is not None
    return parameter_sets.numbers(codec, sets)


def let(path: Path, first: int, stop: int, codec: ChunkCodec = ChunkCodec.H264_LONG_GOP) -> list[range]:
    return list(PassThrough(codec, lambda: None).copyable(probe(str(path)), first, stop).ranges)


def test_closed_gops_are_let_through_and_nothing_else(camera: Callable[..., Path]) -> None:
    closed = camera(0, **{"x264-params": "scenecut=0:open-gop=0"})
    assert let(closed, 0, 60) == [range(60)]
    assert let(closed, 1, 60) == [range(20, 60)]
    assert let(closed, 20, 59) == [range(20, 40)]
    assert let(closed, 21, 39) == []
    assert let(closed, 40, 60) == [range(40, 60)]
    assert let(closed, 0, 60, ChunkCodec.HEVC_LONG_GOP) == []
    assert let(closed, 0, 60, ChunkCodec.H264) == []
    assert let(closed, 0, 60, ChunkCodec.PRORES_LT) == []
    opened = camera(0, "open.mp4", **{"x264-params": "scenecut=0:open-gop=1:bframes=3:b-adapt=0"})
    assert let(opened, 0, 60) == [range(60)]  # what lies between its keyframes leans on both, but all of it is there
    assert let(opened, 0, 59) == let(opened, 1, 60) == []
    other = camera(0, "own.mp4", **{"x264-params": "scenecut=0:sps-id=29"})
    assert let(other, 0, 60) == []


X265 = "log-level=error:scenecut=0:keyint=20:min-keyint=20"


def test_hevc_likewise_by_its_idr_pictures(camera: Callable[..., Path]) -> None:
    codec = ChunkCodec.HEVC_LONG_GOP
    closed = camera(0, encoder="libx265", tag="hvc1", **{"x265-params": f"{X265}:open-gop=0"})
    assert let(closed, 0, 60, codec) == [range(60)]
    assert let(closed, 1, 59, codec) == [range(20, 40)]
    opened = camera(0, "open.mp4", encoder="libx265", tag="hev1", **{"x265-params": f"{X265}:open-gop=1:bframes=3:b-adapt=0"})
    assert let(opened, 0, 60, codec) == [range(60)]
    assert let(opened, 0, 59, codec) == []
    alone = {"forced-idr": "1", "x265-params": "log-level=error:bframes=0:open-gop=0"}
    every = camera(0, "intra.mp4", encoder="libx265", kind=PictureType.I, **alone)
    assert let(every, 7, 12, codec) == [range(7, 12)]


def test_prores_is_let_through_by_its_profile_and_not_beside_alpha(chunk: Chunked) -> None:
    for codec in (ChunkCodec.PRORES_4444, ChunkCodec.PRORES_HQ, ChunkCodec.PRORES_PROXY):
        path = Path(chunk(0, 12, codec, PAL).path)
        assert let(path, 3, 9, codec) == [range(3, 9)]
        assert let(path, 3, 9, ChunkCodec.PRORES_422) == []
        found = PassThrough(codec, lambda: None, keeps_alpha=True).copyable(probe(str(path)), 3, 9)
        assert (found.ranges, found.reason) == ((), "it has no alpha, and the movie keeps it")


def test_of_media_in_which_every_picture_stands_alone_any_goes_into_a_movie_that_is_so(camera: Callable[..., Path]) -> None:
    every = camera(0, g="1")
    assert let(every, 7, 12, ChunkCodec.H264) == let(every, 7, 12, ChunkCodec.H264_LONG_GOP) == [range(7, 12)]


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv"])
def test_hevc_of_two_encoders_stands_in_one_track(
    suffix: str, camera: Callable[..., Path], chunk: Chunked, tmp_path: Path, ffmpeg: Path
) -> None:
    """Every number of it, by two decoders; from every place that a player may jump to."""
    source = camera(500, encoder="libx265", tag="hev1", **{"x265-params": f"{X265}:open-gop=0:ref=1:no-sao=1:ctu=32"})
    ours = [chunk(first, 13, ChunkCodec.HEVC_LONG_GOP, PAL) for first in (100, 200)]
    copied = [Piece(path=str(source), frames=60, start=start, stop=stop) for start, stop in ((20, 60), (0, 20))]
    output = tmp_path / f"out{suffix}"
    join([copied[0], ours[0], copied[1], ours[1]], output, frame_rate=PAL, stands_alone=False)
    wanted = [*range(520, 560), *range(100, 113), *range(500, 520), *range(200, 213)]
    assert numbers(output) == [(n / PAL, number) for n, number in enumerate(wanted)]
    with av.open(str(output)) as container:
        context = container.streams.video[0].codec_context
        assert numbers_in("hevc", context.extradata or b"") == {0, OWN_NUMBERS["hevc"]}
        assert context.codec_tag == "hvc1" or suffix == ".mkv"
    asked = [str(ffmpeg), "-v", "warning", "-i", str(output), "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    done = subprocess.run(asked, capture_output=True, check=True)
    assert done.stderr == b""
    pictures = np.frombuffer(done.stdout, np.uint8).reshape(-1, SIZE[1], SIZE[0])
    assert [read_number(picture) for picture in pictures] == wanted
    for at in (30, 40, 53, 60, 73, 85):
        with av.open(str(output)) as container:
            stream = container.streams.video[0]
            assert stream.time_base is not None
            container.seek(round(at / PAL / stream.time_base), stream=stream)
            frame = next(
                f for f in container.decode(stream) if f.pts is not None and round(f.pts * stream.time_base * PAL) == at
            )
            assert read_number(frame.reformat(format="gray").to_ndarray()) == wanted[at]


def test_errors_of_a_source_name_the_source(camera: Callable[..., Path], tmp_path: Path) -> None:
    """And not the movie: who reads them has to know which file to look at, or to make anew."""
    path = camera(0, **{"x264-params": "scenecut=0:open-gop=0"})
    data = bytearray(path.read_bytes())
    table = data.index(b"stss") + 12  # of keyframes: the first is beyond the frames that are asked for
    data[table : table + 12] = struct.pack(">3I", 58, 59, 60)
    path.write_bytes(data)
    with pytest.raises(CorruptMediaError, match="Operation not permitted") as caught:
        join([Piece(path=str(path), frames=60, start=20, stop=40)], tmp_path / "out.mp4", frame_rate=PAL, stands_alone=False)
    assert caught.value.path == str(path)
    with pytest.raises(CorruptMediaError, match="Operation not permitted") as caught:
        let(path, 20, 40)
    assert caught.value.path == str(path)


def test_no_more_room_is_asked_for_than_is_taken(
    camera: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second of a camera's file needs no room for all of it."""
    path = camera(0, **{"x264-params": "scenecut=0:open-gop=0"})
    piece = Piece(path=str(path), frames=60, start=20, stop=40)
    monkeypatch.setattr(publish, "free_bytes", lambda folder: publish.RESERVE_BYTES + path.stat().st_size // 2)
    join([piece], tmp_path / "out.mp4", frame_rate=PAL, stands_alone=False)
    with pytest.raises(DiskFullError):
        join([piece, piece], tmp_path / "two.mp4", frame_rate=PAL, stands_alone=False)


def test_pictures_of_two_encoders_stand_in_one_track(camera: Callable[..., Path], chunk: Chunked, tmp_path: Path) -> None:
    source = camera(500, **{"x264-params": "scenecut=0:ref=1:bframes=0:weightp=0", "profile": "main"})
    ours = [chunk(first, 13, ChunkCodec.H264_LONG_GOP, PAL) for first in (100, 200)]
    copied = [Piece(path=str(source), frames=60, start=start, stop=stop) for start, stop in ((20, 60), (0, 20))]
    pieces = [copied[0], ours[0], copied[1], ours[1]]
    output = tmp_path / "out.mp4"
    join(pieces, output, frame_rate=PAL, stands_alone=False)
    wanted = [*range(520, 560), *range(100, 113), *range(500, 520), *range(200, 213)]
    assert numbers(output) == [(n / PAL, number) for n, number in enumerate(wanted)]
    with av.open(str(output)) as container:
        description = container.streams.video[0].codec_context.extradata or b""
    assert numbers_in("h264", description) == {0, OWN_NUMBERS["h264"]}


def test_of_two_sources_with_sets_of_one_number_only_the_first_is_let_through(camera: Callable[..., Path]) -> None:
    one, like, other = camera(0, "1.mp4"), camera(0, "2.mp4"), camera(0, "3.mp4", **{"x264-params": "ref=1:bframes=0"})
    passing = PassThrough(ChunkCodec.H264_LONG_GOP, lambda: None)
    assert [passing.copyable(probe(str(path)), 0, 60).reason for path in (one, other, like)] == [
        "",
        "its parameter sets have the numbers of another medium's",
        "",
    ]
    with pytest.raises(ContractError, match="other encoder settings"):
        pieces = [Piece(path=str(path), frames=60, start=0, stop=20) for path in (one, other)]
        join(pieces, one.with_name("out.mp4"), frame_rate=PAL, stands_alone=False)
