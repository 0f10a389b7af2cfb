"""The table of hosts, and what is done with any of them: find, install, uninstall.

A host is a row of ``ROOMS``; what its functions answer is said in ``hosts/README.md`` of the checkout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from otio_perf import settings
from otio_perf.errors import HostError
from otio_perf.hosts import installing, own_files, record, scripts
from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive import external as kdenlive_external
from otio_perf.hosts.kdenlive import findings as kdenlive_findings
from otio_perf.hosts.kdenlive import installations as kdenlive_installations
from otio_perf.hosts.kdenlive import menu as kdenlive_menu
from otio_perf.hosts.parts import OwnFile, Part
from otio_perf.hosts.resolve import findings as resolve_findings
from otio_perf.hosts.resolve import installations as resolve_installations
from otio_perf.hosts.resolve import menu as resolve_menu
from otio_perf.hosts.shotcut import findings as shotcut_findings
from otio_perf.hosts.shotcut import installations as shotcut_installations
from otio_perf.model.hosts import Installation, Packaging
from otio_perf.model.installing import HostChange, HostFinding, HostState


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a host answers. ``title``: as people call it; ``installations``: those that are there; ``parts``: what is put into
    one, by our command; ``findings``: what works in one and what does not.

    ``steps_in``, ``steps_out``: what the user does himself where nothing can be put there, and how he undoes it.
    """

    title: str
    installations: Callable[[Home], tuple[Installation, ...]]
    parts: tuple[Callable[[Installation, str], tuple[Part, ...]], ...]
    findings: Callable[[Installation, Home], Iterator[HostFinding]]
    steps_in: tuple[str, ...] = ()
    steps_out: tuple[str, ...] = ()


ROOMS = {
    "kdenlive": Room(
        title="Kdenlive",
        installations=kdenlive_installations.installations,
        parts=(kdenlive_menu.parts, kdenlive_external.parts),
        findings=kdenlive_findings.findings,
    ),
    "shotcut": Room(
        title="Shotcut",
        installations=shotcut_installations.installations,
        parts=(),
        findings=shotcut_findings.findings,
        steps_in=(
            "In Shotcut: Settings ▸ Proxy ▸ Use Proxy",
            "Type: otio-perf host place shotcut PROJECT (or media, or folders); again when there are new media",
            "In Shotcut: open the project; clips that show a proxy have a P",
        ),
        steps_out=(
            "Type: otio-perf host place shotcut PROJECT --remove",
            "In Shotcut: Settings ▸ Proxy ▸ Use Proxy, if you want no proxies at all",
        ),
    ),
    "resolve": Room(
        title="DaVinci Resolve",
        installations=resolve_installations.installations,
        parts=(resolve_menu.parts,),
        findings=resolve_findings.findings,
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
    targets = _places(installations(host, home), packaging)
    if not targets:
        as_what = "" if packaging is None else f" as {packaging}"
        hint = "otio-perf host list shows what was found"
        raise HostError(f"{room.title} is not found{as_what} on this machine", hint=hint)
    if not room.parts:
        return ()
    path = scripts.own_command() if command is None else str(Path(command).absolute())
    if not own_files.is_executable(Path(path)):
        raise HostError("is no program that can be run", path=path, hint="Name the file otio-perf of an installation")
    changes: list[HostChange] = []
    with installing.alone(home.folder):
        for installation in targets:
            changes += installing.install(installation, parts(installation, path), command=path, record_file=record_file)
    return tuple(changes)


def uninstall(host: str, packaging: Packaging | None, home: Home | None, record_file: Path | None) -> tuple[HostChange, ...]:
    home, record_file = home or Home.of_user(), record_file or default_record_file()
    there = _places(installations(host, home), packaging)
    changes: list[HostChange] = []
    with installing.alone(home.folder):
        gone = [
            _of_record(one)
            for one in record.load(record_file)
            if one.host == host
            and packaging in (None, one.packaging)
            and one.data_folder not in {installation.data_folder for installation in there}
        ]
        for installation in [*there, *gone]:
            known = installing.recorded(installation, record_file)
            usual = () if known is not None else parts(installation, _command_in(installation))
            changes += installing.uninstall(installation, usual, record_file=record_file)
    return tuple(changes)


def installations(host: str, home: Home) -> tuple[Installation, ...]:
    return ROOMS[host].installations(home)


def parts(installation: Installation, command: str) -> tuple[Part, ...]:
    """What is put into an installation. :raises HostError: a script of ours is missing"""
    return tuple(part for of_module in ROOMS[installation.host].parts for part in of_module(installation, command))


def default_record_file() -> Path:
    return settings.user_data_folder() / "hosts.json"


def _command_in(installation: Installation) -> str:
    """The command that scripts of ours were installed with, where no record says it."""
    for part in parts(installation, ""):
        if isinstance(part, OwnFile) and (command := scripts.command_in(own_files.read(part.path) or b"")):
            return command
    return ""


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
