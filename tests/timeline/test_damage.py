"""A timeline with anything anywhere: a survey or one line of error, never another exception."""

from __future__ import annotations

import copy
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otio_perf.errors import OtioPerfError
from otio_perf.model import wire
from otio_perf.timeline import files, json_text
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.restore import restore
from otio_perf.timeline.shape import is_plain
from otio_perf.timeline.spans import cut
from otio_perf.timeline.survey import survey


def sound() -> dict[str, Any]:
    """A small timeline with one of everything."""

    def span(start: float, duration: float) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(otio.opentime.RationalTime(start, 24), otio.opentime.RationalTime(duration, 24))

    external = otio.schema.ExternalReference("a.mov", span(0, 100))
    clip = otio.schema.Clip("a", external, span(5, 20))
    clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
    clip.effects.append(
        otio.schema.Effect(metadata={"Resolve_OTIO": {"Effect Name": "x", "Parameters": [{"Key Frames": {"1": 2}}]}})
    )
    clip.effects.append(
        otio.schema.Effect(
            metadata={"fcp_xml": {"effectid": "timeremap", "parameter": [{"parameterid": "speed", "value": "50"}]}}
        )
    )
    pictures = otio.schema.ImageSequenceReference("/s", "f", ".png", 1, 1, 24.0, 4, available_range=span(0, 50))
    nest = otio.schema.Stack(children=[otio.schema.Track(children=[otio.schema.Clip("b", pictures, span(0, 10))])])
    proxied = otio.schema.Clip(
        "c", external.clone(), span(0, 10), metadata={"cdl": {"asc_sat": 1.0}, "otio_perf": {"original_key": "x"}}
    )
    proxied.set_media_references(
        {
            "otio_perf:1080p": otio.schema.ExternalReference(
                "p.mov", span(0, 9), metadata={"otio_perf": {"original": {"target_url": "a.mov"}, "url": "z"}}
            )
        },
        "otio_perf:1080p",
    )
    track = otio.schema.Track(children=[clip, nest, proxied, otio.schema.Gap(source_range=span(0, 5))], kind="Video")
    track.insert(1, otio.schema.Transition("mix", "SMPTE_Dissolve", span(0, 3).duration, span(0, 3).duration))
    timeline = otio.schema.Timeline("t", tracks=[track])
    timeline.global_start_time = otio.opentime.RationalTime(86400, 24)
    found: dict[str, Any] = json.loads(timeline.to_json_string())
    return found


SOUND = sound()
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_subnormal=False)
    | st.text(max_size=5)
    | st.sampled_from(["Clip.2", "Track.1", "Stack.1", "Transition.1", "ExternalReference.1", "Gap.1", "Clip.x", "Timeline.1"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["OTIO_SCHEMA", "rate", "value", "children", "x"]), inner)
    ),
    max_leaves=6,
)


def places(item: Any, trail: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = item.keys() if isinstance(item, dict) else range(len(item)) if isinstance(item, list) else ()
    return [trail, *(place for key in keys for place in places(item[key], (*trail, key)))]


PLACES = [p for p in places(SOUND) if p]


@settings(max_examples=examples(400), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.sampled_from(PLACES), anything | st.just(...)), min_size=1, max_size=3))
def test_any_damage_is_survived(changes: list[tuple[tuple[Any, ...], Any]], tmp_path: Path) -> None:
    root = copy.deepcopy(SOUND)
    for place, value in changes:
        item: Any = root
        try:
            for key in place[:-1]:
                item = item[key]
            if value is ...:
                del item[place[-1]]
            else:
                item[place[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took it away
    path = tmp_path / "damaged.otio"
    path.write_text(json.dumps(root))
    document = files.Document(path=str(path), format="otio_json", base=str(tmp_path), digest="", root=root, is_exact=True)
    try:
        found = survey(document, Locator(path))
        spans = cut(found)
        assert sum(len(s.position) for s in spans) == len(found.duration)
        assert found.frame_rate > Fraction(0)
        for use in found.uses:
            assert len(use.source) > 0
            wire.dumps(use)
        assert len(str(found.problems)) < 100_000
    except OtioPerfError as e:
        assert "\n" not in str(e)
    try:
        restore(document, original_of=lambda path: None)
    except OtioPerfError as e:
        assert "\n" not in str(e)


LINES = json.dumps(SOUND, indent=1).encode().split(b"\n")


def test_what_opentimelineio_writes_is_plain() -> None:
    assert is_plain(SOUND, b"\n".join(LINES))


@settings(max_examples=examples(400), deadline=None)
@given(
    line=st.integers(0, len(LINES) - 1),
    deed=st.sampled_from(["drop", "twice", "flip", "cut"]),
    bit=st.integers(0, 7),
    at=st.floats(0, 1, exclude_max=True),
)
def test_what_is_read_without_opentimelineio_it_reads_alike(line: int, deed: str, bit: int, at: float) -> None:
    lines = list(LINES)
    text = bytearray(lines[line])
    if deed == "drop":
        del lines[line]
    elif deed == "twice":
        lines.insert(line, lines[line])
    elif text:
        place = int(at * len(text))
        text[place : place + 1] = bytes([text[place] ^ 1 << bit]) if deed == "flip" else b""
        lines[line] = bytes(text)
    data = b"\n".join(lines)
    try:
        root = json_text.loads(data)
    except ValueError:
        return  # left to OpenTimelineIO
    if is_plain(root, data):
        theirs, ours = (otio.core.deserialize_json_from_string(t) for t in (data.decode(), json_text.dumps(root)))
        assert theirs.to_json_string() == ours.to_json_string()
