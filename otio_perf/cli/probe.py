"""What media files are: codec, size, rate, frames, timecode, colour, keyframes, sound; or why they cannot be used.

With --proxy-of also what keeps them from standing for that file: an editing program that refuses a proxy does not say why.
"""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("media", metavar="MEDIA|DIR", nargs="+", help="media files, pictures of sequences, folders")
    parser.add_argument(
        "--proxy-of",
        metavar="SOURCE",
        help="say also in what each of them cannot be a proxy of this file; exit code 4 if one cannot",
    )
    kept = "folder that remembers what was found (default: one in the user's cache folder)"
    options.add_settings(parser, "workspace", "stall_seconds", said={"workspace": kept})
    options.add_output(parser, json="what was found")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import console, tables
    from otio_perf.reports import document

    with console.job(arguments) as job:
        if arguments.proxy_of is None:
            findings, differences = optimizer.probe(arguments.media, **job.options), None
        else:
            findings, differences = optimizer.compare(arguments.proxy_of, arguments.media, **job.options)
    job.answer(
        table=lambda: tables.show_media(findings, differences),
        document=lambda: document.media_document(findings, differences),
    )
    job.complain({f.path: f.reason or f.state for f in findings if f.state != "online"})
    if differences:
        paths = dict.fromkeys(d.path for d in differences)
        job.complain({path: "; ".join(d.text for d in differences if d.path == path) for path in paths})
        return 4
    online = sum(f.state == "online" for f in findings)
    return 0 if online == len(findings) else 4 if online else 5
