"""Where DaVinci Resolve is, and where it looks for a user's scripts: the folders that Blackmagic's scripting notes name."""

from __future__ import annotations

import plistlib
from pathlib import Path

from otio_perf.hosts.home import Home
from otio_perf.model.hosts import Installation, Packaging

_MAC_APP = "/Applications/DaVinci Resolve/DaVinci Resolve.app"
#: Blackmagic's installer puts it there; some distributions' packages use the second.
_LINUX_PROGRAMS = ("/opt/resolve/bin/resolve", "/home/resolve/bin/resolve")


def installations(home: Home) -> tuple[Installation, ...]:
    """None where neither the program nor its folder is there; the same one holds the free and the Studio version."""
    find = {"darwin": _on_mac, "win32": _on_windows}.get(home.platform, _on_linux)
    program, data, version = find(home)
    if program is None and not data.is_dir():
        return ()
    fusion = str(data / "Fusion")
    return (
        Installation(
            host="resolve",
            packaging=Packaging.SYSTEM,
            version=version,
            program=None if program is None else str(program),
            config_folder=fusion,
            data_folder=fusion,
        ),
    )


def _on_linux(home: Home) -> tuple[Path | None, Path, str | None]:
    """Not XDG's folder: Resolve names this one whatever the environment says."""
    programs = (home.system(path) for path in _LINUX_PROGRAMS)
    return next((p for p in programs if p.is_file()), None), home.folder / ".local/share/DaVinciResolve", None


def _on_mac(home: Home) -> tuple[Path | None, Path, str | None]:
    data = home.folder / "Library/Application Support/Blackmagic Design/DaVinci Resolve"
    app = home.system(_MAC_APP)
    if not app.is_dir():
        return None, data, None
    try:
        told = plistlib.loads((app / "Contents/Info.plist").read_bytes())
    except (OSError, ValueError, plistlib.InvalidFileException):
        return app, data, None
    version = told.get("CFBundleShortVersionString") if isinstance(told, dict) else None
    return app, data, version if isinstance(version, str) else None


def _on_windows(home: Home) -> tuple[Path | None, Path, str | None]:
    program = home.windows("PROGRAMFILES") / "Blackmagic Design/DaVinci Resolve/Resolve.exe"
    data = home.windows("APPDATA") / "Blackmagic Design/DaVinci Resolve/Support"
    return program if program.is_file() else None, data, None
