"""Optimize, prerender or restore the project that an editing program has open; it shows the result at once.

optimize   make the proxies that it needs, and show it by them
prerender  render ahead what does not play, into the program's own preview
restore    back to the originals
proxies    of --media alone, shown by the program's own switch, which acts on the clips that are selected there

The project must be saved (--save saves it). What you edit while the work is done is never written over: the result is then
left beside the project. What was there before is kept as NAME.before-otio_perf.kdenlive, the newest three of these. Where no
Kdenlive has the project open, its file is changed; where Kdenlive cannot be asked (no session bus), the result is written
beside it. Exit code 4: what was made is not shown yet, or some of it is missing.
"""

from __future__ import annotations

import argparse

from otio_perf import settings
from otio_perf.cli import options
from otio_perf.cli.host import choosing
from otio_perf.errors import SettingsError
from otio_perf.hosts import APPLIED

_PROXIES = tuple(name for name in options.PROXIES if name not in ("scope", "handles"))  # hosts take whole media
#: The settings that each goes by, besides those of everything that reads a timeline.
_SETTINGS = {
    "optimize": _PROXIES,
    "prerender": (*options.RENDERING, "jobs", "stall_seconds"),
    "restore": (),
    "proxies": _PROXIES,
}


def configure(parser: argparse.ArgumentParser) -> None:
    choosing.add_host(parser, APPLIED)
    actions = dict.fromkeys(what for does in APPLIED.values() for what in does)
    parser.add_argument("what", metavar="WHAT", choices=list(actions), help=", ".join(actions))
    parser.add_argument("--project", metavar="FILE", help="project (default: the one that is open)")
    parser.add_argument("--pid", type=int, metavar="N", help="process of the program, where several run")
    parser.add_argument("--save", action="store_true", help="have the program save its changes first")
    parser.add_argument(
        "--once",
        action="store_true",
        help="not again, where the same was done a moment ago (for another of the selected clips)",
    )
    parser.add_argument("--zone", action="store_true", help="prerender: the project's zone only")
    parser.add_argument(
        "--all", action="store_true", help="optimize: proxies of all media, needed or not; prerender: all that has effects"
    )
    parser.add_argument("--media", metavar="FILE", action="append", help="proxies: of this one; repeatable")
    options.add_settings(parser, "workspace", *_PROXIES, *options.RENDERING, *options.READING)
    options.add_output(parser, json="what was done")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import hosts
    from otio_perf.cli import beside_service, console, streams
    from otio_perf.reports import document, words

    _require_used(arguments)
    with (
        console.job(arguments) as job,
        beside_service.yielding(job.settings, arguments.project),
    ):
        report = hosts.apply(
            arguments.host,
            arguments.what,
            project=arguments.project,
            pid=arguments.pid,
            save=arguments.save,
            once=arguments.once,
            zone=arguments.zone,
            all=arguments.all,
            media=arguments.media or (),
            **job.options,
        )

    def table() -> None:
        streams.text(f"{report.project or report.host}: {report.message}\n")
        if report.backup:
            streams.text(f"what was there before: {report.backup}\n")

    job.answer(table=table, document=lambda: document.host_document(report))
    job.complain({**report.failed, **words.left_alone(report.left_alone)})
    return 0 if report.is_told and not report.failed and not report.left_alone else 4


def _require_used(arguments: argparse.Namespace) -> None:
    """:raises SettingsError: a setting is said by which this does not go"""
    used = {"workspace", *options.READING, *_SETTINGS[arguments.what]}
    for name, row in settings.BY_NAME.items():
        if name not in used and getattr(arguments, f"setting_{name}", None) is not None:
            raise SettingsError(f"{arguments.what} takes no {row.flag}")
