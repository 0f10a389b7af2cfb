"""What media files are: codec, size, rate, frames, timecode, colour, keyframes, sound; or why they cannot be used."""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("media", metavar="MEDIA|DIR", nargs="+", help="media files, pictures of sequences, folders")
    kept = "folder that remembers what was found (default: one in the user's cache folder)"
    options.add_settings(parser, "workspace", "stall_seconds", said={"workspace": kept})
    options.add_output(parser, json="what was found")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import console, tables
    from otio_perf.reports import document

    with console.job(arguments) as job:
        findings = optimizer.probe(arguments.media, **job.options)
    job.answer(table=lambda: tables.show_media(findings), document=lambda: document.media_document(findings))
    job.complain({f.path: f.reason or f.state for f in findings if f.state != "online"})
    online = sum(f.state == "online" for f in findings)
    return 0 if online == len(findings) else 4 if online else 5
