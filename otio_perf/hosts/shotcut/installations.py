"""Where Shotcut is, and where it keeps a user's files."""

from __future__ import annotations

from pathlib import Path

from otio_perf.hosts import packages
from otio_perf.hosts.home import Home
from otio_perf.model.hosts import Installation

_PROGRAM = packages.ProgramNames(
    names=("shotcut",),
    application="org.shotcut.Shotcut",
    snap="shotcut",
    appimage="shotcut",
    bundle="Shotcut.app",
    windows=("Shotcut/shotcut.exe",),
)
_OWN = "Meltytech/Shotcut"


def installations(home: Home) -> tuple[Installation, ...]:
    return tuple(
        Installation(
            host="shotcut",
            packaging=one.packaging,
            version=one.version,
            program=one.program,
            config_folder=str(one.config / "Meltytech"),
            data_folder=str(_data_folder(home, one)),
            cache_folder="",
        )
        for one in packages.found(_PROGRAM, home)
    )


def _data_folder(home: Home, one: packages.Found) -> Path:
    """Qt's AppLocalDataLocation: on Windows another one than that of programs which follow their user."""
    return (home.windows("LOCALAPPDATA") if home.platform == "win32" else one.data) / _OWN


def settings_file(installation: Installation) -> Path | None:
    """What Shotcut itself writes its settings to; ``None`` on macOS and Windows, where it is no text file."""
    file = Path(installation.config_folder) / "Shotcut.conf"
    return file if file.is_file() else None
