"""Where Kdenlive is, and where it keeps a user's files."""

from __future__ import annotations

from pathlib import Path

from otio_perf.hosts import packages
from otio_perf.hosts.home import Home
from otio_perf.model.hosts import Installation, Packaging
from otio_perf.timeline.mlt import storage

#: How desktops know it.
APPLICATION = "org.kde.kdenlive"
_PROGRAM = packages.ProgramNames(
    names=("kdenlive",),
    application=APPLICATION,
    snap="kdenlive",
    appimage="kdenlive",
    bundle="kdenlive.app",
    windows=("kdenlive/bin/kdenlive.exe", "kdenlive/kdenlive.exe"),
)
#: Its settings by packaging; each but the system's has a name of its own (``kdenlive-%1rc`` in its main.cpp).
_SETTINGS = {
    Packaging.SYSTEM: "kdenliverc",
    Packaging.FLATPAK: "kdenlive-flatpakrc",
    Packaging.SNAP: "kdenlive-snaprc",
    Packaging.APPIMAGE: "kdenlive-appimagerc",
}


def installations(home: Home) -> tuple[Installation, ...]:
    return tuple(
        Installation(
            host="kdenlive",
            packaging=one.packaging,
            version=one.version,
            program=one.program,
            config_folder=str(one.config),
            data_folder=str(one.data / "kdenlive"),
            cache_folder=str(storage.cache_folder(one.packaging, home.folder, home.variables, home.platform)),
        )
        for one in packages.found(_PROGRAM, home)
    )


def settings_file(installation: Installation) -> Path:
    """What Kdenlive itself writes its settings to."""
    return Path(installation.config_folder) / _SETTINGS[installation.packaging]
