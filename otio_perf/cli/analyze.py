"""Which regions of a timeline this machine cannot play in real time, why, and what would help.

Reads any timeline that OpenTimelineIO has an adapter for. Nothing is changed and nothing is made.
"""

from __future__ import annotations

import argparse

from otio_perf.cli import options
from otio_perf.model.analysis import Analysis


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("timeline", metavar="TIMELINE", help="timeline file (.otio, .otioz, EDL, FCP XML, AAF …)")
    options.add_settings(parser, "workspace", *options.READING, "purpose", "stall_seconds")
    options.add_output(parser, json="the analysis", html=True)


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import console, tables
    from otio_perf.metrics.trace import Trace
    from otio_perf.reports import document

    options.refuse_two_documents_on_stdout(arguments)
    settings = options.load(arguments)
    trace = Trace()
    with console.interruptible() as stop, console.Display(quiet=arguments.quiet) as display:
        analysis = optimizer.analyze(arguments.timeline, settings=settings, listener=display, trace=trace, stop=stop)
    if arguments.json != "-" and not arguments.quiet:
        tables.show_analysis(analysis)
    console.write_documents(
        arguments,
        json=console.as_json(document.analysis_document(analysis)) if arguments.json else "",
        html=_page(analysis) if arguments.html else "",
        trace=trace.to_json(),
    )
    return 0


def _page(analysis: Analysis) -> str:
    from otio_perf.reports import html

    return html.page(analysis)
