"""Builds the sample timelines over the media of ``make_media.py``: ``python sample_timelines/make_timelines.py [--out DIR]``.

``short_film.otio`` has every kind of medium: three picture tracks, cuts, a dissolve, changes of speed, effects as three hosts
write them, a picture in picture, sound. ``documentary.otio`` is long and plain: 60 clips cut out of the 4K camera files.
The files are committed; a test builds them again and compares.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

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


def timeline(name: str, tracks: list[otio.schema.Track]) -> otio.schema.Timeline:
    built = otio.schema.Timeline(name, global_start_time=RationalTime(3600 * RATE, RATE))
    built.metadata["fcp_xml"] = {  # the picture size, where a host's adapter leaves it
        "media": {"video": {"format": {"samplecharacteristics": {"width": str(CANVAS[0]), "height": str(CANVAS[1])}}}}
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
    return otio.schema.Effect(
        name=service, effect_name=service, metadata={"mlt": {"mlt_service": service, "kdenlive_id": service, "av.file": file}}
    )


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


TIMELINES = {"short_film.otio": short_film, "documentary.otio": documentary}


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the sample timelines.")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent, metavar="DIR", help="default: here")
    folder = parser.parse_args().out
    for name, build in TIMELINES.items():
        otio.adapters.write_to_file(build(), str(folder / name))
        print(folder / name)


if __name__ == "__main__":
    main()
