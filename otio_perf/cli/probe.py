"""What media files are: codec, size, rate, frames, timecode, colour, keyframes, sound; or why they cannot be used."""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("media", metavar="MEDIA|DIR", nargs="+", help="media files, pictures of sequences, folders")
    options.add_settings(parser, "workspace", "stall_seconds")
    options.add_output(parser, json="what was found")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import console, tables
    from otio_perf.metrics.trace import Trace
    from otio_perf.reports import document

    options.refuse_two_documents_on_stdout(arguments)
    settings = options.load(arguments)
    trace = Trace()
    with console.interruptible() as stop, console.Display(quiet=arguments.quiet) as display:
        findings = optimizer.probe(arguments.media, settings=settings, listener=display, trace=trace, stop=stop)
    if arguments.json != "-" and not arguments.quiet:
        tables.show_media(findings)
    console.write_documents(
        arguments,
        json=console.as_json(document.media_document(findings)) if arguments.json else "",
        trace=trace.to_json(),
    )
    online = sum(f.state == "online" for f in findings)
    return 0 if online == len(findings) else 4 if online else 5
