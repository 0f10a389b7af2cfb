"""What works and what does not in editing programs, line by line, and what to do about it."""

from __future__ import annotations

import argparse

from otio_perf.cli import options
from otio_perf.cli.host import choosing


def configure(parser: argparse.ArgumentParser) -> None:
    choosing.add_host(parser, is_optional=True)
    options.add_settings(parser)
    options.add_output(parser, json="what was found", trace=False)


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import hosts
    from otio_perf.cli import console
    from otio_perf.cli.host import tables
    from otio_perf.reports.hosts import findings_document

    with console.job(arguments) as job:
        findings = hosts.examine([arguments.host] if arguments.host else hosts.HOSTS)
    job.answer(table=lambda: tables.show_findings(findings), document=lambda: findings_document(findings))
    return 0 if all(finding.works or not finding.required for finding in findings) else 5
