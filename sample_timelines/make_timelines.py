"""Builds the sample timelines over the media of ``make_media.py``: ``python sample_timelines/make_timelines.py [--out DIR]``.

``short_film.otio`` has every kind of medium: three picture tracks, cuts, a dissolve, changes of speed, effects as three hosts
write them, a picture in picture, sound. ``documentary.otio`` is long and plain: 60 clips cut out of the 4K camera files.
``effects.otio`` shows every effect, blend mode, transition and generator that there is, half a second each: by our own name,
and again in the words of each host whose effect is exactly the same.
The files are committed; a test builds them again and compares.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import Any

import opentimelineio as otio
from make_media import CLIPS, Clip  # beside this script, which is where Python looks first
from opentimelineio.opentime import RationalTime, TimeRange

RATE = 24
CANVAS = (3840, 2160)


def short_film() -> otio.schema.Timeline:
    """About twelve seconds, 24 fps, from 01:00:00:00."""
    pictures = track("V1", "Video")
    pictures.extend(
        [
            shot("A001_C001.mp4", 12, 60, name="wide"),
            otio.schema.Transition(
                name="Cross Dissolve",
                transition_type=otio.schema.TransitionTypes.SMPTE_Dissolve,
                in_offset=RationalTime(6, RATE),
                out_offset=RationalTime(6, RATE),
            ),
            shot("B001_C001.mp4", 8, 40, name="close, HLG"),
            shot("A001_C002.mp4", 0, 24, name="reverse"),
            shot("C001_C001.mov", 6, 36, name="interview", effects=[lut("warm.cube")]),
            shot("D001_C001.mp4", 2, 12, name="aerial, 8K"),
            shot("A001_C002.mp4", 30, 24, name="twice as fast", effects=[speed(2)]),
            shot("PHONE_0001.mp4", 15, 45, name="phone"),
            shot("NEWS_0001.mxf", 10, 25, name="archive"),
            shot("A001_C001.mp4", 70, 24, name="wide again, half speed", effects=[speed(0.5)]),
        ]
    )
    overlays = track("V2", "Video")
    overlays.extend(
        [
            gap(60 + 40),
            shot("A001_C001.mp4", 40, 24, name="picture in picture", effects=[zoom(0.4)]),
            gap(36),
            shot("plate", 2, 12, name="matte"),
            gap(4),
            shot("A001_C002.mp4", 8, 20, name="memory", effects=[blur(25)]),
        ]
    )
    titles = track("V3", "Video")
    titles.extend([gap(112), shot("plate", 0, 12, name="title")])
    voice, ambience = track("A1", "Audio"), track("A2", "Audio")
    voice.extend([gap(60 + 40 + 24), shot("C001_C001.mov", 6, 36, name="interview")])
    ambience.extend([shot("A001_C001.mp4", 12, 60, name="wide"), shot("B001_C001.mp4", 8, 40, name="close, HLG")])
    return timeline("short film", [pictures, overlays, titles, voice, ambience])


def documentary() -> otio.schema.Timeline:
    """60 shots of one to three seconds out of four camera files, with sound, a dissolve at every tenth cut."""
    chance = random.Random(60)
    pictures, sound = track("V1", "Video"), track("A1", "Audio")
    names = ["A001_C001.mp4", "A001_C002.mp4", "B001_C001.mp4", "C001_C001.mov"]
    for number in range(60):
        name = names[chance.choice((0, 0, 0, 1, 1, 2, 2, 3))]
        frames = CLIPS[name].frames
        length = chance.randint(RATE, min(3 * RATE, frames - 12))
        first = chance.randint(6, frames - length - 6)  # six frames of handles for the dissolves
        if number and number % 10 == 0:
            pictures.append(
                otio.schema.Transition(
                    name="Cross Dissolve",
                    transition_type=otio.schema.TransitionTypes.SMPTE_Dissolve,
                    in_offset=RationalTime(6, RATE),
                    out_offset=RationalTime(6, RATE),
                )
            )
        for row in (pictures, sound):
            row.append(shot(name, first, length, name=f"shot {number + 1:02d}"))
    return timeline("documentary", [pictures, sound])


def effects() -> otio.schema.Timeline:
    """About 55 seconds, 24 fps, half a second each; a gradient lies below, which shows through what is transparent."""
    ground, shown, above = track("ground", "Video"), track("V1", "Video"), track("V2", "Video")
    for name, carried in EFFECTS:
        shown.append(tried(name, *carried))
    shown.append(tried("ASC CDL: edit list"))
    shown[-1].metadata["cdl"] = {"asc_sop": _SOP, "asc_sat": 1.2}  # where the adapter of edit lists leaves it
    for name, carried in (*BLENDS, *LAYERS):
        shown.append(tried("below"))
        above.extend(
            [gap(frames_of(shown) - TRIED - frames_of(above)), made("gradient", name, angle=40.0, end=[1.0, 0.7, 0.2])]
        )
        above[-1].effects.extend(carried)
    for name, written in TRANSITIONS:
        shown.extend([tried(f"before {name}"), written, tried(f"after {name}", medium="A001_C002.mp4")])
    for kind, parameters in GENERATORS:
        shown.append(made(kind, kind, **parameters))
    ground.append(made("gradient", "ground", frames=frames_of(shown), start=[0.2, 0.2, 0.3], end=[0.5, 0.5, 0.6]))
    return timeline("effects", [ground, shown, above], canvas=(960, 540))


def timeline(name: str, tracks: list[otio.schema.Track], canvas: tuple[int, int] = CANVAS) -> otio.schema.Timeline:
    built = otio.schema.Timeline(name, global_start_time=RationalTime(3600 * RATE, RATE))
    built.metadata["fcp_xml"] = {  # the picture size, where a host's adapter leaves it
        "media": {"video": {"format": {"samplecharacteristics": {"width": str(canvas[0]), "height": str(canvas[1])}}}}
    }
    built.tracks.extend(tracks)
    built.tracks.name = "tracks"
    return built


def track(name: str, kind: str) -> otio.schema.Track:
    return otio.schema.Track(name, kind=kind)


def gap(frames: int) -> otio.schema.Gap:
    return otio.schema.Gap(duration=RationalTime(frames, RATE))


def shot(
    medium: str, first: int, frames: int, *, name: str, effects: list[otio.schema.Effect] | None = None
) -> otio.schema.Clip:
    """``frames`` frames of ``medium`` from its frame ``first`` on, counted from 0 at the medium's own rate."""
    clip = CLIPS[medium]
    rate, start = float(clip.rate), first_frame(clip)
    source = TimeRange(RationalTime(start + first, rate), RationalTime(frames, rate))
    return otio.schema.Clip(name=name, media_reference=reference(clip), source_range=source, effects=effects or [])


