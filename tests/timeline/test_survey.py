"""The survey says what OpenTimelineIO says, and what OpenTimelineIO leaves out."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_perf.model.timing import FrameRange
from otio_perf.model.uses import Survey, TargetKind, TrackKind
from otio_perf.timeline import files
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.spans import cut
from otio_perf.timeline.survey import survey

Edit = Callable[..., otio.schema.Timeline]
Save = Callable[..., Path]
RATE = 24.0


def time(value: float, rate: float = RATE) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(value, rate)


def span(start: float, duration: float, rate: float = RATE) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(time(start, rate), time(duration, rate))


def surveyed(item: otio.core.SerializableObject) -> Survey:
    document = Document(path="/t/x.otio", format="otio_json", base="/t", digest="", root=json.loads(item.to_json_string()))
    return survey(document, Locator("/t/x.otio"))


def by_opentimelineio(timeline: otio.schema.Timeline) -> list[tuple[str, Fraction, Fraction]]:
    """Visible position of each clip in seconds: transitions' overlaps added, cut by every parent's range, in our order."""
    found: list[tuple[str, Fraction, Fraction]] = []
    root = timeline.tracks

    def shown(item: otio.core.Item) -> bool:
        return bool(item.enabled) and item.metadata.get("fcp_xml", {}).get("enabled") != "FALSE"

    def exact(t: otio.opentime.RationalTime) -> Fraction:
        return Fraction(t.value) / Fraction(t.rate)

    for clip in timeline.find_clips():
        seen = clip.transformed_time_range(clip.visible_range(), root)
        start, end = exact(seen.start_time), exact(seen.end_time_exclusive())
        item, hidden = clip, not shown(clip)
        while item is not root:
            parent = item.parent()
            hidden |= not shown(parent)
            limits = parent.transformed_time_range(parent.trimmed_range(), root) if parent is not root else root.trimmed_range()
            start, end = max(start, exact(limits.start_time)), min(end, exact(limits.end_time_exclusive()))
            item = parent
        if not hidden and end > start:
            found.append((clip.name, start, end))
    return sorted(found)


def ours(found: Survey, origin: Fraction = Fraction(0)) -> list[tuple[str, Fraction, Fraction]]:
    return sorted(
        (u.clip, u.position.start / u.position.rate + origin, u.position.stop / u.position.rate + origin)
        for u in found.uses
        if len(u.position)
    )


names = st.integers(0, 10**6).map(str)


@st.composite
def clips(draw: st.DrawFn) -> otio.schema.Clip:
    first = draw(st.sampled_from([0, 86400]))
    reference = otio.schema.ExternalReference(f"{draw(st.integers(0, 3))}.mov", available_range=span(first, 500))
    clip = otio.schema.Clip(name=draw(names), media_reference=reference)
    if draw(st.booleans()):
        clip.source_range = span(first + draw(st.integers(0, 100)), draw(st.integers(30, 100)))
    clip.enabled = draw(st.integers(0, 9)) > 0
    return clip


@st.composite
def tracks(draw: st.DrawFn, depth: int) -> otio.schema.Track:
    track = otio.schema.Track(name=draw(names), kind=draw(st.sampled_from(["Video", "Video", "Audio"])))
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.integers(0, 6 if depth else 5))
        if kind == 5:
            track.append(otio.schema.Gap(source_range=span(0, draw(st.integers(10, 40)))))
        elif kind == 6:
            stack = draw(stacks(depth - 1))
            if len(list(stack.find_clips())) == 0:
                continue
            track.append(stack)
        else:
            if len(track) and kind == 4 and not isinstance(track[-1], otio.schema.Stack):
                offsets = draw(st.integers(1, 10)), draw(st.integers(1, 10))
                track.append(otio.schema.Transition(in_offset=time(offsets[0]), out_offset=time(offsets[1])))
            track.append(draw(clips()))
    if draw(st.integers(0, 4)) == 0 and len(track):
        track.source_range = span(draw(st.integers(0, 20)), draw(st.integers(20, 60)))
    return track


@st.composite
def stacks(draw: st.DrawFn, depth: int) -> otio.schema.Stack:
    stack = otio.schema.Stack(name=draw(names), children=draw(st.lists(tracks(depth), min_size=1, max_size=3)))
    if draw(st.integers(0, 3)) == 0:
        stack.source_range = span(draw(st.integers(0, 15)), draw(st.integers(15, 60)))
    return stack


@st.composite
def made_timelines(draw: st.DrawFn) -> otio.schema.Timeline:
    timeline = otio.schema.Timeline("made")
    timeline.tracks.extend(draw(st.lists(tracks(2), min_size=1, max_size=3)))
    return timeline


@settings(max_examples=examples(300), deadline=None)
@given(made_timelines())
def test_positions_are_those_of_opentimelineio(timeline: otio.schema.Timeline) -> None:
    timeline.global_start_time = time(0)
    found = surveyed(timeline)
    assert ours(found) == by_opentimelineio(timeline)
    length = timeline.duration()
    assert len(found.duration) >= length.value * found.frame_rate / Fraction(length.rate)


@pytest.mark.testdata
def test_positions_on_real_timelines(readable: dict[Path, Document]) -> None:
    """To half a frame: rates that are written as 23.976 are 24000/1001 to us, and 23.976 to OTIO."""
    checked = 0
    for path, document in readable.items():
        item = document.to_otio()
        if not isinstance(item, otio.schema.Timeline):
            continue  # collections are surveyed in a row
        inner = item.find_children(descended_from_type=otio.core.Composition)
        if any(c.source_range and c.source_range.start_time.value < 0 for c in inner):
            continue  # OTIO's EDL adapter writes ranges that show nothing
        if any(isinstance(e, otio.schema.TimeEffect) for c in inner for e in c.effects):
            continue  # OTIO does not look at retimes; we do
        found = survey(document, Locator(path))
        assert not found.problems, path
        wanted = by_opentimelineio(item)
        got = ours(found)
        frame = 1 / found.frame_rate
        wanted = [w for w in wanted if w[2] - w[1] >= frame]
        got = [g for g in got if g[2] - g[1] >= frame]
        assert [w[0] for w in wanted] == [g[0] for g in got], path
        for (_, start, end), (_, our_start, our_end) in zip(wanted, got, strict=True):
            assert abs(start - our_start) <= frame * Fraction(51, 100) + start / 10**5, path
            assert abs(end - our_end) <= frame * Fraction(51, 100) + end / 10**5, path
        checked += 1
    assert checked > 30


def one_clip(**kwargs: Any) -> tuple[otio.schema.Timeline, otio.schema.Clip]:
    reference = otio.schema.ExternalReference("/m/a.mov", available_range=span(100, 500))
    clip = otio.schema.Clip("c", media_reference=reference, source_range=span(200, 50))
    timeline = otio.schema.Timeline("t")
    timeline.tracks.append(otio.schema.Track(children=[clip], kind=kwargs.pop("kind", "Video")))
    return timeline, clip


@pytest.mark.parametrize(
    ("speed", "source"),
    [
        (1.0, (200, 250)),
        (2.0, (200, 300)),
        (0.5, (200, 225)),
        (0.0, (200, 201)),
        (-1.0, (150, 250)),  # backwards from the in-point, or from the end of the range: hosts differ
        (1 / 3, (200, 217)),
        (100.0, (200, 600)),  # no further than the medium reaches
    ],
)
def test_retimed_clips_consume_what_they_consume(speed: float, source: tuple[int, int]) -> None:
    timeline, clip = one_clip()
    clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed) if speed else otio.schema.FreezeFrame())
    (use,) = surveyed(timeline).uses
    assert (use.source.start, use.source.stop) == source
    assert len(use.position) == 50
    assert (use.retime.speed if use.retime else 1) == Fraction(speed).limit_denominator(1000)
    assert use.effects == ()


def test_transitions_widen_source_and_position() -> None:
    timeline = otio.schema.Timeline("t")
    track = otio.schema.Track(kind="Video")
    for name in "ab":
        reference = otio.schema.ExternalReference(f"/m/{name}.mov", available_range=span(0, 500))
        track.append(otio.schema.Clip(name, media_reference=reference, source_range=span(100, 50)))
    track.insert(1, otio.schema.Transition("mix", "SMPTE_Dissolve", time(5), time(7)))
    timeline.tracks.append(track)
    found = surveyed(timeline)
    a, b = found.uses
    assert (a.position.start, a.position.stop, a.source.start, a.source.stop) == (0, 57, 100, 157)
    assert (b.position.start, b.position.stop, b.source.start, b.source.stop) == (45, 100, 95, 150)
    (mix,) = found.transitions
    assert (mix.name, mix.kind, mix.position.start, mix.position.stop) == ("mix", "SMPTE_Dissolve", 45, 57)
    spans = cut(found)
    assert [(s.position.start, s.position.stop, s.uses, s.transitions) for s in spans] == [
        (0, 45, (0,), ()),
        (45, 57, (0, 1), (0,)),
        (57, 100, (1,), ()),
    ]


def test_a_retimed_stack_shows_more_of_what_is_inside() -> None:
    timeline, clip = one_clip()
    other = clip.clone()
    other.name = "d"
    timeline.tracks[0].append(other)
    inner = otio.schema.Stack("nest", children=[timeline.tracks[0].clone()], source_range=span(10, 40))
    inner.effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
    outer = otio.schema.Timeline("t")
    outer.tracks.append(otio.schema.Track(children=[otio.schema.Gap(source_range=span(0, 5)), inner], kind="Video"))
    outer.global_start_time = time(0)
    c, d = surveyed(outer).uses
    # 40 frames at double speed show inner frames 10..90: c's last 40, d's first 40
    assert (c.position.start, c.position.stop, c.source.start, c.source.stop) == (5, 25, 210, 250)
    assert (d.position.start, d.position.stop, d.source.start, d.source.stop) == (25, 45, 200, 240)
    assert c.retime
    assert c.retime.speed == 2


def test_a_frozen_stack_shows_one_frame() -> None:
    timeline, _ = one_clip()
    inner = otio.schema.Stack("nest", children=[timeline.tracks[0].clone()], source_range=span(10, 40))
    inner.effects.append(otio.schema.FreezeFrame())
    outer = otio.schema.Timeline("t")
    outer.tracks.append(otio.schema.Track(children=[inner], kind="Video"))
    outer.global_start_time = time(0)
    (use,) = surveyed(outer).uses
    assert (use.position.start, use.position.stop, use.source.start, use.source.stop) == (0, 40, 210, 211)


def test_layers_are_flattened_in_compositing_order() -> None:
    def track(name: str, *children: Any, kind: str = "Video") -> otio.schema.Track:
        return otio.schema.Track(name, children=list(children), kind=kind)

    def clip(name: str) -> otio.schema.Clip:
        return otio.schema.Clip(name, media_reference=otio.schema.ExternalReference(f"{name}.mov", available_range=span(0, 50)))

    nest = otio.schema.Stack("nest", children=[track("low", clip("b")), track("high", clip("c"))])
    timeline = otio.schema.Timeline("t")
    timeline.tracks.extend(
        [track("V1", clip("a")), track("V2", nest), track("V3", clip("d")), track("A1", clip("e"), kind="Audio")]
    )
    found = surveyed(timeline)
    assert [(u.clip, u.track, u.track_kind) for u in found.uses] == [
        ("a", 0, TrackKind.VIDEO),
        ("b", 1, TrackKind.VIDEO),
        ("c", 2, TrackKind.VIDEO),
        ("d", 3, TrackKind.VIDEO),
        ("e", 4, TrackKind.AUDIO),
    ]
    assert found.layers == ("V1", "V2", "V2 / high", "V3", "A1")
    assert [s.uses for s in cut(found)] == [(0, 1, 2, 3)]


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("source_range", "duration", "rate"), float("nan"), "rate"),
        (("source_range", "duration", "rate"), float("inf"), "rate"),
        (("source_range", "duration", "rate"), 0.0, "rate 0"),
        (("source_range", "duration", "rate"), -24.0, "rate -24"),
        (("source_range", "start_time", "value"), float("nan"), "finite"),
        (("source_range", "start_time", "value"), 1e18, "too large"),
        (("source_range", "start_time", "value"), 1e308, "too large"),
        (("source_range", "duration", "value"), float("inf"), "finite"),
        (("source_range", "duration", "value"), -5.0, "negative"),
        (("source_range", "duration", "value"), 1e12, "days"),
        (("media_references", "DEFAULT_MEDIA", "available_range", "start_time", "rate"), float("nan"), "rate"),
        (("media_references", "DEFAULT_MEDIA", "available_range", "duration", "value"), 1e300, "too large"),
        (("effects", 0, "time_scalar"), float("nan"), "speed nan"),
        (("effects", 0, "time_scalar"), 1e300, "speed 1e\\+300"),
    ],
)
def test_impossible_numbers_cost_one_clip_only(tmp_path: Path, path: tuple[Any, ...], value: object, reason: str) -> None:
    timeline, clip = one_clip()
    good = clip.clone()
    good.name = "good"
    timeline.tracks[0].append(good)
    clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=1.0))
    root = json.loads(timeline.to_json_string())
    item = root["tracks"]["children"][0]["children"][0]
    for key in path[:-1]:
        item = item[key]
    item[path[-1]] = value
    file = tmp_path / "bad.otio"
    file.write_text(json.dumps(root))
    found = survey(files.read(file), Locator(file))
    assert [u.clip for u in found.uses] == ["good"]
    (problem,) = found.problems
    assert problem.clip == "c"
    pytest.importorskip("re").search(reason, problem.reason) or pytest.fail(problem.reason)
    assert len(found.duration) <= 100
    assert sum(len(s.position) for s in cut(found)) == len(found.duration)


def test_the_sample_rate_of_sound_is_no_frame_rate() -> None:
    timeline, _ = one_clip()
    sound = otio.schema.Clip(
        "s",
        media_reference=otio.schema.ExternalReference("/m/s.wav", available_range=span(0, 441000, 44100.0)),
        source_range=span(4410, 44100, 44100.0),
    )
    timeline.tracks.insert(0, otio.schema.Track(children=[sound], kind="Audio"))
    found = surveyed(timeline)
    assert found.frame_rate == 24
    use = found.uses[0]
    assert use.track_kind is TrackKind.AUDIO
    assert use.position == FrameRange(0, 24, Fraction(24))
    assert use.source == FrameRange(4410, 48510, Fraction(44100))


@pytest.mark.parametrize(
    ("rate", "exact"), [(23.976, Fraction(24000, 1001)), (29.97, Fraction(30000, 1001)), (25.0, Fraction(25))]
)
def test_rates_are_snapped(rate: float, exact: Fraction) -> None:
    timeline, clip = one_clip()
    clip.source_range = span(200, 50, rate)
    assert surveyed(timeline).frame_rate == exact
    timeline.global_start_time = time(3600 * 24, 24.0)
    assert surveyed(timeline).frame_rate == 24
    assert surveyed(timeline).start_frame == 86400


def test_disabled_is_no_use() -> None:
    for disable in (lambda t: t.tracks[0][0], lambda t: t.tracks[0]):
        timeline, _ = one_clip()
        disable(timeline).enabled = False
        found = surveyed(timeline)
        assert len(found.uses) == 0
        assert len(found.duration) == 50


def test_references_of_every_kind() -> None:
    timeline, _ = one_clip()
    track = timeline.tracks[0]
    sequence = otio.schema.ImageSequenceReference(
        target_url_base="file:///m/seq", name_prefix="f%04d.", name_suffix=".exr", start_frame=1001, frame_step=2, rate=24,
        frame_zero_padding=6, available_range=span(0, 48),
    )  # fmt: skip
    for reference in (
        sequence,
        otio.schema.GeneratorReference(generator_kind="SMPTEBars"),
        otio.schema.MissingReference(),
        otio.schema.ExternalReference("http://example.com/a.mov"),
        otio.schema.ExternalReference(""),
    ):
        track.append(otio.schema.Clip("x", media_reference=reference, source_range=span(0, 10)))
    found = surveyed(timeline)
    assert [u.target.kind for u in found.uses] == [
        TargetKind.FILE,
        TargetKind.SEQUENCE,
        TargetKind.GENERATOR,
        TargetKind.MISSING,
        TargetKind.REFUSED,
        TargetKind.MISSING,
    ]
    numbers = found.uses[1].target.sequence
    assert numbers
    assert found.uses[1].target.sequence_rate == 12  # each picture is shown for two of 24 numbers a second
    assert list(numbers.numbers) == [1001 + 2 * i for i in range(sequence.number_of_images_in_sequence())]
    assert numbers.path_of(1001) == found.uses[1].target.path == "/m/seq/f%04d.001001.exr"
    assert "http" in (found.uses[4].target.reason or "")


def test_effects_are_named_by_dialect() -> None:
    timeline, clip = one_clip()

    def resolve(name: str, **parameter: Any) -> dict[str, Any]:
        row = {"Parameter ID": "zoom", "Parameter Value": 1.0, "Default Parameter Value": 1.0, "Key Frames": {}, **parameter}
        return {"Resolve_OTIO": {"Effect Name": name, "Enabled": True, "Parameters": [row]}}

    for name, effect_name, notes in (
        ("", "Resolve Effect", resolve("Transform")),  # untouched: no effect
        ("", "Resolve Effect", {"Resolve_OTIO": {"Effect Name": "Composite", "Enabled": True, "Parameters": []}}),  # as well
        ("", "Resolve Effect", resolve("Film Grain")),  # at its defaults it is one
        ("", "Resolve Effect", {"Resolve_OTIO": {"Effect Name": "Gaussian Blur", "Enabled": True, "Parameters": []}}),
        ("", "Resolve Effect", {"Resolve_OTIO": {"Effect Name": "Glow", "Enabled": False, "Parameters": []}}),  # off
        ("", "Resolve Effect", resolve("Cropping", **{"Parameter Value": 2.0})),
        ("", "Resolve Effect", resolve("Composite", **{"Key Frames": {"0": {"Value": 1.0}}})),
        ("Gaussian Blur", "", {"fcp_xml": {"effectid": "GaussianBlur", "parameter": {"parameterid": "radius", "value": "3"}}}),
        ("Blur", "", {"AAF": {"Operation": {"Name": "AVX Blur"}}}),
        ("glow", "", {"mlt": {"mlt_service": "frei0r.glow"}}),
        ("fade", "", {"mlt": {"mlt_service": "brightness", "internal_added": "237"}}),
        ("", "my_effect", {}),
    ):
        clip.effects.append(otio.schema.Effect(name=name, effect_name=effect_name, metadata=notes))
    off = otio.schema.Effect(effect_name="off")
    off.enabled = False
    clip.effects.append(off)
    clip.metadata["cdl"] = {"asc_sat": 0.9}
    (use,) = surveyed(timeline).uses
    assert [(e.dialect, e.name) for e in use.effects] == [
        ("resolve", "Film Grain"),
        ("resolve", "Gaussian Blur"),
        ("resolve", "Cropping"),
        ("resolve", "Composite"),
        ("fcp7", "GaussianBlur"),
        ("aaf", "AVX Blur"),
        ("mlt", "frei0r.glow"),
        ("otio", "my_effect"),
        ("cdl", "asc_cdl"),
    ]
    assert use.effects[4].parameters == (("radius", "3"),)


def test_final_cuts_time_remap_is_a_retime() -> None:
    timeline, clip = one_clip()
    rows = [{"parameterid": "speed", "value": "200"}, {"parameterid": "reverse", "value": "FALSE"}]
    clip.effects.append(otio.schema.Effect("Time Remap", metadata={"fcp_xml": {"effectid": "timeremap", "parameter": rows}}))
    (use,) = surveyed(timeline).uses
    assert use.retime
    assert use.retime.speed == 2
    assert use.effects == ()
    # both readings of the in-point, counted in source frames or in retimed ones
    assert use.source.start == 200
    assert use.source.stop == 400


def test_effects_of_tracks_and_stacks_reach_the_clips() -> None:
    timeline, clip = one_clip()
    clip.effects.append(otio.schema.Effect(effect_name="own"))
    timeline.tracks[0].effects.append(otio.schema.Effect(effect_name="track"))
    (use,) = surveyed(timeline).uses
    assert [e.name for e in use.effects] == ["own", "track"]


def test_a_medium_at_another_rate_is_counted_at_its_own() -> None:
    timeline, clip = one_clip()
    clip.media_reference.available_range = span(300, 600, 30.0)
    clip.source_range = span(240, 48)  # seconds 10 to 12, at 24
    (use,) = surveyed(timeline).uses
    assert use.source == FrameRange(300, 360, Fraction(30))
    assert (use.available_start, use.available_frames) == (300, 600)
    assert use.position == FrameRange(0, 48, Fraction(24))


@settings(max_examples=examples(100), deadline=None)
@given(made_timelines())
def test_spans_tile_the_timeline_and_hold_what_is_seen(timeline: otio.schema.Timeline) -> None:
    found = surveyed(timeline)
    spans = cut(found)
    assert [s.position.start for s in spans[1:]] == [s.position.stop for s in spans[:-1]]
    assert sum(len(s.position) for s in spans) == len(found.duration)
    video = [u for u in found.uses if u.track_kind is TrackKind.VIDEO and len(u.position)]
    for piece in spans:
        middle = (piece.position.start + piece.position.stop) // 2
        for frame in (piece.position.start, middle, piece.position.stop - 1):
            seen = sorted((u.track, u.index) for u in video if u.position.start <= frame < u.position.stop)
            assert tuple(i for _, i in seen) == piece.uses
            mixes = {i for i, t in enumerate(found.transitions) if t.position.start <= frame < t.position.stop}
            assert mixes == set(piece.transitions)


def test_an_empty_timeline_has_no_spans() -> None:
    found = surveyed(otio.schema.Timeline("empty"))
    assert len(found.duration) == len(cut(found)) == len(found.uses) == 0


@pytest.mark.parametrize("bad", [span(0, float("nan")), span(float("inf"), 10), span(0, 10, 0), span(0, -5)])
def test_a_clip_of_unusable_time_is_named_once_wherever_it_is(bad: otio.opentime.TimeRange) -> None:
    reference = otio.schema.ExternalReference("/m/a.mov", span(0, 100))
    lost = otio.schema.Clip("lost", reference, bad)
    alone = otio.schema.Timeline("t", tracks=[otio.schema.Track(children=[lost.clone()], kind="Video")])
    nested = otio.schema.Stack(children=[otio.schema.Track(children=[lost.clone()], kind="Video")])
    inside = otio.schema.Timeline("t", tracks=[otio.schema.Track(children=[nested], kind="Video")])
    sound = otio.schema.Clip("sound", reference.clone(), span(0, 10))
    beside = otio.schema.Timeline("t", tracks=[otio.schema.Track(children=[sound, lost.clone()], kind="Video")])
    for timeline in (alone, inside, beside):
        assert [p.clip for p in surveyed(timeline).problems] == ["lost"]


def test_sequences_that_make_no_sense_are_named() -> None:
    def clip(name: str, **fields: Any) -> dict[str, Any]:
        reference = otio.schema.ImageSequenceReference("/m/s", "f.", ".exr", 1, 1, 24.0, 4, available_range=span(0, 10))
        found: dict[str, Any] = json.loads(otio.schema.Clip(name, reference, span(0, 5)).to_json_string())
        found["media_references"]["DEFAULT_MEDIA"].update(fields)
        return found

    timeline = json.loads(otio.schema.Timeline("t", tracks=[otio.schema.Track(kind="Video")]).to_json_string())
    endless = json.loads(otio.schema.Gap(source_range=span(0, 700_000_000)).to_json_string())["source_range"]
    timeline["tracks"]["children"][0]["children"] = [
        clip("endless", available_range=endless),
        clip("true", frame_zero_padding=True),
        clip("surrogate", name_prefix="\ud800"),
        clip("sound"),
    ]
    document = Document(path="/t/x.otio", format="otio_json", base="/t", digest="", root=timeline)
    found = survey(document, Locator("/t/x.otio", media_roots=("/none",)))
    assert [p.clip for p in found.problems] == ["endless", "true"]
    assert [(u.clip, u.target.kind) for u in found.uses][1:] == [("sound", TargetKind.SEQUENCE)]
    assert "700,000,000" in found.problems[0].reason
