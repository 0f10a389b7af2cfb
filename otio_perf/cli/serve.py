"""Keep timelines and rushes light while you edit: proxies and prerenders follow every save.

Timelines that are named are followed: each save is surveyed at once, what it made obsolete is cancelled, what is new is made
two seconds later, and NAME.perf.otio is written beside each when it is done; without names, those of last time. Folders that
are watched become proxies as files are copied in. A page in the browser shows all of it. Ctrl-C stops it in order; the same
command goes on from there. 'otio-perf queue' and 'otio-perf activity' talk to it.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable
from functools import partial
from pathlib import Path

from otio_perf.cli import options

#: Settings of the service alone.
SERVING = (
    *("use_proxies", "prerender", "fidelity", "playback_quality", "rendering", "background_priority", "settle_seconds"),
    "follow_hosts",
)
#: Of the workspace.
LIMITS = ("cache_max_bytes", "min_free_disk", "idle_days")
#: Plans are many small values without cycles; looking through all of them for some keeps everybody waiting (150 ms for a
#: thousand clips, and a third of the time that planning takes): it is done once for a few saves, not several times in each.
_COLLECTIONS = (50_000, 20, 10)
#: How soon Ctrl-C is noticed on systems where it does not wake who waits.
_LOOK_SECONDS = 0.5


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("timelines", metavar="TIMELINE", nargs="*", help="timeline files to follow")
    parser.add_argument("--watch", metavar="DIR", action="append", help="folder of rushes to watch; repeatable")
    parser.add_argument(
        "--beside",
        action="store_true",
        help="proxies of --watch folders in a Proxy folder beside each source, as Resolve expects",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would become of the media that are in the watched folders, and end"
    )
    door = parser.add_argument_group("HTTP API and dashboard")
    door.add_argument("--listen", metavar="HOST:PORT", help="address to listen on (default: 127.0.0.1, any free port)")
    door.add_argument("--tls-cert", metavar="FILE", help="certificate (PEM): another address than this machine's own needs one")
    door.add_argument("--tls-key", metavar="FILE", help="its key (PEM)")
    door.add_argument("--insecure", action="store_true", help="listen there without TLS: anybody in the network can read along")
    options.add_settings(
        parser,
        *("workspace", *options.PROXIES, *options.RENDERING, *SERVING, *LIMITS, *options.READING),
        said={"lut": "viewing LUT that proxies are seen through (.cube, .3dl, .spi1d, .spi3d); default: none"},
    )
    output = parser.add_argument_group("output")
    output.add_argument(
        "--json-events", action="store_true", help="everything that happens, a line of JSON each, on standard output"
    )
    output.add_argument("--quiet", action="store_true", help="failures only")
    output.add_argument("--debug", action="store_true", help="show the traceback of an error")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf.cli import console
    from otio_perf.cli.serving import Happened, shown
    from otio_perf.errors import ServiceError, SettingsError
    from otio_perf.service.service import Service
    from otio_perf.web.door import Door
    from otio_perf.web.server import Server

    if arguments.dry_run:
        return _dry_run(arguments)
    settings = options.load(arguments)
    if arguments.listen and ":" not in arguments.listen and not arguments.listen.isdecimal():
        raise SettingsError(f"--listen: {arguments.listen!r} names no port", hint="Write HOST:PORT, such as 127.0.0.1:8080")
    door = Door.at(
        arguments.listen,
        certificate=Path(arguments.tls_cert) if arguments.tls_cert else None,
        key=Path(arguments.tls_key) if arguments.tls_key else None,
        is_insecure=arguments.insecure,
    )
    happened = Happened()
    service = Service(
        settings,
        timelines=arguments.timelines,
        folders=arguments.watch or (),
        beside=arguments.beside,
        listener=happened.put,
        settings_file=Path(arguments.settings) if arguments.settings else None,
    )
    try:
        with (
            console.interruptible(is_patient=True) as stop,
            service,
            Server(service, door) as server,
            shown(service, server, quiet=arguments.quiet, json_events=arguments.json_events) as show,
        ):
            gc.freeze()
            gc.set_threshold(*_COLLECTIONS)
            while not (stop.is_set() or service.ended.is_set()):
                show(happened.next(_LOOK_SECONDS))
    except KeyboardInterrupt:
        return 0
    if service.ended.is_set():
        raise ServiceError(service.why_ended, hint="Start it again")
    return 0


def _dry_run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import console, streams, tables

    with console.job(arguments) as job:
        plans = optimizer.plan_rushes(arguments.watch or (), beside=arguments.beside, **job.options)
        if not plans:
            streams.text("no folder is watched: name one with --watch DIR\n")
        for folder, report in plans:
            streams.written(partial(_show_plan, folder, partial(tables.show_proxies, report, dry_run=True)))
    return 0


def _show_plan(folder: Path, show: Callable[[], None]) -> None:
    from otio_perf.cli.console import stdout
    from otio_perf.errors import printable

    stdout().print(printable(folder), markup=False)
    show()
