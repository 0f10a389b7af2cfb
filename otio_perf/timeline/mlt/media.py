"""What a producer is: a file, at which speed, or something that MLT makes itself."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from otio_perf.timeline.mlt import proxied
from otio_perf.timeline.mlt.spell import DEFAULT, Speller
from otio_perf.timeline.mlt.tree import Times, number, properties, service
from otio_perf.timeline.references import Json

#: Services whose ``resource`` is a file; no service at all: MLT finds out by the name.
_FILES = frozenset({"", "avformat", "avformat-novalidate", "qimage", "pixbuf", "timewarp", "framebuffer", "xml", "xml-nogl"})
_COLOURS = frozenset({"color", "colour"})
#: Slow or fast motion stands before the path: ``2,05:shot.mp4``.
_SPEED = re.compile(r"(-?\d+(?:[.,]\d+)?):(.+)", re.DOTALL)
#: Old Kdenlive behind it: ``shot.mp4?0.5``.
_OLD_SPEED = re.compile(r"(.+)\?(-?\d+(?:[.,]\d+)?)(?::\d+)?", re.DOTALL)
#: Lengths of what never ends: MLT's largest number.
_ENDLESS = 2**31 - 1
#: What Kdenlive keeps with the clip in its bin, and not with every cut.
_OF_BIN = ("kdenlive:clipname", "kdenlive:markers", "kdenlive:originalurl", "kdenlive:file_hash")
#: What of a producer is kept with its reference, to find it again: not the many words that MLT reads off the file.
_KEPT = ("mlt_service", "kdenlive:id", "kdenlive:clipname", "kdenlive:file_hash", "shotcut:hash")

#: What a producer of MLT can be told to take its file for (Kdenlive: Clip Properties): any of it changes its pictures.
_FORCING: tuple[str, ...] = (
    "rotate",
    "autorotate",
    "force_aspect_ratio",
    "force_fps",
    "force_progressive",
    "force_tff",
    "force_colorspace",
)
_FORCING += ("force_color_trc", "color_primaries", "force_full_range", "set.force_full_luma", "filtergraph")
_STREAM_TYPE = re.compile(r"meta\.media\.(\d+)\.stream\.type")


@dataclass(frozen=True, slots=True)
class Medium:
    """A producer. ``frames``: its length as it is played, in frames of the profile; ``None``: without end."""

    references: dict[str, Json]  # the original's, and that of a proxy of ours
    active: str
    name: str
    speed: float
    frames: int | None
    has_pictures: bool
    has_sound: bool
    forced: tuple[tuple[str, str], ...]  # what it is told about its pictures against what its file says
    markers: str  # JSON of Kdenlive's

    def source_start(self, first: int, last: int) -> float:
        """Where in the file a cut begins that shows frames ``first`` to ``last`` of the producer.

        Played backwards, MLT counts from the end; OpenTimelineIO names the earliest frame that is shown.
        """
        if self.speed >= 0 or self.frames is None:
            return first * abs(self.speed)
        return (self.frames - 1 - last) * -self.speed


def medium_of(producer: Element, times: Times, spell: Speller, root: str, imported: Mapping[str, str]) -> Medium:
    """:param root: folder in which relative resources start; empty: that of the project
    :param imported: properties of the clip in the bin: names and markers are there alone
    """
    values = {**{name: imported[name] for name in _OF_BIN if name in imported}, **properties(producer)}
    kind = service(producer, values)
    # A proxy that is shown instead is not what the cut is made of.
    resource = values.get("kdenlive:originalurl") or values.get("resource", "")
    speed = 1.0
    if kind == "timewarp" or (kind in _FILES and _SPEED.fullmatch(resource) and not _is_drive(resource)):
        found = _SPEED.fullmatch(resource)
        speed = number(values.get("warp_speed") or (found[1] if found else None), 1.0) or 1.0
        resource = values.get("kdenlive:originalurl") or values.get("warp_resource") or resource
        if (found := _SPEED.fullmatch(resource)) and not _is_drive(resource):
            resource = found[2]
    elif kind == "framebuffer" and (found := _OLD_SPEED.fullmatch(resource)):
        resource, speed = found[1], number(found[2], 1.0) or 1.0
    frames = _length(producer, values, times)
    available = None if frames is None else max(1, round(frames * abs(speed)))
    metadata = {"mlt": {name: values[name] for name in _KEPT if values.get(name)}}
    if kind in _COLOURS:
        colour = resource or "black"
        reference = spell.generator("SolidColor", available, {"color": colour}, metadata)
        name = values.get("kdenlive:clipname") or colour
    elif kind in _FILES and resource and not resource.startswith("<"):
        reference = spell.external(url_of(resource, root), available, metadata)
        name = values.get("kdenlive:clipname") or values.get("shotcut:caption") or os.path.basename(resource)  # noqa: PTH119
    else:
        reference = spell.generator(kind or "unknown", available, _words(values), metadata)
        name = values.get("kdenlive:clipname") or kind
    ours = proxied.reference_of(values)
    return Medium(
        references={DEFAULT: reference, **({ours.key: ours.reference} if ours else {})},
        active=ours.key if ours is not None and ours.is_shown else DEFAULT,
        name=name,
        speed=speed,
        frames=frames,
        has_pictures=values.get("set.test_image") != "1" and values.get("video_index") != "-1",
        has_sound=kind not in _COLOURS
        and not kind.startswith(("qimage", "pixbuf", "kdenlivetitle"))
        and values.get("set.test_audio") != "1"
        and values.get("audio_index") != "-1",
        forced=_forced(values) if kind in _FILES else (),
        markers=values.get("kdenlive:markers", ""),
    )


def _forced(values: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """``video_index`` is always written: it forces where the file's first stream of pictures is another."""
    found = [(name, values[name]) for name in _FORCING if values.get(name)]
    of_pictures = [int(s[1]) for name, value in values.items() if value == "video" and (s := _STREAM_TYPE.fullmatch(name))]
    index = values.get("video_index", "")
    if index.isdecimal() and of_pictures and int(index) != min(of_pictures):
        found.append(("video_index", index))
    return tuple(found)


def _length(producer: Element, values: dict[str, str], times: Times) -> int | None:
    length = times.frames(values.get("length"))
    if not length:
        length = times.frames(producer.get("out"), -1) + 1
    return length if 0 < length < _ENDLESS else None


def _words(values: dict[str, str]) -> Json:
    """What a generator was told: not what MLT or Kdenlive keep for themselves, nor the whole of a drawing."""
    return {k: v for k, v in values.items() if ":" not in k and "." not in k and k != "mlt_service" and len(v) < 10_000}


def _is_drive(resource: str) -> bool:
    return len(resource) > 2 and resource[0].isalpha() and resource[1] == ":"


def is_relative(resource: str) -> bool:
    return not (os.path.isabs(resource) or _is_drive(resource) or "://" in resource)  # noqa: PTH117


def url_of(resource: str, root: str) -> str:
    """As the project has it where its folder is the project's, or is not there any more: media moved with the project."""
    if not is_relative(resource):
        return resource
    return os.path.join(root, resource) if root and os.path.isdir(root) else resource  # noqa: PTH118, PTH112
