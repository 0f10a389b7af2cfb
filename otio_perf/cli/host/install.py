"""Put menu commands and proxy profiles into an editing program; what is there already stays as it is.

Run it again after an upgrade of otio-perf, or when it has moved. What you changed in our entries is left as you want it.
The settings of Shotcut are left to you: the steps are shown.
"""

from __future__ import annotations

import argparse

from otio_perf.cli import options
from otio_perf.cli.host import choosing


def configure(parser: argparse.ArgumentParser) -> None:
    choosing.add_host(parser)
    choosing.add_packaging(parser)
    parser.add_argument("--command", metavar="FILE", help="the otio-perf that the scripts run (default: this one)")
    options.add_settings(parser)
    options.add_output(parser, json="what was done", trace=False)


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import hosts
    from otio_perf.cli import console
    from otio_perf.cli.host import tables
    from otio_perf.hosts.rooms import ROOMS
    from otio_perf.model.installing import Step
    from otio_perf.reports.hosts import changes_document

    with console.job(arguments) as job:
        changes = hosts.install(arguments.host, packaging=choosing.packaging(arguments), command=arguments.command)

    steps = ROOMS[arguments.host].steps_in

    def table() -> None:
        tables.show_changes(arguments.host, changes, steps)
        if lacking := [finding for finding in hosts.examine([arguments.host]) if not finding.works]:
            tables.show_findings(lacking)

    job.answer(table=table, document=lambda: changes_document(changes, steps))
    return 4 if any(change.step is Step.LEFT for change in changes) else 0
