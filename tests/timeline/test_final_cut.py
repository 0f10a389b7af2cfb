"""What Final Cut Pro 7's XML says beside what its adapter translates: switches, composite modes, alpha, slugs, ramps."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from otio_perf.model.composition import Composition, Group, Placed, Shot
from otio_perf.model.timing import FrameRate
from otio_perf.model.uses import Survey
from otio_perf.timeline import files
from otio_perf.timeline.composition import compose
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.sound import compose_sound
from otio_perf.timeline.survey import survey

Written = Callable[..., Document]
_RATE = "<rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>"
OPACITY = """<filter>{switch}<effect><name>Opacity</name><effectid>opacity</effectid><parameter>
    <parameterid>opacity</parameterid><value>{value}</value>{keys}</parameter></effect></filter>"""


def clip(name: str, start: int, stop: int, inside: str = "", source: str = "") -> str:
    medium = source or f"<pathurl>file:///m/{name}.mov</pathurl>"
    return f"""<clipitem id="{name}"><name>{name}</name><duration>500</duration>{_RATE}<in>0</in><out>{stop - start}</out>
        <start>{start}</start><end>{stop}</end>{inside}
        <file id="file-{name}"><name>{name}</name>{medium}{_RATE}<duration>500</duration></file></clipitem>"""


def track(*clips: str, switch: str = "TRUE") -> str:
    return f"<track>{''.join(clips)}<enabled>{switch}</enabled></track>"


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """A document of these tracks, as Final Cut writes it and its adapter reads it."""

    def write(*video: str, audio: tuple[str, ...] = ()) -> Document:
        path = tmp_path / "edit.xml"
        path.write_text(
            f"""<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE xmeml><xmeml version="5"><sequence id="s"><name>S</name>
            <duration>50</duration>{_RATE}<media><video>{"".join(video)}</video><audio>{"".join(audio)}</audio></media>
            </sequence></xmeml>""",
            encoding="utf-8",
        )
        return files.read(path)

    return write


def composed(document: Document) -> Composition:
    return compose(document, Locator(document.path))


def surveyed(document: Document) -> Survey:
    return survey(document, Locator(document.path))


def items(composition: Composition) -> list[Placed]:
    assert isinstance(composition.root.content, Group)
    return [item for lane in composition.root.content.lanes for item in lane.items]


def names(composition: Composition) -> list[str]:
    return [item.name for item in items(composition)]


def test_what_is_switched_off_is_not_there(written: Written) -> None:
    off = "<enabled>FALSE</enabled>"
    document = written(
        track(clip("a", 0, 50)),
        track(clip("b", 0, 25, off), clip("c", 25, 50, "<enabled>TRUE</enabled>")),
        track(clip("d", 0, 50), switch="FALSE"),
        audio=(track(clip("e", 0, 25), clip("f", 25, 50, off)), track(clip("g", 0, 50), switch="false")),
    )
    assert names(composed(document)) == ["a", "c"]
    assert sorted(use.clip for use in surveyed(document).uses) == ["a", "c", "e"]
    sound = compose_sound(document, Locator(document.path), FrameRate(48000).numerator)
    assert [shot.target.url for shot in sound.tree.shots()] == ["file:///m/e.mov"]


def test_filters_that_are_off_are_no_effects(written: Written) -> None:
    """Two of one kind, of which the first is off: the second counts."""
    off = OPACITY.format(switch="<enabled>FALSE</enabled>", value=40, keys="")
    on = OPACITY.format(switch="<enabled>TRUE</enabled>", value=60, keys="")
    document = written(track(clip("a", 0, 25, off + on), clip("b", 25, 50, off)))
    first, second = items(composed(document))
    assert [dict(effect.parameters) for effect in first.effects] == [{"opacity": "60"}]
    assert second.effects == ()
    assert [len(use.effects) for use in surveyed(document).uses] == [1, 0]


@pytest.mark.parametrize(
    ("start", "end", "is_whole"),
    [
        (-1, -1, True),
        (0, 20, True),  # from the clip's start
        (100, 120, True),  # from the medium's
        (0, 500, True),
        (0, 10, False),
        (10, 20, False),
        (110, 120, False),
    ],
)
def test_filters_on_a_part_of_the_clip_are_told(written: Written, start: int, end: int, *, is_whole: bool) -> None:
    """They are rendered on all of it otherwise."""
    switch = f"<enabled>TRUE</enabled><start>{start}</start><end>{end}</end>"
    shot = clip("a", 0, 20, OPACITY.format(switch=switch, value=40, keys="")).replace("<in>0</in>", "<in>100</in>")
    ((item,), (use,)) = items(composed(written(track(shot)))), surveyed(written(track(shot))).uses
    assert [effect.name for effect in item.effects] == ["opacity" if is_whole else "filter range"]
    assert item.effects == use.effects
    assert item.effects[0].label == "Opacity"


def test_frame_blending_of_premiere_is_told(written: Written) -> None:
    remap = """<filter><effect><name>Time Remap</name><effectid>timeremap</effectid><parameter><parameterid>speed</parameterid>
        <value>50</value></parameter></effect></filter>"""
    blending = '<clipitem frameBlend="TRUE"'
    shots = [clip("a", 0, 10, remap), clip("b", 10, 20, remap), clip("c", 20, 30)]
    shots[1:] = [shot.replace("<clipitem", blending) for shot in shots[1:]]
    found = items(composed(written(track(*shots))))
    assert [[effect.name for effect in item.effects] for item in found] == [[], ["frameblending"], []]


def test_composite_modes_are_effects_and_alpha_is_told(written: Written) -> None:
    document = written(
        track(
            clip("a", 0, 25, "<compositemode>screen</compositemode><alphatype>black</alphatype>"),
            clip("b", 25, 50, "<compositemode>normal</compositemode>"),
        )
    )
    first, second = items(composed(document))
    (mode,) = first.effects
    assert (mode.dialect, mode.name, mode.label) == ("fcp7", "compositemode", "Composite mode screen")
    assert second.effects == ()
    assert [item.content.alpha for item in (first, second) if isinstance(item.content, Shot)] == ["black", ""]


_SLUG = "<mediaSource>Slug</mediaSource>"


def test_slugs_with_a_name_are_no_black(written: Written) -> None:
    """Premiere writes titles and adjustment layers so."""
    document = written(
        track(
            clip("Title 01", 0, 10, "<alphatype>straight</alphatype>", _SLUG),
            clip("Slug", 10, 20, source=_SLUG),
            clip("Black Video", 20, 30, source=_SLUG),
            clip("slug", 30, 40, "<alphatype>straight</alphatype>", _SLUG),
            f"""<generatoritem id="g"><name>pause</name><duration>500</duration>{_RATE}<in>0</in><out>10</out><start>40</start>
            <end>50</end><effect><name>Slug</name><effectid>Slug</effectid><effecttype>generator</effecttype></effect>
            </generatoritem>""",
        )
    )
    expected = ["Title 01 (Slug)", "Slug", "Slug", "Slug with alpha", "Slug"]
    assert [shot.target.generator for shot in composed(document).shots()] == expected
    assert [use.target.generator for use in surveyed(document).uses] == expected


@pytest.mark.testdata
def test_premieres_title_goes_by_its_name(testdata: Path) -> None:
    document = files.read(testdata / "timelines" / "fcp7xml" / "premiere_example.xml")
    assert "test_title (Slug)" in {shot.target.generator for shot in composed(document).shots()}


# ---- speed


def remapped(*rows: dict[str, Any]) -> otio.schema.Timeline:
    time = otio.opentime.RationalTime
    effect = otio.schema.Effect("Time Remap", metadata={"fcp_xml": {"effectid": "timeremap", "parameter": list(rows)}})
    return timeline_of(effect, otio.opentime.TimeRange(time(100, 25), time(50, 25)))


def timeline_of(effect: otio.schema.Effect, span: otio.opentime.TimeRange) -> otio.schema.Timeline:
    time = otio.opentime.RationalTime
    available = otio.opentime.TimeRange(time(0, 25), time(1000, 25))
    shot = otio.schema.Clip("a", otio.schema.ExternalReference("/m/a.mov", available), span)
    shot.effects.append(effect)
    found = otio.schema.Timeline("t")
    found.tracks.append(otio.schema.Track(children=[shot]))
    return found


def row(name: str, value: str, *keys: tuple[int, float]) -> dict[str, Any]:
    found: dict[str, Any] = {"parameterid": name, "value": value}
    return found | ({"keyframe": [{"when": str(w), "value": str(v)} for w, v in keys]} if keys else {})


def read(timeline: otio.schema.Timeline) -> tuple[Fraction | None, list[str], tuple[int, int]]:
    """Speed, effects, and source frames that are claimed."""
    root = json.loads(timeline.to_json_string())
    (use,) = surveyed(Document(path="/t/x.otio", format="otio_json", base="/t", digest="", root=root)).uses
    speed = use.retime.speed if use.retime else None
    return speed, [effect.label for effect in use.effects], (use.source.start, use.source.stop)


_LINE = ((0, 0), (20, 100), (177, 885), (8442, 42211))
_RAMP = ((0, 0), (51, 51), (114, 126), (142, 154))


@pytest.mark.parametrize(
    ("rows", "speed", "labels"),
    [
        ([row("speed", "200")], 2, []),
        ([row("variablespeed", "0"), row("speed", "500.012"), row("graphdict", "0", *_LINE)], Fraction(500012, 100000), []),
        ([row("speed", "500.012"), row("graphdict", "0", *_LINE)], Fraction(500012, 100000), []),
        ([row("speed", "108.451"), row("graphdict", "0", *_RAMP)], None, ["Time Remap"]),
        ([row("variablespeed", "1"), row("speed", "108")], None, ["Time Remap"]),
        ([row("variablespeed", "true"), row("speed", "108")], None, ["Time Remap"]),
        ([row("speed", "100", (0, 100), (20, 300))], None, ["Time Remap"]),
        ([row("variablespeed", "0"), row("speed", "100", (0, 100), (20, 300))], None, ["Time Remap"]),
        ([row("speed", "50"), row("frameblending", "TRUE")], Fraction(1, 2), ["Frame blending"]),
        ([row("speed", "50"), row("frameblending", "FALSE")], Fraction(1, 2), []),
        ([row("speed", "100"), row("reverse", "TRUE"), row("frameblending", "TRUE")], -1, []),
    ],
)
def test_final_cuts_ramps_are_no_constant_speed(rows: list[dict[str, Any]], speed: Any, labels: list[str]) -> None:
    assert read(remapped(*rows))[:2] == (speed, labels)


_CURVED = [[0, 0, 0, 0, 0, 0, 0], [0.4, 1.6, 0, 0, 0, 0, 0], [1.6, 1.96, 0, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("said", "speed", "labels"),
    [
        ({"Speed Ratio": 0.5, "Key Frames": []}, Fraction(1, 2), []),
        ({"Speed Ratio": 0.5}, Fraction(1, 2), []),
        ({"Speed Ratio": 0.5, "Key Frames": [[0, 4, 0, 0, 0, 0, 0], [2, 5, 0, 0, 0, 0, 0]]}, Fraction(1, 2), []),
        ({"Speed Ratio": 1.0, "Key Frames": [[0, 4, 0, 0, 0, 0, 0], [2, 5, 0, 0, 0, 0, 0]]}, None, ["Speed ramp"]),
        ({"Speed Ratio": 1.0, "Key Frames": _CURVED}, None, ["Speed ramp"]),
        ({"Key Frames": _CURVED}, None, ["Speed ramp"]),
        ({"Speed Ratio": 1.0, "Key Frames": "many"}, None, ["Speed ramp"]),
        ({"Speed Ratio": 1.0, "Key Frames": [[0], [1]]}, None, ["Speed ramp"]),
        ({}, None, ["TimeEffect"]),
    ],
)
def test_resolves_ramps_are_no_constant_speed(said: dict[str, Any], speed: Any, labels: list[str]) -> None:
    time = otio.opentime.RationalTime
    effect = otio.schema.TimeEffect(metadata={"Resolve_OTIO": said})
    found, named, _ = read(timeline_of(effect, otio.opentime.TimeRange(time(100, 25), time(50, 25))))
    assert (found, named) == (speed, labels)


def test_of_a_ramp_the_whole_medium_is_claimed() -> None:
    """What it shows is not known; a proxy of the used range would lack frames."""
    assert read(remapped(row("variablespeed", "1"), row("speed", "108")))[2] == (0, 1000)
    assert read(remapped(row("speed", "100")))[2] == (100, 150)
