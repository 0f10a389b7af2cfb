"""All settings, in one table: settings file < environment < flags.

A setting called ``media_root`` is ``media_root:`` in the YAML file, ``OTIO_PERF_MEDIA_ROOT`` in the environment (lists are
separated by the system's path separator, maps by line ends) and ``--media-root`` on the command line; the Python API takes it
by the same name.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import platformdirs

from otio_perf.errors import EffectError, SettingsError
from otio_perf.model.colour import AUTO, ColourSpace
from otio_perf.model.recipes import CANVAS, BurnIn, ChunkCodec, Codec, Lut, PrerenderRecipe, ProxyRecipe, Purpose, Scope
from otio_perf.model.rushes import Rushes
from otio_perf.model.timing import snap_rate

_MAX_FILE_BYTES = 1_000_000
_MAX_NODES = 10_000
#: Hosts cut what is prerendered at any frame.
_PRERENDER_CODECS = [c.value for c in ChunkCodec if c.is_intra]


def _text(value: Any) -> str:
    if not isinstance(value, (str, int, float, os.PathLike)):
        raise ValueError(f"{value!r} is not a word")
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def _path(value: Any) -> Path:
    return Path(_text(value)).expanduser().absolute()


def _rate(value: Any) -> Fraction:
    try:
        parsed = Fraction(_text(value))
    except (ValueError, ZeroDivisionError) as e:
        raise ValueError(f"{value!r} is not a frame rate; say 25, 23.976 or 24000/1001") from e
    return snap_rate(parsed)


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        try:
            number = int(_text(value))
        except ValueError as e:
            raise ValueError(f"{value!r} is not a whole number") from e
        if not low <= number <= high:
            raise ValueError(f"{number} is not between {low} and {high}")
        return number

    return parse


@dataclass(frozen=True, slots=True)
class _OneOf:
    """A parser of words."""

    choices: tuple[str, ...]

    def __call__(self, value: Any) -> str:
        word = _text(value).lower().replace("-", "_")
        if word not in self.choices:
            raise ValueError(f"{value!r} is not one of {', '.join(self.choices)}")
        return word


def _one_of(choices: Sequence[str]) -> _OneOf:
    return _OneOf(tuple(str(choice) for choice in choices))


def _rung(value: Any) -> str:
    return ProxyRecipe(rung=_text(value)).rung


def _prerender_size(value: Any) -> str:
    return PrerenderRecipe(size=_text(value)).size


def _mapping(value: Any) -> tuple[str, str]:
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return _text(value[0]), _text(value[1])
    before, equals, after = _text(value).partition("=")
    if not (before and equals):
        raise ValueError(f"{value!r} is not FROM=TO")
    return before, after


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kMGT])(i?)B?|B)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def _bytes(value: Any) -> int | None:
    """``500 GB``, ``1.5TiB``, ``2000000000``; ``none``: no limit."""
    text = _text(value).strip()
    if text.lower() == "none":
        return None
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{value!r} is not a size; say 500 GB, 1.5 TiB or none")
    return int(Fraction(match[1]) * (1024 if match[3] else 1000) ** _POWERS[(match[2] or "").lower()])


def _days(value: Any) -> int | None:
    return None if _text(value).lower() == "none" else _whole(1, 100_000)(value)


def _true_or_false(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is not true or false")
    return value


def _several(parse: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def parse_all(value: Any) -> tuple[Any, ...]:
        return tuple(parse(one) for one in (value if isinstance(value, (list, tuple)) else [value]))

    return parse_all


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
        return Rushes(path=_path(value))
    parsers: dict[str, Callable[[Any], Any]] = {
        "path": _path,
        **{name: BY_NAME[name].parse for name in ("codec", "quality", "lut")},
        **{name: _several(BY_NAME[name].parse) for name in ("proxy", "burn_in")},
        **dict.fromkeys(("beside", "recursive"), _true_or_false),
        **dict.fromkeys(("include", "exclude"), _several(_text)),
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
        return self.parse.choices if isinstance(self.parse, _OneOf) else ()


TABLE: tuple[Setting, ...] = (
    Setting(
        name="workspace",
        parse=_path,
        default=None,
        metavar="DIR",
        help="folder for proxies and their index (default: .otio_perf beside the timeline, else the user's cache folder)",
    ),
    Setting(
        name="proxy",
        parse=_rung,
        default=(),
        metavar="SIZE",
        many=True,
        help="size of the proxies: 720p, 1080p, WIDTHxHEIGHT, half or quarter; repeatable (default: chosen for this machine)",
    ),
    Setting(
        name="codec",
        parse=_one_of([c.value for c in Codec]),
        default=Codec.H264.value,
        metavar="CODEC",
        help=f"proxy codec: {', '.join(Codec)} (default: h264)",
    ),
    Setting(name="quality", parse=_whole(0, 100), default=60, metavar="0-100", help="proxy quality (default: 60)"),
    Setting(
        name="scope",
        parse=_one_of([s.value for s in Scope]),
        default=Scope.FULL.value,
        metavar="full|used",
        help="proxy of the whole medium, or of the ranges that the timelines use (default: full)",
    ),
    Setting(
        name="handles",
        parse=_whole(0, 100_000),
        default=12,
        metavar="FRAMES",
        help="frames kept on both sides of a used range (default: 12)",
    ),
    Setting(
        name="lut",
        parse=_path,
        default=None,
        metavar="FILE",
        help="viewing LUT (.cube, .3dl, .spi1d, .spi3d) that proxies are seen through; the originals stay as they are "
        "(default: none)",
    ),
    Setting(
        name="burn_in",
        parse=_one_of([b.value for b in BurnIn]),
        default=(),
        metavar="WHAT",
        many=True,
        help="write into the pictures of proxies: timecode (of the source), name (of its file) or frame (its number); "
        "repeatable (default: nothing)",
    ),
    Setting(
        name="purpose",
        parse=_one_of([p.value for p in Purpose]),
        default=Purpose.EDITING.value,
        metavar="playback|editing|effects",
        help="what the timeline is opened for. editing: proxies with headroom for scrubbing, the smallest size that gives it; "
        "playback: real time is enough, the largest size that plays; effects: the sharpest picture (default: editing)",
    ),
    Setting(
        name="prerender_codec",
        parse=_one_of(_PRERENDER_CODECS),
        default=ChunkCodec.PRORES_422.value,
        metavar="CODEC",
        help=f"codec of what is prerendered: {', '.join(_PRERENDER_CODECS)} (default: prores_422)",
    ),
    Setting(
        name="prerender_quality",
        parse=_whole(0, 100),
        default=80,
        metavar="0-100",
        help="quality of what is prerendered (default: 80)",
    ),
    Setting(
        name="prerender_size",
        parse=_prerender_size,
        default=CANVAS,
        metavar="SIZE",
        help="size of what is prerendered: canvas, the timeline's own; 720p, 1080p, WIDTHxHEIGHT, half or quarter "
        "(default: canvas)",
    ),
    Setting(
        name="colour",
        parse=_one_of([AUTO, *ColourSpace]),
        default=AUTO,
        metavar="SPACE",
        help=f"colours of what is rendered: {', '.join(ColourSpace)}; auto: HDR where all moving pictures are HDR of "
        "one kind, else bt709 (default: auto)",
    ),
    Setting(
        name="gpu",
        parse=_one_of(["auto", "on", "off"]),
        default="auto",
        metavar="auto|on|off",
        help="what renders effects: auto: the GPU where one works, else the processor; on: the GPU or nothing; off: the "
        "processor (default: auto)",
    ),
    Setting(
        name="jobs",
        parse=_whole(0, 256),
        default=0,
        metavar="N",
        help="proxies, or pieces of prerenders, made at the same time (default: what suits this machine)",
    ),
    Setting(
        name="media_root",
        parse=_path,
        default=(),
        metavar="DIR",
        many=True,
        help="folder to look for media in; repeatable",
    ),
    Setting(
        name="map",
        parse=_mapping,
        default=(),
        metavar="FROM=TO",
        many=True,
        help="media paths that start with FROM are looked for under TO; repeatable",
    ),
    Setting(
        name="rate",
        parse=_rate,
        default=None,
        metavar="FPS",
        help="frame rate of a timeline that carries none (EDL): 25, 23.976, 30000/1001",
    ),
    Setting(
        name="max_timeline_bytes",
        parse=_whole(1, 1 << 40),
        default=2 << 30,
        metavar="BYTES",
        help="larger timeline files are refused (default: 2 GiB)",
    ),
    Setting(
        name="max_timeline_depth",
        parse=_whole(1, 900),
        default=200,
        metavar="N",
        help="timelines nested deeper are refused (default: 200)",
    ),
    Setting(
        name="stall_seconds",
        parse=_whole(1, 86_400),
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
        parse=_whole(1, 86_400),
        default=5,
        metavar="S",
        help="a file in a watched folder that has not changed for so long is whole (default: 5)",
    ),
    Setting(
        name="cache_max_bytes",
        parse=_bytes,
        default=None,
        metavar="SIZE",
        help="what the workspace may hold: 500 GB, 1.5 TiB; beyond it, what was unused for longest goes first (default: none)",
    ),
    Setting(
        name="min_free_disk",
        parse=_bytes,
        default=2_000_000_000,
        metavar="SIZE",
        help="what stays free on the workspace's disk; below it, what was unused for longest goes first (default: 2 GB)",
    ),
    Setting(
        name="idle_days",
        parse=_days,
        default=None,
        metavar="DAYS",
        help="what was not used for so long goes (default: none, it stays)",
    ),
    Setting(
        name="use_proxies",
        parse=_one_of(["auto", "always", "never"]),
        default="auto",
        metavar="auto|always|never",
        help="of timelines that are followed: proxies of media that do not play, of all media, or none (default: auto)",
    ),
    Setting(
        name="prerender",
        parse=_one_of(["auto", "all", "none"]),
        default="auto",
        metavar="auto|all|none",
        help="of timelines that are followed: render ahead what does not play with proxies, all that has effects, transitions "
        "or several layers, or nothing (default: auto)",
    ),
    Setting(
        name="fidelity",
        parse=_one_of(["exact", "approximate"]),
        default="exact",
        metavar="exact|approximate",
        help="of timelines that are followed: leave to the editing program what is not rendered as it does, or render ahead "
        "what comes near, too (default: exact)",
    ),
    Setting(
        name="playback_quality",
        parse=_one_of(["automatic", "full", "half", "quarter"]),
        default="automatic",
        metavar="QUALITY",
        help="what timelines that are followed show: full, the originals; half or quarter, the proxies nearest to that size; "
        "automatic, those that play (default: automatic)",
    ),
    Setting(
        name="rendering",
        parse=_one_of(["speed", "balanced", "quality"]),
        default="balanced",
        metavar="speed|balanced|quality",
        help="prerenders of the service. speed: in half the size; balanced: as --prerender-size and --prerender-codec say; "
        "quality: in the timeline's size (default: balanced)",
    ),
    Setting(
        name="background_priority",
        parse=_one_of(["low", "normal", "high"]),
        default="normal",
        metavar="low|normal|high",
        help="how the service's work stands against other programs. low: it sleeps while they need the machine, and on "
        "battery; normal: it leaves them their share; high: nearly as they are (default: normal)",
    ),
)
BY_NAME = {s.name: s for s in TABLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The values in force. Field names are those of ``TABLE``."""

    workspace: Path | None
    proxy: tuple[str, ...]
    codec: str
    quality: int
    scope: str
    handles: int
    lut: Path | None
    burn_in: tuple[str, ...]
    purpose: str
    prerender_codec: str
    prerender_quality: int
    prerender_size: str
    colour: str
    gpu: str
    jobs: int
    media_root: tuple[Path, ...]
    map: tuple[tuple[str, str], ...]
    rate: Fraction | None
    max_timeline_bytes: int
    max_timeline_depth: int
    stall_seconds: int
    watch: tuple[Rushes, ...]
    settle_seconds: int
    cache_max_bytes: int | None
    min_free_disk: int | None
    idle_days: int | None
    use_proxies: str
    prerender: str
    fidelity: str
    playback_quality: str
    rendering: str
    background_priority: str

    def of_rushes(self, rushes: Rushes) -> Settings:
        """As they are for the media of this folder."""
        own = {name: getattr(rushes, name) for name in ("proxy", "codec", "quality", "lut", "burn_in")}
        return replace(self, scope=Scope.FULL.value, **{name: value for name, value in own.items() if value is not None})

    def recipes(self, lut: Lut | None = None) -> tuple[ProxyRecipe, ...]:
        """One recipe a rung that was asked for; empty: the planner chooses."""
        return tuple(self.recipe(rung, lut) for rung in dict.fromkeys(self.proxy))

    def recipe(self, rung: str, lut: Lut | None = None) -> ProxyRecipe:
        """:param lut: the ``viewing_lut``, where there is one: this reads no file"""
        return ProxyRecipe(
            rung=rung,
            codec=Codec(self.codec),
            quality=self.quality,
            scope=Scope(self.scope),
            handles=self.handles,
            lut=lut,
            burn_in=tuple(b for b in BurnIn if b in self.burn_in),
        )

    def viewing_lut(self) -> Lut | None:
        """The LUT that proxies are seen through. :raises SettingsError: it is not there, or cannot be read"""
        from otio_perf.effects import lut_files

        if self.lut is None:
            return None
        path = str(self.lut)
        try:
            lut_files.read_lut(path)
            return Lut(path=path, digest=lut_files.digest(path))
        except EffectError as e:
            raise SettingsError(e.message, path=path, hint="Check --lut, or leave it away") from e

    def prerender_recipe(self) -> PrerenderRecipe:
        return PrerenderRecipe(codec=ChunkCodec(self.prerender_codec), quality=self.prerender_quality, size=self.prerender_size)


