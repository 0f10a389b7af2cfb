"""How programs come to a machine: the system's own package, Flatpak, Snap, AppImage, the bundles of macOS and Windows.

What a program is called in each is a row (``ProgramNames``); where each keeps a user's files is a rule of the packaging.
Nothing is run to find a program, only where no file says its version (``version_said``).
"""

from __future__ import annotations

import os
import plistlib
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from otio_perf.hosts.home import Home
from otio_perf.model.hosts import Packaging

_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,4}){1,3}")
_MOST_BYTES = 1 << 20
#: Where people put AppImages, in their home and on the machine.
_APPIMAGE_FOLDERS = ("Applications", "AppImages", "Apps", "Downloads", "Desktop", ".local/bin", "bin", "")
_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramNames:
    """What a program is called. ``names``: on ``PATH``; ``application``: its reverse domain name, which Flatpak and AppStream
    use; ``snap``; ``appimage``: how the name of the file begins, in small letters; ``bundle``: on macOS; ``windows``: below
    ``Program Files``."""

    names: tuple[str, ...]
    application: str
    snap: str
    appimage: str
    bundle: str
    windows: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A program that is there, and the folders in which its packaging lets programs keep a user's files."""

    packaging: Packaging
    program: str | None
    version: str | None
    config: Path
    data: Path


def found(program: ProgramNames, home: Home) -> Iterator[Found]:
    """Every way in which ``program`` is on this machine, the usual one first."""
    if home.platform == "darwin":
        yield from _bundles(program, home)
    elif home.platform == "win32":
        yield from _on_windows(program, home)
    else:
        yield from _of_system(program, home)
        yield from _flatpaks(program, home)
        yield from _snaps(program, home)
        yield from _appimages(program, home)


def _usual(packaging: Packaging, program: Path, version: str | None, home: Home) -> Found:
    """With the folders of a program that is not shut in."""
    return Found(
        packaging=packaging,
        program=str(program),
        version=version,
        config=home.config_folder,
        data=home.data_folder,
    )


def _of_system(program: ProgramNames, home: Home) -> Iterator[Found]:
    path = home.program(*program.names)
    if path is None or path.is_relative_to(home.system("/snap")) or "flatpak/exports" in path.as_posix():
        return  # a way into one of those below
    prefix = path.resolve().parent.parent  # /usr of /usr/bin/kdenlive
    version = _appstream_version(program, prefix / "share") or version_said(path)
    yield _usual(Packaging.SYSTEM, path, version, home)


def _flatpaks(program: ProgramNames, home: Home) -> Iterator[Found]:
    for base in (home.folder / ".local/share/flatpak", home.system("/var/lib/flatpak")):
        active = base / "app" / program.application / "current" / "active"
        if active.is_dir():
            own = home.folder / ".var/app" / program.application
            yield Found(
                packaging=Packaging.FLATPAK,
                program=str(base / "exports/bin" / program.application),
                version=_appstream_version(program, active / "files/share"),
                config=own / "config",
                data=own / "data",
            )
            return  # a user's own one comes before the system's, and both have the same folders


def _snaps(program: ProgramNames, home: Home) -> Iterator[Found]:
    folder = home.system("/snap") / program.snap / "current"
    about = _text(folder / "meta/snap.yaml")
    if not about:
        return
    said = re.search(r"^version:\s*['\"]?([^'\"\s]+)", about, re.MULTILINE)
    path = home.system("/snap/bin") / program.snap
    if re.search(r"^confinement:\s*classic", about, re.MULTILINE):
        yield _usual(Packaging.SNAP, path, said and said[1], home)
        return
    own = home.folder / "snap" / program.snap
    yield Found(
        packaging=Packaging.SNAP,
        program=str(path),
        version=said and said[1],
        config=own / "current/.config",
        data=own / "current/.local/share",
    )


def _appimages(program: ProgramNames, home: Home) -> Iterator[Found]:
    """The newest of those that lie where people put them."""
    images = []
    for folder in (*(home.folder / name for name in _APPIMAGE_FOLDERS), home.system("/opt"), home.system("/usr/local/bin")):
        with suppress(OSError):
            images += [
                Path(entry.path)
                for entry in os.scandir(folder)
                if entry.name.lower().startswith(program.appimage) and entry.name.lower().endswith(".appimage")
            ]
    if images:
        newest = max(images, key=lambda image: (_numbers(_version_in(image.name)), image.name))
        yield _usual(Packaging.APPIMAGE, newest, _version_in(newest.name), home)


def _bundles(program: ProgramNames, home: Home) -> Iterator[Found]:
    for folder in (home.folder / "Applications", home.system("/Applications")):
        bundle = folder / program.bundle
        if bundle.is_dir():
            version = None
            with suppress(OSError, plistlib.InvalidFileException, ValueError):
                about = plistlib.loads((bundle / "Contents/Info.plist").read_bytes())
                version = _version_in(str(about.get("CFBundleShortVersionString", "")))
            yield _usual(Packaging.SYSTEM, bundle, version, home)
            return


def _on_windows(program: ProgramNames, home: Home) -> Iterator[Found]:
    for base in (home.windows("PROGRAMFILES"), home.windows("LOCALAPPDATA") / "Programs"):
        for name in program.windows:
            if (base / name).is_file():
                yield _usual(Packaging.SYSTEM, base / name, None, home)
                return


def version_said(path: Path) -> str | None:
    """What ``--version`` answers, without a display; ``None`` if it does not in a few seconds."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "LC_ALL": "C.UTF-8"}
    environment.pop("DISPLAY", None)
    environment.pop("WAYLAND_DISPLAY", None)
    with suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run(
            [str(path), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            env=environment,
            check=False,
        )
        return _version_in((answer.stdout or answer.stderr).decode(errors="replace"))
    return None


def _appstream_version(program: ProgramNames, share: Path) -> str | None:
    """The newest release in the program's own AppStream file, which distributions install with it."""
    for folder in ("metainfo", "appdata"):
        for kind in ("metainfo", "appdata"):
            text = _text(share / folder / f"{program.application}.{kind}.xml")
            if said := re.search(r"<release\b[^>]*?\bversion=[\"']([^\"']{1,40})[\"']", text):
                return said[1]
    return None


def _version_in(text: str) -> str | None:
    said = _VERSION.search(text)
    return said and said[0]


def _numbers(version: str | None) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split(".")) if version else ()


def _text(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        return file.read(_MOST_BYTES).decode(errors="replace")
    return ""