def reference(clip: Clip) -> otio.core.MediaReference:
    rate = float(clip.rate)
    available = TimeRange(RationalTime(first_frame(clip), rate), RationalTime(clip.frames, rate))
    if clip.container == "exr":
        return otio.schema.ImageSequenceReference(
            target_url_base=f"media/{clip.name}/",
            name_prefix=f"{clip.name}.",
            name_suffix=".exr",
            start_frame=clip.first_number,
            rate=rate,
            frame_zero_padding=4,
            available_range=available,
        )
    return otio.schema.ExternalReference(f"media/{clip.name}", available)


def first_frame(clip: Clip) -> int:
    """Number of the first frame: of its picture in a sequence, of its timecode in a file, else 0."""
    if clip.container == "exr":
        return clip.first_number
    return int(RationalTime.from_timecode(clip.timecode, float(clip.rate)).value) if clip.timecode else 0


# -- effects, each as a host writes it ---------------------------------------------------------------------------------


def speed(factor: float) -> otio.schema.Effect:
    return otio.schema.LinearTimeWarp(name="speed", time_scalar=factor)


def lut(file: str) -> otio.schema.Effect:
    """Kdenlive's "Apply LUT"; the file lies beside the timeline."""
    service = "avfilter.lut3d"
    words = {"mlt_service": service, "kdenlive_id": service, "av.file": file, "_mlt_version": "7.42.0"}
    return otio.schema.Effect(name=service, effect_name=service, metadata={"mlt": words})


def blur(blurriness: float) -> otio.schema.Effect:
    """Premiere's Gaussian Blur, as it comes through Final Cut Pro 7 XML."""
    parameter = {"parameterid": "1", "name": "Blurriness", "value": str(blurriness)}
    own = {"effectid": "GaussianBlur", "effectcategory": "Blur & Sharpen", "effecttype": "filter", "mediatype": "video"}
    return otio.schema.Effect(name="Gaussian Blur", metadata={"fcp_xml": {**own, "parameter": parameter}})


def zoom(factor: float) -> otio.schema.Effect:
    """Resolve's Transform, about the centre."""
    parameters = [
        {
            "Parameter ID": f"transformationZoom{axis}",
            "Parameter Value": factor,
            "Default Parameter Value": 1.0,
            "Key Frames": {},
            "Variant Type": "Double",
        }
        for axis in "XY"
    ]
    own = {"Effect Name": "Transform", "Name": "Transform", "Enabled": True, "Type": 2, "Parameters": parameters}
    return otio.schema.Effect(effect_name="Resolve Effect", metadata={"Resolve_OTIO": own})


