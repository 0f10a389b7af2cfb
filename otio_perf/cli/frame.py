"""A frame of a timeline as a picture, effects and all; several become a contact sheet.

A time is a frame (48), a timecode (01:00:02:00) or seconds (2.5s).
"""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("timeline", metavar="TIMELINE", help="timeline file (.otio, .otioz, EDL, FCP XML, AAF …)")
    parser.add_argument("times", metavar="TIME", nargs="+", help="frame (48), timecode (01:00:02:00) or seconds (2.5s)")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="picture to write: .png, .tif or .jpg")
    options.add_size(parser)
    options.add_fidelity(
        parser, exact="refuse effects that are not rendered as the editing program does", unknown="leave out what is unknown"
    )
    options.add_sources(parser)
    options.add_settings(parser, "workspace", "colour", "gpu", *options.READING, "stall_seconds")
    options.add_output(parser, json="what was rendered")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import console, tables
    from otio_perf.reports import document

    with console.job(arguments) as job:
        report = optimizer.frame(
            arguments.timeline,
            arguments.times,
            arguments.output,
            size=arguments.size,
            fidelity=arguments.fidelity,
            use_proxies=arguments.use_proxies,
            **job.options,
        )
    job.answer(table=lambda: tables.show_still(report), document=lambda: document.still_document(report))
    return 4 if any(f.missing or f.unknown or f.unusable for f in report.frames) else 0
