"""The table of hosts, and what is done with any of them: find, install, uninstall.

A host is a row of ``ROOMS``: modules with ``installations(home)``, ``parts(installation, command)`` and
``findings(installation, home)``; what each answers is said in ``hosts/README.md`` of the checkout.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from otio_perf import settings
from otio_perf.errors import HostError
from otio_perf.hosts import installing, own_files, record, scripts
from otio_perf.hosts.home import Home
from otio_perf.hosts.parts import Part
from otio_perf.model.hosts import Installation, Packaging
from otio_perf.model.installing import HostChange, HostState


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Modules of a host, by what they are asked. ``title``: as people call it."""

    title: str
    installations: str
    parts: tuple[str, ...]
    findings: str


ROOMS = {
    "kdenlive": Room(
        title="Kdenlive",
        installations="otio_perf.hosts.kdenlive.installations",
        parts=("otio_perf.hosts.kdenlive.menu", "otio_perf.hosts.kdenlive.external"),
        findings="otio_perf.hosts.kdenlive.findings",
    ),
    "shotcut": Room(
        title="Shotcut",
        installations="otio_perf.hosts.shotcut.installations",
        parts=(),
        findings="otio_perf.hosts.shotcut.findings",
    ),
    "resolve": Room(
        title="DaVinci Resolve",
        installations="otio_perf.hosts.resolve.installations",
        parts=("otio_perf.hosts.resolve.menu",),
        findings="otio_perf.hosts.resolve.findings",
    ),
}


def found(hosts: Sequence[str], home: Home | None, record_file: Path | None) -> tuple[HostState, ...]:
    home, record_file = home or Home.of_user(), record_file or default_record_file()
    states = []
    for host in hosts:
        for installation in installations(host, home):
            known = installing.recorded(installation, record_file)
            states.append(HostState(installation=installation, command=known.command if known is not None else None))
    return tuple(states)


def install(
    host: str, packaging: Packaging | None, command: str | None, home: Home | None, record_file: Path | None
) -> tuple[HostChange, ...]:
    home, record_file = home or Home.of_user(), record_file or default_record_file()
    room = ROOMS[host]
    if not room.parts:
        hint = "otio-perf host doctor shows the settings that it needs"
        raise HostError(f"{room.title} takes nothing that could be installed: it finds proxies by itself", hint=hint)
    targets = _places(installations(host, home), packaging)
    if not targets:
        as_what = "" if packaging is None else f" as {packaging}"
        hint = "otio-perf host list shows what was found"
        raise HostError(f"{room.title} is not found{as_what} on this machine", hint=hint)
    path = scripts.own_command() if command is None else str(Path(command).absolute())
    if not own_files.is_executable(Path(path)):
        raise HostError("is no program that can be run", path=path, hint="Name the file otio-perf of an installation")
    changes: list[HostChange] = []
    for installation in targets:
        changes += installing.install(installation, parts(installation, path), command=path, record_file=record_file)
    return tuple(changes)


def uninstall(host: str, packaging: Packaging | None, home: Home | None, record_file: Path | None) -> tuple[HostChange, ...]:
    home, record_file = home or Home.of_user(), record_file or default_record_file()
    there = _places(installations(host, home), packaging)
    gone = [
        _of_record(one)
        for one in record.load(record_file)
        if one.host == host
        and packaging in (None, one.packaging)
        and one.data_folder not in {installation.data_folder for installation in there}
    ]
    changes: list[HostChange] = []
    for installation in [*there, *gone]:
        known = installing.recorded(installation, record_file)
        usual = () if known is not None else parts(installation, "")
        changes += installing.uninstall(installation, usual, record_file=record_file)
    return tuple(changes)


def installations(host: str, home: Home) -> tuple[Installation, ...]:
    if not _is_there(ROOMS[host].installations):
        return ()
    answer: tuple[Installation, ...] = _module(ROOMS[host].installations).installations(home)
    return answer


def parts(installation: Installation, command: str) -> tuple[Part, ...]:
    """What is put into an installation. :raises HostError: a script of ours is missing"""
    modules = [_module(name) for name in ROOMS[installation.host].parts if _is_there(name)]
    return tuple(part for module in modules for part in module.parts(installation, command))


def default_record_file() -> Path:
    return settings.user_data_folder() / "hosts.json"


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _module(name: str) -> ModuleType:
    return importlib.import_module(name)


def _places(all_of_them: Sequence[Installation], packaging: Packaging | None) -> list[Installation]:
    """One for each folder that takes our files: a system's package and an AppImage have the same."""
    by_folder: dict[str, Installation] = {}
    for one in all_of_them:
        if packaging in (None, one.packaging):
            by_folder.setdefault(one.data_folder, one)
    return list(by_folder.values())


def _of_record(one: record.Installed) -> Installation:
    """An installation of which nothing but our parts is left."""
    return Installation(
        host=one.host,
        packaging=Packaging(one.packaging),
        version=None,
        program=None,
        config_folder="",
        data_folder=one.data_folder,
    )