# -- effects.otio: each thing once by our own name, and once in the words of each host whose own is exactly the same -----

TRIED = 12  # frames of each


def tried(name: str, *carried: otio.schema.Effect, medium: str = "A001_C001.mp4") -> otio.schema.Clip:
    return shot(medium, 24, TRIED, name=name, effects=list(carried))


def made(kind: str, name: str, frames: int = TRIED, **parameters: Any) -> otio.schema.Clip:
    length = TimeRange(RationalTime(0, RATE), RationalTime(frames, RATE))
    medium = otio.schema.GeneratorReference(name, kind, length, parameters)
    return otio.schema.Clip(name=name, media_reference=medium, source_range=length)


def frames_of(row: otio.schema.Track) -> int:
    return int(row.duration().to_frames()) if len(row) else 0


def own(name: str, **values: Any) -> otio.schema.Effect:
    return otio.schema.Effect(name=name, effect_name=name, metadata={"otio_perf": values})


def mlt(service: str, **properties: str) -> otio.schema.Effect:
    """As Kdenlive's documents have it; ``__`` stands for a dot."""
    given = {name.replace("__", "."): value for name, value in properties.items()}
    return otio.schema.Effect(name=service, effect_name=service, metadata={"mlt": {"mlt_service": service, **given}})


def resolve(block: str, parameter: str, value: float, default: float) -> otio.schema.Effect:
    changed = {"Parameter ID": parameter, "Parameter Value": value, "Default Parameter Value": default, "Key Frames": {}}
    own_words = {"Effect Name": block, "Name": block, "Enabled": True, "Parameters": [changed]}
    return otio.schema.Effect(effect_name="Resolve Effect", metadata={"Resolve_OTIO": own_words})


def fcp7(effectid: str, **parameters: str) -> otio.schema.Effect:
    rows = [{"parameterid": name, "value": value} for name, value in parameters.items()]
    return otio.schema.Effect(name=effectid, metadata={"fcp_xml": {"effectid": effectid, "parameter": rows}})


def avid(operation: str) -> otio.schema.Effect:
    return otio.schema.Effect(name=operation, metadata={"AAF": {"Operation": {"Name": operation}, "Parameters": {}}})


