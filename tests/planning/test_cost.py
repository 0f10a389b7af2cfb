"""Predictions follow from the machine's figures, and say why."""

from __future__ import annotations

import time
from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_perf.model.media import ColourTags, Gop, MediaKind
from otio_perf.model.timing import FrameRange
from otio_perf.model.uses import TargetKind
from otio_perf.planning.cost import decode_ms, nearest_measured, predict


def test_decode_follows_the_profiles_line(build: SimpleNamespace) -> None:
    video = build.media().picture
    # 4 Mbit a frame at 10 ms, 8.2944 megapixels at 1 ms, 0.1 ms a frame
    assert decode_ms(video, build.machine()) == pytest.approx(0.1 + 8.2944 + 40.0)


def test_ten_bits_and_intra_frames_have_figures_of_their_own(build: SimpleNamespace) -> None:
    machine = build.machine()
    plain = decode_ms(build.media().picture, machine)
    assert decode_ms(build.media(bit_depth=10).picture, machine) == pytest.approx(plain * 1.2, rel=0.01)
    intra = build.media(gop=Gop(longest=1, mean=1, has_b_frames=False)).picture
    assert decode_ms(intra, machine) == pytest.approx(plain * 0.2, rel=0.02)


def test_chroma_samples_count_as_pixels(build: SimpleNamespace) -> None:
    machine = build.machine()
    plain = decode_ms(build.media(bits_per_second=0).picture, machine)
    dense = decode_ms(build.media(bits_per_second=0, pixel_format="yuv444p").picture, machine)
    assert (dense - 0.1) == pytest.approx(2 * (plain - 0.1))


def test_unmeasured_codecs_are_taken_from_their_relatives_and_said_so(build: SimpleNamespace) -> None:
    machine = build.machine()
    vvc, hevc = build.media(codec="vvc").picture, build.media(codec="hevc").picture
    assert decode_ms(vvc, machine) == pytest.approx(2 * decode_ms(hevc, machine))
    assert nearest_measured(vvc, machine) == "hevc"
    assert nearest_measured(hevc, machine) is None
    unknown = build.media(codec="brand_new").picture
    assert decode_ms(unknown, machine) == pytest.approx(1.5 * decode_ms(build.media().picture, machine))
    survey, spans = build.survey([build.use(build.target(), 0, 50)])
    (cost,) = predict(survey, spans, {"/m/a.mp4": build.media(codec="vvc")}, machine)
    assert any("not measured here: taken from hevc" in r for r in cost.reasons)


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.integers(2, 4000), st.integers(2, 4000))
def test_more_bits_or_pixels_never_decode_faster(build_once: SimpleNamespace, a: float, b: float, w: int, h: int) -> None:
    machine = build_once.machine()
    low, high = sorted((a, b))
    less = build_once.media(bits_per_second=round(low), width=w, height=h).picture
    more = build_once.media(bits_per_second=round(high), width=w + 2, height=h).picture
    assert decode_ms(less, machine) <= decode_ms(more, machine)


@pytest.fixture(scope="module")
def build_once(request: pytest.FixtureRequest) -> SimpleNamespace:
    """``build`` for hypothesis, which wants no function-scoped fixtures."""
    from types import SimpleNamespace as Namespace

    plugin = next(p for p in request.config.pluginmanager.get_plugins() if hasattr(p, "made") and hasattr(p, "survey"))
    return Namespace(machine=plugin.machine, media=plugin.media)


