"""All settings, in one table: settings file < environment < flags.

A setting called ``media_root`` is ``media_root:`` in the YAML file, ``OTIO_PERF_MEDIA_ROOT`` in the environment (lists are
separated by the system's path separator, maps by line ends) and ``--media-root`` on the command line; the Python API takes it
by the same name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from otio_perf.errors import EffectError, SettingsError
from otio_perf.model.recipes import BurnIn, ChunkCodec, Codec, Lut, PrerenderRecipe, ProxyRecipe, Scope
from otio_perf.model.rushes import Rushes
from otio_perf.settings.file import read
from otio_perf.settings.folders import default_file, kernels_folder, user_cache_folder, user_data_folder
from otio_perf.settings.table import BY_NAME, TABLE, Setting

__all__ = [
    "BY_NAME",
    "TABLE",
    "Setting",
    "Settings",
    "default_file",
    "kernels_folder",
    "load",
    "origins",
    "user_cache_folder",
    "user_data_folder",
]


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
    follow_hosts: str

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
        _take(values, read(path), origin=str(path))
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
    written = dict.fromkeys(read(path), "file") if path.is_file() else {}
    return {**written, **{s.name: "environment" for s in TABLE if environment.get(s.variable)}}


def _separator(name: str) -> str:
    """Between the values of a list in the environment. Maps hold drive letters and colons on every system."""
    return "\n" if name == "map" else os.pathsep


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
