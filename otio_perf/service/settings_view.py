"""Settings as a page shows them, and their way back into the YAML file, in which the user's comments stay."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from otio_perf import settings as settings_module
from otio_perf.cache.workspace import write_whole
from otio_perf.errors import SettingsError
from otio_perf.model.views import SettingView
from otio_perf.settings import BY_NAME, TABLE, Setting, Settings

#: Where settings stand on the page; those that are named nowhere come last.
SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Playback", ("playback_quality", "use_proxies", "prerender", "fidelity", "purpose")),
    ("Proxies", ("proxy", "codec", "quality", "scope", "handles", "lut", "burn_in")),
    ("Prerenders", ("prerender_codec", "prerender_quality", "prerender_size", "colour")),
    ("This machine", ("rendering", "background_priority", "gpu", "jobs", "follow_hosts")),
    ("Watched folders", ("watch", "settle_seconds")),
    ("Disk", ("cache_max_bytes", "min_free_disk", "idle_days", "workspace")),
    ("Media", ("media_root", "map", "rate")),
)
_LAST_SECTION = "Advanced"

PRESET = "preset"
#: One word for several settings: from what is quick to make and small, to what comes near the original.
PRESETS: dict[str, dict[str, Any]] = {
    "light": {
        "proxy": ("540p",),
        "codec": "h264",
        "quality": 45,
        "prerender_codec": "prores_proxy",
        "prerender_quality": 60,
        "prerender_size": "half",
    },
    "balanced": {
        "proxy": (),
        "codec": "h264",
        "quality": 60,
        "prerender_codec": "prores_422",
        "prerender_quality": 80,
        "prerender_size": "canvas",
    },
    "fine": {
        "proxy": ("1080p",),
        "codec": "prores_lt",
        "quality": 75,
        "prerender_codec": "prores_hq",
        "prerender_quality": 90,
        "prerender_size": "canvas",
    },
}
_OWN = "own"

_DEFAULTS = Settings(**{setting.name: setting.default for setting in TABLE})

Shown = str | int | bool | tuple[str, ...] | None

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
#: What YAML 1.1 takes for something else than a word.
_NO_WORDS = frozenset("y n yes no true false on off null none".split())


def views(in_force: Settings, *, file: Path | None = None) -> tuple[SettingView, ...]:
    """Every setting, those of a section together; first the preset that they make up, ``own`` where they make up none.

    :param file: as ``settings.load``
    :raises SettingsError: the file cannot be read
    """
    said = settings_module.origins(file=file)
    loaded = _loaded(file)
    places = {name: (number, section) for number, (section, names) in enumerate(SECTIONS) for name in names}
    last = (len(SECTIONS), _LAST_SECTION)
    shown = []
    for setting in sorted(TABLE, key=lambda s: places.get(s.name, last)[0]):
        value = getattr(in_force, setting.name)
        origin = said.get(setting.name, "default") if value == getattr(loaded, setting.name) else "flag"
        shown.append(
            SettingView(
                name=setting.name,
                value=_shown(value),
                default=_shown(setting.default),
                help=setting.help,
                choices=setting.choices,
                section=places.get(setting.name, last)[1],
                origin=origin,
            )
        )
    return (_preset(in_force), *shown)


def _preset(in_force: Settings) -> SettingView:
    def fits(values: Mapping[str, Any]) -> bool:
        return all(getattr(in_force, name) == value for name, value in values.items())

    return SettingView(
        name=PRESET,
        value=next((name for name, values in PRESETS.items() if fits(values)), _OWN),
        default="balanced",
        help="size and quality of all that is made: light is quick to make and small, fine comes near the original",
        choices=tuple(PRESETS),
        section="Quality",
        origin="default",
    )


def saved(values: Mapping[str, Any], in_force: Settings, *, file: Path | None = None) -> Settings:
    """Write ``values`` into the settings file, all or none; the settings that are then in force.

    Flags that the service was started with stay in force where ``values`` does not name them. The file is changed line by
    line, so that comments, order and what is not named stay; it is whole at any moment.

    :param values: by name; ``None``: the default again, by taking the line out. ``preset`` stands for its settings.
    :raises SettingsError: an unknown name, an unusable value, one that the environment decides, a file that cannot be changed
    """
    wanted = dict(_spelt_out(values))
    said = settings_module.origins(file=file)
    for name in wanted:
        if name not in BY_NAME:
            raise SettingsError(f"unknown setting {name!r}", hint=f"Known: {', '.join((PRESET, *BY_NAME))}")
        if said.get(name) == "environment":
            variable = BY_NAME[name].variable
            raise SettingsError(f"{name} is decided by the environment", hint=f"Unset {variable} and start the service again")
    target = Path(os.path.realpath(file or settings_module.default_file()))  # a link to it stays
    loaded = _loaded(file)
    parsed = _loaded(file, {name: value for name, value in wanted.items() if value is not None})
    new = {name: BY_NAME[name].default if value is None else getattr(parsed, name) for name, value in wanted.items()}
    before = settings_module.load(environment={}, file=target) if target.is_file() else _DEFAULTS
    text = _read(target)
    for name, value in wanted.items():
        text = _with(text, name, None if value is None else _yaml(BY_NAME[name], new[name]))
    _write(target, text, replace(before, **new))
    flags = {s.name: getattr(in_force, s.name) for s in TABLE if getattr(in_force, s.name) != getattr(loaded, s.name)}
    return replace(settings_module.load(file=target), **{name: value for name, value in flags.items() if name not in wanted})


def _loaded(file: Path | None, flags: Mapping[str, Any] | None = None) -> Settings:
    """As ``settings.load``; a file that is not there yet says nothing."""
    is_new = file is not None and not file.is_file()
    return settings_module.load(flags, file=Path(os.devnull) if is_new else file)


def _spelt_out(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """:raises SettingsError: there is no such preset"""
    if PRESET in values:
        preset = PRESETS.get(str(values[PRESET]))
        if preset is None:
            raise SettingsError(f"{values[PRESET]!r} is no preset", hint=f"Say {', '.join(PRESETS)}")
        # what is the default needs no line
        yield from ((name, None if value == BY_NAME[name].default else value) for name, value in preset.items())
    yield from ((name, value) for name, value in values.items() if name != PRESET)


def _shown(value: Any) -> Shown:
    if isinstance(value, (tuple, list)):
        return tuple("=".join(one) if isinstance(one, tuple) else str(one) for one in value)
    return str(value) if isinstance(value, (Path, Fraction)) else value


def _yaml(setting: Setting, value: Any) -> str:
    """What stands behind the colon: JSON, which YAML reads, or a plain word. :raises SettingsError: no text can say it"""
    if value is None:
        return "none"  # no limit; null would be no value at all
    shown = _shown(value)
    if isinstance(shown, str) and _PLAIN.fullmatch(shown) and shown.lower() not in _NO_WORDS:
        return shown
    text = json.dumps(shown, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError as e:
        raise SettingsError(f"{setting.name}: a name of bytes that are no text cannot be kept in the settings file") from e
    return text


def _with(text: str, name: str, value: str | None) -> str:
    """``text`` with ``name: value`` in place of what it says of ``name``; ``None``: without it."""
    lines = text.splitlines(keepends=True)
    key = re.compile(rf"""(["']?){re.escape(name)}\1\s*:(?=\s|$)""")
    at = next((number for number, line in enumerate(lines) if key.match(line)), None)
    if at is None:
        if value is None:
            return text
        if lines and not lines[-1].endswith(("\n", "\r")):
            lines[-1] += "\n"
        return "".join((*lines, f"{name}: {value}\n"))
    stop = at + 1
    for number in range(at + 1, len(lines)):
        line = lines[number]
        if line[:1] in (" ", "\t") or line.startswith(("- ", "-\n")):
            stop = number + 1
        elif line.strip() and not line.startswith("#"):
            break
    remark = re.search(r"\s+#.*", lines[at].rstrip("\r\n")) if stop == at + 1 and not re.search("[\"']", lines[at]) else None
    new = [] if value is None else [f"{name}: {value}{remark.group() if remark else ''}\n"]
    return "".join((*lines[:at], *new, *lines[stop:]))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as e:
        raise SettingsError(f"cannot be read: {getattr(e, 'strerror', None) or e}", path=path) from e


def _write(path: Path, text: str, expected: Settings) -> None:
    """The new file in the old one's place, once it has been read and says what it should."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            tried = Path(folder) / path.name
            tried.write_text(text, encoding="utf-8", newline="\n")
            if not _says(tried, expected):
                hint = "Change it by hand: name: value, a line each"
                raise SettingsError("is written in a way that cannot be changed line by line", path=path, hint=hint)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text, mode=path.stat().st_mode & 0o777 if path.exists() else 0o600)
    except OSError as e:
        raise SettingsError(f"cannot be written: {e.strerror}", path=path, hint="Check the folder's permissions") from e


def _says(file: Path, expected: Settings) -> bool:
    try:
        return settings_module.load(environment={}, file=file) == expected
    except SettingsError:
        return False