def test_the_sum_has_all_its_parts(build: SimpleNamespace) -> None:
    a, b = build.target("/m/a.mp4"), build.target("/m/b.mp4")
    survey, spans = build.survey(
        [build.use(a, 0, 100, effects=("Gaussian Blur",)), build.use(b, 0, 100, track=1)],
        transitions=(FrameRange(0, 100, build.rate),),
    )
    media = {"/m/a.mp4": build.media("/m/a.mp4"), "/m/b.mp4": build.media("/m/b.mp4", width=1920, height=1080)}
    machine = build.machine()
    (cost,) = predict(survey, spans, media, machine)
    parts = dict(cost.parts_ms)
    assert parts["decode a.mp4"] == pytest.approx(decode_ms(media["/m/a.mp4"].picture, machine), abs=0.001)
    assert parts["decode b.mp4"] == pytest.approx(decode_ms(media["/m/b.mp4"].picture, machine), abs=0.001)
    assert parts["scaling"] == pytest.approx(0.2 * 8.2944, abs=0.001)  # b has the canvas' size
    assert parts["2 layers"] == pytest.approx(0.5 * 2.0736, abs=0.001)
    assert parts["transition"] == pytest.approx(0.5 * 2.0736, abs=0.001)
    assert parts["blur"] == pytest.approx(2 * 2.0 * 2.0736, abs=0.001)
    assert cost.frame_ms == pytest.approx(sum(parts.values()), abs=0.01)
    assert cost.factor == pytest.approx(cost.frame_ms / 40)
    assert "two layers" in cost.reasons[0]
    assert "blur" in cost.reasons[0]
    assert "the time it has" in cost.reasons[0]


def test_the_same_source_twice_at_once_counts_twice(build: SimpleNamespace) -> None:
    a = build.target()
    once, spans_once = build.survey([build.use(a, 0, 10)])
    twice, spans_twice = build.survey([build.use(a, 0, 10), build.use(a, 0, 10, track=1)])
    media = {"/m/a.mp4": build.media()}
    (one,) = predict(once, spans_once, media, build.machine())
    (two,) = predict(twice, spans_twice, media, build.machine())
    assert two.frame_ms > 1.99 * one.frame_ms


@pytest.mark.parametrize(
    ("speed", "times"),
    [(Fraction(2), 2.0), (Fraction(1, 2), 0.5), (Fraction(-1), 25.5), (Fraction(0), 0.0)],
)
def test_speed_changes_what_is_decoded(build: SimpleNamespace, speed: Fraction, times: float) -> None:
    survey, spans = build.survey([build.use(build.target(), 0, 10, speed=speed)], canvas=(3840, 2160))
    info = build.media()
    (cost,) = predict(survey, spans, {info.path: info}, build.machine())
    assert cost.frame_ms == pytest.approx(times * decode_ms(info.picture, build.machine()))


def test_intra_media_skip_and_reverse_for_free(build: SimpleNamespace) -> None:
    info = build.media(codec="prores", gop=Gop(longest=1, mean=1, has_b_frames=False))
    for speed in (Fraction(8), Fraction(-1)):
        survey, spans = build.survey([build.use(build.target(), 0, 10, speed=speed)], canvas=(3840, 2160))
        (cost,) = predict(survey, spans, {info.path: info}, build.machine())
        assert cost.frame_ms == pytest.approx(decode_ms(info.picture, build.machine()))


def test_rates_above_the_timelines_cost_more(build: SimpleNamespace) -> None:
    survey, spans = build.survey([build.use(build.target(), 0, 10)], canvas=(3840, 2160))
    slow, fast = build.media(), build.media(frame_rate=Fraction(50), bits_per_second=200_000_000)
    (one,) = predict(survey, spans, {slow.path: slow}, build.machine())
    (two,) = predict(survey, spans, {fast.path: fast}, build.machine())
    assert two.frame_ms == pytest.approx(2 * one.frame_ms)


def test_what_is_not_there_is_named_and_not_counted(build: SimpleNamespace) -> None:
    gone = build.target("/m/gone.mp4")
    bars = build.target("bars", TargetKind.GENERATOR, generator="SMPTE bars")
    survey, spans = build.survey([build.use(gone, 0, 10), build.use(bars, 10, 20)])
    absent, generated = predict(survey, spans, {"/m/gone.mp4": None}, build.machine())
    assert absent.frame_ms == 0
    assert absent.offline == ("/m/gone.mp4",)
    assert any("gone.mp4" in r for r in absent.reasons)
    assert generated.frame_ms == 0
    assert generated.offline == ()
    assert any("SMPTE bars" in r for r in generated.reasons)


