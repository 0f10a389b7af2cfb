"""In which colours a timeline is rendered, and what becomes of films that have others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest

from otio_perf.effects.conversion import conversion_to, converted, meaning_of
from otio_perf.effects.cpu.engine import CpuEngine
from otio_perf.effects.cpu.native import NativeEngine
from otio_perf.effects.engine import Engine
from otio_perf.effects.pixels import coding_of, from_picture, to_picture
from otio_perf.media.chunks import ChunkFile, write_chunk
from otio_perf.media.probe import probe
from otio_perf.model.colour import ColourSpace, Light
from otio_perf.model.composition import Composition
from otio_perf.model.frames import Applied, FramePlan, Generated, Layer, Mix, SourceFrame, Stacked, Translated
from otio_perf.model.media import ColourTags, MediaInfo, MediaKind
from otio_perf.model.pixels import Layout
from otio_perf.model.recipes import ChunkCodec, PrerenderRecipe
from otio_perf.render.chunks import chunks
from otio_perf.render.compositor import Compositor
from otio_perf.render.keys import frame_key
from otio_perf.render.plan import frame_plan, timeline_colour, timeline_light
from otio_perf.render.sheet import eight_bits
from otio_perf.render.sources import Sources

RATE = Fraction(24)
HD = ColourTags(primaries="bt709", transfer="bt709", matrix="bt709", range="tv")
PQ = ColourTags(primaries="bt2020", transfer="smpte2084", matrix="bt2020nc", range="tv")
HLG = ColourTags(primaries="bt2020", transfer="arib-std-b67", matrix="bt2020nc", range="tv")

Composed = Callable[[otio.core.SerializableObject], Composition]


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ([], ColourSpace.BT709),
        ([HD, HD], ColourSpace.BT709),
        ([ColourTags()], ColourSpace.BT709),
        ([PQ, PQ], ColourSpace.BT2020_PQ),
        ([HLG], ColourSpace.BT2020_HLG),
        ([PQ, HD], ColourSpace.BT709),
        ([PQ, HLG], ColourSpace.BT709),
        ([PQ, ColourTags()], ColourSpace.BT709),
    ],
)
def test_a_timeline_has_the_colours_of_its_films(
    composed: Composed, paper: Callable[..., MediaInfo], tags: list[ColourTags], wanted: ColourSpace
) -> None:
    title = paper("/m/title.mov", kind=MediaKind.STILL)  # sRGB, and no vote
    media = {title.path: _with(title, ColourTags(transfer="iec61966-2-1"))}
    for number, colour in enumerate(tags):
        film = paper(f"/m/{number}.mov")
        media[film.path] = _with(film, colour)
    span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(10, 24))
    clips = [otio.schema.Clip("c", otio.schema.ExternalReference(path, span), span) for path in [*media, "/m/missing.mov"]]
    composition = composed(otio.schema.Timeline("t", tracks=[otio.schema.Track(kind="Video", children=clips)]))
    assert timeline_colour(composition, media) is wanted
    assert timeline_colour(composition, media, "bt2020_hlg") is ColourSpace.BT2020_HLG


def _with(info: MediaInfo, colour: ColourTags) -> MediaInfo:
    return replace(info, video=(replace(info.video[0], colour=colour),))


def shown_in(composed: Composed, info: MediaInfo, colour: ColourSpace) -> FramePlan:
    span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(10, 24))
    clip = otio.schema.Clip("c", otio.schema.ExternalReference(info.path, span), span)
    composition = composed(otio.schema.Timeline("t", tracks=[otio.schema.Track(kind="Video", children=[clip])]))
    return frame_plan(composition, 0, {info.path: info}, lambda effect, moment: Translated(), colour=colour)


def test_tone_maps_are_named_and_colours_are_in_the_key(composed: Composed, paper: Callable[..., MediaInfo]) -> None:
    info = _with(paper("/m/sun.mov"), PQ)
    sdr, pq, hlg = (shown_in(composed, info, space) for space in ColourSpace)
    assert sdr.approximate == ("HDR of sun.mov as SDR",)
    assert pq.approximate == ()
    assert hlg.approximate == ()  # 1,000 cd/m² are as bright as an HLG screen
    video = replace(info.video[0], mastering_display="G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(40000000,50)")
    assert shown_in(composed, replace(info, video=(video,)), ColourSpace.BT2020_HLG).approximate == ("peaks of sun.mov",)
    keys = {frame_key(plan, engine="cpu", output="rgb 1280x720") for plan in (sdr, pq, hlg)}
    assert len(keys) == 3
    files = {
        chunk.colour
        for plan in (sdr, pq, hlg)
        for chunk in chunks([plan], start=0, media={info.path: info}, frame_rate=RATE, recipe=PrerenderRecipe(), engine="cpu")
    }
    assert files == {space.tags for space in ColourSpace}


# ---- from file to file


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Callable[[ColourTags], MediaInfo]:
    """A film of three frames, ProRes, that means what it is told to: a ramp of greys over a ramp of reds."""

    def make(tags: ColourTags) -> MediaInfo:
        path = tmp_path_factory.mktemp("film") / "film.mov"
        layout = Layout(is_rgb=False, is_grey=False, bits=10, across=1, down=0)
        ramp = np.ones((64, 128, 4), np.float32)
        ramp[:32, :, :3] = np.linspace(0, 1, 128)[:, None]
        ramp[32:, :, :3] = np.linspace(0, 0.6, 128)[:, None] * np.array([1, 0.3, 0.2])
        wanted = ChunkFile(
            path=str(path),
            key="k",
            codec=ChunkCodec.PRORES_422,
            quality=100,
            has_alpha=False,
            width=128,
            height=64,
            frame_rate=RATE,
            frames=3,
            colour=tags,
        )
        planes = from_picture(ramp, coding_of(layout, tags, 64))
        write_chunk(wanted, [planes] * 3, cores=1, tick=lambda: None)
        return probe(str(path))

    return make


@pytest.mark.parametrize("make_engine", [CpuEngine, NativeEngine])
@pytest.mark.parametrize("space", list(ColourSpace))
@pytest.mark.parametrize("tags", [HD, PQ, HLG], ids=["bt709", "pq", "hlg"])
def test_films_are_shown_in_the_timelines_colours(
    film: Callable[[ColourTags], MediaInfo], tags: ColourTags, space: ColourSpace, make_engine: Callable[[], Engine]
) -> None:
    info = film(replace(tags, chroma_location="left"))
    source = SourceFrame(medium="m", fingerprint="", number=1)
    plan = FramePlan(width=128, height=64, colour=space, root=Stacked(layers=(Layer(content=source),)))
    with Sources({"m": info}, RATE) as sources:
        shown = sources.read(source)
        encoded = to_picture(shown.planes, shown.coding)
        picture = Compositor(make_engine(), sources).picture(plan)
    conversion = conversion_to(space, meaning_of(tags))
    wanted = encoded if conversion is None else converted(encoded, conversion)
    assert (conversion is None) is (space.tags.transfer == tags.transfer)
    assert np.abs(picture - wanted).max() < 1e-3
    assert info.picture
    assert (info.picture.colour.transfer, info.picture.colour.matrix) == (tags.transfer, tags.matrix)
    still = eight_bits(picture, space)
    assert 250 <= still[10, 127].min() <= still[10, 127].max() <= 255 or tags == HD  # the brightest is white on any screen
    greys = still[10].astype(int)
    assert (np.abs(greys - greys[:, :1]) <= 2).all()


def test_what_is_drawn_is_as_bright_as_graphics_in_hdr() -> None:
    white = Generated(kind="solid", version=1, values=(("alpha", 1.0), ("colour", (1.0, 1.0, 1.0))))
    for space, level in zip(ColourSpace, (1.0, 0.58, 0.75), strict=True):
        plan = FramePlan(width=8, height=4, colour=space, root=Stacked(layers=(Layer(content=white),)))
        with Sources({}, RATE) as sources:
            picture = Compositor(CpuEngine(), sources).picture(plan)
        assert np.allclose(picture[..., :3], level, atol=2e-3)


# ---- how much light there is

MASTERED = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
BRIGHT = Light(mastering_display=MASTERED, content_light="1000,400")


@pytest.mark.parametrize("codec", [ChunkCodec.PRORES_422, ChunkCodec.DNXHR_HQX, ChunkCodec.H264, ChunkCodec.HEVC_LONG_GOP])
def test_files_say_how_much_light_there_is(codec: ChunkCodec, tmp_path: Path) -> None:
    wanted = ChunkFile(
        path=str(tmp_path / "c.mov"),
        key="k",
        codec=codec,
        quality=60,
        has_alpha=False,
        width=256,
        height=128,
        frame_rate=RATE,
        frames=2,
        colour=ColourSpace.BT2020_PQ.tags,
        light=BRIGHT,
    )
    assert wanted.layout.bits == 10
    picture = np.full((128, 256, 4), 0.5, np.float32)
    planes = from_picture(picture, coding_of(wanted.layout, wanted.colour, 128))
    write_chunk(wanted, [planes] * 2, cores=1, tick=lambda: None)
    video = probe(wanted.path).picture
    assert video
    assert (video.mastering_display, video.content_light) == (BRIGHT.mastering_display, BRIGHT.content_light)
    assert video.colour.transfer == "smpte2084"
    assert video.colour.chroma_location == ("left" if wanted.layout.down else None)


def test_light_is_said_where_all_films_agree(composed: Composed, paper: Callable[..., MediaInfo]) -> None:
    def film(number: int, tags: ColourTags, light: Light) -> MediaInfo:
        info = _with(paper(f"/m/{number}.mov"), tags)
        video = replace(info.video[0], mastering_display=light.mastering_display, content_light=light.content_light)
        return replace(info, video=(video,))

    def of(*films: MediaInfo, space: ColourSpace = ColourSpace.BT2020_PQ) -> Light:
        span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(10, 24))
        clips = [otio.schema.Clip("c", otio.schema.ExternalReference(info.path, span), span) for info in films]
        composition = composed(otio.schema.Timeline("t", tracks=[otio.schema.Track(kind="Video", children=clips)]))
        return timeline_light(composition, {info.path: info for info in films}, space)

    first, second = film(1, PQ, BRIGHT), film(2, PQ, BRIGHT)
    assert of(first, second) == BRIGHT
    assert of(first, second, space=ColourSpace.BT709) == Light()
    assert of(first, film(3, PQ, Light(mastering_display=MASTERED))) == Light()
    assert of(first, film(3, HD, BRIGHT)) == Light()


def test_a_dip_to_white_does_not_blind_in_hdr() -> None:
    dip = Applied(name="dip_to_colour", version=1, values=(("colour", (1.0, 1.0, 1.0)),))
    for space, level in zip(ColourSpace, (1.0, 0.58, 0.75), strict=True):
        mix = Mix(transition=dip, progress=0.5, outgoing=None, incoming=None)
        plan = FramePlan(width=8, height=4, colour=space, root=Stacked(layers=(Layer(content=mix),)))
        with Sources({}, RATE) as sources:
            picture = Compositor(CpuEngine(), sources).picture(plan)
        assert np.allclose(picture[..., :3], level, atol=2e-3)
