"""Take away all that 'host install' put into an editing program: files, entries, and the folders that were made for them.

Proxies and prerenders stay, for projects show them; the folders that they are in are named, and how to be rid of them.
"""

from __future__ import annotations

import argparse

from otio_perf.cli import options
from otio_perf.cli.host import choosing


def configure(parser: argparse.ArgumentParser) -> None:
    choosing.add_host(parser)
    choosing.add_packaging(parser)
    options.add_settings(parser)
    options.add_output(parser, json="what was done", trace=False)


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import hosts
    from otio_perf.cli import console
    from otio_perf.cli.host import tables
    from otio_perf.hosts.rooms import ROOMS
    from otio_perf.model.installing import Step
    from otio_perf.optimizer.places import known_workspaces
    from otio_perf.reports.hosts import changes_document
    from otio_perf.settings import user_cache_folder

    with console.job(arguments) as job:
        changes = hosts.uninstall(arguments.host, packaging=choosing.packaging(arguments))
    steps = ROOMS[arguments.host].steps_out

    def table() -> None:
        tables.show_changes(arguments.host, changes, steps)
        tables.show_own_folders(known_workspaces(), user_cache_folder())

    job.answer(table=table, document=lambda: changes_document(changes, steps))
    return 4 if any(change.step is Step.LEFT for change in changes) else 0