def between(name: str, metadata: dict[str, Any] | None = None, *, kind: str = "Custom_Transition") -> otio.schema.Transition:
    half = RationalTime(TRIED // 2, RATE)
    return otio.schema.Transition(name=name, transition_type=kind, in_offset=half, out_offset=half, metadata=metadata or {})


Rows = list[tuple[str, list[otio.schema.Effect]]]

_GRADE = {"lift": [0.05, 0.0, -0.05], "gamma": [1.2, 1.0, 0.9], "gain": [1.1, 1.0, 0.9]}
_SOP = {"slope": [1.2, 0.9, 1.1], "offset": [-0.05, 0.05, 0.02], "power": [0.8, 1.3, 1.0]}
_CURVE = [[0.0, 0.0], [0.3, 0.2], [0.7, 0.8], [1.0, 1.0]]
_GROWING = {"keys": [[0, 0.0], [6, 16.0, "smooth"], [11, 0.0]]}

EFFECTS: Rows = [
    ("exposure", [own("exposure", stops=1)]),
    ("adjust", [own("adjust", contrast=1.3, saturation=1.4, hue=20)]),
    ("adjust: MLT hue", [mlt("avfilter.hue", av__h="40", av__s="1.2")]),
    ("adjust: MLT equaliser", [mlt("avfilter.eq", av__contrast="1.3", av__brightness="0.05")]),
    ("adjust: MLT gamma", [mlt("gamma", gamma="1.7")]),
    ("white balance", [own("white_balance", temperature=4000)]),
    ("invert", [own("invert")]),
    ("invert: MLT", [mlt("invert")]),
    ("greyscale", [own("greyscale")]),
    ("greyscale: MLT", [mlt("greyscale")]),
    ("sepia", [own("sepia")]),
    ("sepia: MLT", [mlt("sepia", u="75", v="150")]),
    ("code gain", [own("code_gain", level=0.6)]),
    ("code gain: MLT brightness", [mlt("brightness", level="0.6")]),
    ("lift, gamma, gain", [own("lift_gamma_gain", **_GRADE)]),
    ("lift, gamma, gain: MLT", [mlt("lift_gamma_gain", lift_r="0.05", gamma_r="1.2", gain_b="0.9")]),
    ("ASC CDL", [own("asc_cdl", **_SOP, saturation=1.2)]),
    ("levels", [own("levels", black_in=[0.1, 0.1, 0.1], white_in=[0.9, 0.9, 0.9], gamma=[1.2, 1.2, 1.2])]),
    ("curves", [own("curves", master=_CURVE)]),
    ("LUT", [own("lut", path="warm.cube")]),
    ("vignette", [own("vignette")]),
    ("gaussian blur, with key frames", [own("gaussian_blur", sigma=_GROWING)]),
    ("box blur", [own("box_blur", radius=12)]),
    ("directional blur", [own("directional_blur", length=40, angle=30)]),
    ("sharpen", [own("sharpen", amount=1.5)]),
    ("unsharp mask", [own("unsharp", sigma=4, amount=1)]),
    ("median", [own("median", radius=3)]),
    ("bilateral denoise", [own("bilateral", sigma=3)]),
    ("chroma key", [own("chroma_key", color=[0.3, 0.4, 0.5], tolerance=0.05)]),
    ("luma key", [own("luma_key", threshold=0.4, softness=0.2)]),
    ("transform", [own("transform", position=[60, -30], scale=[0.7, 0.7], rotation=12)]),
    ("transform: MLT, whole pixels", [mlt("qtblend", rect="100 40 960 540 1")]),
    ("corner pin", [own("corner_pin", top_left=[120, 60], bottom_right=[-80, -40])]),
    ("flip", [own("flip", horizontal=True)]),
    ("flip: MLT", [mlt("avfilter.vflip")]),
    ("flip: MLT mirror", [mlt("mirror", mirror="flip")]),
    ("flip: Avid", [avid("Flop")]),
    ("crop", [own("crop", left=100, top=50, right=100, bottom=50, softness=20)]),
    ("crop: MLT", [mlt("qtcrop", rect="100 50 760 440", color="#00000000")]),
]

_MODES = "add multiply screen overlay soft_light hard_light darken lighten difference color_dodge color_burn".split()
BLENDS: Rows = [
    ("over", []),
    *((mode, [own("blend", mode=mode)]) for mode in _MODES),
    *((f"{mode}: MLT", [mlt("cairoblend_mode", mode=mode.replace("_", ""))]) for mode in _MODES),
]
#: Opacity is no effect of its own, but every host has it.
LAYERS: Rows = [
    ("opacity", [own("opacity", opacity=0.5)]),
    ("opacity: Resolve", [resolve("Composite", "opacity", 50.0, 100.0)]),
    ("opacity: Final Cut", [fcp7("opacity", opacity="50")]),
    ("opacity: MLT", [mlt("brightness", alpha="0.5")]),
]
TRANSITIONS: list[tuple[str, otio.schema.Transition]] = [
    ("dissolve", between("dissolve", {"otio_perf": {}}, kind="dissolve")),
    ("dissolve: OpenTimelineIO", between("Cross Dissolve", kind="SMPTE_Dissolve")),
    ("dissolve: Final Cut", between("Cross Dissolve", {"fcp_xml": {"alignment": "center"}}, kind="SMPTE_Dissolve")),
    ("dip to colour", between("dip", {"otio_perf": {"colour": [1, 1, 1]}}, kind="dip_to_colour")),
    ("wipe", between("wipe", {"otio_perf": {"pattern": "clock_twelve", "softness": 0.1}}, kind="wipe")),
    ("push", between("push", {"otio_perf": {"direction": "left"}}, kind="push")),
    ("slide", between("slide", {"otio_perf": {"direction": "up"}}, kind="slide")),
]
GENERATORS: list[tuple[str, dict[str, Any]]] = [
    ("solid", {"colour": [0.2, 0.5, 0.4]}),
    ("SolidColor", {"resource": "0x336699ff"}),
    ("gradient", {"shape": "radial"}),
    ("bars", {"standard": "ebu_100"}),
    ("SMPTEBars", {}),
    ("slate", {"title": "SCENE MISSING", "text": "to be shot on Tuesday"}),
]


TIMELINES = {"short_film.otio": short_film, "documentary.otio": documentary, "effects.otio": effects}


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the sample timelines.")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent, metavar="DIR", help="default: here")
    folder = parser.parse_args().out
    for name, build in TIMELINES.items():
        otio.adapters.write_to_file(build(), str(folder / name))
        print(folder / name)


if __name__ == "__main__":
    main()
