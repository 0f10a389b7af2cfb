"""Proxies that show more than their source does: seen through a LUT, with timecode, name or number burnt in."""

from __future__ import annotations

import subprocess
import threading
import time
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from otio_perf.effects import lettering, lut_files
from otio_perf.effects.burn_in import Inscription
from otio_perf.effects.cpu.viewing import ViewingLut
from otio_perf.effects.pixels import Coding
from otio_perf.errors import EffectError, TaskCancelledError
from otio_perf.media.planes import layout_of
from otio_perf.media.probe import probe
from otio_perf.media.sequences import find
from otio_perf.media.transcode import transcode
from otio_perf.model.pixels import Layout
from otio_perf.model.recipes import BurnIn, Codec, Lut
from otio_perf.model.timing import format_timecode, parse_timecode
from otio_perf.tasks.painting import paint_for

NTSC = Fraction(30000, 1001)
LETTERS = {lettering.line(chr(c))[:, :5].tobytes(): chr(c) for c in range(32, 127)}
TIMECODE, NAME, FRAME = BurnIn.TIMECODE, BurnIn.NAME, BurnIn.FRAME


def pictures(path: Path, *, upright: bool = True) -> list[np.ndarray]:
    """Luma of all pictures, 8 bits, turned as a player does."""
    with av.open(str(path)) as container:
        video = probe(str(path)).picture
        assert video
        found = []
        for frame in container.decode(video=0):
            grey = frame.reformat(format="gray", src_color_range=1, dst_color_range=1).planes[0]
            luma = np.frombuffer(memoryview(grey), np.uint8).reshape(grey.height, grey.line_size)[:, : grey.width]
            if upright:
                luma = np.rot90(luma, -video.rotation // 90)
                luma = luma[:, ::-1] if video.is_mirrored else luma
            found.append(luma)
        return found


def read_box(luma: np.ndarray) -> str:
    """The words in the only black box there is in ``luma``, by whatever size of dots makes letters of it."""
    black = luma < 32
    rows = np.flatnonzero(black.mean(axis=1) > 0.03)
    columns = np.flatnonzero(black[rows[0] : rows[-1] + 1].mean(axis=0) > 0.3)
    box = luma[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] > 128
    for high, wide, top, left in product(range(1, 8), range(1, 8), range(3), range(3)):
        dots = box[top + high // 2 :: high, left + wide // 2 :: wide]
        letters, rest = divmod(dots.shape[1] - 3, 6)
        if dots.shape[0] not in (11, 12) or rest > 1 or letters < 1:
            continue
        cells = [np.ascontiguousarray(dots[2:9, 2 + 6 * n : 7 + 6 * n]).tobytes() for n in range(letters)]
        if all(cell in LETTERS for cell in cells):
            return "".join(LETTERS[cell] for cell in cells)
    return f"nothing readable in {box.shape}"


def bottom(luma: np.ndarray) -> np.ndarray:
    return luma[-max(24, len(luma) // 6) :]


# -- words -------------------------------------------------------------------------------------------------------------

KINDS: dict[str, dict[str, Any]] = {
    "long GOP": {},
    "drop-frame": {"rate": NTSC, "timecode": "01:00:59;20"},
    "24 fps": {"rate": Fraction(24), "timecode": "09:59:59:20"},
    "10 bit": {
        "codec": "libx265",
        "pixels": "yuv420p10le",
        "options": {"preset": "ultrafast", "x265-params": "log-level=error"},
    },
    "odd size": {"codec": "libvpx-vp9", "suffix": ".webm", "size": (641, 361), "options": {"cpu-used": "8"}},
    "full range": {"context": {"color_range": 2}},
    "turned": {"is_bare": True, "turn": (90, False)},
    "turned the other way": {"is_bare": True, "turn": (270, False)},
    "on its head": {"is_bare": True, "turn": (180, False)},
    "turned and mirrored": {"is_bare": True, "turn": (270, True)},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_timecode_in_each_picture_is_that_of_its_frame(
    kind: str, long_gop: Any, variant: Any, source: Any, proxies: Any, numbers: Any
) -> None:
    spec = variant(long_gop, **{"frames": 30, "size": (640, 360), "timecode": "10:00:00:00", **KINDS[kind]})
    path = source(spec)
    media = probe(str(path))
    start = media.start_timecode or "00:00:00:00"  # WebM keeps none
    rate = spec.rate
    first = parse_timecode(start, rate)
    codec = Codec.HEVC if kind == "10 bit" else Codec.H264
    made = proxies(path, codec=codec, rungs=("half", "360p"), burn_in=(TIMECODE,), quality=80)
    for proxy in made.paths:
        expected = [format_timecode(first + n, rate, drop_frame=";" in start) for n in range(30)]
        assert [read_box(bottom(luma)) for luma in pictures(proxy)] == expected
        if not spec.is_bare:
            assert numbers(proxy) == list(range(30))


@pytest.mark.parametrize("codec", [Codec.PRORES_PROXY, Codec.PRORES_4444, Codec.DNXHR_LB])
def test_every_codec_carries_words(codec: Codec, long_gop: Any, variant: Any, source: Any, proxies: Any) -> None:
    path = source(variant(long_gop, frames=12, size=(640, 360), timecode="10:00:00:00", is_bare=True))
    (proxy,) = proxies(path, codec=codec, rungs=("360p",), burn_in=(TIMECODE,)).paths
    assert [read_box(bottom(luma)) for luma in pictures(proxy)] == [f"10:00:00:{n:02d}" for n in range(12)]


def test_a_used_range_counts_on_from_its_source(long_gop: Any, variant: Any, source: Any, proxies: Any) -> None:
    path = source(variant(long_gop, frames=60, size=(640, 360), rate=NTSC, timecode="01:00:59;10"))
    made = proxies(path, rungs=("360p",), ranges=((5, 10), (25, 32)), burn_in=(TIMECODE,))
    assert [read_box(bottom(luma)) for luma in pictures(made.paths[0])] == [f"01:00:59;{n}" for n in range(15, 20)]
    second = [read_box(bottom(luma)) for luma in pictures(made.paths[1])]
    # frames 20 to 29 end the minute; drop-frame leaves out ;00 and ;01
    assert second == [format_timecode(parse_timecode("01:00:59;10", NTSC) + n, NTSC, drop_frame=True) for n in range(25, 32)]
    assert second[-1] > "01:01:00;02"


@pytest.mark.parametrize("rung", ["half", "576p"])
def test_interlaced_pictures_stay_so_and_are_readable(rung: str, new_source: Any, source: Any, proxies: Any) -> None:
    spec = new_source(
        codec="mpeg2video",
        suffix=".mxf",
        size=(720, 576),
        frames=10,
        fields=True,
        is_bare=True,
        options={"b": "20M"},
        context={"field_order": 4, "gop_size": 1},
        timecode="10:00:00:00",
    )
    (proxy,) = proxies(source(spec), rungs=(rung,), burn_in=(FRAME,), quality=80).paths
    assert [read_box(luma[: len(luma) // 2]) for luma in pictures(proxy)] == [f"{n:06d}" for n in range(10)]
    with av.open(str(proxy)) as container:
        assert all(frame.interlaced_frame for frame in container.decode(video=0))


def test_variable_rates_are_labelled_by_the_constant_one(new_source: Any, source: Any, proxies: Any) -> None:
    times = tuple(Fraction(n, 30) + (Fraction(n % 3, 400)) for n in range(30))
    path = source(new_source(suffix=".mp4", size=(640, 360), rate=Fraction(30), frames=30, times=times))
    assert probe(str(path)).picture.is_vfr  # type: ignore[union-attr]
    (proxy,) = proxies(path, rungs=("360p",), rate=Fraction(25), burn_in=(TIMECODE,)).paths
    assert [read_box(bottom(luma)) for luma in pictures(proxy)] == [f"00:00:00:{n:02d}" for n in range(25)]


def test_a_picture_held_for_two_frames_has_each_its_words(new_source: Any, source: Any, proxies: Any) -> None:
    """Of the very size and format: what is drawn on one must not be seen on the next."""
    path = source(new_source(suffix=".mp4", size=(640, 360), frames=6, times=tuple(Fraction(n * n, 20) for n in range(6))))
    (proxy,) = proxies(path, rungs=("360p",), rate=Fraction(25), burn_in=(TIMECODE,)).paths
    found = [read_box(bottom(luma)) for luma in pictures(proxy)]
    assert found == [f"00:00:{n // 25:02d}:{n % 25:02d}" for n in range(len(found))]
    assert len(found) > 20


def test_pictures_of_a_sequence_carry_their_own_numbers(tmp_path: Path, proxies: Any) -> None:
    grey = np.full((180, 320, 3), 120, np.uint8)
    for number in range(1001, 1009):
        av.VideoFrame.from_ndarray(grey, "rgb24").save(str(tmp_path / f"shot.{number:05d}.png"))
    sequence = find(str(tmp_path / "shot.01001.png"))
    (proxy,) = proxies(sequence, rungs=("180p",), burn_in=(NAME, FRAME, TIMECODE), quality=90).paths
    shown = pictures(proxy)
    assert [read_box(bottom(luma)) for luma in shown] == [f"00:00:00:{n:02d}" for n in range(8)]
    assert [read_box(luma[:40, 200:]) for luma in shown] == [f"{n:05d}" for n in range(1001, 1009)]
    assert {read_box(luma[:40, :200]) for luma in shown} == {"shot.#####.png"}


def test_several_rungs_with_and_without_words_come_from_one_decode(
    long_gop: Any, variant: Any, source: Any, new_plan: Any, tmp_path: Path, numbers: Any
) -> None:
    path = source(variant(long_gop, frames=12, size=(640, 360), timecode="10:00:00:00"))
    plain = new_plan(path, tmp_path, rungs=("half",))
    look = new_plan(path, tmp_path, rungs=("360p",), burn_in=(TIMECODE,))
    task = replace(plain, products=plain.products + look.products)
    seen: list[int] = []
    transcode(task, progress=seen.append, cancelled=lambda: False, paint_for=paint_for)
    assert seen[-1] == 12
    clean, written = (Path(p.path) for p in task.products)
    assert numbers(clean) == list(range(12))
    assert min(luma[30:].min() for luma in pictures(clean)) > 32  # no box anywhere
    assert [read_box(bottom(luma)) for luma in pictures(written)] == [f"10:00:00:{n:02d}" for n in range(12)]


def drawn(words: dict[BurnIn, str], **changes: Any) -> tuple[np.ndarray, Layout]:
    layout = Layout(is_rgb=False, is_grey=False, bits=8, across=1, down=1)
    width, height = changes.get("width", 640), changes.get("height", 360)
    planes = [np.full((height, width), 120, np.uint8)] + [np.full((-(-height // 2), -(-width // 2)), 90, np.uint8)] * 2
    Inscription(**{"layout": layout, "width": width, "height": height, **changes}).draw(planes, words)
    return planes[0], layout


def test_what_is_too_long_loses_its_middle_and_never_meets_the_number() -> None:
    luma, _ = drawn({NAME: "A001_C002_" + "x" * 200 + "_take_7.mov", FRAME: "000012"})
    black = np.flatnonzero((luma[8:24] == 16).any(axis=0))
    (gap,) = np.flatnonzero(np.diff(black) > 1)
    assert black[gap + 1] - black[gap] > 4  # two boxes
    name = read_box(luma[:60, : black[gap] + 2])
    assert name.startswith("A001_C002_")
    assert "..." in name
    assert name.endswith("_take_7.mov")
    assert read_box(luma[:60, black[gap] + 2 :]) == "000012"


@pytest.mark.parametrize("size", [(16, 8), (40, 22), (64, 36), (2, 2), (9, 400)])
def test_where_there_is_no_room_nothing_breaks(size: tuple[int, int]) -> None:
    luma, _ = drawn({NAME: "name.mov", FRAME: "000012", TIMECODE: "10:00:00:00"}, width=size[0], height=size[1])
    assert luma.shape == size[::-1]


def test_letters_have_the_shape_of_the_display_where_pixels_are_not_square() -> None:
    luma, _ = drawn({TIMECODE: "10:00:00:00"}, width=720, height=576, sample_aspect=Fraction(64, 45))
    rows, columns = np.flatnonzero((luma == 16).any(axis=1)), np.flatnonzero((luma == 16).any(axis=0))
    shape = len(columns) * 64 / 45 / len(rows)
    assert shape == pytest.approx(69 / 11, rel=0.1)


# -- LUTs --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lut(tmp_path_factory: pytest.TempPathFactory) -> Lut:
    """Nothing like the identity: channels cross over, contrast rises, blacks lift."""
    size = 17
    axis = np.linspace(0, 1, size)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    curve = lambda v: 0.05 + 0.9 * (3 * v**2 - 2 * v**3)  # noqa: E731
    entries = np.stack([curve(0.8 * red + 0.2 * green), curve(green) ** 1.2, curve(0.7 * blue + 0.3 * red)], axis=-1)
    path = tmp_path_factory.mktemp("luts") / "look.cube"
    path.write_text(f"LUT_3D_SIZE {size}\n" + "".join("{:.6f} {:.6f} {:.6f}\n".format(*row) for row in entries.reshape(-1, 3)))
    return Lut(path=str(path), digest=lut_files.digest(str(path)))


CODINGS = {
    "4:4:4": ("yuv444p", "bt709", False),
    "BT.601": ("yuv444p", "smpte170m", False),
    "full range": ("yuv444p", "bt709", True),
    "10 bits, BT.2020": ("yuv444p10le", "bt2020nc", False),
    "4:2:0": ("yuv420p", "bt709", False),
    "4:2:2, 10 bits": ("yuv422p10le", "bt709", False),
}


@pytest.mark.parametrize("kind", CODINGS)
def test_stored_pictures_are_as_ffmpeg_sees_them_through_the_lut(kind: str, lut: Lut, ffmpeg: Path) -> None:
    """Oracle: ``lut3d`` in 16 bits. Heights beyond one strip; an odd number of rows."""
    pixels, matrix, is_full = CODINGS[kind]
    layout = layout_of(pixels)
    assert layout is not None
    width, height = 96, 302
    scale, down, across = 1 << (layout.bits - 8), layout.down, layout.across
    rows, _ = np.mgrid[0:height, 0:width]
    dtype = np.uint8 if layout.bits == 8 else np.uint16
    luma = ((40 + 170 * rows / height) * scale).astype(dtype)
    chroma_rows, chroma_columns = np.mgrid[0 : height >> down, 0 : width >> across]
    cb = ((128 + 50 * np.sin(chroma_columns / (24 >> across))) * scale).astype(dtype)
    cr = ((128 + 50 * np.cos(chroma_rows / (60 >> down))) * scale).astype(dtype)
    planes = [luma, cb, cr]
    raw = b"".join(plane.tobytes() for plane in planes)
    swscale = {"bt709": "bt709", "smpte170m": "bt601", "bt2020nc": "bt2020"}[matrix]
    levels = "full" if is_full else "limited"
    siting, back = (f":{side}_h_chr_pos=0:{side}_v_chr_pos=128" if down or across else "" for side in ("in", "out"))
    flags = "flags=bilinear+accurate_rnd+full_chroma_int+full_chroma_inp"
    graph = (
        f"scale=in_color_matrix={swscale}:in_range={levels}:out_range=full{siting}:{flags},format=gbrp16le,"
        f"lut3d=file={lut.path}:interp=tetrahedral,"
        f"scale=out_color_matrix={swscale}:in_range=full:out_range={levels}{back}:{flags},format={pixels}"
    )
    command = [str(ffmpeg), "-v", "error", "-f", "rawvideo", "-pix_fmt", pixels, "-s", f"{width}x{height}", "-i", "-"]
    command += ["-vf", graph, "-f", "rawvideo", "-pix_fmt", pixels, "-"]
    done = subprocess.run(command, input=raw, capture_output=True, check=True)
    theirs = np.frombuffer(done.stdout, dtype)
    ViewingLut(lut.path, Coding(layout=layout, matrix=matrix, is_full_range=is_full)).apply(planes)
    ours = np.concatenate([plane.ravel() for plane in planes])
    assert ours.shape == theirs.shape
    off = np.abs(ours.astype(int) - theirs.astype(int)) / scale
    is_subsampled = bool(down or across)
    assert off.mean() < (0.5 if is_subsampled else 0.3)
    assert off.max() <= (4 if is_subsampled else 1.5)  # chroma is scaled by other filters


def test_strips_leave_no_seams(lut: Lut) -> None:
    """A picture in one strip is that in many."""
    layout = Layout(is_rgb=False, is_grey=False, bits=8, across=1, down=1)
    coding = Coding(layout=layout)
    random = np.random.default_rng(1)
    planes = [random.integers(16, 235, (401, 64), np.uint8)] + [random.integers(60, 200, (201, 32), np.uint8) for _ in range(2)]
    whole, halves = [p.copy() for p in planes], [p.copy() for p in planes]
    ViewingLut(lut.path, coding).apply(whole)
    for first, stop in ((0, 160), (96, 401)):  # each with enough of the other half
        part = [planes[0][first:stop].copy(), *(p[first // 2 : -(-stop // 2)].copy() for p in planes[1:])]
        ViewingLut(lut.path, coding).apply(part)
        keep = (0, 128) if first == 0 else (128, 401)
        halves[0][keep[0] : keep[1]] = part[0][keep[0] - first : keep[1] - first]
        for n in (1, 2):
            rows = slice(keep[0] // 2, -(-keep[1] // 2))
            halves[n][rows] = part[n][(keep[0] - first) // 2 : -(-(keep[1] - first) // 2)]
    for a, b in zip(whole, halves, strict=True):
        assert np.array_equal(a, b)


def test_fields_are_seen_through_it_one_by_one(lut: Lut) -> None:
    """One field red, the other blue: neither takes on the other's chroma."""
    layout = Layout(is_rgb=False, is_grey=False, bits=8, across=1, down=1)
    coding = Coding(layout=layout)
    red, blue = (63, 102, 240), (32, 240, 118)
    planes = [np.zeros((64, 32), np.uint8), np.zeros((32, 16), np.uint8), np.zeros((32, 16), np.uint8)]
    for plane, r, b in zip(planes, red, blue, strict=True):
        plane[0::2], plane[1::2] = r, b
    ViewingLut(lut.path, coding, has_fields=True).apply(planes)
    for first, colour in ((0, red), (1, blue)):
        alone = [np.full((8, 8), colour[0], np.uint8), *(np.full((4, 4), c, np.uint8) for c in colour[1:])]
        ViewingLut(lut.path, coding).apply(alone)
        for plane, expected in zip(planes, alone, strict=True):
            assert np.array_equal(np.unique(plane[first::2]), np.unique(expected))


SOURCES: dict[str, dict[str, Any]] = {
    "HD": {"context": {"colorspace": 1, "color_primaries": 1, "color_trc": 1, "color_range": 1}},
    "SD without tags": {"context": {"colorspace": 5}},
    "full range": {"context": {"colorspace": 1, "color_range": 2}},
    "same size and format": {"context": {"colorspace": 1}},
    "alpha": {"codec": "prores_ks", "pixels": "yuva444p10le", "options": {"profile": "4"}, "context": {"colorspace": 1}},
}


@pytest.mark.parametrize("kind", SOURCES)
def test_a_proxy_is_the_plain_one_seen_through_the_lut(
    kind: str, lut: Lut, new_source: Any, source: Any, proxies: Any, ffmpeg: Path, tmp_path: Path
) -> None:
    path = source(new_source(is_coloured=True, frames=8, **{"options": {"preset": "fast", "crf": "4"}, **SOURCES[kind]}))
    rungs = ("180p",) if kind == "same size and format" else ("half",)
    codec = Codec.PRORES_4444 if kind == "alpha" else Codec.H264
    (plain,) = proxies(path, rungs=rungs, codec=codec, quality=100).paths
    plain = plain.rename(tmp_path / "plain.mov")
    (look,) = proxies(path, rungs=rungs, codec=codec, quality=100, lut=lut).paths
    assert probe(str(look)).picture.colour == probe(str(plain)).picture.colour  # type: ignore[union-attr]

    def rgb(file: Path, *filters: str) -> np.ndarray:
        video = probe(str(file)).picture
        assert video
        is_full, matrix = video.colour.range == "pc", video.colour.matrix or "smpte170m"
        words = {"bt709": "bt709", "smpte170m": "bt601", "bt470bg": "bt601"}[matrix]
        levels = f"in_range={'full' if is_full else 'limited'}:out_range=full"
        chain = [f"scale=in_color_matrix={words}:{levels}:flags=accurate_rnd+full_chroma_int", "format=gbrp16le", *filters]
        command = [str(ffmpeg), "-v", "error", "-i", str(file), "-vf", ",".join(chain), "-f", "rawvideo", "-pix_fmt", "rgb48le"]
        done = subprocess.run([*command, "-"], capture_output=True, check=True)
        return np.frombuffer(done.stdout, "<u2").reshape(-1, video.height, video.width, 3)[:, video.height // 3 :] / 65535

    expected = rgb(plain, f"lut3d=file={lut.path}:interp=tetrahedral")
    found = rgb(look)
    assert found.shape == expected.shape
    off = np.abs(found - expected)[:, :-4, 4:-4]
    assert off.mean() < 0.012
    assert np.percentile(off, 99) < 0.05
    assert np.abs(found - rgb(plain)).mean() > 0.04  # it is another picture


def test_a_lut_that_changed_since_is_no_lut(lut: Lut, new_source: Any, source: Any, proxies: Any, tmp_path: Path) -> None:
    other = tmp_path / "look.cube"
    other.write_bytes(Path(lut.path).read_bytes())
    asked = Lut(path=str(other), digest=lut.digest)
    other.write_text(other.read_text().replace("0.95", "0.85"))
    with pytest.raises(EffectError, match=r"look\.cube: the LUT has changed"):
        proxies(source(new_source(frames=4)), lut=asked)
    other.unlink()
    with pytest.raises(EffectError, match=r"look\.cube: the LUT cannot be read"):
        proxies(source(new_source(frames=4)), lut=asked)
    assert not list((tmp_path / "out").iterdir())


def test_nobody_makes_a_plain_proxy_where_more_was_asked_for(
    new_source: Any, source: Any, new_plan: Any, tmp_path: Path
) -> None:
    task = new_plan(source(new_source(frames=4)), tmp_path, burn_in=(NAME,))
    with pytest.raises(ValueError, match="into the pictures"):
        transcode(task, progress=lambda done: None, cancelled=lambda: False)
    assert not list(tmp_path.iterdir())


def test_who_stops_while_pictures_are_painted_leaves_nothing(
    lut: Lut, long_gop: Any, source: Any, new_plan: Any, tmp_path: Path
) -> None:
    task = new_plan(source(long_gop), tmp_path, lut=lut, burn_in=(TIMECODE,))
    threads = set(threading.enumerate())
    done: list[int] = []
    with pytest.raises(TaskCancelledError):
        transcode(task, progress=done.append, cancelled=lambda: bool(done) and done[-1] >= 20, paint_for=paint_for)
    assert not list(tmp_path.iterdir())
    assert {t for t in threading.enumerate() if t.is_alive()} <= threads


def test_what_goes_wrong_while_painting_is_told(long_gop: Any, source: Any, new_plan: Any, tmp_path: Path) -> None:
    def fails(planes: Any, number: int) -> None:
        if number == 7:
            raise EffectError("line 3: no numbers", path="look.cube")

    task = new_plan(source(long_gop), tmp_path, burn_in=(TIMECODE,))
    with pytest.raises(EffectError, match=r"look\.cube: line 3"):
        transcode(task, progress=lambda done: None, cancelled=lambda: False, paint_for=lambda media, product, look: fails)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("is_late", [False, True])
def test_a_first_picture_that_takes_long_is_no_hanging_worker(
    is_late: bool, long_gop: Any, source: Any, new_plan: Any, tmp_path: Path
) -> None:
    """It compiles what paints, which is slow where much else is done: when it is asked for, or with the first picture."""
    is_slow = [True]
    signs = [time.monotonic()]

    def compiling() -> None:
        if is_slow.pop():
            time.sleep(1.5)
        is_slow.append(False)

    def paint(planes: Any, number: int) -> None:
        if is_late:
            compiling()

    def slowly(media: Any, product: Any, look: Any) -> Any:
        if not is_late:
            compiling()
        return paint

    task = new_plan(source(long_gop), tmp_path, burn_in=(NAME,))
    transcode(task, progress=lambda _: signs.append(time.monotonic()), cancelled=lambda: False, paint_for=slowly)
    assert max(b - a for a, b in pairwise(signs)) < 1
