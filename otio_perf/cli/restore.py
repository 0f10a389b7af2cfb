"""Bring the originals back into a timeline that 'otio-perf optimize' wrote, edited since or not.

An untouched timeline comes back byte for byte, as OpenTimelineIO writes it; an edited one keeps its edits.
"""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("timeline", metavar="TIMELINE", help="timeline file that refers to proxies")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="timeline to write; its suffix is the format")
    options.add_settings(parser, "workspace", *options.READING)
    options.add_output(parser, json="what was done")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import console, tables
    from otio_perf.reports import document, words

    with console.job(arguments) as job:
        written = optimizer.restore(arguments.timeline, arguments.output, **job.options)
    said = "as it was, for there is nothing of otio-perf in it" if written.is_as_it_was else "no proxies are left in it"
    job.answer(
        table=lambda: tables.show_written([written], "back to their originals", otherwise=None if written.left_alone else said),
        document=lambda: document.written_document([written]),
    )
    job.complain(words.left_alone(written.left_alone))
    return 4 if written.left_alone else 0
