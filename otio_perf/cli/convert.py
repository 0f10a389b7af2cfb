"""Read timelines, filter, relink, verify and write one timeline, in the manner of otiotool.

The phases run in this order, whatever the order of the options: input, filter, relink, verify, output. Several inputs
become one timeline: their tracks side by side, or one after the other with --concatenate.
"""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input", metavar="FILE", nargs="+", action="extend", required=True, help="timelines to read")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        required=True,
        help="timeline to write; its suffix is the format; through a link into another folder, with absolute media paths",
    )
    group = parser.add_argument_group("filter")
    group.add_argument("--video-only", action="store_true", help="drop audio tracks")
    group.add_argument("--audio-only", action="store_true", help="drop video tracks")
    group.add_argument("--only-tracks-with-name", metavar="NAME", nargs="+", action="extend", help="keep tracks of these names")
    group.add_argument(
        "--only-tracks-with-index", metavar="N", nargs="+", action="extend", type=int, help="keep these tracks, 1 is the first"
    )
    group.add_argument("--concatenate", action="store_true", help="several inputs one after the other")
    group = parser.add_argument_group("relink")
    group.add_argument("--use-proxies", metavar="RUNG", help="activate the proxies of this size that are there")
    words = "activate the originals; proxies stay as extra references, prerendered regions are left out"
    group.add_argument("--use-originals", action="store_true", help=words)
    group = parser.add_argument_group("verify")
    group.add_argument("--check-contract", action="store_true", help="probe every proxy in use and compare it with its source")
    parser.add_argument(
        "--allow-lossy",
        action="store_true",
        help="write formats that keep one reference, even where the original would be lost; "
        "pack the active media only into .otioz and .otiod, which otherwise get all",
    )
    options.add_settings(parser, "workspace", *options.READING)
    options.add_output(parser, json="what was done")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import beside_service, console, tables
    from otio_perf.reports import document, words

    with (
        console.job(arguments) as job,
        beside_service.yielding(job.settings, arguments.input[0], create=False),
    ):
        written = optimizer.convert(
            arguments.input,
            arguments.output,
            video_only=arguments.video_only,
            audio_only=arguments.audio_only,
            only_tracks_with_name=arguments.only_tracks_with_name or (),
            only_tracks_with_index=arguments.only_tracks_with_index or (),
            concatenate=arguments.concatenate,
            use_proxies=arguments.use_proxies,
            use_originals=arguments.use_originals,
            check_contract=arguments.check_contract,
            allow_lossy=arguments.allow_lossy,
            **job.options,
        )
    asked = arguments.use_proxies or arguments.use_originals
    did = "packed with its media" if arguments.output.lower().endswith((".otioz", ".otiod")) else "converted"
    job.answer(
        table=lambda: tables.show_written([written], "relinked", otherwise=None if asked else did),
        document=lambda: document.written_document([written]),
    )
    job.complain(words.left_alone(written.left_alone))
    return 4 if written.left_alone or written.broken else 0
