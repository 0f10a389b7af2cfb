"""Measure what this machine can decode, scale and encode (at most 20 seconds); predictions rest on it."""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    options.add_settings(parser)
    options.add_output(parser, json="the machine profile")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import console, tables
    from otio_perf.reports import document

    with console.job(arguments) as job:
        machine = optimizer.calibrate(**job.options)
    job.answer(
        table=lambda: tables.show_machine(machine),
        document=lambda: document.machine_document(machine),
    )
    return 0