def load(
    flags: Mapping[str, Any] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """The settings in force.

    :param flags: by setting name; ``None`` values count as not given.
    :param file: a YAML file; default: ``settings.yaml`` in the user's configuration folder, if it is there.
    :raises SettingsError: an unknown name or an unusable value; says where it was written.
    """
    environment = os.environ if environment is None else environment
    values = {s.name: s.default for s in TABLE}
    path = file or default_file()
    if file is not None or path.is_file():
        _take(values, _read(path), origin=str(path))
    from_environment = {s.name: environment[s.variable] for s in TABLE if environment.get(s.variable)}
    _take(
        values,
        {k: v.split(_separator(k)) if BY_NAME[k].many else v for k, v in from_environment.items()},
        origin="environment",
        spell=lambda name: BY_NAME[name].variable,
    )
    given = {k: v for k, v in (flags or {}).items() if v is not None}
    _take(values, given, origin=None, spell=lambda name: BY_NAME[name].flag)
    return Settings(**values)


def origins(*, environment: Mapping[str, str] | None = None, file: Path | None = None) -> dict[str, str]:
    """Who said it, by name, of the settings that are said anywhere but in flags: ``"environment"`` or ``"file"``.

    :raises SettingsError: the file cannot be read
    """
    environment = os.environ if environment is None else environment
    path = file or default_file()
    written = dict.fromkeys(_read(path), "file") if path.is_file() else {}
    return {**written, **{s.name: "environment" for s in TABLE if environment.get(s.variable)}}


def _separator(name: str) -> str:
    """Between the values of a list in the environment. Maps hold drive letters and colons on every system."""
    return "\n" if name == "map" else os.pathsep


def default_file() -> Path:
    return Path(platformdirs.user_config_dir("otio_perf", appauthor=False)) / "settings.yaml"


def user_cache_folder() -> Path:
    """Where products go that belong to no timeline, and what is known of this machine."""
    return Path(platformdirs.user_cache_dir("otio_perf", appauthor=False))


def kernels_folder() -> Path:
    """Where compiled kernels of GPUs are kept, so that not every process compiles them."""
    return user_cache_folder() / "kernels"


def _take(
    values: dict[str, Any], given: Mapping[str, Any], *, origin: str | None, spell: Callable[[str], str] = lambda name: name
) -> None:
    for name, raw in given.items():
        setting = BY_NAME.get(name)
        if setting is None:
            raise SettingsError(f"unknown setting {name!r}", path=origin, hint=f"Known: {', '.join(BY_NAME)}")
        try:
            if setting.many:
                several = [raw] if isinstance(raw, (str, os.PathLike)) or not isinstance(raw, Sequence) else raw
                values[name] = tuple(_row(setting, number, len(several), v) for number, v in enumerate(several, 1))
            else:
                values[name] = setting.parse(raw)
        except ValueError as e:
            raise SettingsError(f"{spell(name)}: {e}", path=origin) from e


def _row(setting: Setting, number: int, rows: int, value: Any) -> Any:
    try:
        return setting.parse(value)
    except ValueError as e:
        raise ValueError(f"row {number}: {e}" if rows > 1 or not isinstance(value, str) else str(e)) from e


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise SettingsError("settings file is larger than 1 MB", path=path)
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise SettingsError(e.strerror or str(e), path=path, hint="Check the file name and its permissions") from e
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as e:
        reason = str(e).partition("\n")[0] or type(e).__name__
        raise SettingsError(f"not readable as YAML: {reason}", path=path) from e
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(k, str) for k in document):
        raise SettingsError("settings are written as name: value", path=path)
    if _nodes(document) > _MAX_NODES:
        raise SettingsError("settings file expands to too many values", path=path)
    return document


def _nodes(value: Any, depth: int = 0) -> int:
    """Values in a YAML document, aliases counted as often as they appear; gives up early."""
    if depth > 20:
        return _MAX_NODES + 1
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    total = 1
    for child in children:
        total += _nodes(child, depth + 1)
        if total > _MAX_NODES:
            break
    return total
