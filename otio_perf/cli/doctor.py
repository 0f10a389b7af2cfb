"""What was found on this machine: versions, timeline formats, hardware encoders, workspace, what is missing, and what was never
run here because there is nothing to try it on."""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    options.add_settings(parser, "workspace")
    options.add_output(parser, json="what was found", trace=False)


def run(arguments: argparse.Namespace) -> int:
    from otio_perf.cli import console, tables
    from otio_perf.optimizer import doctor
    from otio_perf.reports import document

    with console.job(arguments) as job:
        checks = doctor.examine(job.settings)
    job.answer(
        table=lambda: tables.show_checks(checks),
        document=lambda: document.checks_document(checks),
    )
    return 0 if all(c.works or not c.required for c in checks) else 5
