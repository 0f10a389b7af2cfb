"""The table of all settings: one row each, of which flags, file, environment, dashboard and Python API are made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from otio_perf.model.colour import AUTO, ColourSpace
from otio_perf.model.recipes import CANVAS, SIZES, BurnIn, ChunkCodec, Codec, Purpose, Scope
from otio_perf.model.rushes import Rushes
from otio_perf.settings.parsing import (
    OneOf,
    days,
    one_of,
    pair,
    path_of,
    prerender_size,
    rate,
    rung,
    several,
    size_bytes,
    text,
    true_or_false,
    whole,
)

#: Hosts cut what is prerendered at any frame.
_PRERENDER_CODECS = [c.value for c in ChunkCodec if c.is_intra]


def _rushes(value: Any) -> Rushes:
    """A folder, or a mapping with ``path`` and any of the other words; a mapping may also be written as JSON in one line."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError as e:
            raise ValueError(f"{value!r} is not readable as JSON: {e}") from e
    if isinstance(value, Rushes):
        return value
    if not isinstance(value, Mapping):
        return Rushes(path=path_of(value))
    parsers: dict[str, Callable[[Any], Any]] = {
        "path": path_of,
        **{name: BY_NAME[name].parse for name in ("codec", "quality", "lut")},
        **{name: several(BY_NAME[name].parse) for name in ("proxy", "burn_in")},
        **dict.fromkeys(("beside", "recursive"), true_or_false),
        **dict.fromkeys(("include", "exclude"), several(text)),
    }
    said = {}
    for name, raw in value.items():
        if name not in parsers:
            raise ValueError(f"unknown word {name!r}; known: {', '.join(parsers)}")
        try:
            said[name] = parsers[name](raw)
        except ValueError as e:
            raise ValueError(f"{name}: {e}") from e
    if "path" not in said:
        raise ValueError("names no path")
    if said.get("beside") and len(set(said.get("proxy", ()))) > 1:
        raise ValueError("beside takes one proxy size: there is one Proxy folder for all programs")
    return Rushes(**said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the table. ``parse`` turns what a user wrote into the value, or raises ``ValueError`` with a clause."""

    name: str
    parse: Callable[[Any], Any]
    default: Any
    help: str
    metavar: str
    many: bool = False

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "OTIO_PERF_" + self.name.upper()

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that it may be; empty: any value that ``parse`` takes."""
        return self.parse.choices if isinstance(self.parse, OneOf) else ()


TABLE: tuple[Setting, ...] = (
    Setting(
        name="workspace",
        parse=path_of,
        default=None,
        metavar="DIR",
        help="folder for proxies and their index (default: .otio_perf beside the timeline, else the user's cache folder)",
    ),
    Setting(
        name="proxy",
        parse=rung,
        default=(),
        metavar="SIZE",
        many=True,
        help=f"size of the proxies: {SIZES}; repeatable (default: chosen for this machine)",
    ),
    Setting(
        name="codec",
        parse=one_of([c.value for c in Codec]),
        default=Codec.H264.value,
        metavar="CODEC",
        help=f"proxy codec: {', '.join(Codec)} (default: h264)",
    ),
    Setting(name="quality", parse=whole(0, 100), default=60, metavar="0-100", help="proxy quality (default: 60)"),
    Setting(
        name="scope",
        parse=one_of([s.value for s in Scope]),
        default=Scope.FULL.value,
        metavar="full|used",
        help="proxy of the whole medium, or of the ranges that the timelines use (default: full)",
    ),
    Setting(
        name="handles",
        parse=whole(0, 100_000),
        default=12,
        metavar="FRAMES",
        help="frames kept on both sides of a used range (default: 12)",
    ),
    Setting(
        name="lut",
        parse=path_of,
        default=None,
        metavar="FILE",
        help="viewing LUT (.cube, .3dl, .spi1d, .spi3d) that proxies are seen through; the originals stay as they are "
        "(default: none)",
    ),
    Setting(
        name="burn_in",
        parse=one_of([b.value for b in BurnIn]),
        default=(),
        metavar="WHAT",
        many=True,
        help="write into the pictures of proxies: timecode (of the source), name (of its file: one proxy serves all clips, "
        "whatever they are called) or frame (its number); repeatable (default: nothing)",
    ),
    Setting(
        name="purpose",
        parse=one_of([p.value for p in Purpose]),
        default=Purpose.EDITING.value,
        metavar="playback|editing|effects",
        help="what the timeline is opened for. editing: proxies with headroom for scrubbing, the smallest size that gives it; "
        "playback: real time is enough, the largest size that plays; effects: the sharpest picture (default: editing)",
    ),
    Setting(
        name="prerender_codec",
        parse=one_of(_PRERENDER_CODECS),
        default=ChunkCodec.PRORES_422.value,
        metavar="CODEC",
        help=f"codec of what is prerendered: {', '.join(_PRERENDER_CODECS)} (default: prores_422)",
    ),
    Setting(
        name="prerender_quality",
        parse=whole(0, 100),
        default=80,
        metavar="0-100",
        help="quality of what is prerendered (default: 80)",
    ),
    Setting(
        name="prerender_size",
        parse=prerender_size,
        default=CANVAS,
        metavar="SIZE",
        help=f"size of what is prerendered: {CANVAS}, the timeline's own; {SIZES} (default: {CANVAS})",
    ),
    Setting(
        name="colour",
        parse=one_of([AUTO, *ColourSpace]),
        default=AUTO,
        metavar="SPACE",
        help=f"colours of what is rendered: {', '.join(ColourSpace)}; auto: HDR where all moving pictures are HDR of "
        "one kind, else bt709 (default: auto)",
    ),
    Setting(
        name="gpu",
        parse=one_of(["auto", "on", "off"]),
        default="auto",
        metavar="auto|on|off",
        help="what renders effects: auto: the GPU where one works, else the processor; on: the GPU or nothing; off: the "
        "processor (default: auto)",
    ),
    Setting(
        name="jobs",
        parse=whole(0, 256),
        default=0,
        metavar="N",
        help="proxies, or pieces of prerenders, made at the same time (default: what suits this machine)",
    ),
    Setting(
        name="media_root",
        parse=path_of,
        default=(),
        metavar="DIR",
        many=True,
        help="folder to look for media in; repeatable",
    ),
    Setting(
        name="map",
        parse=pair,
        default=(),
        metavar="FROM=TO",
        many=True,
        help="media paths that start with FROM are looked for under TO; repeatable",
    ),
    Setting(
        name="rate",
        parse=rate,
        default=None,
        metavar="FPS",
        help="frame rate of a timeline that carries none (EDL): 25, 23.976, 30000/1001",
    ),
    Setting(
        name="max_timeline_bytes",
        parse=whole(1, 1 << 40),
        default=2 << 30,
        metavar="BYTES",
        help="larger timeline files are refused (default: 2 GiB)",
    ),
    Setting(
        name="max_timeline_depth",
        parse=whole(1, 900),
        default=200,
        metavar="N",
        help="timelines nested deeper are refused (default: 200)",
    ),
    Setting(
        name="stall_seconds",
        parse=whole(1, 86_400),
        default=60,
        metavar="S",
        help="a file that makes no progress for so long is given up (default: 60)",
    ),
    Setting(
        name="watch",
        parse=_rushes,
        default=(),
        metavar="DIR",
        many=True,
        help="folder whose media become proxies as they are copied in; repeatable. In the settings file each may be a mapping: "
        "path, and proxy, codec, quality, lut, burn_in, beside, include, exclude, recursive of its own",
    ),
    Setting(
        name="settle_seconds",
        parse=whole(1, 86_400),
        default=5,
        metavar="S",
        help="a file in a watched folder that has not changed for so long is whole (default: 5)",
    ),
    Setting(
        name="cache_max_bytes",
        parse=size_bytes,
        default=None,
        metavar="SIZE",
        help="what the workspace may hold: 500 GB, 1.5 TiB; beyond it, what was unused for longest goes first (default: none)",
    ),
    Setting(
        name="min_free_disk",
        parse=size_bytes,
        default=2_000_000_000,
        metavar="SIZE",
        help="what stays free on the workspace's disk; below it, what was unused for longest goes first (default: 2 GB)",
    ),
    Setting(
        name="idle_days",
        parse=days,
        default=None,
        metavar="DAYS",
        help="what was not used for so long goes (default: none, it stays)",
    ),
    Setting(
        name="use_proxies",
        parse=one_of(["auto", "always", "never"]),
        default="auto",
        metavar="auto|always|never",
        help="of timelines that are followed: proxies of media that do not play, of all media, or none (default: auto)",
    ),
    Setting(
        name="prerender",
        parse=one_of(["auto", "all", "none"]),
        default="auto",
        metavar="auto|all|none",
        help="of timelines that are followed: render ahead what does not play with proxies, all that has effects, transitions "
        "or several layers, or nothing (default: auto)",
    ),
    Setting(
        name="fidelity",
        parse=one_of(["exact", "approximate"]),
        default="exact",
        metavar="exact|approximate",
        help="of timelines that are followed: leave to the editing program what is not rendered as it does, or render ahead "
        "what comes near, too (default: exact)",
    ),
    Setting(
        name="playback_quality",
        parse=one_of(["automatic", "full", "half", "quarter"]),
        default="automatic",
        metavar="QUALITY",
        help="what timelines that are followed show: full, the originals; half or quarter, the proxies nearest to that size; "
        "automatic, those that play (default: automatic)",
    ),
    Setting(
        name="rendering",
        parse=one_of(["speed", "balanced", "quality"]),
        default="balanced",
        metavar="speed|balanced|quality",
        help="prerenders of the service. speed: in half the size; balanced: as --prerender-size and --prerender-codec say; "
        "quality: in the timeline's size (default: balanced)",
    ),
    Setting(
        name="follow_hosts",
        parse=one_of(["on", "off"]),
        default="on",
        metavar="on|off",
        help="the service makes ready what a project needs that is open in Kdenlive, for the commands there; nothing is "
        "written beside it (default: on)",
    ),
    Setting(
        name="background_priority",
        parse=one_of(["low", "normal", "high"]),
        default="normal",
        metavar="low|normal|high",
        help="how the service's work stands against other programs. low: it sleeps while they need the machine, and on "
        "battery; normal: it leaves them their share; high: nearly as they are (default: normal)",
    ),
)
BY_NAME = {s.name: s for s in TABLE}
