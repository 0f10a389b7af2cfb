"""What a Kdenlive lets us do here, for ``host doctor``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from otio_perf.errors import HostError, MissingDependencyError
from otio_perf.hosts import kde_settings, own_files
from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive import menu
from otio_perf.hosts.kdenlive.bus import Bus
from otio_perf.hosts.kdenlive.installations import APPLICATION, settings_file
from otio_perf.model.hosts import Installation, Packaging
from otio_perf.model.installing import HostFinding
from otio_perf.optimizer import abandoned
from otio_perf.reports import words
from otio_perf.timeline.mlt.versions import NEWEST_KDENLIVE

#: Jobs of one's own came with this one, as Kdenlive's manual has it (Configure Clip Jobs; 22.12 has none). All that is here was
#: tried up to ``NEWEST_KDENLIVE``, the menu in it alone.
_WITH_MENU = (23, 4)
_TRIED = ".".join(f"{number:02}" for number in NEWEST_KDENLIVE)
_PORTAL = "org.freedesktop.Flatpak"


def findings(installation: Installation, home: Home) -> Iterator[HostFinding]:
    def finding(name: str, works: bool, found: str, hint: str = "", *, required: bool = False) -> HostFinding:
        return HostFinding(
            host="kdenlive",
            packaging=installation.packaging,
            name=name,
            works=works,
            required=required,
            found=found,
            hint="" if works else hint,
        )

    version = _numbers(installation.version)
    lacking, untried = "", ""
    if version is not None and version < _WITH_MENU:
        lacking = f"Kdenlive {installation.version} has no Media Jobs"
    elif home.platform == "win32":
        lacking = "on Windows, Media Jobs run programs only, and ours is a script"
    elif not menu.jobs(installation):
        lacking = "the Snap cannot run what is outside of it"
    elif version is not None and version[:2] < NEWEST_KDENLIVE:
        untried = f"; tried in {_TRIED}, not in {installation.version}"
    in_flatpak = installation.packaging is Packaging.FLATPAK
    only = f" (of a Flatpak only {' and '.join(menu.jobs(installation))})" if in_flatpak else ""
    yield finding(
        "menu commands",
        not lacking,
        lacking or f"in the context menu of clips, Media Jobs{only}{untried}",
        "Use Kdenlive 23.04 or newer on Linux, or the command line: otio-perf host apply kdenlive optimize",
    )
    if version is not None and version[:2] > NEWEST_KDENLIVE:
        yield finding(
            "version",
            False,
            f"{installation.version} is newer than {_TRIED}, the newest that was tried",
            "Projects of an unknown kind are not changed; otio-perf host place kdenlive works with any",
        )
    works, found, hint = _session_bus(home, installation.packaging)
    yield finding("session bus", works, found, hint)
    ffmpeg = _ffmpeg(installation)
    yield finding(
        "Kdenlive's own FFmpeg",
        bool(ffmpeg),
        ffmpeg or "its settings name none, so it makes no proxies of its own; ours need none",
        "Kdenlive: Settings, Configure Kdenlive, Environment",
    )
    if left := abandoned.chunks([Path(installation.cache_folder)], ()):
        size = sum(path.stat().st_size for path in left)
        yield finding(
            "previews of projects that are gone",
            False,
            f"{words.count(len(left), 'chunk')} of ours, {words.size(size)}, in {installation.cache_folder}",
            "otio-perf cache clear renders deletes them, with what is rendered in its workspace; --dry-run says what that is",
        )
    if in_flatpak:
        allowed = _may_run_outside(home)
        yield finding(
            "sandbox",
            allowed,
            "our command can be run outside" if allowed else "the Flatpak cannot run what is outside of it",
            f"flatpak override --user --talk-name={_PORTAL} {APPLICATION}",
            required=True,
        )


def _session_bus(home: Home, packaging: Packaging) -> tuple[bool, str, str]:
    """Whether it answers, what was found, what to do.

    In a Flatpak, KDBusService ends a program's name in a number of the bus, of which nobody can tell which process it is.
    """
    if home.platform != "linux":
        return False, "not on this system", "Open the project again after each command"
    closed = "An open project is not told of what was made: close it in Kdenlive first, or open it again"
    if packaging is Packaging.FLATPAK:
        return False, "Kdenlive as a Flatpak cannot be told apart on it", closed
    try:
        bus = Bus.open(home.variables)
    except MissingDependencyError as e:
        return False, e.message, e.hint or ""
    if bus is None:
        said = home.variables.get("DBUS_SESSION_BUS_ADDRESS", "")
        return False, f"does not answer at {said}" if said else "there is none here", closed
    with bus:
        try:
            return True, f"answers; {len(bus.programs()) or 'no'} Kdenlive running", ""
        except HostError as e:
            return False, e.message, closed


def _ffmpeg(installation: Installation) -> str:
    """As Kdenlive's settings have it; what they do not have Kdenlive looks for when it is started for the first time."""
    found = _settings(settings_file(installation))
    return found.get("env", {}).get("ffmpegpath", "")


def _may_run_outside(home: Home) -> bool:
    """Flatpak's permission for its portal, by which a program in a sandbox runs others outside: of the package, and what the
    machine and the user say to that."""
    user, system = home.folder / ".local/share/flatpak", home.system("/var/lib/flatpak")
    said = "none"
    for file in (
        system / "app" / APPLICATION / "current/active/metadata",
        user / "app" / APPLICATION / "current/active/metadata",
        *(base / "overrides" / name for base in (system, user) for name in ("global", APPLICATION)),
    ):
        said = _settings(file).get("Session Bus Policy", {}).get(_PORTAL, said)
    return said in ("talk", "own")


def _settings(file: Path) -> dict[str, dict[str, str]]:
    try:
        return kde_settings.read(own_files.read(file) or b"")
    except (HostError, kde_settings.NotSettingsError):
        return {}


def _numbers(version: str | None) -> tuple[int, ...] | None:
    return None if version is None else tuple(int(number) for number in re.findall(r"\d+", version)[:3])
