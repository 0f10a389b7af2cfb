"""Editing programs: found, installed into, told of proxies and prerenders in their own terms.

``kdenlive``, ``shotcut`` and ``resolve`` know one program each; the modules beside them what is the same for all. The functions
here are the Python API, with the words of ``otio-perf host``; they read nothing but the home that they are given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from otio_perf.hosts.home import Home
    from otio_perf.model.hosts import HostReport, Packaging
    from otio_perf.model.installing import HostChange, HostFinding, HostState
    from otio_perf.model.placing import PlaceReport
    from otio_perf.optimizer.options import Options

#: Names of the hosts that have an adapter, as commands take them.
HOSTS = ("kdenlive", "shotcut", "resolve")
#: Those that look for proxies under names that can be told: ``place`` serves them.
PLACED = ("kdenlive", "shotcut")
#: What ``apply`` does, by host, and which of its own arguments that takes, besides the process.
APPLIED = {
    "kdenlive": {
        "optimize": ("project", "save", "once", "all"),
        "prerender": ("project", "save", "once", "all", "zone"),
        "restore": ("project", "save", "once"),
        "proxies": ("media",),
    }
}


def found(hosts: Sequence[str] = HOSTS, *, home: Home | None = None, record_file: Path | None = None) -> tuple[HostState, ...]:
    """What is on this machine, and what is installed into it: ``otio-perf host list``.

    :param home: where to look; the user's own where nothing is said. :param record_file: what was installed is recorded there
    :raises HostError: the record cannot be read
    """
    from otio_perf.hosts import rooms

    return rooms.found(hosts, home, record_file)


def install(
    host: str,
    *,
    packaging: Packaging | None = None,
    command: str | None = None,
    home: Home | None = None,
    record_file: Path | None = None,
) -> tuple[HostChange, ...]:
    """Menu commands and profiles of ours in a program, in each packaging that is found: ``otio-perf host install``.

    What is there already stays, what a user changed is left. A second call changes nothing. Into Shotcut nothing is put: what
    its user does himself is ``rooms.ROOMS["shotcut"].steps_in``.

    :param command: absolute path of the ``otio-perf`` that the scripts run; the one that is running where nothing is said
    :raises HostError: the program is not found, or a file cannot be written
    """
    from otio_perf.hosts import rooms

    return rooms.install(host, packaging, command, home, record_file)


def uninstall(
    host: str, *, packaging: Packaging | None = None, home: Home | None = None, record_file: Path | None = None
) -> tuple[HostChange, ...]:
    """Take away all that ``install`` put there, also where the program itself is gone: ``otio-perf host uninstall``.

    :raises HostError: a file cannot be written
    """
    from otio_perf.hosts import rooms

    return rooms.uninstall(host, packaging, home, record_file)


def examine(
    hosts: Sequence[str] = HOSTS, *, home: Home | None = None, record_file: Path | None = None
) -> tuple[HostFinding, ...]:
    """What works and what does not, and what to do about it: ``otio-perf host doctor``."""
    from otio_perf.hosts import doctor

    return doctor.examine(hosts, home, record_file)


def apply(
    host: str,
    what: str,
    *,
    project: str | Path | None = None,
    pid: int | None = None,
    save: bool = False,
    once: bool = False,
    zone: bool = False,
    all: bool = False,
    media: Sequence[str | Path] = (),
    home: Home | None = None,
    **options: Unpack[Options],
) -> HostReport:
    """Optimize, prerender or restore the project that a program has open, and have it shown: ``otio-perf host apply``.

    What a user edits meanwhile is never written over; what was there before is kept beside it.

    :param host: ``"kdenlive"``. :param what: ``"optimize"``, ``"prerender"``, ``"restore"``; ``"proxies"``: of ``media`` alone,
        placed as ``place`` does, and shown by the program's own switch, which acts on the clips that are selected
    :param project: its file; default: the one that the program has open. :param pid: process of the program, where several run
    :param save: save changes first; otherwise they are a reason to do nothing
    :param once: not again, where the same was done a moment ago: of several calls for one menu command
    :param zone: prerender the project's zone only. :param all: proxies of all media, needed or not; render all that has effects
    :raises HostBusyError: the project has unsaved changes, a dialog is open, the program does not answer. Nothing was done.
    :raises HostError: it cannot be told which project is meant
    :raises SettingsError: something is said that ``what`` does not take
    :raises OtioPerfError: the work cannot be done; the project is as it was
    """
    from otio_perf.hosts import live

    return live.apply(
        host,
        what,
        project=project,
        pid=pid,
        save=save,
        once=once,
        zone=zone,
        all=all,
        media=media,
        home=home,
        options=options,
    )


def place(
    host: str,
    sources: Sequence[str | Path],
    *,
    packaging: Packaging | None = None,
    all: bool = False,
    remove: bool = False,
    dry_run: bool = False,
    home: Home | None = None,
    **options: Unpack[Options],
) -> PlaceReport:
    """Put proxies where a program itself looks for them, so that its own switch shows them: ``otio-perf host place``.

    No project is changed. Proxies that are missing are made first. A second call does nothing; of a source that was changed
    since, the old one goes. A failure of one medium is in the report.

    :param host: ``"kdenlive"`` or ``"shotcut"``
    :param sources: media files, folders of them, timelines, projects of the program
    :param packaging: only in this one; default: all that are found. :param all: proxies of all media, needed or not
    :param remove: take away what was placed of these media. :param dry_run: make and write nothing
    :param home: where the program keeps its files; the user's own where nothing is said
    :raises HostError: the program is not found
    :raises TimelineError: a timeline or project cannot be read. :raises SettingsError: several proxy sizes
    """
    from otio_perf.hosts import placing

    return placing.place(
        host, sources, packaging=packaging, all=all, remove=remove, dry_run=dry_run, home=home, options=options
    )