def test_stills_cost_no_decoding(build: SimpleNamespace) -> None:
    still = build.media(kind=MediaKind.STILL)
    survey, spans = build.survey([build.use(build.target(), 0, 10)], canvas=(3840, 2160))
    (cost,) = predict(survey, spans, {still.path: still}, build.machine())
    assert cost.frame_ms == 0


def test_a_slow_disk_is_the_limit(build: SimpleNamespace) -> None:
    survey, spans = build.survey([build.use(build.target(), 0, 10)])
    info = build.media(codec="prores", bits_per_second=1_000_000_000)
    (cost,) = predict(survey, spans, {info.path: info}, build.machine(disk_read_bytes_per_second=50e6))
    assert cost.frame_ms == pytest.approx(100.0)  # 5 MB a frame at 50 MB/s
    assert cost.parts_ms[-1][0] == "waiting for the disk"


def test_ten_thousand_clips_in_a_third_of_a_second(build: SimpleNamespace) -> None:
    targets = [build.target(f"/m/{n}.mp4") for n in range(300)]
    uses = [
        build.use(targets[n % 300], n // 2 * 20 + n % 2 * 10, n // 2 * 20 + 20 + n % 2 * 10, track=n % 2) for n in range(10_000)
    ]
    survey, _ = build.survey(uses[:2])
    from dataclasses import replace

    from otio_perf.model.spans import Span

    everything = tuple(replace(u, index=i) for i, u in enumerate(uses))
    survey = replace(survey, uses=everything, targets=tuple(targets))
    spans = [
        Span(position=FrameRange(n * 10, n * 10 + 10, build.rate), uses=(n // 2, (n // 2 + 1) % 10_000)) for n in range(20_000)
    ]
    media = {t.path: build.media(t.path) for t in targets}
    times = []
    for _ in range(3):
        began = time.process_time()
        costs = predict(survey, spans, media, build.machine())
        times.append(time.process_time() - began)
    assert len(costs) == 20_000
    assert min(times) < 0.3


def parts(build: SimpleNamespace, **changes: object) -> dict[str, float]:
    """Of a clip of 1080p beside one of plain SDR, which makes the timeline SDR."""
    film = build.media(width=1920, height=1080, **changes)
    survey, spans = build.survey([build.use(build.target(), 0, 50)])
    media = {"/m/a.mp4": film, "/m/b.mp4": build.media("/m/b.mp4", colour=ColourTags(transfer="bt709"))}
    (cost,) = predict(survey, spans, media, build.machine())
    return dict(cost.parts_ms)


def test_colours_that_have_to_be_converted_and_fields_count(build: SimpleNamespace) -> None:
    unit = 2.0 * 1920 * 1080 / 1e6
    names = ("colour conversion", "deinterlacing")
    found = {
        "plain": parts(build),
        "pq": parts(build, colour=ColourTags(transfer="smpte2084", primaries="bt2020")),
        "hlg": parts(build, colour=ColourTags(transfer="arib-std-b67", primaries="bt2020")),
        "wide": parts(build, colour=ColourTags(transfer="bt709", primaries="bt2020")),
        "television": parts(build, colour=ColourTags(transfer="smpte170m", primaries="smpte170m")),
        "fields": parts(build, field_order="tt"),
        "deep fields": parts(build, field_order="bb", bit_depth=10),
    }
    wanted = {"pq": (18, 0), "hlg": (23, 0), "wide": (12, 0), "fields": (0, 0.6), "deep fields": (0, 1.2)}
    for kind, ms in found.items():
        assert [ms.get(name, 0.0) / unit for name in names] == pytest.approx(wanted.get(kind, (0, 0)), abs=1e-3), kind


def test_hdr_alone_makes_the_timeline_hdr_and_is_left_as_it_is(build: SimpleNamespace) -> None:
    survey, spans = build.survey([build.use(build.target(), 0, 50)])
    film = build.media(colour=ColourTags(transfer="smpte2084", primaries="bt2020"))
    (cost,) = predict(survey, spans, {"/m/a.mp4": film}, build.machine())
    assert "colour conversion" not in dict(cost.parts_ms)
