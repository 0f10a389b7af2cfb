"""Which regions of a timeline this machine cannot play in real time, why, and what would help.

Reads any timeline that OpenTimelineIO has an adapter for. Nothing is changed and nothing is made.
"""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("timeline", metavar="TIMELINE", help="timeline file (.otio, .otioz, EDL, FCP XML, AAF …)")
    options.add_settings(parser, "workspace", "proxy", *options.READING, "stall_seconds")
    options.add_output(parser, json="the analysis", html=True)


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import console, tables
    from otio_perf.reports import document, html

    with console.job(arguments) as job:
        analysis = optimizer.analyze(arguments.timeline, **job.options)
    job.answer(
        table=lambda: tables.show_analysis(analysis),
        document=lambda: document.analysis_document(analysis),
        page=lambda: html.page([analysis]),
    )
    return 0
