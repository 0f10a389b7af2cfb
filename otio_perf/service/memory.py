"""What a service follows, kept in its workspace for the next one: timelines with what the user wants of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from otio_perf.cache.workspace import write_whole
from otio_perf.errors import CacheError, SettingsError
from otio_perf.optimizer.rounds import Aim
from otio_perf.settings import Settings

_FILE = "followed.json"
_VERSION = 1

Pins = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What ``optimize`` was told: for this timeline it stands over the settings."""

    proxies: bool
    prerender: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """Of one timeline."""

    pins: Pins = ()
    asked: Asked | None = None

    def aim(self, settings: Settings) -> Aim:
        """What the timeline is to have. :raises SettingsError: words that are none of the choices"""
        uses, prerender = settings.use_proxies, settings.prerender
        if self.asked is not None:
            prerender = self.asked.prerender
            uses = "never" if not self.asked.proxies else "auto" if uses == "never" else uses
        return Aim(
            use_proxies=uses,
            prerender=prerender,
            fidelity=settings.fidelity,
            quality=settings.playback_quality,
            pins=self.pins,
        )


def recall(workspace: Path, settings: Settings) -> dict[Path, Wishes]:
    """Timelines that the last service followed, in its order, there or not: disks come back. What cannot be read counts as
    nothing."""
    found: dict[Path, Wishes] = {}
    with suppress(OSError, ValueError, TypeError, KeyError):
        said = json.loads((workspace / _FILE).read_text(encoding="utf-8"))
        for row in said["timelines"] if said["version"] == _VERSION else ():
            with suppress(ValueError, TypeError, KeyError, AttributeError, SettingsError):
                wishes = _wishes(row)
                wishes.aim(settings)
                found[Path(row["path"])] = wishes
    return found


def remember(workspace: Path, followed: Iterable[tuple[Path, Wishes]]) -> None:
    """:raises CacheError: it cannot be written"""
    rows = [{"path": str(path), **asdict(wishes)} for path, wishes in followed]
    try:
        write_whole(workspace / _FILE, json.dumps({"version": _VERSION, "timelines": rows}) + "\n")
    except OSError as e:
        raise CacheError(f"cannot be written: {e.strerror}", path=workspace / _FILE) from e


def _wishes(row: Mapping[str, Any]) -> Wishes:
    asked = row.get("asked")
    return Wishes(
        pins=tuple((int(start), int(stop)) for start, stop in row["pins"]),
        asked=None if asked is None else Asked(proxies=bool(asked["proxies"]), prerender=str(asked["prerender"])),
    )
