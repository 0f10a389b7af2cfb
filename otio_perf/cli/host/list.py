"""Which editing programs are on this machine, where they keep their files, and what is installed into them."""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    options.add_settings(parser)
    options.add_output(parser, json="what was found", trace=False)


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import hosts
    from otio_perf.cli import console
    from otio_perf.cli.host import tables
    from otio_perf.reports.hosts import hosts_document

    with console.job(arguments) as job:
        states = hosts.found()
    job.answer(table=lambda: tables.show_hosts(states), document=lambda: hosts_document(states))
    return 0
