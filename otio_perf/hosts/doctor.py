"""Why a host does not play along: what was looked for, what was found, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from otio_perf.errors import HostError
from otio_perf.hosts import installing, own_files, record, rooms
from otio_perf.hosts.home import Home
from otio_perf.model.hosts import Installation
from otio_perf.model.installing import HostFinding


def examine(hosts: Sequence[str], home: Home | None, record_file: Path | None) -> tuple[HostFinding, ...]:
    home, record_file = home or Home.of_user(), record_file or rooms.default_record_file()
    return tuple(finding for host in hosts for finding in _of_host(host, home, record_file))


def _of_host(host: str, home: Home, record_file: Path) -> Iterator[HostFinding]:
    room = rooms.ROOMS[host]
    there = rooms.installations(host, home)
    try:
        known = [one for one in record.load(record_file) if one.host == host]
    except HostError as e:
        known = []
        yield _finding(host, None, "record of what was installed", False, e.message, e.hint or "", required=True)
    if not there:
        found = "not found on this machine"
        if known:
            yield _finding(host, None, room.title, False, f"{found}, but our parts are", f"otio-perf host uninstall {host}")
        else:
            yield _finding(host, None, room.title, False, found)
        return
    for installation in there:
        version = installation.version or "of unknown version"
        yield _finding(host, installation, room.title, True, f"{version}, {installation.program or installation.data_folder}")
        if room.parts:
            installed = next((one for one in known if one.data_folder == installation.data_folder), None)
            yield from _of_parts(installation, installed)
        yield from room.findings(installation, home)


def _of_parts(installation: Installation, installed: record.Installed | None) -> Iterator[HostFinding]:
    again = f"otio-perf host install {installation.host}"
    if installed is None:
        yield _finding(installation.host, installation, "our part", False, "not installed", again)
        return
    command = Path(installed.command)
    runs = command.is_file() and own_files.is_executable(command)
    gone = f"{command} is gone" if not command.exists() else f"{command} cannot be run"
    yield _finding(
        installation.host,
        installation,
        "command",
        runs,
        str(command) if runs else gone,
        f"{again}, by the new one",
        required=True,
    )
    faults = [f"{path} {fault}" for path, fault in installing.faults(installed)]
    for fault in faults:
        yield _finding(installation.host, installation, "our part", False, fault, again, required=True)
    if faults:
        return
    if installing.is_outdated(installed, rooms.parts(installation, installed.command)):
        found = "is of another version of otio-perf than this one"
        yield _finding(installation.host, installation, "our part", False, found, again)
        return
    count = len(installed.files) + len(installed.entries)
    yield _finding(installation.host, installation, "our part", True, f"installed, {count} files as they should be")


def _finding(
    host: str, installation: Installation | None, name: str, works: bool, found: str, hint: str = "", *, required: bool = False
) -> HostFinding:
    packaging = None if installation is None else installation.packaging
    return HostFinding(
        host=host,
        packaging=packaging,
        name=name,
        works=works,
        required=required,
        found=found,
        hint="" if works else hint,
    )
