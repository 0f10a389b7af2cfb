"""Keep timelines and rushes light while you edit: proxies and prerenders follow every save.

Timelines that are named are followed: each save is surveyed, what became obsolete is cancelled, what is new is made, and
NAME.perf.otio is written beside each when it is done. Folders that are watched become proxies as files are copied in.
Ctrl-C stops it in order; the same command goes on from there. 'otio-perf queue' and 'otio-perf activity' talk to it.
"""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("timelines", metavar="TIMELINE", nargs="*", help="timeline files to follow")
    parser.add_argument("--watch", metavar="DIR", action="append", default=[], help="folder of rushes to watch; repeatable")
    options.add_settings(parser, "workspace", *options.PROXIES, *options.RENDERING, *options.READING)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf.cli import console
    from otio_perf.service.service import Service

    settings = options.load(arguments)
    with console.interruptible() as stop, Service(settings, timelines=arguments.timelines, folders=arguments.watch):
        stop.wait()
    return 0
