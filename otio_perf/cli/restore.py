"""Bring the originals back into a timeline that 'otio-perf optimize' wrote, edited since or not.

An untouched timeline comes back byte for byte, as OpenTimelineIO writes it; an edited one keeps its edits.
"""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("timeline", metavar="TIMELINE", help="timeline file that refers to proxies")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="timeline to write")
    options.add_settings(parser, "workspace", *options.READING)
    options.add_output(parser, json="what was done")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import console, tables
    from otio_perf.metrics.trace import Trace
    from otio_perf.reports import document

    options.refuse_two_documents_on_stdout(arguments)
    settings = options.load(arguments)
    trace = Trace()
    with console.interruptible() as stop, console.Display(quiet=arguments.quiet) as display:
        written = optimizer.restore(
            arguments.timeline, arguments.output, settings=settings, listener=display, trace=trace, stop=stop
        )
    if arguments.json != "-" and not arguments.quiet:
        tables.show_written((written,))
    console.write_documents(
        arguments,
        json=console.as_json(document.written_document((written,))) if arguments.json else "",
        trace=trace.to_json(),
    )
    return 4 if written.left_alone else 0
